"""The geometry of layers as one labelled result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from ..statistics import Interval
from ._layer_geometry import LayerGeometry

_BY_FEATURE = ("layer", "feature")
_BY_COMPONENT = ("layer", "component")
# Variable -> dims, what it is, its range. None has a unit but counts and variances of the input.
_VARIABLES: dict[str, tuple[tuple[str, ...], str, str]] = {
    "n_samples": (("layer",), "number of rows", "[2, inf)"),
    "mean_norm_ratio": (("layer",), "norm of the mean over root mean square norm", "[0, 1]"),
    "average_cosine": (("layer",), "average cosine over all pairs of rows", "[-1, 1]"),
    "cosine_contribution": (_BY_FEATURE, "part of the average cosine due to a feature", "[-1, 1]"),
    "eigenvalues": (_BY_COMPONENT, "variance along a principal direction", "[0, inf)"),
    "explained_share": (_BY_COMPONENT, "share of the variance along a direction", "[0, 1]"),
    "effective_rank": (("layer",), "exponential of the entropy of the variance shares", "[1, d]"),
    "participation_ratio": (("layer",), "directions that share the variance", "[1, d]"),
    "isoscore": (("layer",), "IsoScore of the sample", "[0, 1]"),
    "isoscore_corrected": (
        ("layer",),
        "IsoScore of the distribution, finite-sample bias removed",
        "about [0, 1]; unbiased, so it may leave it by noise",
    ),
    "numerical_rank": (("layer",), "directions of variance above rounding", "[0, d]"),
    "null_dimensions": (("layer",), "directions without variance", "[0, d]"),
    "twonn_dimension": (("layer",), "intrinsic dimension (TwoNN), of the sample", "[0, inf)"),
    "uniformity": (("layer",), "uniformity on the sphere, lower is more uniform", "[-8, 0]"),
    "hubness_skew": (("layer",), "skewness of 10-occurrences, of the sample", "(-inf, inf)"),
    "partition_isotropy": (("layer",), "least over largest partition function", "[0, 1]"),
}


def as_dataset(
    measured: Mapping[int | str, LayerGeometry],
    attrs: Mapping[str, Any],
    *,
    level: float,
    sampled: int,
) -> xr.Dataset:
    """The measured layers as a Dataset, every variable with long_name, units and range.

    Parameters
    ----------
    measured
        Layer -> its values and notes, in order.
    attrs
        Provenance.
    level
        Coverage of the intervals.
    sampled
        Rows behind the sampled measures.
    """
    layers = list(measured)
    found = xr.Dataset(
        coords={
            "layer": ("layer", layers, {"long_name": "layer", "units": "1"}),
            "bound": ("bound", ["low", "high"], {"long_name": "end of interval", "units": "1"}),
        },
        attrs={
            **attrs,
            "level": level,
            "sampled_rows": sampled,
            "notes": _notes({layer: each.notes for layer, each in measured.items()}),
        },
    )
    for name, (dims, long_name, span) in _VARIABLES.items():
        values = [each.values[name] for each in measured.values()]
        about = {"long_name": long_name, "units": _unit(name), "range": span}
        if isinstance(values[0], Interval):
            ends = [[value.low, value.high] for value in values]
            values = [value.estimate for value in values]
            percent = f"{100 * level:g} % interval"
            found[f"{name}_interval"] = (
                ("layer", "bound"),
                np.array(ends, dtype=np.float64),
                about | {"long_name": f"{percent} of: {long_name}"},
            )
        found[name] = (dims, np.array(values), about)
    for axis in ("feature", "component"):
        numbered = np.arange(found.sizes[axis])
        found = found.assign_coords({axis: (axis, numbered, {"long_name": axis, "units": "1"})})
    return found


def _unit(name: str) -> str:
    return "squared units of the embedding" if name == "eigenvalues" else "1"


def _notes(by_layer: Mapping[int | str, list[str]]) -> str:
    """One line for each note, with the layers it is true of; "" where there are none."""
    where: dict[str, list[str]] = {}
    for layer, notes in by_layer.items():
        for note in notes:
            where.setdefault(note, []).append(str(layer))
    return "\n".join(f"layer {', '.join(layers)}: {note}" for note, layers in where.items())
