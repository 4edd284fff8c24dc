"""The command line as a user calls it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import loupe
from data import load_python_prose
from probe.whitening import anisotropy, whitening_effect
from viz.report import external_resources


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """Exit status of `loupe WORDS`."""
    monkeypatch.setattr(sys, "argv", ["loupe", *words])
    with pytest.raises(SystemExit) as ended:
        loupe.main()
    return int(ended.value.code or 0)


@pytest.fixture
def rows() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(60, 8)) + 2.0


def test_data_list_says_what_is_here_and_under_which_licence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOUPE_DATA", str(tmp_path))
    assert run(monkeypatch, "data", "list") == 0
    out = capsys.readouterr().out
    (line,) = [line for line in out.splitlines() if line.startswith("stsb-test ")]
    assert "missing" in line
    assert "CC BY-SA 4.0" in line
    assert str(tmp_path) in out


def test_data_get_gives_the_path_of_what_is_in_the_cache(
    monkeypatch: pytest.MonkeyPatch, sts_cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "data", "get", "stsb-test") == 0
    assert capsys.readouterr().out.strip() == str(sts_cache / "sts" / "stsb-test.tsv")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("report", "nonsense"), "must be given a notebook (.ipynb), a saved result (.nc)"),
        (("report", "absent.ipynb"), "absent.ipynb"),
        (("report", "absent.nc"), "absent.nc"),
        (("data", "get", "nonsense"), "must be one of"),
    ],
)
def test_a_mistake_ends_in_a_sentence_and_status_2(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, *words) == 2
    told = capsys.readouterr().err
    assert said in told
    assert "Traceback" not in told
    assert list(tmp_path.iterdir()) == []


def test_report_of_a_saved_result(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    rows: np.ndarray,
) -> None:
    hostile = "</script><img src=x onerror=alert(1)>"
    effect = whitening_effect(rows, texts=[hostile] * 60, transforms=("raw", "whiten"))
    effect.to_netcdf(tmp_path / "effect.nc", engine="h5netcdf")
    out = tmp_path / "pages" / "effect.html"
    assert run(monkeypatch, "report", str(tmp_path / "effect.nc"), "-o", str(out)) == 0
    assert str(out) in capsys.readouterr().out
    page = out.read_text(encoding="utf-8")
    assert external_resources(page) == []
    assert "<img src=x" not in page


def test_a_result_has_all_its_faces(tmp_path: Path, rows: np.ndarray) -> None:
    import viz  # noqa: F401

    page = anisotropy(rows).viz.to_html(tmp_path / "anisotropy.html")
    assert "Average cosine" in Path(page).read_text(encoding="utf-8")


@pytest.mark.slow
def test_demo_draws_the_real_model(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, demo_model: None
) -> None:
    monkeypatch.setenv("LOUPE_DATA", str(tmp_path / "empty"))
    out = tmp_path / "demo.html"
    assert run(monkeypatch, "demo", "-o", str(out)) == 0
    page = out.read_text(encoding="utf-8")
    assert external_resources(page) == []
    assert len(page) < 5_000_000


def test_without_the_real_model_the_demo_trains_a_small_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from probe.subjects import contrastive, sentence

    monkeypatch.setattr(sentence.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(contrastive, "train_small_encoder", lambda texts, **how: (len(texts), how))
    corpus = load_python_prose(limit=60)
    assert loupe._subject(corpus) == (60, {"steps": 100, "seed": 0})
    assert "training a small encoder instead" in capsys.readouterr().out


def test_a_cell_that_fails_ends_in_a_sentence_unless_a_traceback_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise RuntimeError("notebook x.ipynb stopped in cell 3: ValueError: no")

    monkeypatch.setattr("viz.report.notebook.export_notebook", stop)
    assert run(monkeypatch, "report", "x.ipynb", "-o", str(tmp_path / "x.html")) == 2
    assert capsys.readouterr().err == (
        "loupe: notebook x.ipynb stopped in cell 3: ValueError: no\n"
    )
    monkeypatch.setenv("LOUPE_TRACEBACK", "1")
    monkeypatch.setattr(sys, "argv", ["loupe", "report", "x.ipynb"])
    with pytest.raises(RuntimeError, match="stopped in cell 3"):
        loupe.main()
