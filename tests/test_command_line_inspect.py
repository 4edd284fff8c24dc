"""`loupe inspect` as a user calls it, from the folder of the model."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import loupe

SOURCE = """\
import numpy as np


def make_rows():
    return np.random.default_rng(0).normal(size=(30, 5))


def make_number():
    return 3
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "inspected_command.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    yield
    sys.modules.pop("inspected_command", None)


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """Exit status of `loupe inspect WORDS`."""
    monkeypatch.setattr(sys, "argv", ["loupe", "inspect", *words])
    with pytest.raises(SystemExit) as ended:
        loupe.main()
    return int(ended.value.code or 0)


@pytest.mark.parametrize("columns", [80, 120])
def test_it_prints_a_table_as_wide_as_the_terminal(
    mine: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert run(monkeypatch, "inspected_command:make_rows", "--examples", "200") == 0
    printed = capsys.readouterr().out
    assert printed.startswith("inspected_command:make_rows: embeddings, ndarray\n")
    assert "Estimates for 200 examples" in printed
    prose = [line for line in printed.splitlines() if "=" not in line and "#" not in line]
    assert max(map(len, prose)) <= columns


def test_json_is_all_that_is_printed(
    mine: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "inspected_command.py:make_rows", "--json") == 0
    made = json.loads(capsys.readouterr().out)
    assert made["probes"]["whitening"]["applies"] == "yes"
    assert made["examples"] == 1000


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("inspected_command",), "must be module:name or path/to/file.py:name"),
        (("absent_module:make",), "there is no module 'absent_module'"),
        (("inspected_command:absent",), "has no 'absent'; it has make_rows, make_number"),
        (
            ("inspected_command:make_number",),
            "what inspected_command:make_number gives must be an nn.Module",
        ),
        (("inspected_command:make_rows", "--examples", "0"), "`examples` must be at least 1"),
    ],
)
def test_a_mistake_ends_in_a_sentence_and_status_2(
    mine: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    said: str,
) -> None:
    assert run(monkeypatch, *words) == 2
    told = capsys.readouterr()
    assert said in told.err
    assert told.out == ""
    assert "Traceback" not in told.err
