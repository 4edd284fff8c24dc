"""Do methods agree? Rank correlations between the attributions of one layer and target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from .. import style
from .._headings import Heading, head
from .._reading import chosen, read, short
from .cell import scale_around_zero
from .reading import AXES, MADE_BY, parts_of, spoken

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_agreement(
    ds: xr.Dataset, ax: Any = None, *, layer: str | None = None, part: str | None = None
) -> Axes:
    """Spearman's rank correlation between methods, mean over examples and targets.

    Methods that agree may be wrong together; the column of the control at random shows what lies
    within chance.

    Parameters
    ----------
    ds
        Result of `probe.attribution.grid`.
    ax
        One Axes; a new figure if None.
    layer
        Which layer; the first if None.
    part
        Which input's attributions; the first if None.

    Returns
    -------
    Axes
        With one cell for each pair of methods.

    Raises
    ------
    TypeError
        If `ds` is no Dataset.
    ValueError
        If it lacks what is drawn, or there is no such layer or input.
    """
    from probe._check import one_of

    ds = read(ds, [], AXES, made_by=MADE_BY)
    parts = {name: dims for name, _, dims in parts_of(ds)}
    own = next(iter(parts)) if part is None else one_of("part", part, tuple(parts))
    at = chosen(ds, "layer", layer)[0]
    values = ds[f"attribution_{own}"].sel(layer=at)
    values = values.transpose("method", "target", "example", *parts[own]).values
    values = values.reshape(*values.shape[:3], -1)
    kept = np.flatnonzero(np.isfinite(values).any(axis=(1, 2, 3)))
    names = [spoken(name) for name in ds["method"].values.astype(str)[kept]]
    found = agreement(values[kept])
    side = max(4.2, 1.9 + 0.62 * len(names))
    with style.canvas(ax, size=(side + 1.0, side)) as (panel,):
        scale = scale_around_zero(np.ones(1), style.theme_of(panel))
        shown = np.where(np.isfinite(found), found, 0)
        panel.imshow(shown, cmap=scale.cmap, norm=scale.norm, aspect="auto")
        shades = scale.shade(np.nan_to_num(found))
        for (row, column), value in np.ndenumerate(found):
            text = short(round(float(value), 2), 2) if np.isfinite(value) else "none"
            ink = style.ink_on(shades[row, column])
            panel.text(column, row, text, ha="center", va="center", color=ink, fontsize=8.5)
        panel.set_xticks(range(len(names)), names, rotation=30, ha="right", rotation_mode="anchor")
        panel.set_yticks(range(len(names)), names)
        panel.tick_params(length=0)
        panel.grid(visible=False)
        title = "Do the methods agree?"
        note = f"Rank correlation of {spoken(own)} at layer {at}, mean over examples and targets."
        pairs = [
            f"{names[i]} and {names[j]} {short(float(found[i, j]), 2)}"
            for i in range(len(names))
            for j in range(i)
        ]
        style.say(panel, f"{title} {note} {'; '.join(pairs)}.")
        head([panel], [Heading(title, note)])
    return panel


def agreement(values: np.ndarray) -> np.ndarray:
    """Mean over (target, example) of the rank correlations (method, method) of (..., value).

    Examples
    --------
    >>> one = np.array([[[[1.0, 2.0, 3.0]]], [[[3.0, 2.0, 1.0]]]])
    >>> agreement(one).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    from scipy.stats import rankdata

    n = len(values)
    found = np.full((n, n, *values.shape[1:3]), np.nan)
    for target, example in np.ndindex(values.shape[1:3]):
        one = values[:, target, example]
        known = np.isfinite(one).all(axis=0)
        if known.sum() < 2:
            continue
        ranks = rankdata(one[:, known], axis=1)
        ranks -= ranks.mean(axis=1, keepdims=True)
        length = np.sqrt((ranks**2).sum(axis=1))
        with np.errstate(invalid="ignore", divide="ignore"):
            found[:, :, target, example] = ranks @ ranks.T / np.outer(length, length)
    known = np.isfinite(found)
    total, count = np.where(known, found, 0).sum(axis=(2, 3)), known.sum(axis=(2, 3))
    return np.divide(total, count, out=np.full((n, n), np.nan), where=count > 0)
