"""How much of the faces there are a generator draws, and how much like faces they look."""

from __future__ import annotations

import time

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from data.faces import FACE_PARAMETERS, draw_faces, random_parameters

from .._check import integer, same_length
from .._provenance import data_hash, provenance
from .face_regressor import FaceRegressor, read_parameters

_RENDERED_SEED = 4_000_037  # neither those of the training nor those of the regressor's scores


def face_coverage(model: FaceRegressor, images: Tensor, *, bins: int = 10) -> xr.Dataset:
    """Which parameters a generator's faces have, and how well a drawing of these repeats them.

    Parameters
    ----------
    model
        Reads parameters off pictures.
    images
        (n, 3, size, size) samples of a generator, in [-1, 1]; some hundreds at least.
    bins
        Of the range of a parameter.

    Returns
    -------
    xr.Dataset
        ``coverage (parameter)``: what the histogram of the samples' values shares with that of as
        many rendered faces, read by the same model: 1 if they are the same, 0 if nothing is shared.
        ``chance_coverage (parameter)``: the same of other rendered faces, what may be reached.
        ``redrawn (source)``: median root mean squared difference of a picture and its drawing from
        the values read, of "samples" and "rendered" faces; 0 is the same picture, 2 the range.
        ``attribute (parameter)``: the region that a parameter belongs to.

    Raises
    ------
    TypeError, ValueError
        If `bins` is no integer of at least 2, or as `read_parameters` says.

    Notes
    -----
    Each parameter is looked at alone: a generator that knows all values but few of their
    combinations covers them too.
    """
    started = time.perf_counter()
    integer("bins", bins, low=2)
    read = {"samples": read_parameters(model, images)}
    shown = {"samples": images.detach().float()}
    for i, name in enumerate(("rendered", "others")):
        drawn = random_parameters(len(images), seed=_RENDERED_SEED + i)
        shown[name] = _drawn(drawn, model.size)
        read[name] = read_parameters(model, shown[name])
    words = {"units": "1"}
    found = {
        "coverage": _shared(read["samples"], read["rendered"], bins),
        "chance_coverage": _shared(read["others"], read["rendered"], bins),
    }
    sources = ["samples", "rendered"]
    redrawn = [_redrawn(shown[name], read[name], model.size) for name in sources]
    return xr.Dataset(
        {
            "coverage": ("parameter", found["coverage"], {"long_name": "coverage", **words}),
            "chance_coverage": (
                "parameter",
                found["chance_coverage"],
                {"long_name": "coverage of other rendered faces", **words},
            ),
            "redrawn": ("source", redrawn, {"long_name": "difference from the drawing", **words}),
            "attribute": ("parameter", list(FACE_PARAMETERS.values())),
        },
        {"parameter": list(FACE_PARAMETERS), "source": sources},
        provenance(
            "subjects.face_coverage",
            parameters={"bins": bins, "n": len(images)},
            data=data_hash([shown["samples"].numpy()]),
            seed=_RENDERED_SEED,
            started=started,
        ),
    )


def _drawn(parameters: np.ndarray, size: int) -> Tensor:
    parts = torch.from_numpy(parameters).float().split(500)
    with torch.no_grad():
        return torch.cat([draw_faces(part, size) for part in parts])


def _shared(values: np.ndarray, others: np.ndarray, bins: int) -> np.ndarray:
    """(parameter,): the common part of two histograms over [0, 1], each of which sums to 1."""
    same_length(values=values, others=others)

    def histogram(column: np.ndarray) -> np.ndarray:
        return np.histogram(column, bins, (0.0, 1.0))[0] / len(column)

    pairs = zip(values.T, others.T, strict=True)
    return np.array([np.minimum(histogram(a), histogram(b)).sum() for a, b in pairs])


def _redrawn(images: Tensor, read: np.ndarray, size: int) -> float:
    squared = (images - _drawn(read, size)).square().mean((1, 2, 3))
    return float(squared.sqrt().median())
