"""One restrained look for every static picture, for light and dark pages, and its words.

A picture is opaque. A transparent one would have to be read on white and on near-black alike, and
no ink has a contrast above 4.3 with both, where text needs 4.5 (WCAG 2.2, 1.4.3). Colours are
those of the explorers, so that a label has one colour in the picture and in the live view.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import numpy as np

from probe._check import one_of, refuse, refuse_type

from ._colours import DARK, DASHES, LIGHT, MARKERS, THEMES, Theme, ink_on, luminance, ordered, ramp

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "DARK",
    "DASHES",
    "LIGHT",
    "MARKERS",
    "THEMES",
    "Theme",
    "canvas",
    "describe",
    "figure_of",
    "ink_on",
    "luminance",
    "ordered",
    "plain",
    "ramp",
    "say",
    "size_of",
    "theme",
    "theme_of",
    "title",
]

_TITLE, _TEXT, _SMALL = 11.0, 9.5, 8.5  # points


_current: ContextVar[Theme] = ContextVar("loupe_theme", default=LIGHT)


@contextmanager
def theme(name: str) -> Iterator[Theme]:
    """Draw for ``"light"`` or ``"dark"`` pages inside a ``with`` block.

    Raises
    ------
    ValueError
        If there is no such theme.

    Examples
    --------
    >>> with theme("dark") as chosen:
    ...     chosen.paper
    '#12161d'
    """
    token = _current.set(THEMES[one_of("name", name, tuple(THEMES))])
    try:
        yield _current.get()
    finally:
        _current.reset(token)


def theme_of(ax: Axes) -> Theme:
    """The theme that can be read on an Axes: by the lightness of what lies behind it."""
    from matplotlib.colors import to_rgba

    # What is transparent shows what lies below it: the axes, its figure, then the page.
    colour = np.array(to_rgba(_current.get().paper))[:3]
    for patch in (figure_of(ax).patch, ax.patch):
        *top, alpha = to_rgba(patch.get_facecolor()) if patch.get_visible() else (0, 0, 0, 0)
        colour = alpha * np.array(top) + (1 - alpha) * colour
    # Equal contrast with black and white lies at a luminance of 0.18.
    return LIGHT if luminance(colour) > 0.18 else DARK


@contextmanager
def canvas(
    ax: Any = None,
    *,
    panels: int = 1,
    columns: int = 1,
    size: tuple[float, float] = (6.4, 4.0),
) -> Iterator[list[Axes]]:
    """Axes in our look: those given, or those of a new figure, which is closed if drawing fails.

    Settings hold inside the ``with`` block and for what is drawn there; none is changed for good.

    Parameters
    ----------
    ax
        None, an Axes, or one Axes for each panel.
    panels, columns, size
        How many Axes, in how many columns, and width and height of a new figure in inches.

    Raises
    ------
    TypeError
        If `ax` holds something else than Axes.
    ValueError
        If there is not one Axes for each panel.
    """
    import matplotlib.pyplot as plt
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    if ax is not None:
        given = _given(ax, panels)
        with _in_force(_settings(theme_of(given[0]))):
            for each in given:
                _dress(each, theme_of(each))
            yield given
        return
    colours = _current.get()
    with _in_force(_settings(colours)):
        # pyplot's figure, so that a notebook shows it; whoever is handed the Axes closes it.
        layout = ConstrainedLayoutEngine(hspace=0.06, wspace=0.04)
        figure = plt.figure(figsize=size, layout=layout, facecolor=colours.paper)
        try:
            rows = -(-panels // columns)
            made = [figure.add_subplot(rows, columns, i + 1) for i in range(panels)]
            for each in made:
                each.set_facecolor(colours.paper)
                _dress(each, colours)
            yield made
        except BaseException:
            plt.close(figure)
            raise


@contextmanager
def _in_force(settings: Any) -> Iterator[None]:
    """Settings of matplotlib for a block, and only these put back after it.

    `matplotlib.rc_context` puts back all of them, so also ``interactive``, which a notebook's
    backend switches on when the first figure is made: no later figure would be shown.
    """
    import matplotlib as mpl

    before: Any = {name: mpl.rcParams[name] for name in settings}
    mpl.rcParams.update(settings)
    try:
        yield
    finally:
        mpl.rcParams.update(before)


def figure_of(ax: Axes) -> Figure:
    """The figure that an Axes is part of.

    Raises
    ------
    ValueError
        If it was removed from its figure.
    """
    figure = ax.get_figure(root=True)
    if figure is None:
        refuse("ax", "be part of a figure", "Axes that were removed from theirs")
    return figure


def size_of(ax: Axes) -> tuple[float, float]:
    """Width and height of an Axes in points, as they are before a layout moves it."""
    box = ax.get_window_extent()
    scale = 72 / figure_of(ax).dpi
    return box.width * scale, box.height * scale


def plain(text: Any) -> str:
    r"""A text of a result, such as a topic's name, in which no dollar sign starts a formula.

    Examples
    --------
    >>> plain("from $HOME to $PATH")
    'from \\$HOME to \\$PATH'
    """
    return str(text).replace("$", r"\$")


def title(ax: Axes, text: str, note: str = "", *, lift: float = 0.0) -> None:
    """Write a title, and a lesser note below it, wrapped to the width of the Axes.

    `lift` leaves room below both, in points, for a legend there.
    """
    colours = theme_of(ax)
    points, _ = size_of(ax)
    heading = textwrap.wrap(text, max(int(points / (_TITLE * 0.5)), 12))
    lines = textwrap.wrap(note, max(int(points / (_SMALL * 0.52)), 12))
    pad = 6 + lift + (4 + len(lines) * _SMALL * 1.25 if lines else 0)
    ax.set_title("\n".join(heading), loc="left", pad=pad, color=colours.ink, fontsize=_TITLE)
    if lines:
        ax.annotate(
            "\n".join(lines),
            xy=(0, 1),
            xycoords="axes fraction",
            xytext=(0, 6 + lift),
            textcoords="offset points",
            va="bottom",
            color=colours.soft,
            fontsize=_SMALL,
        )


def say(ax: Axes, words: str) -> None:
    """Keep with an Axes what it shows in words: the text alternative of its picture.

    It becomes the label of the Axes, and that of the figure unless that has a name of its own.
    """
    figure = figure_of(ax)
    unnamed = figure.get_label() in ("", describe(figure))
    # What `plain` kept from becoming a formula is read aloud as it was.
    ax.set_label(" ".join(words.split()).replace(r"\$", "$"))
    if unnamed:
        figure.set_label(describe(figure))


def describe(drawn: Axes | Figure) -> str:
    """What an Axes or a figure drawn here shows, in words and numbers; "" for others.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = Figure().subplots()
    >>> say(ax, "Two bars: 1 and 2.")
    >>> describe(ax), describe(ax.figure)
    ('Two bars: 1 and 2.', 'Two bars: 1 and 2.')
    """
    from matplotlib.figure import FigureBase

    parts = drawn.axes if isinstance(drawn, FigureBase) else [drawn]
    # Axes of colour bars are labelled "<colorbar>" by matplotlib.
    labels = (str(part.get_label()) for part in parts)
    said = (label for label in labels if not label.startswith("<"))
    return " ".join(filter(None, dict.fromkeys(said)))


def _given(ax: Any, panels: int) -> list[Axes]:
    from matplotlib.axes import Axes

    given = [ax] if isinstance(ax, Axes) else list(np.ravel(np.asarray(ax, dtype=object)))
    for each in given:
        if not isinstance(each, Axes):
            refuse_type("ax", "be matplotlib Axes, or one for each panel", each)
    if len(given) != panels:
        refuse("ax", f"hold one Axes for each of {panels} panel(s)", f"{len(given)} Axes")
    return given


def _settings(colours: Theme) -> Any:
    return {
        "text.color": colours.ink,
        "axes.labelcolor": colours.ink,
        "axes.labelsize": _TEXT,
        "legend.fontsize": _SMALL,
        "legend.frameon": False,
        "font.size": _TEXT,
        "font.family": ["sans-serif"],
        "lines.linewidth": 1.6,
        "lines.markersize": 5.0,
        "text.usetex": False,
    }


def _dress(ax: Axes, colours: Theme) -> None:
    for side, spine in ax.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(colours.edge)
    # Said here and not in rc settings: ticks are made when drawn, after the settings are gone.
    ax.tick_params(which="both", color=colours.edge, labelcolor=colours.ink, labelsize=_SMALL)
    ax.tick_params(which="minor", length=0)
    ax.grid(visible=True, color=colours.grid, linewidth=0.8)
    ax.grid(visible=False, axis="x")
    ax.set_axisbelow(True)
    for label in (ax.xaxis.label, ax.yaxis.label):
        label.set(color=colours.ink, fontsize=_TEXT)
