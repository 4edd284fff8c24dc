"""Edits as pictures: which edits of a result are meant, pixels, and the outline of a region."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from probe._check import one_of

from .. import style
from .._reading import read

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MADE_BY = "probe.lowrank.EditSource"
_NEEDED = ("frames", "change", "outside", "region", "image", "kept_effect", "near_empty")


def edits_of(ds: Any, mask: str | None, kind: str | None) -> xr.Dataset:
    """The edits of one region in one space; the first of either if None.

    Raises
    ------
    TypeError
        If `ds` is no Dataset.
    ValueError
        If it lacks what is drawn, or there is no such region or space.
    """
    ds = read(ds, _NEEDED, ["edit", "step", "mask", "kind"], made_by=MADE_BY)
    masks, kinds = (ds[dim].values.astype(str).tolist() for dim in ("mask", "kind"))
    mask = masks[0] if mask is None else one_of("mask", mask, masks)
    kind = kinds[0] if kind is None else one_of("kind", kind, kinds)
    own = (ds["name"] == mask) & (ds["space"] == kind)
    return ds.isel(edit=np.flatnonzero(own)).sel(mask=mask, kind=kind)


def title_of(one: xr.Dataset, method: str) -> str:
    """A direction by its number, a baseline by its method."""
    name = str(one["method"].item())
    return f"direction {int(one['direction']) + 1}" if name == method else name


def ratio_words(ratio: float) -> str:
    """A ratio of changes, as far as it can be told from none outside.

    Examples
    --------
    >>> ratio_words(6.44), ratio_words(2e5), ratio_words(float("nan"))
    ('6.4', '> 999', 'undefined')
    """
    if np.isnan(ratio):
        return "undefined"
    return "> 999" if ratio > 999 else f"{ratio:.3g}" if ratio >= 10 else f"{ratio:.2g}"


def draw_picture(ax: Axes, pixels: np.ndarray, extent: tuple[float, ...] | None = None) -> None:
    """One picture (channel, row, column) uint8, each pixel as it is."""
    shown = np.moveaxis(pixels, 0, 2)
    shown = np.repeat(shown, 3, axis=2) if shown.shape[2] == 1 else shown
    ax.imshow(shown, interpolation="nearest", extent=extent, aspect="equal")  # type: ignore[arg-type]


def outline(
    ax: Axes, region: np.ndarray, *, left: float = 0.0, top: float = 0.0, side: float = 0.0
) -> None:
    """The borders of a region (row, column), in pixels, or in a picture of a width of `side`."""
    from matplotlib.collections import LineCollection

    colours = style.theme_of(ax)
    edges = borders(region)
    # Middles of pixels are whole numbers where a picture has no place of its own.
    edges = edges * (side / region.shape[1]) + [left, top] if side else edges - 0.5
    for colour, width in ((colours.paper, 2.6), (colours.series[0], 1.3)):
        lines = LineCollection(list(edges), colors=colour, linewidths=width, capstyle="round")
        lines.set_gid("outline")
        ax.add_collection(lines, autolim=False)


def borders(region: np.ndarray) -> np.ndarray:
    """(border, end, xy): sides of pixels between the region and the rest.

    Examples
    --------
    >>> len(borders(np.array([[1, 1], [0, 0]], bool)))
    6
    """
    padded = np.pad(np.asarray(region, bool), 1)
    y, x = np.nonzero(padded[1:, 1:-1] != padded[:-1, 1:-1])
    across = np.stack([np.stack([x, y], 1), np.stack([x + 1, y], 1)], axis=1)
    y, x = np.nonzero(padded[1:-1, 1:] != padded[1:-1, :-1])
    down = np.stack([np.stack([x, y], 1), np.stack([x, y + 1], 1)], axis=1)
    return np.concatenate([across, down]).astype(float)


def bare(ax: Axes) -> None:
    """No ticks, grid or frame."""
    ax.set(xticks=[], yticks=[])
    ax.grid(visible=False)
    for spine in ax.spines.values():
        spine.set_visible(False)
