"""Where tests of loaders find NLVR: in the cache folder that a user has."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest


@pytest.fixture
def nlvr_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder holding NLVR's development set, named by LOUPE_DATA as a user would."""
    given = os.environ.get("LOUPE_TEST_DATA", "")
    source = Path(given) / "nlvr"
    if not given or not source.is_dir():
        reason = "NLVR is not here: set LOUPE_TEST_DATA to a folder that holds nlvr/dev.json"
        if os.environ.get("LOUPE_REQUIRE_ALL", "") == "1":
            pytest.fail(f"required test cannot run: {reason}")
        pytest.skip(reason)
    cache = tmp_path / "cache"
    shutil.copytree(source, cache / "nlvr", copy_function=shutil.copyfile)
    monkeypatch.setenv("LOUPE_DATA", str(cache))
    return cache
