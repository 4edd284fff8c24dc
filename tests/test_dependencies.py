"""The files that name dependencies agree, and importing the library stays cheap."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def declared() -> set[str]:
    """Every requirement of pyproject.toml, extras included."""
    extras = project()["optional-dependencies"].values()
    return {*project()["dependencies"], *(line for extra in extras for line in extra)}


def bare(requirement: str) -> str:
    """The normalised name in a requirement line."""
    name = re.match(r"[A-Za-z0-9_.-]+?(?=[<>=!~\[ ;]|$)", requirement)
    assert name, requirement
    return re.sub(r"[-_.]+", "-", name.group()).lower()


def test_environment_yml_names_what_pyproject_names() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    conda = [line for line in environment["dependencies"] if isinstance(line, str)]
    (pip,) = [line["pip"] for line in environment["dependencies"] if isinstance(line, dict)]
    assert set(pip) - {"-e ."} == declared()
    assert "-e ." in pip
    assert f"python{project()['requires-python']}" in conda


def test_every_requirement_is_a_floor_and_never_a_cap() -> None:
    for line in declared():
        assert ">=" in line, f"{line} has no floor"
        assert not re.search(r"<|==|~=|!=", line), f"{line} caps a version"


def test_constraints_pin_every_installed_requirement() -> None:
    pins = [
        line
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[^ +@]+", line) for line in pins), pins
    extras = project()["optional-dependencies"]
    needed = {
        *project()["dependencies"],
        *(line for each in ("hf", "demo", "dev", "docs") for line in extras[each]),
    }
    assert {bare(line) for line in needed} <= {bare(line) for line in pins}


def modules_after(statement: str) -> set[str]:
    """Top-level modules loaded by a statement in a fresh interpreter."""
    code = f"{statement}\nimport sys\nsys.stdout.write(' '.join(sys.modules))"
    return set(subprocess.check_output([sys.executable, "-c", code], text=True).split())


@pytest.mark.parametrize(
    "statement",
    ["import probe", "import data", "import viz", "import probe.whitening"],
)
def test_imports_bring_nothing_heavy(statement: str) -> None:
    heavy = {
        "umap",
        "captum",
        "transformers",
        "matplotlib.pyplot",
        "seaborn",
        "sklearn",
        "jupyterlab",
    }
    assert not heavy & modules_after(statement)


def test_importing_the_command_line_does_not_load_torch() -> None:
    assert not {"torch", "transformers", "umap"} & modules_after("import loupe")


def test_the_installer_reads_pins_and_pip_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    import install

    assert install.pinned("torch").startswith("torch==2.")
    with pytest.raises(SystemExit, match="does not pin nothing-of-the-kind"):
        install.pinned("nothing-of-the-kind")
    told = "global.find-links='/wheels'\n:env:.index-url='https://mirror.example/simple'\n"
    monkeypatch.setattr(
        subprocess, "run", lambda *a, **k: subprocess.CompletedProcess(a, 0, stdout=told)
    )
    for name in ("UV_FIND_LINKS", "UV_DEFAULT_INDEX"):
        monkeypatch.delenv(name, raising=False)
    settings = install.uv_settings(Path(sys.executable))
    assert settings == {
        "UV_FIND_LINKS": "/wheels",
        "UV_DEFAULT_INDEX": "https://mirror.example/simple",
    }


def test_the_installer_keeps_a_torch_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    import install

    commands: list[tuple] = []
    monkeypatch.setattr(install, "run", lambda *words: commands.append(words))
    install.install_torch(Path(sys.executable), [])
    assert commands == []
    install.install_torch(Path(sys.executable), ["torch", "--index-url", "https://x.example"])
    assert commands[0][-3:] == ("torch", "--index-url", "https://x.example")
