"""Contact sheet of images with captions: what each phrase names, in one colour and one number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from data.records import GroundedPair
from probe._check import integer, refuse, refuse_type

from .style import canvas, figure_of, ink_on, plain, say, size_of, theme_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_scenes"]

_POINTS = 7.6  # size of a caption's letters
_LETTER, _LINE = 0.64, 1.62  # width of a letter at most and height of a line, in its sizes
_FONT = "DejaVu Sans Mono"  # comes with matplotlib; all letters are as wide
_MARKS = frozenset(".,;:!?")
_WIDTH, _GAP = 2.6, 0.24  # inches of an image, and between two


def plot_scenes(
    pairs: Sequence[GroundedPair] | GroundedPair, ax: Any = None, *, columns: int = 4
) -> np.ndarray:
    """Images with numbered boxes, and below each its caption with the numbers of what it names.

    A box has the colour of the first phrase that names it, alone or with others; a box that no
    phrase names is grey. A phrase is followed by the numbers of its boxes and has their colour, a
    frame alone if they are of several colours. A phrase that names no box has a dash after it.

    Parameters
    ----------
    pairs
        One pair or several.
    ax
        One Axes for each pair; a new figure if None.
    columns
        How many pairs stand side by side in a new figure.

    Returns
    -------
    numpy.ndarray
        (pair,) the Axes, one for each pair.

    Raises
    ------
    TypeError
        If `pairs` holds something else, or `columns` is no whole number.
    ValueError
        If there is no pair, or not one Axes for each.

    Examples
    --------
    >>> from data import render_scenes
    >>> (ax,) = plot_scenes(render_scenes(1))
    >>> len(ax.images)
    1
    >>> import matplotlib.pyplot
    >>> matplotlib.pyplot.close(ax.figure)
    """
    shown = [pairs] if isinstance(pairs, GroundedPair) else list(pairs)
    for pair in shown:
        if not isinstance(pair, GroundedPair):
            refuse_type("pairs", "hold records of type GroundedPair", pair)
    if not shown:
        refuse("pairs", "hold at least one pair", "none")
    columns = min(integer("columns", columns, low=1), len(shown))
    rows = -(-len(shown) // columns)
    tall = max(pair.image.shape[0] / pair.image.shape[1] for pair in shown)
    width = _WIDTH if tall > 0.5 else 2 * _WIDTH  # a wide image needs its width
    across = _letters(width * 72)
    lines = max(1 + list(_pieces(pair, across))[-1][0] for pair in shown)
    cell = (width + _GAP, tall * width + (lines + 0.5) * _POINTS * _LINE / 72 + _GAP)
    whole = (cell[0] * columns, cell[1] * rows)
    with canvas(ax, panels=len(shown), columns=columns, size=whole) as panels:
        if ax is None:
            # Sizes are known to the point here, which a layout engine would only disturb.
            figure_of(panels[0]).set_layout_engine("none")
        for i, (each, pair) in enumerate(zip(panels, shown, strict=True)):
            if ax is None:
                row, column = divmod(i, columns)
                left, top = column * cell[0] + _GAP / 2, row * cell[1] + _GAP / 2
                high = width * pair.image.shape[0] / pair.image.shape[1]
                bottom = whole[1] - top - high
                each.set_position(
                    (left / whole[0], bottom / whole[1], width / whole[0], high / whole[1])
                )
            _draw(each, pair, across if ax is None else _letters(size_of(each)[0]))
        made = np.empty(len(panels), dtype=object)
        made[:] = panels
        return made


def _draw(ax: Axes, pair: GroundedPair, across: int) -> None:
    colours = theme_of(ax)
    ax.imshow(pair.image, interpolation="nearest", extent=(0, 1, 1, 0), aspect="auto")
    height, width = pair.image.shape[:2]
    ax.set_box_aspect(height / width)
    ax.set(xlim=(0, 1), ylim=(1, 0), xticks=[], yticks=[])
    ax.grid(visible=False)
    for spine in ax.spines.values():
        spine.set_visible(False)
    owner = _owners(pair)
    paint = {r: colours.series[i % len(colours.series)] for r, i in owner.items()}
    for region, box in enumerate(pair.regions.tolist()):
        _box(ax, box, paint.get(region, colours.other), str(region + 1))
    _caption(ax, pair, paint, across)
    named = "; ".join(
        f"{' '.join(pair.words[phrase.start : phrase.end])}: {_numbers(pair, i) or 'no region'}"
        for i, phrase in enumerate(pair.phrases)
    )
    say(ax, f"{pair.caption} {len(pair.regions)} regions. {named}.")


def _numbers(pair: GroundedPair, phrase: int) -> str:
    return ",".join(str(region + 1) for region in pair.regions_of(phrase))


def _owners(pair: GroundedPair) -> dict[int, int]:
    """Region to the position of its colour: the first phrase that names it, counted."""
    owner: dict[int, int] = {}
    used = 0
    for i in range(len(pair.phrases)):
        free = [region for region in pair.regions_of(i) if region not in owner]
        owner.update(dict.fromkeys(free, used))
        used += bool(free)
    return owner


def _box(ax: Axes, box: Sequence[float], colour: str, number: str) -> None:
    from matplotlib.patches import Rectangle

    x0, y0, x1, y1 = box
    # The white below the colour sets it off from a region of that colour.
    for edge, thick in (("white", 2.8), (colour, 1.4)):
        ax.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, ec=edge, lw=thick))
    ax.text(
        *(x0, y0, number),
        fontsize=7,
        color=ink_on(colour),
        ha="center",
        va="center",
        bbox={"boxstyle": "circle,pad=0.15", "facecolor": colour, "edgecolor": "white", "lw": 0.6},
    )


def _caption(ax: Axes, pair: GroundedPair, paint: dict[int, str], across: int) -> None:
    """The caption below an image, on a grid of letters: a new line where the image ends."""
    colours = theme_of(ax)
    before: Any = None
    for row, column, text, phrase in _pieces(pair, across):
        chip: Any = None
        ink = colours.ink
        if phrase is not None:
            kinds = {paint[region] for region in pair.regions_of(phrase)}
            face = kinds.pop() if len(kinds) == 1 else "none"
            edge = face if face != "none" else colours.edge
            ink = ink_on(face) if face != "none" else colours.ink
            chip = {"boxstyle": "round,pad=0.12", "facecolor": face, "edgecolor": edge, "lw": 0.7}
        # Beside the piece before it, wherever that ends: how wide letters are drawn depends on how
        # many pixels they have.
        gap = 1.6 if text[0] in _MARKS else 0.6 * _POINTS
        before = ax.annotate(
            plain(text),
            xy=(1 if column else 0, 0),
            xycoords=(before if column else "axes fraction", "axes fraction"),
            xytext=(gap if column else 0, -(row + 1) * _POINTS * _LINE),
            textcoords="offset points",
            fontsize=_POINTS,
            family=_FONT,
            color=ink,
            bbox=chip,
            annotation_clip=False,
        )


def _letters(points: float) -> int:
    """How many letters of a caption stand side by side in a width."""
    return max(int(points / (_POINTS * _LETTER)), 16)


def _pieces(pair: GroundedPair, across: int) -> Iterator[tuple[int, int, str, int | None]]:
    """Row, column and text of what stands together in a caption, and the phrase that it is of."""
    inside = {k: i for i, (start, end, _) in enumerate(pair.phrases) for k in range(start, end)}
    last = {phrase.end - 1: i for i, phrase in enumerate(pair.phrases)}
    row = column = 0
    held: tuple[int, int, str, int | None] | None = None
    for k, word in enumerate(pair.words):
        phrase = inside.get(k)
        text = f"{word} {_numbers(pair, last[k]) or '-'}" if k in last else word
        if column and column + len(text) > across and word not in _MARKS:
            row, column = row + 1, 0
        if word in _MARKS and phrase is None and column:
            column -= 1  # no space before it
        if held and held[0] == row and held[3] == phrase:
            held = (row, held[1], f"{held[2]}{'' if word in _MARKS else ' '}{text}", phrase)
        else:
            if held:
                yield held
            held = (row, column, text, phrase)
        column += len(text) + 1
    if held:
        yield held
