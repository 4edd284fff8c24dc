"""Coverage of faces: one for rendered ones, nothing for what is not there."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from data.faces import FACE_PARAMETERS, draw_faces, random_parameters
from probe.subjects import generator_coverage
from probe.subjects.face_regressor import FaceRegressor
from probe.subjects.generator_coverage import face_coverage


@pytest.fixture
def all_knowing(monkeypatch: pytest.MonkeyPatch) -> dict[int, np.ndarray]:
    """A reader that knows the parameters of each picture by its pixels."""
    known: dict[int, np.ndarray] = {}
    draw = generator_coverage._drawn

    def drawn(parameters: np.ndarray, size: int) -> torch.Tensor:
        images = draw(parameters, size)
        known.update(
            {hash(i.numpy().tobytes()): p for i, p in zip(images, parameters, strict=True)}
        )
        return images

    def read(model: FaceRegressor, images: torch.Tensor) -> np.ndarray:
        return np.stack([known[hash(image.numpy().tobytes())] for image in images])

    monkeypatch.setattr(generator_coverage, "_drawn", drawn)
    monkeypatch.setattr(generator_coverage, "read_parameters", read)
    return known


def test_rendered_faces_are_covered_and_redrawn(all_knowing: dict[int, np.ndarray]) -> None:
    parameters = random_parameters(600, seed=1)
    # One parameter is never above its middle, another always the same.
    names = list(FACE_PARAMETERS)
    parameters[:, names.index("nose_width")] /= 2
    parameters[:, names.index("eye_gaze")] = 0.55
    found = face_coverage(FaceRegressor(width=2), generator_coverage._drawn(parameters, 32))
    coverage = found["coverage"]
    assert float(coverage.sel(parameter="nose_width")) == pytest.approx(0.5, abs=0.05)
    assert float(coverage.sel(parameter="eye_gaze")) == pytest.approx(0.1, abs=0.04)
    others = coverage.drop_sel(parameter=["nose_width", "eye_gaze"])
    assert others.min() > 0.88
    assert (found["chance_coverage"] > 0.88).all()
    assert np.allclose(found["redrawn"], 0)
    assert found["attribute"].values.tolist() == list(FACE_PARAMETERS.values())


def test_what_is_no_face_is_far_from_its_drawing() -> None:
    images = torch.zeros(50, 3, 32, 32)
    found = face_coverage(FaceRegressor(width=2), images, bins=4)
    drawing = draw_faces(torch.full((1, 20), 0.5))
    assert found["redrawn"].sel(source="samples") > 0.5 * float(drawing.square().mean().sqrt())
    assert found.attrs["probe"] == "subjects.face_coverage"


def test_one_bin_is_refused() -> None:
    with pytest.raises(ValueError, match="`bins` must be at least 2; got 1"):
        face_coverage(FaceRegressor(width=2), torch.zeros(2, 3, 32, 32), bins=1)
