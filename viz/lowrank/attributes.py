"""Which attribute edits land in, method by method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from probe._check import refuse, refuse_type

from .. import style
from .._headings import Heading, head, legend_over
from .._reading import bounds_of, read, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MADE_BY = "probe.lowrank.attribute_shares"
_HIGH = 0.6  # of a row, by its bar


def plot_attributes(
    ds: xr.Dataset | Mapping[str, xr.Dataset], ax: Any = None
) -> Axes:  # fmt: skip
    """The share of an edit in each attribute: the intended one first, with its interval.

    A bar is a method, the mean over its directions and latents; the line is the interval of the
    intended attribute's share over latents.

    Parameters
    ----------
    ds
        Results of `probe.lowrank.attribute_shares` by method; or one, as it is.
    ax
        One Axes; a new figure if None.

    Returns
    -------
    Axes
        With one bar for each method and attribute.

    Raises
    ------
    TypeError
        If a result is no Dataset.
    ValueError
        If there is none, one lacks what is drawn, or they differ in attributes or intention.

    Examples
    --------
    >>> ds = xr.Dataset(
    ...     {"share_mean": (("direction", "attribute"), [[0.25, 0.75]]), "intended_mean": 0.75},
    ...     {"attribute": ["nose", "mouth"]},
    ...     {"intended": "mouth"},
    ... )
    >>> ax = plot_attributes({"ours": ds})
    >>> [float(bar.get_width()) for bar in ax.patches]
    [0.75, 0.25]
    >>> import matplotlib.pyplot
    >>> matplotlib.pyplot.close(ax.figure)
    """
    results = {"directions": ds} if isinstance(ds, xr.Dataset) else ds
    if not isinstance(results, Mapping):
        refuse_type("ds", "be a Dataset or Datasets by name", results)
    if not results:
        refuse("ds", "hold at least one result", "none")
    held = {
        str(name): read(one, ["share_mean", "intended_mean"], ["attribute"], made_by=_MADE_BY)
        for name, one in results.items()
    }
    names, intended = _agreed(held)
    shares = {name: ds["share_mean"].mean("direction").sel(attribute=names).values
              for name, ds in held.items()}  # fmt: skip
    tall = max(2.6, 1.5 + 0.42 * len(held))
    with style.canvas(ax, size=(8.0, tall)) as (panel,):
        colours = style.theme_of(panel)
        tones = [colours.series[0], *_others(len(names) - 1, colours)]
        left = np.zeros(len(held))
        for i, name in enumerate(names):
            values = np.array([share[i] for share in shares.values()])
            panel.barh(
                range(len(held)),
                np.nan_to_num(values),
                left=left,
                height=_HIGH,
                color=tones[i],
                edgecolor=colours.paper,
                linewidth=0.8,
                label=style.plain(name),
            )
            left = left + np.nan_to_num(values)
        said = [_draw_interval(panel, y, *item) for y, item in enumerate(held.items())]
        panel.set_yticks(range(len(held)), [style.plain(name) for name in held])
        panel.set_ylim(len(held) - 0.5, -0.5)
        panel.set_xlim(0, 1)
        panel.tick_params(axis="y", length=0)
        panel.grid(visible=False, axis="y")
        panel.set_xlabel("share of the square change of all attributes")
        rows = legend_over(panel, panel.get_legend_handles_labels()[0], columns=len(names))
        title = f"What an edit of the {style.plain(intended)} changes"
        head([panel], [Heading(title, "Line: interval over latents of the first share.", rows)])
        style.say(panel, f"{title}: share in {intended} {'; '.join(said)}.")
    return panel


def _agreed(held: Mapping[str, xr.Dataset]) -> tuple[list[str], str]:
    """Attributes, the intended one first, the others by their share; and the intended one."""
    first = next(iter(held.values()))
    intended = str(first.attrs.get("intended", ""))
    known = first["attribute"].values.astype(str).tolist()
    if intended not in known:
        refuse("ds", "name their intended attribute in attrs", intended or "none")
    for name, ds in held.items():
        same = sorted(ds["attribute"].values.astype(str)) == sorted(known)
        if not same or ds.attrs.get("intended") != intended:
            refuse("ds", "have the same attributes and intention", f"others in {name!r}")
    means = [ds["share_mean"].mean("direction").sel(attribute=known).values for ds in held.values()]
    total = np.nansum(means, axis=0)
    order = sorted(range(len(known)), key=lambda i: (known[i] != intended, -float(total[i])))
    return [known[i] for i in order], intended


def _others(count: int, colours: style.Theme) -> list[str]:
    """Quiet tones for what was not intended, from the grey of the axes to that of the grid."""
    from matplotlib.colors import to_hex

    quiet = style.ramp([colours.other, colours.grid])
    return [to_hex(quiet(i / max(count - 1, 1))) for i in range(count)]


def _draw_interval(ax: Axes, y: int, name: str, ds: xr.Dataset) -> str:
    colours = style.theme_of(ax)
    mean = float(ds["intended_mean"])
    words = short(mean, 2)
    ends = bounds_of(ds, "intended_mean")
    if ends is not None and np.isfinite(ends.values).all():
        low, high = map(float, ends.values)
        for colour, width in ((colours.paper, 4.2), (colours.ink, 2.0)):
            ax.hlines(y, low, high, color=colour, linewidth=width, zorder=4)
        words += f" ({short(low, 2)} to {short(high, 2)})"
    ax.annotate(
        words,
        xy=(1.01, y),
        xycoords=ax.get_yaxis_transform(),
        va="center",
        color=colours.ink,
        fontsize=8.5,
        annotation_clip=False,
    )
    return f"{name} {words}"
