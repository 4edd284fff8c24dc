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
    from probe.attribution import agreement

    ds = read(ds, [], AXES, made_by=MADE_BY)
    parts = {name: dims for name, _, dims in parts_of(ds)}
    own = next(iter(parts)) if part is None else one_of("part", part, tuple(parts))
    at = chosen(ds, "layer", layer)[0]
    measured = agreement(ds, layer=at, part=own)
    kept = np.flatnonzero(np.isfinite(measured.rank_correlation).any("other"))
    names = [spoken(name) for name in ds["algorithm"].values.astype(str)[kept]]
    found = measured.rank_correlation.values[np.ix_(kept, kept)]
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
