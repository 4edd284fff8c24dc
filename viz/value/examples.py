"""One head's attention from a phrase, drawn over the picture and the caption."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from .. import style
from .._headings import Heading, settle
from .._headings import head as write_titles
from .._reading import read, short
from ..scenes import _box
from .asking import Look, look_of, mass_of_regions, one_example, shares
from .matrix import _colour_bar
from .scale import Scale, scale_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NEED = (
    *("attention", "present", "token", "modality", "special", "boxes"),
    *("in_phrase", "in_region", "region_box", "link"),
)
_FONT = "DejaVu Sans Mono"  # comes with matplotlib; all letters are as wide
_LETTER, _ROW = 0.64, 2.1  # width of a letter and height of a row, in sizes of the font
_SIZES = np.arange(10.5, 3.9, -0.5)  # of letters, points
_VEIL = (0.1, 0.85)  # how opaque the least and the most attention is over the picture


def plot_examples(
    ds: xr.Dataset,
    ax: Any = None,
    *,
    example: int = 0,
    layer: int | None = None,
    head: int | None = None,
    query: int | str | None = None,
) -> np.ndarray:
    """What one head attends to from a phrase, a word or a place: over the picture and the caption.

    The picture is grey, so that what is blue is attention. Below the caption stands how much of it
    lies on each region. Picture and caption have one scale, from 0 to the largest weight of a word
    or a place; special marks may be above it, and have the darkest colour then. What is asked of
    is framed in the colour of text, what belongs to it by annotation in orange.

    Parameters
    ----------
    ds
        Result of `probe.value.attention_examples`.
    ax
        Two Axes; a new figure if None.
    example
        Which example, counted from 0.
    layer, head
        Labels; the head that the first score ranks highest if None, else the first.
    query
        A position, words that stand together in the caption, or a mark such as ``"[CLS]"``; the
        first phrase that is linked to a region if None. Of several positions the mean is drawn.

    Returns
    -------
    np.ndarray
        (2,) of Axes: picture and caption.

    Raises
    ------
    TypeError
        If `ds` is no Dataset, or `example` or `query` is of another type.
    ValueError
        If it lacks what is drawn, or there is no such example, layer, head or query.
    """
    from matplotlib.cm import ScalarMappable

    ds = read(ds, _NEED, ["example", "layer", "head"], made_by="probe.value.attention_examples")
    one, where = one_example(ds, example, layer, head)
    look = look_of(one, query)
    plain = ~one["special"].values.astype(bool)
    with style.canvas(ax, panels=2, columns=2, size=(9.2, 4.4)) as axes:
        scale = scale_of(look.weights[plain], style.theme_of(axes[0]))
        _picture(axes[0], one, look, scale)
        _colour_bar(axes[0], ScalarMappable(scale.norm, scale.cmap), scale, "attention")
        _bare(axes[1])
        said = [
            f"{name} {'not applicable' if np.isnan(share) else f'{100 * share:.0f} %'}"
            for name, share in shares(one, look)
        ]
        headings = [
            Heading(f"Attention from {style.plain(look.name)}", where),
            Heading("Caption", f"Of its attention: {', '.join(said)}."),
        ]
        write_titles(axes, headings)
        settle(axes[0])
        _caption(axes[1], one, look, scale)
        told = f"Attention from {look.name}. {where} {headings[1].note}"
        style.say(axes[0], f"{told} {_strongest(one, look, 1)}")
        style.say(
            axes[1],
            f"{one['caption'].item() if 'caption' in one else ''} {_strongest(one, look, 0)}",
        )
    return np.array(axes, dtype=object)


def _bare(ax: Axes) -> None:
    ax.set(xticks=[], yticks=[])
    ax.grid(visible=False)
    for spine in ax.spines.values():
        spine.set_visible(False)


def _picture(ax: Axes, one: xr.Dataset, look: Look, scale: Scale) -> None:
    """The picture, its positions in the colours of their weights, and numbered regions."""
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    colours = style.theme_of(ax)
    _bare(ax)
    ratio = 1.0
    if "image" in one:
        image = one["image"].transpose("y", "x", "channel").values
        height, width = one["image_size"].values if "image_size" in one else image.shape[:2]
        ratio = float(height) / float(width)
        shown = image[: int(height), : int(width)]
        ax.imshow(
            _greyed(shown, colours), interpolation="nearest", extent=(0, 1, 1, 0), aspect="auto"
        )
    else:
        ax.set_facecolor(colours.grid)
    ax.set_box_aspect(ratio)
    ax.set(xlim=(0, 1), ylim=(1, 0))
    boxes = one["boxes"].transpose("position", "corner").values.astype(float)
    placed = (one["modality"].values == 1) & np.isfinite(boxes).all(axis=1)
    size = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    # Small ones last, so that a box inside another one is seen.
    order = np.flatnonzero(placed)[np.argsort(-size[placed], kind="stable")]
    known = order[np.isfinite(look.weights[order])]
    if len(known):
        places = [Rectangle(boxes[j, :2].tolist(), *(boxes[j, 2:] - boxes[j, :2])) for j in known]
        mesh = PatchCollection(places, cmap=scale.cmap, norm=scale.norm, linewidth=0)
        mesh.set_array(look.weights[known])
        low, high = _VEIL
        veil = low + (high - low) * np.clip(scale.norm(look.weights[known]), 0, 1)
        mesh.set_alpha(np.ma.getdata(veil).tolist())
        mesh.set_gid("places")
        ax.add_collection(mesh, autolim=False)
    for j in order[np.isnan(look.weights[order])]:
        grey = {"facecolor": colours.grid, "edgecolor": colours.edge, "alpha": 0.6}
        place = Rectangle(boxes[j, :2].tolist(), *(boxes[j, 2:] - boxes[j, :2]), **grey)
        ax.add_patch(place).set(hatch="////", linewidth=0, gid="absent")
    for j in np.flatnonzero(look.asked & placed):
        frame = Rectangle(boxes[j, :2].tolist(), *(boxes[j, 2:] - boxes[j, :2]), fill=False)
        frame.set(edgecolor=colours.ink, linewidth=2.4, gid="asked", zorder=4)
        ax.add_patch(frame)
    for region, box in enumerate(one["region_box"].transpose("region", "corner").values):
        if np.isfinite(box).all():
            own = colours.series[1] if look.regions[region] else colours.other
            _box(ax, box.tolist(), own, str(region + 1))


def _greyed(image: np.ndarray, colours: style.Theme) -> np.ndarray:
    """The picture in shades of grey near the page's own: colour is attention and nothing else."""
    low, high = (30, 140) if colours.name == "dark" else (120, 255)
    light = image.astype(float) @ [0.2126, 0.7152, 0.0722] / 255
    return np.repeat((low + (high - low) * light)[..., None], 3, axis=-1).astype(np.uint8)


def _caption(ax: Axes, one: xr.Dataset, look: Look, scale: Scale) -> None:
    """The caption's tokens on a grid of letters, each in the colour of its weight."""
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    colours = style.theme_of(ax)
    at = np.flatnonzero(one["modality"].values == 0)
    if not len(at):
        return
    tokens = [str(one["token"].values[j]) or " " for j in at]
    width, height = style.size_of(ax)
    for points in _SIZES:
        across = max(width / (points * _LETTER), *(len(t) + 1.6 for t in tokens), 12)
        places = _rows(tokens, across)
        if (places[-1][0] + 1) * points * _ROW <= height:
            break
    points = min(points, width / across / _LETTER)
    ax.set(xlim=(0, across), ylim=(height / (points * _ROW), 0))
    chips = [
        Rectangle((x, row + 0.08), len(t) + 1, 0.84)
        for t, (row, x) in zip(tokens, places, strict=True)
    ]
    values = look.weights[at]
    shade = scale.shade(values)
    mesh = PatchCollection(chips, cmap=scale.cmap.with_extremes(bad=colours.grid), norm=scale.norm)
    mesh.set_array(np.ma.masked_invalid(np.minimum(values, float(scale.norm.vmax or 1.0))))
    edges = [
        colours.ink if look.asked[j] else colours.series[1] if look.linked[j] else colours.edge
        for j in at
    ]
    mesh.set(edgecolor=edges, gid="words")
    mesh.set_linewidth([2.4 if look.asked[j] else 2.0 if look.linked[j] else 0.5 for j in at])
    ax.add_collection(mesh, autolim=False)
    marks = one["special"].values.astype(bool)[at]
    for k, (token, (row, x)) in enumerate(zip(tokens, places, strict=True)):
        ax.text(
            x + (len(token) + 1) / 2,
            row + 0.5,
            style.plain(token),
            ha="center",
            va="center",
            fontsize=points,
            family=_FONT,
            style="italic" if marks[k] else "normal",
            color=style.ink_on(shade[k]) if np.isfinite(values[k]) else colours.ink,
        )
    _regions(ax, one, look, points, places[-1][0] + 2.4)


def _regions(ax: Axes, one: xr.Dataset, look: Look, points: float, row: float) -> None:
    """Attention on each region, a line each, as many as there is room for."""
    colours = style.theme_of(ax)
    masses = mass_of_regions(one, look)
    bottom = ax.get_ylim()[0]
    for k, (region, mass) in enumerate(masses.items()):
        at = row + 0.75 * k
        if at + 0.5 > bottom:
            return
        name = str(one["region_name"].values[region]) if "region_name" in one else ""
        ax.text(
            0.2,
            at,
            style.plain(f"{100 * mass:>3.0f} % on {region + 1}{' ' if name else ''}{name}"),
            va="center",
            fontsize=min(points, 8.5),
            family=_FONT,
            color=colours.series[1] if look.regions[region] else colours.soft,
        ).set_gid("region")


def _rows(tokens: list[str], across: float) -> list[tuple[int, float]]:
    """Row and first letter of each token, a new row where the width ends."""
    row, x = 0, 0.2
    found = []
    for token in tokens:
        if x > 0.2 and x + len(token) + 1.2 > across:
            row, x = row + 1, 0.2
        found.append((row, x))
        x += len(token) + 1.4
    return found


def _strongest(one: xr.Dataset, look: Look, side: int) -> str:
    """The three largest weights of a side, in words."""
    here = (one["modality"].values == side) & np.isfinite(look.weights)
    at = np.flatnonzero(here)[np.argsort(-look.weights[here], kind="stable")][:3]
    if not len(at):
        return f"{'Image' if side else 'Text'} not applicable."
    named = []
    for j in at:
        token = str(one["token"].values[j])
        inside = np.flatnonzero(one["in_region"].transpose("region", "position").values[:, j] > 0.5)
        place = f"region {inside[0] + 1}" if side and len(inside) else f"position {j}"
        called = place if side else f"{token} ({place})"
        named.append(f"{short(float(look.weights[j]))} on {called}")
    return f"Strongest: {', '.join(named)}."
