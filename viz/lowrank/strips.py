"""Directions as strips of pictures, in steps of equal change inside the region."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from .. import style
from .._headings import Heading, head
from .._reading import short
from .pictures import bare, draw_picture, edits_of, outline, ratio_words, title_of

_GAP = 0.06  # of a picture's side
_SIDE = 0.78  # inches


def plot_directions(
    ds: xr.Dataset, ax: Any = None, *, mask: str | None = None, kind: str | None = None
) -> Any:
    """One row for each direction and baseline, one column for each change inside the region.

    Words beside a row: the kept effect, the change of the region per unit step as a share of the
    strongest direction's, and how many times as much changes inside as outside at the farthest
    step. A near-empty direction says so in place of its ratio, which means nothing.

    Parameters
    ----------
    ds
        Result of a `probe.lowrank.EditSource`.
    ax
        One Axes; a new figure if None.
    mask, kind
        Which region and which latents; the first of each if None.

    Returns
    -------
    Axes
        With one image for each step that is reached; others are left blank.

    Raises
    ------
    TypeError
        If `ds` is no Dataset.
    ValueError
        If it lacks what is drawn, or there is no such region or space.
    """
    own = edits_of(ds, mask, kind)
    steps = own["step"].values
    count, columns = own.sizes["edit"], len(steps)
    high = own.sizes["row"] / own.sizes["column"]
    step = (1 + _GAP, high * (1 + _GAP))
    method = str(own["method"].values[0])
    size = (columns * step[0] * _SIDE + 3.1, count * step[1] * _SIDE + 1.1)
    with style.canvas(ax, size=size) as (panel,):
        colours = style.theme_of(panel)
        said = []
        for row in range(count):
            one = own.isel(edit=row)
            for column in range(columns):
                left, top = column * step[0], row * step[1]
                place = (left, left + 1, top + high, top)
                reached = np.isfinite(one["outside"].values[column])
                if reached:
                    frame = one["frames"].isel(step=column)
                    pixels = frame.transpose("channel", "row", "column").values
                    draw_picture(panel, pixels, place)
                else:
                    panel.text(
                        *(left + 0.5, top + high / 2, "not\nreached"),
                        ha="center",
                        va="center",
                        fontsize=7,
                        color=colours.soft,
                    )
                if reached and steps[column] == 0:
                    outline(panel, own["region"].values, left=left, top=top, side=1.0)
            words, warned = _words(one)
            panel.annotate(
                words,
                xy=(columns * step[0] + 0.04, row * step[1] + high / 2),
                va="center",
                fontsize=8.5,
                color=colours.series[1] if warned else colours.ink,
                annotation_clip=False,
            )
            told = ", ".join(line.rstrip(",") for line in words.splitlines())
            said.append(f"{title_of(one, method)}: {told}")
        panel.set(xlim=(-_GAP, columns * step[0]), ylim=(count * step[1], -_GAP))
        bare(panel)
        panel.set_aspect("equal")
        names = [title_of(own.isel(edit=row), method) for row in range(count)]
        at = [row * step[1] + high / 2 for row in range(count)]
        panel.set_yticks(at, [style.plain(name) for name in names])
        texts = [f"+{short(s)}" if s > 0 else short(s) for s in steps]
        panel.set_xticks([i * step[0] + 0.5 for i in range(columns)], texts)
        panel.tick_params(length=0)
        panel.set_xlabel("root mean square change inside the region")
        panel.xaxis.set_label_position("bottom")
        region = style.plain(own["mask"].item())
        heading = (
            f"Edits of {region} in {style.plain(own['kind'].item())}, {method.replace('_', ' ')}"
        )
        head([panel], [Heading(heading, "All pictures of a column change the region as much.")])
        style.say(panel, f"{heading}. {'; '.join(said)}.")
    return panel


def _words(one: xr.Dataset) -> tuple[str, bool]:
    kept = f"keeps {float(one['kept_effect']):.0%}".replace("%", " %")
    if float(one["kept_effect"]) < 0.005:
        kept = "keeps < 1 %"
    if bool(one["near_empty"]):
        return f"{kept}: nearly empty,\nits ratio says nothing", True
    outside, steps = one["outside"].values, one["step"].values
    known = np.flatnonzero(np.isfinite(outside) & (steps != 0))
    if not len(known):
        return f"{kept}\nno step reached", False
    far = np.abs(steps[known]).max()
    ends = known[np.abs(steps[known]) == far]
    with np.errstate(divide="ignore"):
        ratio = float(np.exp(np.log(far / outside[ends]).mean()))
    return f"{kept}\nin/out {ratio_words(ratio)} at {short(far)}", False
