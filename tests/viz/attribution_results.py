"""Attributions whose numbers are known: methods, a control at random, one that needs a layer.

Three made-up subjects: words and regions of a picture, a picture's pixels, nodes and edges.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

METHODS = ["integrated_gradients", "saliency", "grad_cam", "random"]
LAYERS = ["input", "body"]
TARGETS = ["no", "yes"]
EXAMPLES = 3
AXES = ("algorithm", "layer", "target", "example")
HOSTILE = "</script><img src=x onerror=alert(1)>"
WHY = {
    ("saliency", "body"): "saliency is a gradient of the input",
    ("grad_cam", "input"): "Grad-CAM reads the maps of a layer",
}
_SHAPE = (len(METHODS), len(LAYERS), len(TARGETS), EXAMPLES)


def _drawn(name: str, dims: dict[str, int], seed: int) -> dict[str, xr.DataArray]:
    """Attributions (method, layer, target, example, *dims), none where they cannot be."""
    rng = np.random.default_rng(seed)
    signal = rng.standard_normal((1, 1, len(TARGETS), EXAMPLES, *dims.values()))
    noise = rng.standard_normal((*_SHAPE, *dims.values()))
    strength = np.array([0.1, 0.5, 0.3, 10.0]).reshape(4, *[1] * (3 + len(dims)))
    values = (signal + strength * noise).astype(np.float32)
    values[3] = noise[3]
    for method, layer in WHY:
        values[METHODS.index(method), LAYERS.index(layer)] = np.nan
    return {f"attribution_{name}": xr.DataArray(values, dims=(*AXES, *dims))}


def _checks(seed: int) -> dict[str, Any]:
    """Faithfulness with intervals, and the curve of the randomisation check."""
    rng = np.random.default_rng(seed)
    infidelity = 0.1 * np.arange(1, 5).reshape(4, 1, 1, 1) + 0.01 * rng.random(_SHAPE)
    sensitivity = 0.2 * np.arange(1, 5)[::-1].reshape(4, 1, 1, 1) + 0.01 * rng.random(_SHAPE)
    absent = np.zeros(_SHAPE[:2], bool)
    why = np.full(_SHAPE[:2], "", dtype="U60")
    for (method, layer), reason in WHY.items():
        at = (METHODS.index(method), LAYERS.index(layer))
        absent[at], why[at] = True, reason
    for each in (infidelity, sensitivity):
        each[absent] = np.nan
    around = np.array([-0.02, 0.03])
    curve = np.array([[1.0, 0.5, 0.1], [1.0, 0.9, 0.8], [1.0, 0.6, 0.0], [1.0, 0.0, 0.0]])
    curve = np.repeat(curve[:, None, :], 2, axis=1)
    curve[absent] = np.nan
    pair = ("algorithm", "layer")
    return {
        "score": (("target", "example"), rng.random(_SHAPE[2:])),
        "infidelity": (AXES, infidelity),
        "infidelity_interval": ((*AXES, "bound"), infidelity[..., None] + around),
        "infidelity_scale": (AXES, np.where(np.isnan(infidelity), np.nan, 1.0)),
        "change": (AXES[2:], np.full(_SHAPE[2:], 0.9)),
        "infidelity_null": (AXES, np.where(np.isnan(infidelity), np.nan, 0.5)),
        "sensitivity": (AXES, sensitivity),
        "sensitivity_interval": ((*AXES, "bound"), sensitivity[..., None] + around),
        "completeness_gap": (AXES, np.where(np.isnan(infidelity), np.nan, 0.001)),
        "randomised": ((*pair, "depth"), curve),
        "randomised_interval": ((*pair, "depth", "bound"), curve[..., None] + around),
        "internal_batch_size": (pair, np.full(_SHAPE[:2], 64)),
        "seconds": (pair, np.full(_SHAPE[:2], 0.25)),
        "why": (pair, why),
        "prediction": (("example",), np.array(["yes", "no", "yes"])),
    }


def _grid(parts: Mapping[str, dict[str, int]], carried: Mapping[str, Any], name: str) -> xr.Dataset:
    variables: dict[str, Any] = {}
    for seed, (part, dims) in enumerate(parts.items()):
        variables |= _drawn(part, dims, seed)
    coords = {
        "algorithm": METHODS,
        "layer": LAYERS,
        "target": TARGETS,
        "example": np.arange(EXAMPLES),
        "bound": ["low", "high"],
        "signed": ("algorithm", [True, False, True, True]),
        "depth_name": ("depth", ["trained", "head", "body"]),
    }
    ds = xr.Dataset(variables | _checks(7) | dict(carried), coords)
    return ds.assign_attrs(probe="attribution.grid", task=name)


def words_and_regions(*, hostile: bool = False) -> xr.Dataset:
    """Five words and two regions; the last example has three words and one region."""
    tokens = np.array(
        [["a", "red", "cube", "left", "."], ["the", "small", "ball", "on", "it"], ["no"] * 5]
    ).astype(object)
    tokens[2, 3:] = ""
    if hostile:
        tokens[0, 1] = HOSTILE
    boxes = np.array([[0.1, 0.1, 0.5, 0.6], [0.5, 0.4, 0.9, 0.9]], np.float32)
    carried = {
        "token": (("example", "token"), tokens.astype(str)),
        "image": (("example", "y", "x", "channel"), picture(3)),
        "box": (("example", "region", "corner"), np.repeat(boxes[None], EXAMPLES, axis=0)),
    }
    ds = _grid({"tokens": {"token": 5}, "regions": {"region": 2}}, carried, "match")
    ds["attribution_tokens"].values[:, :, :, 2, 3:] = np.nan
    ds["attribution_regions"].values[:, :, :, 2, 1:] = np.nan
    ds["box"].values[2, 1] = np.nan
    return ds


def picture(channels: int = 1) -> np.ndarray:
    """(example, row 6, column 8, channel) pictures."""
    rng = np.random.default_rng(3)
    return rng.integers(0, 255, (EXAMPLES, 6, 8, channels)).astype(np.uint8)


def pixels() -> xr.Dataset:
    carried = {"image": (("example", "row", "column", "channel"), picture())}
    return _grid({"pixels": {"row": 6, "column": 8}}, carried, "digits")


def nodes_and_edges() -> xr.Dataset:
    """A ring of twelve nodes in two classes; what lies far from the first three counts nothing."""
    ring = np.arange(12)
    carried = {
        "x": (("node",), np.cos(ring * np.pi / 6)),
        "y": (("node",), np.sin(ring * np.pi / 6)),
        "edge_source": (("edge",), ring),
        "edge_target": (("edge",), (ring + 1) % 12),
        "label": (("node",), np.array(["even", "odd"])[ring % 2]),
        "explained": (("example",), np.array([0, 1, 2])),
    }
    ds = _grid({"nodes": {"node": 12}, "edges": {"edge": 12}}, carried, "ring")
    ds["attribution_nodes"].values[:3, ..., 6:] *= 0
    return ds
