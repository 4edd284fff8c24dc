"""Pictures, interactive views and reports of results; gives every result the accessor ``.viz``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import xarray as xr

if TYPE_CHECKING:
    import numpy as np

    from .explorers._base import Explorer

__all__ = ["Viz", "compare", "has_plot"]

_NAME = "viz"


@final
class Viz:
    """The faces of a result, found by its attrs ``probe``: ``ds.viz`` after ``import viz``.

    Examples
    --------
    >>> ds = xr.Dataset({"average_cosine": ("layer", [0.6, 0.1])}, {"layer": [0, 1]})
    >>> ds.attrs["probe"] = "whitening.anisotropy"
    >>> (ax,) = ds.viz.plot()
    >>> ax.get_title(loc="left")
    'Average cosine'
    >>> import matplotlib.pyplot
    >>> matplotlib.pyplot.close(ax.figure)
    """

    def __init__(self, ds: xr.Dataset) -> None:
        self._ds = ds

    def plot(self, ax: Any = None, **options: Any) -> Any:
        """The static picture: matplotlib Axes, one or an array of them.

        Parameters
        ----------
        ax
            Axes to draw on, as many as the picture has panels; a new figure if None.
        **options
            Those of the function that draws it, such as `viz.whitening.plot_sts`.

        Raises
        ------
        ValueError
            If no picture is known for the probe, or the result lacks what is drawn.
        TypeError
            If the function has no such option.
        """
        from ._registry import draw

        return draw(self._ds, ax, options)

    def explore(self) -> Explorer:
        """The interactive view: a widget.

        Raises
        ------
        ValueError
            If no interactive view is known for the probe.
        """
        from .explorers import explore

        return explore(self._ds)

    def to_html(self, path: str | Path | None = None) -> str | Path:
        """The result as one HTML page that needs no network.

        Parameters
        ----------
        path
            File to write; none is written if None.

        Returns
        -------
        str or pathlib.Path
            The page; where a file was written, its path.

        Raises
        ------
        ValueError
            If the page cannot show results of this probe.
        """
        from .report import export_results, results_page

        heading = str(self._ds.attrs.get("probe", "")).replace(".", ": ") or "Result"
        if path is None:
            return results_page([self._ds], title=heading)
        return export_results([self._ds], path, title=heading)


def has_plot(ds: xr.Dataset) -> bool:
    """Whether ``ds.viz.plot()`` knows a picture of results of its probe.

    Examples
    --------
    >>> has_plot(xr.Dataset(attrs={"probe": "whitening.sts"})), has_plot(xr.Dataset())
    (True, False)
    """
    from ._registry import PLOTS

    return ds.attrs.get("probe") in PLOTS


def compare(
    a: xr.Dataset | Mapping[Any, xr.Dataset],
    b: xr.Dataset | None = None,
    *,
    names: tuple[str, str] = ("a", "b"),
    variable: str | None = None,
    at: Mapping[str, Any] | None = None,
    pair_by: str | None = None,
    ax: Any = None,
) -> np.ndarray:
    """Two results of one probe on shared scales with their difference, or a series of results.

    Parameters
    ----------
    a, b
        Before and after, model A and model B; or, in place of `a` alone, results by name or step.
    names
        What the two are called.
    variable
        What is compared; the probe's headline measure if None.
    at
        Labels of dims, such as ``{"direction": "text->image"}``.
    pair_by
        Dim of units that both share row by row, where the results do not say so themselves.
    ax
        Axes to draw on, as many as the picture has panels; a new figure if None.

    Returns
    -------
    numpy.ndarray
        (panel,) of matplotlib Axes. For the numbers call `probe.comparison.difference` or
        `probe.comparison.series`, which say how the interval of a difference is found.

    Raises
    ------
    TypeError
        If what is given are no results.
    ValueError
        If they come from different probes or have nothing in common.

    Examples
    --------
    >>> before = xr.Dataset({"average_cosine": ("layer", [0.6, 0.1])}, {"layer": [0, 1]})
    >>> before.attrs["probe"] = "whitening.anisotropy"
    >>> both, change = compare(before, before, names=("before", "after"))
    >>> change.get_title(loc="left")
    'after less before'
    >>> import matplotlib.pyplot
    >>> matplotlib.pyplot.close(change.figure)
    """
    from .comparison.between import compared

    return compared(a, b, names=names, variable=variable, at=at, pair_by=pair_by, ax=ax)


def _register() -> None:
    """Put `Viz` on xarray's Dataset; a reload of this module replaces its own accessor quietly."""
    # A stranger's accessor of this name is left to xarray's warning.
    if getattr(getattr(xr.Dataset, _NAME, None), "__module__", "") == __name__:
        delattr(xr.Dataset, _NAME)
    xr.register_dataset_accessor(_NAME)(Viz)


_register()
