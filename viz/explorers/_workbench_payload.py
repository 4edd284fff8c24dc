"""What the workbench draws, packed: cells of a grid, checks of methods, examples and a graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from ..attribution.reading import (
    AXES,
    Cell,
    boxes_in,
    cell_of,
    depth_names,
    explained_in,
    image_in,
    parts_of,
    why_of,
)
from ._edits_payload import sheet
from ._payload import pack, quantise

_NUMBERS = (
    *("score", "change", "infidelity", "infidelity_null", "infidelity_scale"),
    *("sensitivity", "completeness_gap"),
)
_BOUNDED = ("infidelity", "sensitivity")
_SPARSE = 0.4  # share of values that are not 0 below which only these are carried


def key_of(method: str, layer: str, target: str, example: int) -> str:
    """The name of a cell in the page; names may hold anything, so it is JSON."""
    import json

    return json.dumps([method, layer, target, example], ensure_ascii=False, separators=(",", ":"))


def packed_cells(ds: xr.Dataset) -> dict[str, Any]:
    """All cells of a grid that hold attributions."""
    axes = [ds[dim].values.astype(str).tolist() for dim in AXES[:3]]
    found = {}
    for method in axes[0]:
        for layer in axes[1]:
            if why_of(ds, method, layer):
                continue
            for target in axes[2]:
                for example in range(ds.sizes["example"]):
                    cell = cell_of(ds, method=method, layer=layer, target=target, example=example)
                    if not cell.why:
                        found[key_of(method, layer, target, example)] = packed_cell(cell)
    return found


def packed_cell(cell: Cell) -> dict[str, Any]:
    """One cell: attributions of each input, and its numbers with their intervals."""
    numbers = {name: _finite(cell.number(name)) for name in _NUMBERS}
    for name in _BOUNDED:
        bounds = cell.result.get(f"{name}_interval")
        if bounds is not None:
            both = bounds.sel(bound=["low", "high"]).values.astype(float)
            if np.isfinite(both).all():
                numbers[f"{name}_interval"] = both.tolist()
    return {"parts": [_values(part.values) for part in cell.parts], **numbers}


def packed_method(ds: xr.Dataset, method: str, layer: str) -> dict[str, Any]:
    """What holds for a method at a layer: why it cannot be, its curve, and what it took."""
    at = {
        dim: ds[dim].values.astype(str).tolist().index(name)
        for dim, name in (("algorithm", method), ("layer", layer))
    }
    one = ds.isel(at)
    found: dict[str, Any] = {"why": why_of(ds, method, layer), "curve": None}
    found["signed"] = bool(one["signed"]) if "signed" in one else True
    if one.sizes.get("depth", 0) > 1 and np.isfinite(one["randomised"].values).any():
        found["curve"] = {"values": pack(one["randomised"].values, "f32")}
        if "randomised_interval" in one:
            bounds = one["randomised_interval"].transpose("bound", "depth")
            for side in ("low", "high"):
                found["curve"][side] = pack(bounds.sel(bound=side).values, "f32")
    for name in ("internal_batch_size", "seconds"):
        found[name] = _finite(float(one[name])) if name in one else None
    return found


def packed_examples(ds: xr.Dataset) -> list[dict[str, Any]]:
    """What each example is, apart from its attributions."""
    found = []
    for i in range(ds.sizes["example"]):
        one = ds.isel(example=i)
        example: dict[str, Any] = {
            "name": str(ds["example"].values[i]) if "example" in ds else str(i)
        }
        if "prediction" in one:
            example["prediction"] = str(one["prediction"].item())
        if "text" in one:
            example["text"] = str(one["text"].item())
        if "token" in one.variables and "token" in one["token"].dims:
            example["tokens"] = one["token"].values.astype(str).tolist()
        image = image_in(one)
        if image is not None:
            whole = np.round(255 * image).astype(np.uint8)
            example["image"] = sheet(whole[None, None])
        boxes = boxes_in(one)
        if boxes is not None:
            example["boxes"] = [
                row if np.isfinite(row).all() else None for row in boxes.round(4).tolist()
            ]
        explained = explained_in(one)
        if explained is not None:
            example["explained"] = explained
        found.append(example)
    return found


def packed_graph(ds: xr.Dataset) -> dict[str, Any] | None:
    """Places and labels of nodes and the ends of edges; None where there is no graph."""
    if not {"node", "edge"} & {kind for _, kind, _ in parts_of(ds)}:
        return None
    labels = ds["label"].values.astype(str).tolist() if "label" in ds else None
    return {
        "xs": pack(ds["x"].values, "f32"),
        "ys": pack(ds["y"].values, "f32"),
        "sources": pack(ds["edge_source"].values, "i32"),
        "targets": pack(ds["edge_target"].values, "i32"),
        "labels": labels,
    }


def packed_grid(ds: xr.Dataset) -> dict[str, Any]:
    """A grid without its cells: names, examples, checks of methods."""
    methods, layers, targets = (ds[dim].values.astype(str).tolist() for dim in AXES[:3])
    return {
        "methods": methods,
        "layers": layers,
        "targets": targets,
        "parts": [{"name": name, "kind": kind} for name, kind, _ in parts_of(ds)],
        "shape": [ds.sizes.get(dim, 0) for dim in ("row", "column")],
        "examples": packed_examples(ds),
        "graph": packed_graph(ds),
        "depths": depth_names(ds) if "randomised" in ds else [],
        "checks": {
            key_of(method, layer, "", -1): packed_method(ds, method, layer)
            for method in methods
            for layer in layers
        },
    }


def _values(values: np.ndarray) -> dict[str, Any]:
    """Values, quantised to 1 / 65534 of their span; where most are 0 their places are named."""
    flat = values.ravel()
    at = np.flatnonzero(flat != 0)  # NaN is not 0
    if len(at) < _SPARSE * len(flat):
        return {"size": len(flat), "at": pack(at, "i32"), "values": quantise(flat[at])}
    return {"size": len(flat), "values": quantise(flat)}


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
