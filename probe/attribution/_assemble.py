"""A task and its measured cells as one labelled Dataset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from .task import UNITS, AttributionTask

_SCORE = "score"
WORDING: dict[str, tuple[str, str, str]] = {
    "score": ("score of the target", _SCORE, ""),
    "baseline_score": ("score of the target at the baseline", _SCORE, ""),
    "infidelity": ("infidelity: mean square of what attributions miss", "score^2", "[0, inf)"),
    "infidelity_interval": ("bootstrap interval of the infidelity, over draws", "score^2", ""),
    "infidelity_null": ("infidelity of shuffled attributions", "score^2", "[0, inf)"),
    "infidelity_scale": ("factor of the attributions that fits best", "1", ""),
    "change": ("mean square change of the score: infidelity of all zeros", "score^2", "[0, inf)"),
    "sensitivity": ("largest relative shift of attributions nearby", "1", "[0, inf)"),
    "sensitivity_interval": ("bootstrap interval of that maximum, over draws", "1", "[0, inf)"),
    "completeness_gap": ("sum of attributions less the change of the score", _SCORE, ""),
    "randomised": ("rank correlation with attributions of randomised weights", "1", "[-1, 1]"),
    "randomised_interval": ("bootstrap interval over examples", "1", "[-1, 1]"),
    "internal_batch_size": ("rows evaluated at once", "1", "[1, inf)"),
    "seconds": ("time that the attributions took", "s", "[0, inf)"),
    "why": ("why a method cannot be had at a layer", "", ""),
    "signed": ("whether the sign says for or against", "", ""),
}


def unit_dims(task: AttributionTask, name: str) -> tuple[str, ...]:
    """The axes of the result that count an input's units."""
    return UNITS[task.units[name]]


def carried(task: AttributionTask, examples: np.ndarray) -> dict[str, Any]:
    """What a view draws the attributions on."""
    found: dict[str, Any] = {}
    if task.tokens is not None:
        rows = [list(task.tokens[i]) for i in examples]
        size = next(task.shape(n)[0] for n, kind in task.units.items() if kind == "token")
        texts = np.array([row + [""] * (size - len(row)) for row in rows], dtype=np.str_)
        found["token"] = (("example", "token"), texts, {"long_name": "token"})
    if task.images is not None:
        dims = ("example", "row", "column", "channel")
        if "pixel" not in task.units.values():
            dims = ("example", "y", "x", "channel")
        found["image"] = (dims, np.asarray(task.images)[examples], {"long_name": "image"})
    if task.boxes is not None:
        words = {"long_name": "box of the region: x0, y0, x1, y1", "units": "share of the image"}
        found["box"] = (("example", "region", "corner"), np.asarray(task.boxes)[examples], words)
    if task.positions is not None:
        where = np.asarray(task.positions, float)
        for axis, name in enumerate(("x", "y")):
            found[name] = ("node", where[:, axis], {"long_name": f"{name} in the drawing"})
    if task.edge_index is not None:
        for end, name in enumerate(("edge_source", "edge_target")):
            ends = np.asarray(task.edge_index)[end].astype(np.int64)
            found[name] = ("edge", ends, {"long_name": f"node at the {name[5:]} of the edge"})
    if task.labels is not None:
        texts = np.array([str(each) for each in task.labels])
        found["label"] = ("node", texts, {"long_name": "label of the node"})
    if task.explained is not None:
        at = np.asarray(task.explained, np.int64)[examples]
        found["explained"] = ("example", at, {"long_name": "node whose score it is"})
    if task.prediction is not None:
        said = np.array([str(task.prediction[i]) for i in examples])
        found["prediction"] = ("example", said, {"long_name": "what the model says"})
    return found


def blank(task: AttributionTask, name: str, cells: Sequence[int]) -> np.ndarray:
    """NaN over (*cells, *units), float32."""
    return np.full((*cells, *task.shape(name)), np.nan, np.float32)


def described(ds: xr.Dataset, units: dict[str, str]) -> xr.Dataset:
    """Long names, units and ranges in each variable's attrs."""
    for name in list(ds.variables):
        text = str(name)
        if text in WORDING:
            long_name, unit, bounds = WORDING[text]
            ds[name].attrs |= {"long_name": long_name, "units": unit}
            if bounds:
                ds[name].attrs["range"] = bounds
        elif text.startswith("attribution_"):
            kind = units[text.removeprefix("attribution_")]
            words = f"what the score owes to each {kind}, summed over its features"
            ds[name].attrs |= {"long_name": words, "units": "score"}
    return ds
