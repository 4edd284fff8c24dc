"""One pair: its objects in the picture and the caption, and their relations in both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import xarray as xr

from data.records import GroundedPair, Phrase
from probe._check import integer, one_of, refuse

from .. import style
from .._headings import Heading, settle
from .._headings import head as write_titles
from .._reading import read, short
from ..scenes import _box, _caption, _letters
from ..value.matrix import _brief, _decimals
from ..value.scale import Scale, scale_of
from .spans import DIVIDER, Span, spans_of, spans_of_tokens, tones_of, words_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MADE_BY = "probe.isd.relation_examples"
_NEED = ("linguistic_mean", "visual_mean", "phrase", "box", "caption", "objects")
_BLANK = 64  # pixels of what stands for an image that the result lacks
_WIDEST = 240.0  # points of a line of a caption
_LEAST = 0.1  # a difference nearer to 0 stays pale


class Objects(NamedTuple):
    """The objects of one example: names, boxes, where their phrases stand, and their colours."""

    caption: str
    phrases: list[str]
    boxes: np.ndarray
    spans: list[list[Span]]
    tones: list[int]


def objects_of(one: xr.Dataset) -> Objects:
    """The objects of one example, without what pads them; each is called by its first phrase."""
    count = int(one["objects"])
    phrases = [str(phrase) for phrase in one["phrase"].values[:count]]
    caption = str(one["caption"].values)
    spans = None
    if {"object_position", "token", "modality", "special"} <= set(one.variables):
        # Which words are an object's is known where a wording alone may stand more than once.
        words = (one["modality"].values == 0) & ~one["special"].values.astype(bool)
        own = one["object_position"].transpose("object", "position").values[:count, words] > 0
        spans = spans_of_tokens(caption, [str(token) for token in one["token"].values[words]], own)
    spans = spans_of(caption, phrases) if spans is None else spans
    names = [phrase.split(DIVIDER)[0] for phrase in phrases]
    boxes = one["box"].transpose("object", "corner").values[:count].astype(float)
    return Objects(caption, names, boxes, spans, tones_of(spans))


def last_layer(one: xr.Dataset) -> Any:
    """The last layer in which relations of an example are known.

    Raises
    ------
    ValueError
        If there is none.
    """
    dims = ("object", "partner")
    known = one["linguistic_mean"].notnull().any(dims) & one["visual_mean"].notnull().any(dims)
    if not known.any():
        refuse("ds", "hold relations of the example in some layer", "none")
    return one["layer"].values[known.values][-1].item()


def plot_relation_pair(
    ds: xr.Dataset,
    ax: Any = None,
    *,
    example: int = 0,
    layer: int | None = None,
    head: int | None = None,
) -> np.ndarray:
    """Numbered objects in a picture and its caption, and their relations among words and regions.

    Each row of a matrix says how one object's attention within its modality is shared among the
    objects. Both matrices have one scale; the last panel is the first less the second.

    Parameters
    ----------
    ds
        Result of `probe.isd.relation_examples`.
    ax
        Four Axes; a new figure if None.
    example
        Which example, counted from 0.
    layer
        Label of a layer; the last one with relations if None.
    head
        Label of a head; the mean over heads if None.

    Returns
    -------
    np.ndarray
        (4,) of Axes: picture, relations among words, among regions, and their difference.

    Raises
    ------
    TypeError
        If `ds` is no Dataset, or `example` no whole number.
    ValueError
        If it lacks what is drawn, there is no such example, layer or head, or its relations are not
        applicable there.
    """
    of_head = () if head is None else ("linguistic", "visual")
    ds = read(ds, [*_NEED, *of_head], ["example", "layer"], made_by=_MADE_BY)
    one = ds.isel(example=integer("example", example, low=0, high=ds.sizes["example"] - 1))
    at = last_layer(one) if layer is None else one_of("layer", layer, ds["layer"].values.tolist())
    one = one.sel(layer=at)
    if head is not None:
        one = one.sel(head=one_of("head", head, ds["head"].values.tolist()))
    objects = objects_of(one)
    words, regions = _relations(one, len(objects.phrases), by_head=head is not None)
    if not (np.isfinite(words).any() and np.isfinite(regions).any()):
        refuse("layer", "have relations of words and of regions", f"{at}: not applicable")
    where = f"layer {at}, {'mean over heads' if head is None else f'head {head}'}"
    with style.canvas(ax, panels=4, columns=4, size=(15.0, 4.3)) as axes:
        headings = [Heading("Objects", f"Example {example}.")]
        theme = style.theme_of(axes[1])
        shared = scale_of(np.stack([words, regions]), theme)
        apart = scale_of(words - regions, theme, null=0.0, reach=_LEAST)
        panels = [
            ("Among words", f"{where[0].upper()}{where[1:]}.", words, shared, None),
            ("Among regions", "On the same scale.", regions, shared, "share of a row"),
            ("Words less regions", _isd_words(one, head), words - regions, apart, "difference"),
        ]
        axes[1].set_ylabel("from object")
        for own, (title, note, values, scale, bar) in zip(axes[1:], panels, strict=True):
            _draw_relations(own, values, objects, scale, bar)
            headings.append(Heading(title, note))
            style.say(own, f"{title}, {where}. {_told(values, objects, where=title)} {note}")
        write_titles(axes, headings)
        settle(axes[0])
        _draw_picture(axes[0], one, objects)
        for own, (_, _, values, scale, _) in zip(axes[1:], panels, strict=True):
            _write(own, values, scale)
    return np.array(axes, dtype=object)


def _relations(one: xr.Dataset, count: int, *, by_head: bool) -> list[np.ndarray]:
    names = ("linguistic", "visual") if by_head else ("linguistic_mean", "visual_mean")
    return [
        one[name].transpose("object", "partner").values[:count, :count].astype(float)
        for name in names
    ]


def _isd_words(one: xr.Dataset, head: int | None) -> str:
    names = ("isd", "permuted") if head is None else ("isd_head", "permuted_head")
    said = [
        f"{called} {short(float(one[name]))}"
        for name, called in zip(names, ("ISD", "permuted links"), strict=True)
        if name in one and np.isfinite(float(one[name]))
    ]
    return f"{', '.join(said)}." if said else ""


def _draw_picture(ax: Axes, one: xr.Dataset, objects: Objects) -> None:
    """The image with boxes where they are known, and below it the caption, set to its width."""
    colours = style.theme_of(ax)
    pair = _pair_of(one, objects)
    height, width = pair.image.shape[:2]
    ax.imshow(pair.image, interpolation="nearest", extent=(0, 1, 1, 0), aspect="auto")
    ax.set_box_aspect(height / width)
    ax.set(xlim=(0, 1), ylim=(1, 0), xticks=[], yticks=[])
    ax.grid(visible=False)
    for spine in ax.spines.values():
        spine.set_visible(False)
    paint = {k: _colour(tone, colours) for k, tone in enumerate(objects.tones)}
    for k, box in enumerate(objects.boxes.tolist()):
        if np.isfinite(box).all():
            _box(ax, box, paint[k], str(k + 1))
    _caption(ax, pair, paint, _letters(min(style.size_of(ax)[0], _WIDEST)))
    named = "; ".join(f"{k + 1}: {name}" for k, name in enumerate(objects.phrases))
    style.say(ax, f"{objects.caption} Objects: {named}.")


def _colour(tone: int, colours: style.Theme) -> str:
    return colours.other if tone < 0 else colours.series[tone % 8]


def _pair_of(one: xr.Dataset, objects: Objects) -> GroundedPair:
    """The example as the record whose caption is drawn: regions are objects, whatever their box."""
    flat = sorted({span for own in objects.spans for span in own})
    words, places = words_of(objects.caption, flat)
    image = np.full((_BLANK, _BLANK, 3), 225, np.uint8)
    if "image" in one:
        image = one["image"].transpose("y", "x", "channel").values
        height, width = one["image_size"].values if "image_size" in one else image.shape[:2]
        image = image[: int(height), : int(width)]
    links = [[flat.index(span), k] for k, own in enumerate(objects.spans) for span in own]
    return GroundedPair(
        image=image.astype(np.uint8),
        words=tuple(words),
        regions=[[0, 0, 1, 1]] * len(objects.phrases),
        phrases=tuple(Phrase(start, end, "") for start, end in places),
        links=links,
    )


def _draw_relations(
    ax: Axes, values: np.ndarray, objects: Objects, scale: Scale, bar: str | None
) -> None:
    colours = style.theme_of(ax)
    count = len(values)
    low, high = float(scale.norm.vmin or 0.0), float(scale.norm.vmax or 1.0)
    mesh = ax.pcolormesh(
        np.ma.masked_invalid(np.clip(values, low, high)),
        cmap=scale.cmap.with_extremes(bad=colours.grid),
        norm=scale.norm,
        edgecolor=colours.paper,
        linewidth=1.5,
    )
    ax.set(xlim=(0, count), ylim=(count, 0), xlabel="to object")
    ax.set_box_aspect(1)
    at = np.arange(count) + 0.5
    names = [str(k + 1) for k in range(count)]
    for axis, labels in ((ax.xaxis, ax.get_xticklabels), (ax.yaxis, ax.get_yticklabels)):
        axis.set_ticks(at, names)
        for label, tone in zip(labels(), objects.tones, strict=True):
            face = _colour(tone, colours)
            label.set(color=style.ink_on(face), fontsize=8)
            label.set_bbox({"boxstyle": "circle,pad=0.2", "facecolor": face, "edgecolor": "none"})
    ax.tick_params(axis="both", length=0, pad=7)
    ax.grid(visible=False)
    for spine in ax.spines.values():
        spine.set_visible(False)
    if bar is not None:
        _bar(ax, mesh, bar, scale)


def _bar(ax: Axes, mesh: Any, name: str, scale: Scale) -> None:
    from matplotlib.ticker import FuncFormatter

    colours = style.theme_of(ax)
    inset = ax.inset_axes((1.03, 0.0, 0.035, 1.0))
    bar = style.figure_of(ax).colorbar(mesh, cax=inset)
    bar.set_label(name, color=colours.ink, fontsize=8.5)
    bar.outline.set_visible(False)
    inset.tick_params(color=colours.edge, labelcolor=colours.ink, labelsize=8, length=2)
    inset.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value, 2)))
    if scale.null is not None:
        inset.axhline(scale.null, color=colours.ink, linewidth=1.0)


def _write(ax: Axes, values: np.ndarray, scale: Scale) -> None:
    width, _ = style.size_of(ax)
    if width / len(values) < 22:
        return
    shade, places = scale.shade(values), min(_decimals(values), 2)
    for row, column in np.argwhere(np.isfinite(values)):
        ax.text(
            *(column + 0.5, row + 0.5, _brief(float(values[row, column]), places)),
            ha="center",
            va="center",
            fontsize=8,
            color=style.ink_on(shade[row, column]),
        )


def _told(values: np.ndarray, objects: Objects, *, where: str) -> str:
    """The largest entry of each row, or of a difference the largest either way."""
    if "less" in where:
        flat = [np.unravel_index(f(values), values.shape) for f in (np.nanargmax, np.nanargmin)]
        (i, j), (m, n) = ((int(a), int(b)) for a, b in flat)
        most, least = short(float(values[i, j])), short(float(values[m, n]))
        return f"Largest {most} from {i + 1} to {j + 1}, lowest {least} from {m + 1} to {n + 1}."
    parts = []
    for k, row in enumerate(values):
        if np.isfinite(row).any():
            best = int(np.nanargmax(row))
            name = f"{k + 1} ({objects.phrases[k]})"
            parts.append(f"{name} most to {best + 1}: {short(float(row[best]))}")
    return f"{'; '.join(parts)}."
