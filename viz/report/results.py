"""A list of results as one HTML file: each with its picture, its explorer and its source."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from .about import About, now
from .page import LIMIT, fill, shared, write_page
from .pictures import picture
from .sources import source


def export_results(
    results: Sequence[xr.Dataset], out: str | Path, *, title: str, limit: int = LIMIT
) -> Path:
    """One HTML file of some results that needs no kernel and no network.

    Each result is shown by its explorer where there is one, by its plot where there is one (unless
    that is but one view of the explorer's), and by a table of its variables; the footer names the
    sources of all.

    Parameters
    ----------
    results
        Datasets that probes made.
    out
        The HTML file to write; folders are made.
    title
        Heading of the page.
    limit
        Largest size in bytes.

    Returns
    -------
    pathlib.Path
        `out`.

    Raises
    ------
    TypeError
        If a result is no Dataset.
    ValueError
        If there is none, one does not say its probe, or the page would be too large.

    Examples
    --------
    >>> import tempfile
    >>> out = Path(tempfile.mkdtemp()) / "page.html"
    >>> ds = xr.Dataset({"share": 0.5}, attrs={"probe": "mine.share"})
    >>> export_results([ds], out, title="One number").name
    'page.html'
    """
    return write_page(results_page(results, title=title), out, limit=limit)


def results_page(results: Sequence[xr.Dataset], *, title: str) -> str:
    """The text of the page that `export_results` writes.

    Examples
    --------
    >>> ds = xr.Dataset({"share": 0.5}, attrs={"probe": "mine.share"})
    >>> "One number" in results_page([ds], title="One number")
    True
    """
    for at, result in enumerate(_checked(results)):
        if "probe" not in result.attrs:
            raise ValueError(
                f"`results[{at}]` must say in attrs which probe made it; got attrs "
                f"{sorted(map(str, result.attrs))}."
            )
    names = sorted({_heading(str(result.attrs["probe"])) for result in results})
    about = About(title, now(), f"{len(results)} results", summary=f"{'; '.join(names)}.")
    return fill(
        "results.html",
        title=title,
        sections=[_section(result) for result in results],
        loupe=shared([source(result) for result in results], name=title, about=about),
    )


def _checked(results: Sequence[xr.Dataset]) -> Sequence[xr.Dataset]:
    if isinstance(results, xr.Dataset) or not isinstance(results, Sequence):
        kind = type(results).__name__
        raise TypeError(f"`results` must be a list of Datasets; got {kind}.")
    if not results:
        raise ValueError("`results` must hold at least one result; got none.")
    for at, result in enumerate(results):
        if not isinstance(result, xr.Dataset):
            kind = type(result).__name__
            raise TypeError(f"`results[{at}]` must be a Dataset; got {kind}.")
    return results


def _section(result: xr.Dataset) -> dict[str, Any]:
    from .._registry import ONE_OF_MANY
    from ..explorers import explorable, explore

    # A picture beside the explorer that shows it would only make the page larger.
    shown = str(result.attrs["probe"]) in ONE_OF_MANY
    image, alt = ("", "") if shown else _plot(result) or ("", "")
    return {
        "heading": _heading(str(result.attrs["probe"])),
        "notes": str(result.attrs.get("notes", "")),
        "twin": explore(result).twin() if explorable(result) else "",
        "image": image,
        "alt": alt,
        "variables": [_variable(name, values) for name, values in result.data_vars.items()],
    }


def _plot(result: xr.Dataset) -> tuple[str, str] | None:
    """The result's plot as a picture, if its probe has one."""
    import matplotlib.figure

    import viz

    if not viz.has_plot(result):
        return None
    import matplotlib.pyplot as plt

    axes = result.viz.plot()
    first = axes if hasattr(axes, "figure") else next(iter(getattr(axes, "flat", axes)))
    figure = first if isinstance(first, matplotlib.figure.Figure) else first.figure
    try:
        return picture(figure)
    finally:
        plt.close(figure)


def _heading(probe: str) -> str:
    """``whitening.topic_retrieval`` as ``Whitening: topic retrieval``."""
    room, _, name = probe.partition(".")
    words = re.sub(r"[._]", " ", name)
    return f"{room.capitalize()}: {words}" if words else room.capitalize()


def _variable(name: Any, values: xr.DataArray) -> dict[str, str]:
    units = str(values.attrs.get("units", ""))
    return {
        "name": str(name),
        "dims": " × ".join(f"{dim} {size}" for dim, size in values.sizes.items()) or "one number",
        "meaning": str(values.attrs.get("long_name", "")),
        "units": "" if units == "1" else units,
        "range": str(values.attrs.get("range", "")),
    }
