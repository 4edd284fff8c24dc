"""How faithful attributions are: infidelity and sensitivity beside what chance gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from .. import style
from .._headings import Heading, head
from .._reading import bounds_of, chosen, read, short
from .reading import MADE_BY, spoken

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PANELS = {
    "infidelity": ("Infidelity", "lower: foretells what a disturbance does to the output"),
    "sensitivity": ("Sensitivity", "lower: a small change of the input moves it less"),
}


def plot_faithfulness(
    ds: xr.Dataset, ax: Any = None, *, layer: str | None = None, target: Any = None
) -> np.ndarray:
    """Infidelity and sensitivity by method, averaged over examples, beside the control at random.

    A mark is the mean over examples and targets, its line the mean of their 95 % intervals; small
    dots are single examples. The dashed line is the infidelity of the same numbers at shuffled
    places: a method that does not stay below it says no more about the output than chance.

    Parameters
    ----------
    ds
        Result of `probe.attribution.grid`.
    ax
        Two Axes; a new figure if None.
    layer
        Which layer; the first if None.
    target
        Targets that are averaged over; all if None.

    Returns
    -------
    np.ndarray
        (2,) of Axes.

    Raises
    ------
    TypeError
        If `ds` is no Dataset.
    ValueError
        If it lacks what is drawn, or there is no such layer or target.
    """
    ds = read(ds, list(_PANELS), ["algorithm", "layer", "target", "example"], made_by=MADE_BY)
    at = chosen(ds, "layer", layer)[0]
    ds = ds.sel(layer=at, target=chosen(ds, "target", target))
    title, note = _PANELS["infidelity"]
    if "change" in ds:
        # As a share of what attributions of 0 would miss, so that examples can be averaged.
        names = ["infidelity", "infidelity_interval", "infidelity_null"]
        ds = ds.assign({name: ds[name] / ds["change"] for name in names if name in ds})
        note = f"{note}; 1 is as badly as zeros"
    worded = _PANELS | {"infidelity": (title, note)}
    values = ds["infidelity"].transpose("algorithm", "target", "example").values
    known = np.isfinite(values).any(axis=(1, 2))
    ds = ds.isel(algorithm=np.flatnonzero(known))
    names = ds["algorithm"].values.astype(str).tolist()
    size = (9.6, max(2.8, 1.5 + 0.42 * len(names)))
    with style.canvas(ax, panels=2, columns=2, size=size) as axes:
        headings = []
        for each, (name, (title, note)) in zip(axes, worded.items(), strict=True):
            null = ds.get(f"{name}_null")
            said = _draw(each, ds, name, names, null)
            if null is not None:
                note = f"{note}. Dashes: shuffled"
            headings.append(Heading(title, f"{note}."))
            style.say(each, f"{title} at layer {at}, {note}. {said}")
        head(axes, headings)
        made = np.empty(2, dtype=object)
        made[:] = axes
    return made


def _draw(ax: Axes, ds: xr.Dataset, name: str, names: list[str], null: xr.DataArray | None) -> str:
    colours = style.theme_of(ax)
    over = ["target", "example"]
    mean = ds[name].mean(over).values
    bounds = bounds_of(ds, name)
    interval = None
    if bounds is not None:
        interval = bounds.mean(over).transpose("algorithm", "bound").values
    chance = null.mean(over).values if null is not None else np.full(len(names), np.nan)
    said = []
    for y, label in enumerate(names):
        control = label == "random"
        colour = colours.other if control else colours.series[0]
        single = ds[name].isel(algorithm=y).values.ravel()
        ax.plot(single, np.full(single.shape, y), "|", color=colour, markersize=7, alpha=0.45)
        if interval is not None:
            ax.hlines(y, *interval[y], color=colour, linewidth=2.2)
        ax.plot(mean[y], y, "s" if control else "o", color=colour, markersize=7, label=label)
        if np.isfinite(chance[y]):
            ax.vlines(chance[y], y - 0.32, y + 0.32, color=colours.series[1], linestyle="--")
        reach = (
            f" ({short(interval[y][0])} to {short(interval[y][1])})" if interval is not None else ""
        )
        beside = f", shuffled {short(chance[y])}" if np.isfinite(chance[y]) else ""
        said.append(f"{spoken(label)} {short(mean[y])}{reach}{beside}")
    values = np.concatenate([ds[name].values.ravel(), mean, chance])
    values = values[np.isfinite(values) & (values > 0)]
    if len(values) and values.max() > 60 * values.min():
        ax.set_xscale("symlog", linthresh=float(values.min()))
    else:
        ax.locator_params(axis="x", nbins=5)
    ax.set_xlim(left=0)
    ax.set_yticks(range(len(names)), [spoken(label) for label in names])
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x", color=colours.grid, linewidth=0.8)
    ax.set_xlabel(name)
    return "; ".join(said) + "."
