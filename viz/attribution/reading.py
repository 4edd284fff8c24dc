"""One cell of a grid of attributions: what a method says of one example, target and layer."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from probe._check import integer, one_of, refuse

from .._reading import read, short

MADE_BY = "probe.attribution.grid"
AXES = ("algorithm", "layer", "target", "example")
KINDS = {
    ("token",): "token",
    ("row", "column"): "pixel",
    ("region",): "region",
    ("node",): "node",
    ("edge",): "edge",
}
_PREFIX = "attribution_"


class Part(NamedTuple):
    """Attributions of one input: its name, what it is made of, values (NaN beyond its end)."""

    name: str
    kind: str
    values: np.ndarray


class Cell(NamedTuple):
    """What was chosen, and the attributions of each input; `why` says why there are none."""

    method: str
    layer: str
    target: str
    example: int
    parts: list[Part]
    why: str
    result: xr.Dataset

    def number(self, name: str) -> float:
        """A number of this cell, such as its infidelity; NaN where the result has none."""
        return float(self.result[name]) if name in self.result else float("nan")

    def of(self, *kinds: str) -> Part | None:
        """The first part of one of some kinds."""
        return next((part for part in self.parts if part.kind in kinds), None)


def parts_of(ds: xr.Dataset) -> list[tuple[str, str, tuple[str, ...]]]:
    """Name, kind and own dims of each input that has attributions.

    Raises
    ------
    ValueError
        If there is none, or one lies along dims that no picture knows.

    Examples
    --------
    >>> ds = xr.Dataset(
    ...     {"attribution_pixels": (("algorithm", "row", "column"), np.zeros((1, 2, 2)))}
    ... )
    >>> parts_of(ds)
    [('pixels', 'pixel', ('row', 'column'))]
    """
    found = []
    for name, values in ds.data_vars.items():
        if not str(name).startswith(_PREFIX) or str(name).endswith("_interval"):
            continue
        own = tuple(str(dim) for dim in values.dims if dim not in AXES)
        if own not in KINDS:
            known = "; ".join(", ".join(dims) for dims in KINDS)
            refuse(str(name), f"lie along one of: {known}", ", ".join(own) or "no dim of its own")
        found.append((str(name).removeprefix(_PREFIX), KINDS[own], own))
    if not found:
        held = ", ".join(map(str, ds.data_vars)) or "no variables"
        refuse("ds", "hold attributions", held, f"{MADE_BY} gives such a result.")
    return found


def cell_of(
    ds: Any,
    *,
    method: str | None = None,
    layer: str | None = None,
    target: str | None = None,
    example: int = 0,
) -> Cell:
    """One cell of a grid; where a name is None the first that can be.

    Raises
    ------
    TypeError
        If `ds` is no Dataset.
    ValueError
        If it holds no attributions, or no such method, layer, target or example.
    """
    ds = read(ds, [], AXES, made_by=MADE_BY)
    parts = parts_of(ds)
    held = {
        name: ds[dim].values.astype(str).tolist()
        for name, dim in zip(("method", "layer"), AXES, strict=False)
    }
    chosen = {}
    for name, label in (("method", method), ("layer", layer)):
        if label is not None:
            chosen[name] = one_of(name, label, held[name])
    for m, lay in ((m, lay) for m in held["method"] for lay in held["layer"]):
        if all({"method": m, "layer": lay}[dim] == label for dim, label in chosen.items()) and (
            len(chosen) == 2 or not why_of(ds, m, lay)
        ):
            chosen = {"method": m, "layer": lay}
            break
    chosen = {dim: chosen.get(dim, labels[0]) for dim, labels in held.items()}
    targets = ds["target"].values.astype(str).tolist()
    goal = targets[0] if target is None else one_of("target", target, targets)
    at = integer("example", example, low=0, high=ds.sizes["example"] - 1)
    one = ds.isel(
        algorithm=held["method"].index(chosen["method"]),
        layer=held["layer"].index(chosen["layer"]),
        target=targets.index(goal),
        example=at,
    )
    made = [
        Part(name, kind, one[_PREFIX + name].transpose(*own).values.astype(np.float64))
        for name, kind, own in parts
    ]
    why = why_of(ds, chosen["method"], chosen["layer"])
    if not why and not any(np.isfinite(part.values).any() for part in made):
        why = "it was not computed"
    return Cell(chosen["method"], chosen["layer"], goal, at, made, why, one)


def why_of(ds: xr.Dataset, method: str, layer: str) -> str:
    """Why a method has nothing to say of a layer; "" where it has."""
    if "why" not in ds:
        return ""
    at = [ds[dim].values.astype(str).tolist() for dim in AXES[:2]]
    why = ds["why"].transpose(*AXES[:2]).values
    return str(why[at[0].index(method), at[1].index(layer)])


def spoken(name: str) -> str:
    """A method's or an input's name as it is read.

    Examples
    --------
    >>> spoken("integrated_gradients"), spoken("input_x_gradient")
    ('integrated gradients', 'input x gradient')
    """
    return name.replace("_", " ")


def signed(value: float, digits: int = 2) -> str:
    """A number with its sign.

    Examples
    --------
    >>> signed(0.25), signed(-3.0)
    ('+0.25', '−3')
    """
    return f"+{short(value, digits)}" if value > 0 else short(value, digits)


def where_of(part: Part, at: int, cell: Cell) -> str:
    """Where one value of a part lies, in words."""
    if part.kind == "token":
        tokens = cell.result["token"].values if "token" in cell.result else []
        return f"“{tokens[at]}”" if len(tokens) > at else f"token {at + 1}"
    if part.kind == "pixel":
        row, column = np.unravel_index(at, part.values.shape)
        return f"row {row + 1}, column {column + 1}"
    if part.kind == "edge" and "edge_source" in cell.result:
        ends = (int(cell.result[f"edge_{end}"].values[at]) for end in ("source", "target"))
        return "edge {}–{}".format(*ends)
    return f"{part.kind} {at + 1 if part.kind == 'region' else at}"


def strongest(part: Part, cell: Cell, n: int = 3) -> str:
    """The largest attributions of a part by magnitude, in words."""
    flat = part.values.ravel()
    known = np.flatnonzero(np.isfinite(flat) & (flat != 0))
    order = known[np.argsort(-np.abs(flat[known]), kind="stable")][:n]
    if not len(order):
        return "all are 0"
    return ", ".join(f"{signed(float(flat[i]))} at {where_of(part, int(i), cell)}" for i in order)


def reach_of(values: np.ndarray) -> float:
    """The largest magnitude: where the colours of a scale around 0 end; 1 where all are 0.

    Examples
    --------
    >>> reach_of(np.array([-2.0, 1.0, np.nan])), reach_of(np.zeros(2))
    (2.0, 1.0)
    """
    known = np.abs(values[np.isfinite(values)])
    return float(known.max()) if known.size and known.max() > 0 else 1.0


def depth_names(ds: xr.Dataset) -> list[str]:
    """What is drawn anew at each depth of the randomisation check.

    Examples
    --------
    >>> depth_names(xr.Dataset(coords={"depth": [0, 1]}))
    ['0', '1']
    """
    held = ds["depth_name"] if "depth_name" in ds else ds["depth"]
    return held.values.astype(str).tolist()


def image_in(one: xr.Dataset) -> np.ndarray | None:
    """(row, column, channel) in [0, 1] of an example; bytes are of 255, others as far as they go.

    Examples
    --------
    >>> ds = xr.Dataset({"image": (("row", "column", "channel"), np.full((1, 1, 1), 51, np.uint8))})
    >>> image_in(ds).tolist(), image_in(xr.Dataset())
    ([[[0.2]]], None)
    """
    if "image" not in one:
        return None
    image = np.asarray(one["image"].values)
    found = image.astype(np.float64)
    if image.dtype == np.uint8:
        return found / 255
    low, high = np.nanmin(found), np.nanmax(found)
    return (found - low) / (high - low) if high > low else np.zeros_like(found)


def explained_in(one: xr.Dataset) -> int | None:
    """The place of the node that an example explains, where the result says which.

    It is said by ``explained``, or by a prediction such as "node 12: 3" where labels of nodes
    begin in the same way.

    Examples
    --------
    >>> labels = ("node", ["node 7: 1", "node 12: 3"])
    >>> explained_in(xr.Dataset({"prediction": "node 12: 8", "label": labels}))
    1
    """
    if "explained" in one:
        return int(one["explained"])
    if "label" in one and "prediction" in one:
        named, colon, _ = str(one["prediction"].item()).partition(": ")
        places = [i for i, text in enumerate(one["label"].values) if text.startswith(f"{named}: ")]
        return places[0] if colon and places else None
    return None


def boxes_in(one: xr.Dataset) -> np.ndarray | None:
    """(region, 4) corners x0, y0, x1, y1 of an example as shares of its picture, if it has any."""
    if "box" not in one:
        return None
    return one["box"].transpose("region", "corner").values.astype(np.float64)
