"""An object by its name: each mistake is one sentence that says what to do; and the text of it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from probe.subjects.inspection import (
    inspect_model,
    inspection_json,
    inspection_text,
    load_subject,
)

SOURCE = """\
import functools
import numpy as np

print("said on import")
rows = np.eye(3)


def make():
    print("said by the factory")
    return np.eye(4)


def needs(path, size=3):
    return np.eye(size)


def fails():
    raise RuntimeError("no weights.\\nsecond line")


def missing_files():
    raise OSError("we could not connect to the hub")


def offline():
    import os

    return np.full((2, 2), float(os.environ["HF_HUB_OFFLINE"]))


def leaves():
    raise SystemExit("gone")


class Made:
    dim = 4


made = functools.partial(needs, "here", size=2)
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with one module of a name that nothing else has."""
    (tmp_path / "inspected_mine.py").write_text(SOURCE)
    (tmp_path / "inspected_broken.py").write_text("x = (1,\n")
    (tmp_path / "inspected_raises.py").write_text("1 / 0\n")
    (tmp_path / "inspected_needs.py").write_text("import surely_not_installed\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "beside.py").write_text("size = 5\n")
    (tmp_path / "folder" / "model.py").write_text(
        "import numpy as np\nfrom beside import size\n\n\ndef make():\n    return np.eye(size)\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("inspected_") or name == "beside"]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("target", "shape"),
    [
        ("inspected_mine:make", (4, 4)),
        ("inspected_mine:rows", (3, 3)),
        ("inspected_mine:made", (2, 2)),
        ("inspected_mine.py:make", (4, 4)),
        ("folder/model.py:make", (5, 5)),
    ],
)
def test_a_function_is_called_and_an_object_taken(
    here: Path, target: str, shape: tuple[int, int], capsys: pytest.CaptureFixture[str]
) -> None:
    before = list(sys.path)
    assert load_subject(target).shape == shape
    assert sys.path == before
    assert capsys.readouterr().out == "", "what the user's code prints is not part of the result"


def test_a_class_is_made_and_a_name_may_have_dots(here: Path) -> None:
    assert type(load_subject("inspected_mine:Made")).__name__ == "Made"
    assert load_subject("inspected_mine:Made.dim") == 4


def test_the_hub_is_offline_while_the_factory_runs(here: Path) -> None:
    assert load_subject("inspected_mine:offline")[0, 0] == 1.0
    assert "HF_HUB_OFFLINE" not in os.environ


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("inspected_mine", "`target` must be module:name or path/to/file.py:name"),
        ("inspected_mine:", "`target` must be module:name"),
        ("absent_module:make", "there is no module 'absent_module' in .*; change to its folder"),
        ("absent/file.py:make", "there is no file 'absent/file.py' in"),
        ("inspected_mine:absent", "has no 'absent'; it has rows, make, needs"),
        ("inspected_mine:needs", r"needs must be callable without arguments; it needs path. Write"),
        (
            "inspected_mine:fails",
            r"fails\(\) failed: RuntimeError: no weights \(inspected_mine.py, line 18\)\.$",
        ),
        ("inspected_mine:missing_files", r"Nothing is downloaded here: get the model first"),
        ("inspected_mine:leaves", r"leaves\(\) failed: SystemExit: gone"),
        ("inspected_broken:make", r"importing 'inspected_broken' failed: SyntaxError: .*line 1"),
        ("inspected_raises:make", "failed: ZeroDivisionError: .*inspected_raises.py, line 1"),
        ("inspected_raises.py:make", "importing 'inspected_raises.py' failed: ZeroDivisionError"),
        ("inspected_needs:make", "it needs 'surely_not_installed', which is not installed"),
    ],
)
def test_each_mistake_is_one_sentence(here: Path, target: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as raised:
        load_subject(target)
    assert "\n" not in str(raised.value)


@pytest.fixture
def found() -> xr.Dataset:
    return inspect_model(np.random.default_rng(0).normal(size=(30, 5)), name="mine:rows")


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_text_keeps_to_the_terminal(found: xr.Dataset, width: int) -> None:
    text = inspection_text(found, width=width)
    head, _, rest = text.partition("Next, in Python:")
    code, _, basis = rest.partition("Estimates for")
    assert max(map(len, (head + basis).splitlines())) <= width
    assert text.startswith("mine:rows: embeddings, ndarray")
    assert "geometry = anisotropy(embeddings)" in code
    for probe in found.probe.values:
        assert f"\n{probe} " in head


def test_a_line_of_code_is_said_once_and_a_basis_for_all_that_share_it() -> None:
    from probe.subjects.vision_language import scene_model

    model = scene_model("single", parts={"d_model": 16, "n_layers": 2, "n_heads": 2})
    text = inspection_text(inspect_model(model, measure=False))
    assert text.count("GroundedPair, Phrase") == 1
    assert text.count("not measured") <= 2


def test_json_is_json_and_knows_no_nan(found: xr.Dataset) -> None:
    made = json.loads(inspection_json(found))
    assert made["name"] == "mine:rows"
    assert made["facts"]["rows"] == 30
    assert made["probes"]["whitening"]["applies"] == "yes"
    assert made["probes"]["whitening"]["seconds"] == float(found.seconds.sel(probe="whitening"))
    assert made["probes"]["value"]["seconds"] is None
    assert made["probes"]["value"]["missing"] == "wants a model of images with text"


def test_text_of_something_else_is_refused(found: xr.Dataset) -> None:
    with pytest.raises(ValueError, match="`found` must be a result of inspect_model; got Dataset"):
        inspection_text(xr.Dataset())
    with pytest.raises(ValueError, match="`found` must be a result of inspect_model; got dict"):
        inspection_json({})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`width` must be at least 40"):
        inspection_text(found, width=10)
    with pytest.raises(TypeError, match="`width` must be an integer"):
        inspection_text(found, width=80.0)  # type: ignore[arg-type]
