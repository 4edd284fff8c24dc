"""The training explorer: walk through the steps of a training, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import traitlets
import xarray as xr

from probe._check import one_of

from . import _twin
from ._base import Explorer
from ._payload import pack

# What a training does to the geometry shows here first.
_FIRST = "average_cosine"


class TrainingExplorer(Explorer):
    """A measure over layers at one step of a training, beside its course and the loss.

    Parameters
    ----------
    result
        A Dataset with dims ``step`` and ``layer`` and numeric coordinate ``step``, such as
        `probe.subjects.watching.watch` gives. Every numeric variable over (step, layer) can be
        chosen unless it never changes; every numeric variable over one dim named ``step...`` is
        drawn as a curve; a variable ``x_interval`` with dim ``bound`` is drawn as a band around
        ``x``.
    measure, step
        The first view: a variable's name (the average cosine if there is one) and a value of
        ``step``. They can be read and set later.

    Raises
    ------
    ValueError
        If no variable lies along (step, layer), or `measure` or `step` is not in the result.

    Examples
    --------
    >>> values = xr.DataArray([[0.9, 0.8], [0.5, 0.2]], dims=("step", "layer"))
    >>> view = TrainingExplorer(xr.Dataset({"average_cosine": values}, {"step": [0, 100]}))
    >>> view.step, view.measure
    (0.0, 'average_cosine')
    """

    views: ClassVar = ("training.js",)
    state_names: ClassVar = ("measure", "step")
    title: ClassVar = "Training explorer"
    height: ClassVar = 720
    _esm = _twin.script(views, "_live.js")

    measure = traitlets.Unicode().tag(sync=True)
    step = traitlets.Float().tag(sync=True)

    def __init__(
        self, result: xr.Dataset, *, measure: str | None = None, step: float | None = None
    ) -> None:
        self.result = result
        measures = self._measures()
        if not measures:
            raise ValueError(
                "`result` must hold a numeric variable with dims (step, layer); got "
                f"{ {str(name): tuple(map(str, v.dims)) for name, v in result.items()} }."
            )
        if not _numeric(result["step"]):
            raise ValueError(f"`result` must have numeric steps; got {result['step'].dtype}.")
        first = float(result["step"].values[0])
        super().__init__(
            result,
            measure=measure or (_FIRST if _FIRST in measures else measures[0]),
            step=first if step is None else step,
        )

    def payload(self, *, whole: bool) -> dict[str, Any]:
        """What the view draws. It is small, so that live and exported views hold the same."""
        result = self.result.transpose("step", "layer", ...)
        return {
            "title": self.title,
            "steps": [float(step) for step in result["step"].values],
            "layers": result["layer"].values.tolist(),
            "measures": [self._measure(result, name) for name in self._measures()],
            "curves": [
                _curve(result[name]) for name in result.data_vars if _is_curve(result[name])
            ],
        }

    def answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Nothing is left to ask: the view holds the whole result."""
        raise ValueError(f"`question` must not be asked of this view; got {dict(question)}.")

    def _measures(self) -> list[str]:
        """Variables over (step, layer); those that never change only if there is nothing else."""
        found = {
            str(name): values
            for name, values in self.result.data_vars.items()
            if set(values.dims) == {"step", "layer"} and _numeric(values)
        }
        moving = [name for name, values in found.items() if np.ptp(values.values) != 0]
        return moving or list(found)

    def _measure(self, result: xr.Dataset, name: str) -> dict[str, Any]:
        found = {"name": name, "values": pack(result[name].values, "f32"), **_words(result[name])}
        interval = result.get(f"{name}_interval")
        if interval is not None and set(interval.dims) == {"step", "layer", "bound"}:
            for bound in ("low", "high"):
                found[bound] = pack(interval.sel(bound=bound).values, "f32")
        return found

    @traitlets.validate("measure")
    def _known_measure(self, proposal: Any) -> Any:
        return one_of("measure", proposal["value"], self._measures())

    @traitlets.validate("step")
    def _known_step(self, proposal: Any) -> Any:
        return one_of("step", proposal["value"], [float(s) for s in self.result["step"].values])


def _curve(values: xr.DataArray) -> dict[str, Any]:
    """A variable over its own steps."""
    dim = values.dims[0]
    return {
        "name": str(values.name),
        "steps": pack(values[dim].values, "f32"),
        "values": pack(values.values, "f32"),
        **_words(values),
    }


def _is_curve(values: xr.DataArray) -> bool:
    if values.ndim != 1 or not _numeric(values):
        return False
    dim = values.dims[0]
    return str(dim).startswith("step") and _numeric(values[dim])


def _words(values: xr.DataArray) -> dict[str, str]:
    """How a variable calls itself, with its unit."""
    label = str(values.attrs.get("long_name", values.name)).replace("_", " ")
    units = str(values.attrs.get("units", "1"))
    return {"label": label, "units": "" if units in {"1", ""} else units}


def _numeric(values: xr.DataArray) -> bool:
    return np.issubdtype(values.dtype, np.number)
