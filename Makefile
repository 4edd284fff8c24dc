# make demo     build the environment once, show a real sentence model: the first picture
# make report   build the environment once, run the tour in full, print the path of its page; then small
#               previews of the other notebooks that have no page yet, and reports/index.html over all
# make gallery  every notebook in full (02_isd alone trains for about 45 core-minutes), and reports/index.html
# make test     the same set-up, then every test
# make lab      open JupyterLab on the notebooks
# make benchmark / sts / renode / iais / contact   the figures of the README and docs/measured.md, again
# One notebook in full: make report NOTEBOOK=03_totoro   (and reports/index.html again)
# Another torch:        make report TORCH="torch --index-url https://download.pytorch.org/whl/cu130"
# Another interpreter:  make report PYTHON=/path/to/python3.11
PYTHON ?= $(shell command -v python3.11 || command -v python3)
TORCH ?=
NOTEBOOK ?=
VENV ?= .venv
# Relative paths throughout, so that a checkout below a folder with a space works.
BIN := $(VENV)/bin
STAMP := $(VENV)/.loupe-installed
PYTEST ?=

.PHONY: demo report gallery test fast lab lint docs benchmark sts renode iais contact clean
.DEFAULT_GOAL := report

$(STAMP): pyproject.toml constraints.txt install.py
	@"$(PYTHON)" install.py --venv "$(VENV)" --torch "$(TORCH)"
	@touch "$@"

demo: $(STAMP)
	@"$(BIN)/python" -m loupe demo

report: $(STAMP)
	@"$(BIN)/python" -m loupe gallery $(if $(NOTEBOOK),"$(NOTEBOOK)",00_tour --previews)

gallery: $(STAMP)
	@"$(BIN)/python" -m loupe gallery --all

test: $(STAMP)
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null \
	  || command -v google-chrome >/dev/null \
	  || echo "loupe: no Chromium here: the browser tests will be SKIPPED (Debian: apt install chromium)"
	@"$(BIN)/python" -m pytest $(PYTEST)

fast: $(STAMP)
	@"$(BIN)/python" -m pytest -m "not slow and not browser" $(PYTEST)

lab: $(STAMP)
	@"$(BIN)/python" -m jupyterlab notebooks

lint: $(STAMP)
	@"$(BIN)/python" -m ruff check .
	@"$(BIN)/python" -m ruff format --check .
	@"$(BIN)/python" -m pyright

benchmark: $(STAMP)
	@"$(BIN)/python" tests/benchmarks/whitening.py
	@"$(BIN)/python" tests/benchmarks/totoro.py
	@"$(BIN)/python" tests/benchmarks/value.py
	@"$(BIN)/python" tests/benchmarks/isd.py
	@"$(BIN)/python" tests/benchmarks/lowrank.py

sts: $(STAMP)
	@"$(BIN)/python" tests/benchmarks/sts_table.py

renode: $(STAMP)
	@"$(BIN)/python" tests/benchmarks/renode_table.py

iais: $(STAMP)
	@"$(BIN)/python" tests/benchmarks/iais_table.py

docs: $(STAMP)
	@NO_MKDOCS_2_WARNING=1 "$(BIN)/python" -m mkdocs build --strict
	@"$(BIN)/python" docs/hooks/check_links.py site

contact:
	@"$(PYTHON)" tests/benchmarks/first_contact.py

clean:
	rm -rf "$(VENV)" reports site build ./*.egg-info
