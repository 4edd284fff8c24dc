"""From an input's numbers to its units and back: sums over features, groups, what stands there."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from .task import AttributionTask

Values = dict[str, Tensor]


def per_unit(task: AttributionTask, name: str, values: Tensor) -> Tensor:
    """Attributions (row, ...) of an input summed over its features: (row, *units) float64."""
    kind = task.units[name]
    if kind == "edge":
        return values.double()
    return values.double().sum(1 if kind == "pixel" else 2)


def spread(task: AttributionTask, name: str, per: Tensor) -> Tensor:
    """Values (row, *units) repeated over the features of each unit, shaped to broadcast."""
    kind = task.units[name]
    if kind == "edge":
        return per
    return per.unsqueeze(1 if kind == "pixel" else 2)


def groups_of(task: AttributionTask, row: int) -> tuple[Values, int]:
    """What is taken away together: by input, (*units) int64 from 0 on, -1 at padding; how many.

    A token, region, node or edge is a group by itself; pixels go in squares of side `patch`.
    """
    found: Values = {}
    start = 0
    for name in task.inputs:
        valid = task.valid_units(name)[row]
        if task.units[name] == "pixel":
            height, width = task.shape(name)
            side = task.patch or max(min(height, width) // 8, 1)
            across = -(-width // side)
            down = torch.arange(height)[:, None] // side
            number = down * across + torch.arange(width) // side
        else:
            number = torch.arange(valid.numel())
        used = number[valid]
        compact = torch.full((int(number.max()) + 1,), -1)
        names = used.unique()
        compact[names] = torch.arange(len(names)) + start
        found[name] = torch.where(valid, compact[number], torch.tensor(-1))
        start += len(names)
    return found, start


def at_layer(task: AttributionTask, layer: str, values: Tensor) -> Values:
    """A layer's attributions (row, ...), as attributions of units (row, *units) by input.

    Raises
    ------
    ValueError
        If the layer's values belong to no input.
    """
    values = values.double()
    if task.at_layer is not None:
        given: Mapping[str, Tensor] = task.at_layer(layer, values)
        return dict(given)
    for name, kind in task.units.items():
        if kind == "pixel" and values.ndim == 4:
            return {name: stretched(values.sum(1), task.shape(name))}
        counted = kind not in ("pixel", "edge") and values.ndim == 3
        if counted and values.shape[1] == task.shape(name)[0]:
            return {name: values.sum(2)}
    raise ValueError(f"values of shape {tuple(values.shape[1:])} belong to no unit of the input")


def stretched(values: Tensor, shape: tuple[int, ...]) -> Tensor:
    """A coarse map (row, y, x) stretched over the pixels, linear between cells, with its own sum.

    Examples
    --------
    >>> stretched(torch.ones(1, 2, 2), (5, 7)).sum().item()
    4.0
    """
    down, across = (_stretch(n, size) for n, size in zip(values.shape[1:], shape, strict=True))
    return down.to(values) @ values @ across.T.to(values)


def _stretch(n: int, size: int) -> Tensor:
    """(size, n): each of n cells spread over `size` places, 1 in all."""
    eye = torch.eye(n, dtype=torch.float64)[None, None]
    weights = functional.interpolate(eye, size=(size, n), mode="bilinear", antialias=True)[0, 0]
    return weights / weights.sum(0)
