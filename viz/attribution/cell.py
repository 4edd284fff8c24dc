"""One attribution over what it is of: words, a picture with its regions, or a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from probe._check import refuse

from .. import style
from .._headings import Heading, settle
from .._reading import short
from ..value.scale import Scale, diverging
from .network import draw_network
from .picture import draw_picture
from .reading import Cell, Part, cell_of, reach_of, spoken, strongest
from .words import draw_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PANELS = {"token": "text", "pixel": "picture", "region": "picture", "node": "graph"}
_DRAW = {"text": draw_words, "picture": draw_picture, "graph": draw_network}
_WIDE = {"text": 5.4, "picture": 4.6, "graph": 6.2}
_MANY = 40  # tokens beyond which a text needs a taller picture


def plot_attribution(
    ds: Any,
    ax: Any = None,
    *,
    method: str | None = None,
    layer: str | None = None,
    target: str | None = None,
    example: int = 0,
) -> np.ndarray:
    """What one method says that the model looked at, for one example, target and layer.

    Orange speaks for the target, blue against it, and what has the colour of the page does not
    matter; the strongest colour of a panel is its largest magnitude. Values of words and regions
    are written with them.

    Parameters
    ----------
    ds
        Result of `probe.attribution.grid` or `attribute`.
    ax
        One Axes for each panel (text, picture, graph: those that the result has); a new figure if
        None.
    method, layer, target
        Names; the first that there are if None.
    example
        Which example, counted from 0.

    Returns
    -------
    np.ndarray
        (panel,) of Axes.

    Raises
    ------
    TypeError
        If `ds` is no Dataset, or `example` no whole number.
    ValueError
        If it lacks what is drawn, there is no such cell, or the method cannot be combined with the
        layer.

    Examples
    --------
    >>> import xarray as xr
    >>> axes = ("algorithm", "layer", "target", "example")
    >>> ds = xr.Dataset(
    ...     {"attribution_words": ((*axes, "token"), np.array([[[[[0.5, -1.0]]]]]))},
    ...     {"algorithm": ["saliency"], "layer": ["input"], "target": ["yes"], "example": [0]},
    ... )
    >>> (panel,) = plot_attribution(ds)
    >>> panel.get_title(loc="left")
    'Saliency: words'
    >>> import matplotlib.pyplot
    >>> matplotlib.pyplot.close(panel.figure)
    """
    cell = cell_of(ds, method=method, layer=layer, target=target, example=example)
    if cell.why:
        wanted = f"be one that has attributions at layer {cell.layer!r} ({cell.why})"
        refuse("method", wanted, cell.method)
    kinds = list(dict.fromkeys(_PANELS.get(part.kind, "graph") for part in cell.parts))
    tall = max([3.6, *(_height(part, cell) for part in cell.parts)])
    wide = sum(_WIDE[kind] for kind in kinds)
    with style.canvas(ax, panels=len(kinds), columns=len(kinds), size=(wide, tall)) as axes:
        headings = []
        for each, kind in zip(axes, kinds, strict=True):
            parts = [part for part in cell.parts if _PANELS.get(part.kind, "graph") == kind]
            scales = [scale_around_zero(part.values, style.theme_of(each)) for part in parts]
            _bare(each)
            _DRAW[kind](each, cell, parts, scales)
            named = " and ".join(spoken(part.name) for part in parts)
            title = f"{spoken(cell.method).capitalize()}: {named}"
            headings.append(Heading(title, _note(cell, parts)))
            style.say(each, f"{title}. {_told(cell, parts)}")
        settle(axes[0])
        for each, heading in zip(axes, headings, strict=True):
            each.apply_aspect()  # a title is wrapped to the width that is left
            style.title(each, heading.title, heading.note)
        made = np.empty(len(axes), dtype=object)
        made[:] = axes
    return made


def scale_around_zero(values: np.ndarray, colours: style.Theme) -> Scale:
    """Colours from blue (below 0) over the page's own to orange, as far on both sides."""
    from matplotlib.colors import Normalize

    reach = reach_of(values)
    cmap = style.ramp(diverging(colours)).with_extremes(bad=colours.paper)
    return Scale(cmap, Normalize(-reach, reach), 0.0)


def _height(part: Part, cell: Cell) -> float:
    if part.kind == "token":
        return 3.6 * max(1.0, part.values.size / _MANY)
    return 4.6 if part.kind in ("node", "edge") else 3.6


def _bare(ax: Axes) -> None:
    ax.set(xticks=[], yticks=[])
    ax.grid(visible=False)
    for spine in ax.spines.values():
        spine.set_visible(False)


def _setting(cell: Cell) -> str:
    predicted = ""
    if "prediction" in cell.result:
        predicted = f", predicted {style.plain(cell.result['prediction'].item())}"
    score = cell.number("score")
    scored = f", output {short(score)}" if np.isfinite(score) else ""
    target = style.plain(cell.target)
    return f"Example {cell.example}{predicted}. Target {target}{scored}, layer {cell.layer}."


def _note(cell: Cell, parts: list[Part]) -> str:
    ends = "; ".join(f"{spoken(part.name)} ±{short(reach_of(part.values), 2)}" for part in parts)
    return f"{_setting(cell)} Orange for, blue against the target; colours end at {ends}."


def _told(cell: Cell, parts: list[Part]) -> str:
    said = "; ".join(f"{spoken(part.name)}: {strongest(part, cell)}" for part in parts)
    return f"{_setting(cell)} Strongest {said}."
