"""Where an edit changes the image, beside where baselines change it."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from probe._check import integer, one_of, refuse

from .. import style
from .._headings import Heading, head
from .._reading import short
from .pictures import bare, draw_picture, edits_of, outline, ratio_words, title_of


def plot_change(
    ds: xr.Dataset,
    ax: Any = None,
    *,
    mask: str | None = None,
    kind: str | None = None,
    direction: int = 0,
    step: float | None = None,
) -> np.ndarray:
    """The image, and for a direction and each baseline a heat map of the change it makes.

    All maps have one scale, by square roots so that small changes are seen too, and show the same
    change inside the region, which is outlined.

    Parameters
    ----------
    ds
        Result of a `probe.lowrank.EditSource`.
    ax
        One Axes for the image and one for each map; a new figure if None.
    mask, kind
        Which region and which latents; the first of each if None.
    direction
        Which of the method's directions, counted from 0.
    step
        Root mean square change inside, one of the result's; the farthest that all reach if None.

    Returns
    -------
    np.ndarray
        (1 + map,) of Axes.

    Raises
    ------
    TypeError
        If `ds` is no Dataset, or `direction` no whole number.
    ValueError
        If it lacks what is drawn, or there is no such region, space, direction or step.
    """
    from matplotlib.colors import PowerNorm

    own = edits_of(ds, mask, kind)
    method = str(own["method"].values[0])
    named = own["method"].values == method
    integer("direction", direction, low=0, high=int(named.sum()) - 1)
    shown = [int(np.flatnonzero(named)[direction]), *np.flatnonzero(~named).tolist()]
    own = own.isel(edit=shown)
    at = _step_of(own, step)
    change = own["change"].isel(step=at).transpose("edit", "row", "column").values
    count = 1 + len(shown)
    size = (2.7 * count + 0.5, 3.2)
    region = own["region"].values
    with style.canvas(ax, panels=count, columns=count, size=size) as panels:
        colours = style.theme_of(panels[0])
        draw_picture(panels[0], own["image"].isel(example=0).values)
        outline(panels[0], region)
        most = float(np.nanmax(change)) if np.isfinite(change).any() else 1.0
        headings = [Heading("The image", f"Region: {style.plain(own['mask'].item())}.")]
        style.say(panels[0], f"The image with the region {own['mask'].item()} outlined.")
        norm = PowerNorm(0.5, 0.0, most or 1.0)
        cmap = style.ramp(colours.heat).with_extremes(bad=colours.paper)
        for i, panel in enumerate(panels[1:]):
            mesh = panel.imshow(change[i], cmap=cmap, norm=norm, interpolation="nearest")
            outline(panel, region)
            one = own.isel(edit=i, step=at)
            inside, outside = abs(float(one["step"])), float(one["outside"])
            note = f"Inside {short(inside)} is not reached."
            if np.isfinite(outside):
                with np.errstate(divide="ignore"):
                    ratio = ratio_words(float(np.float64(inside) / outside))
                gone = short(outside, 2) if outside >= 0.001 else "< 0.001"
                note = f"Outside {gone}; in/out {ratio}."
            name = style.plain(title_of(one, method))
            headings.append(Heading(f"{name[0].upper()}{name[1:]}", note))
            style.say(panel, f"Change by {name}: inside {short(inside)}. {note}")
        bar = style.figure_of(panels[-1]).colorbar(mesh, ax=panels[-1], shrink=0.85)
        bar.outline.set_visible(False)  # type: ignore[operator]
        bar.set_label("change of a pixel", color=colours.ink)
        bar.ax.tick_params(color=colours.edge, labelcolor=colours.ink, labelsize=8.5)
        for panel in panels:
            bare(panel)
        head(panels, headings)
        made = np.empty(count, dtype=object)
        made[:] = panels
    return made


def _step_of(own: xr.Dataset, step: float | None) -> int:
    steps = own["step"].values
    if step is not None:
        return int(np.flatnonzero(steps == one_of("step", step, steps.tolist()))[0])
    reached = np.isfinite(own["outside"].values).all(0) & (steps != 0)
    if not reached.any():
        reached = np.isfinite(own["outside"].values[0]) & (steps != 0)
    if not reached.any():
        refuse("ds", "hold an edit with a step that is reached", "none")
    return int(np.argmax(np.where(reached, np.abs(steps) + 1e-9 * steps, -1.0)))
