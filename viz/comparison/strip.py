"""Some frames of a film, side by side on one scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from probe._check import one_of, refuse

from .. import style
from .._reading import chosen, read, short
from ..whitening.maps import grouped, legend_of_labels, scatter_groups

MADE_BY = "probe.whitening.aligned_maps"
_MOST = 6
_NAMES = {"pca": "PCA", "umap": "UMAP"}


def plot_film_strip(
    ds: xr.Dataset,
    ax: Any = None,
    *,
    projection: str | None = None,
    frames: Sequence[Any] | None = None,
) -> np.ndarray:
    """Frames of a film on one scale, each with its trustworthiness and what it kept.

    Parameters
    ----------
    ds
        Result of `probe.whitening.aligned_maps`.
    ax
        One Axes for each frame; a new figure if None.
    projection
        Which maps; the first of the result if None.
    frames
        Labels of frames; six at even distances, first and last among them, if None.

    Returns
    -------
    np.ndarray
        (frame,) of Axes.

    Raises
    ------
    TypeError
        If `ds` is no Dataset.
    ValueError
        If it lacks what is drawn, or there is no such projection or frame.
    """
    ds = read(ds, ["map", "trustworthiness", "kept_neighbours"], made_by=MADE_BY)
    kinds = [str(each) for each in ds["projection"].values]
    kind = kinds[0] if projection is None else str(one_of("projection", projection, kinds))
    known = chosen(ds, "frame", None)
    some = np.unique(np.linspace(0, len(known) - 1, min(len(known), _MOST)).round().astype(int))
    names = [known[i] for i in some] if frames is None else chosen(ds, "frame", frames)
    if not names:
        refuse("frames", "name at least one frame", "none")
    own = ds.sel(projection=kind)
    places = own["map"].transpose("frame", "example", "axis").values.astype(float)
    low, high = places.min(axis=(0, 1)), places.max(axis=(0, 1))
    room = 0.05 * float((high - low).max() or 1.0)
    groups = grouped(ds["label"].values)
    columns = min(3, len(names))
    size = (3.1 * columns + (1.7 if groups[0][1] else 0.3), 3.3 * -(-len(names) // columns))
    with style.canvas(ax, panels=len(names), columns=columns, size=size) as axes:
        for axis, name in zip(axes, names, strict=True):
            _frame(axis, own.sel(frame=name), name, groups, kind)
            axis.set(xlim=(low[0] - room, high[0] + room), ylim=(low[1] - room, high[1] + room))
        legend_of_labels(axes[columns - 1])
    return np.array(axes, dtype=object)


def _frame(ax: Any, one: xr.Dataset, name: Any, groups: list[Any], kind: str) -> None:
    colours = style.theme_of(ax)
    points = one["map"].transpose("example", "axis").values.astype(float)
    scatter_groups(ax, points, groups, rest=(9.0, 0.5))
    ax.set(xticks=[], yticks=[], aspect="equal")
    ax.grid(visible=False)
    for spine in ax.spines.values():
        spine.set(visible=True, color=colours.grid)
    kept, chance = float(one["kept_neighbours"]), float(one["kept_chance"])
    trust = float(one["trustworthiness"])
    words = f"trustworthiness {trust:.2f}"
    if np.isfinite(kept):
        words += f", {kept:.0%} of neighbours kept (chance {chance:.0%})"
    where = f"{one.attrs.get('over', 'frame')} {name}"
    called = _NAMES.get(kind, kind)
    style.title(ax, style.plain(f"{where[:1].upper()}{where[1:]}: {called}"), words)
    told = f", {short(kept)} of neighbours kept, chance {short(chance)}" if kept == kept else ""
    what = f"{called} map of {len(points)} examples at {where}"
    style.say(ax, f"{what}, trustworthiness {short(trust)}{told}.")
