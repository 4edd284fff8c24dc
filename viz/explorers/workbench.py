"""The attribution workbench: what a model looked at by a method, and whether to believe it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import traitlets
import xarray as xr

from probe._check import integer, number, one_of, refuse, refuse_type
from probe.attribution import METHODS, AttributionTask, attribute

from ..attribution.reading import AXES, Cell, cell_of, depth_names, parts_of
from . import _twin
from . import _workbench_payload as packing
from ._base import Explorer
from ._beside import pictures_beside

_NAMED = ("method", "layer", "target")
# `method` is an option of xarray's own `sel`, so that the dim has another name.
_DIMS = dict(zip(_NAMED, AXES, strict=False))
_KEPT = 64  # answers of the kernel


def _attributed(
    task: AttributionTask, *, method: str, layer: str, target: str, example: int
) -> xr.Dataset:
    return attribute(task, method=method, layer=layer, target=target, examples=[example])


class Workbench(Explorer):
    """Attributions by method, layer, target and example, beside the checks that they have to pass.

    Two methods can stand side by side, with their rank correlation. With `recompute` a notebook's
    user may ask for what the grid does not hold, and the kernel answers; an exported page has what
    the grid holds.

    Parameters
    ----------
    result
        Result of `probe.attribution.grid`.
    beside
        The probe's own picture: a result, a figure or Axes, or several by title; a list under a
        title holds one for each example.
    recompute
        The task that the grid is of: all that its methods, layers and targets can give is offered.
        Or called as ``recompute(method=..., layer=..., target=..., example=...)`` for what the
        grid does not hold, with the example's label in the grid; gives a result of
        `probe.attribution.attribute`. None: only the grid.
    methods, layers, targets
        What can be asked besides the grid's own; of a task all that it has.
    method, layer, target, example
        What is shown first; if None the first that can be, and the target that the model says.
    other, other_layer
        A second method beside the first, and its layer; "" for none.
    scale
        ``"shared"``: both methods have the colours of the larger values; or ``"own"``.
    opacity
        Of attributions over a picture, 0 to 1.

    Raises
    ------
    TypeError
        If `recompute` cannot be called, or `beside` holds no pictures.
    ValueError
        If the result lacks what is drawn, or a setting is not possible.

    Examples
    --------
    >>> import numpy as np
    >>> axes = ("algorithm", "layer", "target", "example")
    >>> found = xr.Dataset(
    ...     {"attribution_words": ((*axes, "token"), np.array([[[[[0.5, -1.0]]]]]))},
    ...     {"algorithm": ["saliency"], "layer": ["input"], "target": ["yes"], "example": [0]},
    ...     {"probe": "attribution.grid"},
    ... )
    >>> view = Workbench(found)
    >>> view.opacity = 0.5
    >>> view.method, view.layer, view.target, view.example
    ('saliency', 'input', 'yes', 0)
    """

    views: ClassVar = (
        *("attention_marks.js", "edits_data.js", "workbench_style.js", "workbench_data.js"),
        *("workbench_text.js", "workbench_image.js", "workbench_graph.js"),
        *("workbench_checks.js", "workbench_side.js", "workbench.js"),
    )
    state_names: ClassVar = (*_NAMED, "example", "other", "other_layer", "scale", "opacity")
    title: ClassVar = "Attribution workbench"
    height: ClassVar = 1100
    _esm = _twin.script(views, "_live.js")

    method = traitlets.Unicode().tag(sync=True)
    layer = traitlets.Unicode().tag(sync=True)
    target = traitlets.Unicode().tag(sync=True)
    example = traitlets.Int(0).tag(sync=True)
    other = traitlets.Unicode("").tag(sync=True)
    other_layer = traitlets.Unicode("").tag(sync=True)
    scale = traitlets.Unicode("shared").tag(sync=True)
    opacity = traitlets.Float(0.8).tag(sync=True)

    def __init__(
        self,
        result: xr.Dataset,
        *,
        beside: Any = None,
        recompute: AttributionTask | Callable[..., xr.Dataset] | None = None,
        methods: Sequence[str] = (),
        layers: Sequence[str] = (),
        targets: Sequence[str] = (),
        method: str | None = None,
        layer: str | None = None,
        target: str | None = None,
        example: int = 0,
        other: str = "",
        other_layer: str = "",
        scale: str = "shared",
        opacity: float = 0.8,
    ) -> None:
        first = cell_of(result)
        if isinstance(recompute, AttributionTask):
            task, recompute = recompute, partial(_attributed, recompute)
            methods, layers = methods or tuple(METHODS), layers or task.layers
            targets = targets or task.targets
        if recompute is not None and not callable(recompute):
            refuse_type("recompute", "be a task, a callable or None", recompute)
        offered = {"method": methods, "layer": layers, "target": targets}
        self.result, self.recompute = result, recompute
        self._held = {name: result[dim].values.astype(str).tolist() for name, dim in _DIMS.items()}
        self._offered = {
            name: [str(one) for one in more if str(one) not in self._held[name]]
            for name, more in offered.items()
        }
        if recompute is None and any(self._offered.values()):
            asked = next(f"{name}s" for name, more in self._offered.items() if more)
            refuse(asked, "be empty without `recompute`, which would compute them", "some")
        self._beside = pictures_beside(beside, result.sizes["example"])
        self._made: dict[tuple[Any, ...], dict[str, Any]] = {}
        chosen = method if method is not None else first.method
        if layer is None and chosen in self._held["method"]:
            layer = cell_of(result, method=chosen).layer
        super().__init__(
            result,
            method=chosen,
            layer=first.layer if layer is None else layer,
            target=self._goal(first, example) if target is None else target,
            example=example,
            other=other,
            other_layer=other_layer
            or (cell_of(result, method=other).layer if other in self._held["method"] else ""),
            scale=scale,
            opacity=opacity,
        )

    def payload(self, *, whole: bool) -> dict[str, Any]:
        """What the view draws: the grid, pictures beside it, and what can be asked for."""
        cells = packing.packed_cells(self.result)
        packed = packing.packed_grid(self.result)
        for key, answer in self._made.items():
            cells[packing.key_of(*key)] = answer["cell"]
            packed["checks"].setdefault(packing.key_of(key[0], key[1], "", -1), answer["check"])
        return {
            "title": self.title,
            "name": str(self.result.attrs.get("task", "")),
            **packed,
            "offered": {f"{name}s": more for name, more in self._offered.items()},
            "cells": cells,
            "beside": self._beside,
            "live": self.recompute is not None and not whole,
        }

    def answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """One cell, `{method, layer, target, example}`, that the grid does not hold."""
        if self.recompute is None:
            hint = "Give Workbench(grid, recompute=...)."
            refuse("recompute", "be given to compute what the grid does not hold", None, hint)
        named = {name: self._known(name, question[name]) for name in _NAMED}
        high = self.result.sizes["example"] - 1
        at = integer("example", question["example"], low=0, high=high)
        key = (*named.values(), at)
        if key not in self._made:
            found = self.recompute(**named, example=self._label(at))
            while len(self._made) >= _KEPT:
                self._made.pop(next(iter(self._made)))
            self._made[key] = self._packed(found, named, at)
        return self._made[key]

    def _packed(self, found: Any, named: dict[str, str], at: int) -> dict[str, Any]:
        """What was made anew, checked to be of the grid's kind, as one cell and its checks."""
        if not isinstance(found, xr.Dataset):
            refuse_type("recompute", "give an xarray.Dataset", found)
        for name, dim in _DIMS.items():
            if dim not in found.coords:
                found = found.assign_coords({dim: named[name]})
        for dim in AXES:
            if dim not in found.dims:
                found = found.expand_dims(dim)
        mine, theirs = parts_of(self.result), parts_of(found)
        if mine != theirs:
            wanted = ", ".join(name for name, _, _ in mine)
            refuse("recompute", f"attribute {wanted}", ", ".join(name for name, _, _ in theirs))
        if found.sizes["example"] != 1:
            wanted = [self._label(at)]
            refuse("recompute", f"give example {wanted[0]} alone", f"{found.sizes['example']}")
        cell = cell_of(found, method=named["method"], layer=named["layer"], target=named["target"])
        if cell.why:
            refuse(
                "method", f"be one that can be combined with the layer ({cell.why})", cell.method
            )
        check = packing.packed_method(found, named["method"], named["layer"])
        if "depth" in found.dims and depth_names(found) != depth_names(self.result):
            check["curve"] = None  # of other depths, so not on the same axis
        return {"cell": packing.packed_cell(cell), "check": check}

    def _goal(self, first: Cell, example: int) -> str:
        """What the model says of an example, if that is a target, else the first."""
        at = integer("example", example, low=0, high=self.result.sizes["example"] - 1)
        if "prediction" in self.result:
            said = str(self.result["prediction"].values[at]).rpartition(": ")[2]
            return said if said in self._held["target"] else first.target
        return first.target

    def _label(self, at: int) -> Any:
        held = self.result["example"]
        return held.values[at].item() if "example" in self.result.coords else at

    def _known(self, name: str, value: Any) -> str:
        return one_of(name, value, [*self._held[name], *self._offered[name]])

    @traitlets.validate("method", "layer", "target")
    def _known_name(self, proposal: Any) -> Any:
        return self._known(proposal["trait"].name, proposal["value"])

    @traitlets.validate("other", "other_layer")
    def _known_other(self, proposal: Any) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        of = "method" if name == "other" else "layer"
        return one_of(name, value, ["", *self._held[of], *self._offered[of]])

    @traitlets.validate("example")
    def _known_example(self, proposal: Any) -> Any:
        high = self.result.sizes["example"] - 1
        return integer("example", proposal["value"], low=0, high=high)

    @traitlets.validate("scale")
    def _known_scale(self, proposal: Any) -> Any:
        return one_of("scale", proposal["value"], ("shared", "own"))

    @traitlets.validate("opacity")
    def _known_opacity(self, proposal: Any) -> Any:
        return number("opacity", proposal["value"], low=0, high=1)
