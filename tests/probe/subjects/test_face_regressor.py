"""The regressor of face parameters: what it reads, its scores and its file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from data.faces import FACE_PARAMETERS, draw_faces, random_parameters
from probe.subjects import face_regressor
from probe.subjects.face_regressor import (
    FaceRegressor,
    read_parameters,
    regressor_scores,
    trained_face_regressor,
)


@pytest.fixture
def few_faces(monkeypatch: pytest.MonkeyPatch) -> None:
    """A training set that is drawn at once."""
    monkeypatch.setattr(face_regressor, "_FACES", 256)


def test_training_makes_it_better_and_is_done_once(
    few_faces: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = trained_face_regressor(steps=40, folder=tmp_path, progress=False)
    r2 = first.scores["r2"]
    untrained = regressor_scores(FaceRegressor())["r2"]
    assert float(r2.mean()) > float(untrained.mean()) + 0.05
    assert float(r2.sel(parameter="skin_tone")) > 0.3
    assert r2.parameter.values.tolist() == list(FACE_PARAMETERS)
    assert first.scores["attribute"].values.tolist() == list(FACE_PARAMETERS.values())
    assert first.scores.attrs["probe"] == "subjects.face_regressor"
    monkeypatch.setattr(face_regressor, "fit", None)  # would fail if it were called
    second = trained_face_regressor(steps=40, folder=tmp_path, progress=False)
    assert second.path == first.path
    assert second.scores["r2"].equals(r2)
    assert [file.name for file in tmp_path.iterdir()] == [first.path.name]


def test_scores_are_one_for_what_is_known_and_zero_for_the_mean(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    true = random_parameters(300, seed=face_regressor._HELD_OUT_SEED)
    answers = iter([true, np.broadcast_to(true.mean(0), true.shape)])
    monkeypatch.setattr(face_regressor, "read_parameters", lambda model, images: next(answers))
    assert np.allclose(regressor_scores(FaceRegressor(width=2), n=300)["r2"], 1)
    assert np.allclose(regressor_scores(FaceRegressor(width=2), n=300)["r2"], 0)


def test_what_is_read_lies_within_the_ranges_and_does_not_depend_on_the_batch() -> None:
    model = FaceRegressor(width=4, seed=1)
    images = draw_faces(torch.from_numpy(random_parameters(600)).float())
    found = read_parameters(model, images)
    assert found.dtype == np.float64
    assert found.shape == (600, 20)
    assert found.min() >= 0
    assert found.max() <= 1
    assert np.allclose(read_parameters(model, images[550:]), found[550:], atol=1e-6)
    assert model.names == tuple(FACE_PARAMETERS)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: FaceRegressor(48), "`size` must be a power of two; got 48"),
        (lambda: FaceRegressor(width=0), "`width` must be at least 1; got 0"),
        (
            lambda: FaceRegressor()(torch.zeros(1, 3, 64, 64)),
            r"`images` must have axes \(n, 3, 32, 32\)",
        ),
        (lambda: regressor_scores(FaceRegressor(), n=1), "`n` must be at least 2; got 1"),
        (
            lambda: read_parameters(FaceRegressor(), torch.full((1, 3, 32, 32), torch.nan)),
            "`images` must be finite everywhere",
        ),
        (lambda: trained_face_regressor(steps=0), "`steps` must be at least 1; got 0"),
        (lambda: trained_face_regressor(seed=-1), "`seed` must be at least 0; got -1"),
    ],
)
def test_what_cannot_be_read_is_refused(call, text: str, few_faces: None) -> None:
    with pytest.raises(ValueError, match=text):
        call()
