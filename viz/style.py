"""One restrained look for every static picture, for light and dark pages, and its words.

A picture is opaque. A transparent one would have to be read on white and on near-black alike, and
no ink has a contrast above 4.3 with both, where text needs 4.5 (WCAG 2.2, 1.4.3). Colours are
those of the explorers, so that a label has one colour in the picture and in the live view.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from probe._check import one_of, refuse, refuse_type

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

_TITLE, _TEXT, _SMALL = 11.0, 9.5, 8.5  # points


@dataclass(frozen=True)
class Theme:
    """Colours of a picture, as ``#rrggbb``.

    Attributes
    ----------
    paper, ink, soft, edge, grid
        Background; text; lesser text; axis lines; grid lines.
    series
        Eight colours of unordered groups, most important first, told apart by readers who see
        no red or no green; `other` is for what is left.
    ordered
        Anchors of a ramp of even lightness steps for ordered groups, such as layers.
    heat
        Anchors of a ramp for values, lowest first.
    """

    name: str
    paper: str
    ink: str
    soft: str
    edge: str
    grid: str
    series: tuple[str, ...]
    other: str
    ordered: tuple[str, ...]
    heat: tuple[str, ...]


LIGHT = Theme(
    name="light",
    paper="#ffffff",
    ink="#1a2130",
    soft="#556074",
    edge="#8791a2",
    grid="#e6e9ee",
    series=(
        *("#0072b2", "#d55e00", "#00896b", "#b8528f"),
        *("#b07d00", "#2aa1d6", "#5b3fa0", "#6b6a00"),
    ),
    other="#9aa3b0",
    ordered=("#c87800", "#d1405a", "#8f3bb0", "#2c50b8", "#0a2140"),
    heat=("#f3f7fc", "#a9cdea", "#3f8cc6", "#0b3f78"),
)
DARK = Theme(
    name="dark",
    paper="#12161d",
    ink="#e9edf4",
    soft="#a4afc0",
    edge="#78869b",
    grid="#262e39",
    series=(
        *("#4aa8ea", "#ff8a45", "#32c79d", "#ea9bc8"),
        *("#f2b632", "#93d6fa", "#b9a5f2", "#d8d65a"),
    ),
    other="#5d6878",
    ordered=("#5478e0", "#a36be0", "#ee6a8f", "#ffad5c", "#fff3c4"),
    heat=("#17202c", "#1d4e7d", "#3f8fd0", "#cfe6fb"),
)
THEMES = {theme.name: theme for theme in (LIGHT, DARK)}
# One shape for each colour of `series`, so that colour is never the only sign; then `other`.
MARKERS = ("o", "^", "s", "D", "v", "p", "h", "P", "o")

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
    for patch in (ax.get_figure(root=True).patch, ax.patch):
        *top, alpha = to_rgba(patch.get_facecolor()) if patch.get_visible() else (0, 0, 0, 0)
        colour = alpha * np.array(top) + (1 - alpha) * colour
    # Equal contrast with black and white lies at a luminance of 0.18.
    return LIGHT if luminance(colour) > 0.18 else DARK


def luminance(colour: Any) -> float:
    """Relative luminance in [0, 1] of a colour (WCAG 2.2).

    Examples
    --------
    >>> luminance("white"), luminance("black")
    (1.0, 0.0)
    """
    from matplotlib.colors import to_rgb

    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def ink_on(colour: Any) -> str:
    """Black or white, whichever has the higher contrast with a background: at least 4.5."""
    return "#000000" if luminance(colour) > 0.179 else "#ffffff"


def ramp(anchors: Sequence[str]) -> Colormap:
    """A colour map through colours at equal distances."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("loupe", list(anchors))


def ordered(n: int, colours: Theme) -> list[str]:
    """`n` colours for an ordered group, first to last.

    Examples
    --------
    >>> ordered(2, LIGHT) == [LIGHT.ordered[0], LIGHT.ordered[-1]]
    True
    """
    from matplotlib.colors import to_hex

    return [to_hex(colour) for colour in ramp(colours.ordered)(np.linspace(0, 1, n))]


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
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    if ax is not None:
        given = _given(ax, panels)
        with mpl.rc_context(_settings(theme_of(given[0]))):
            for each in given:
                _dress(each, theme_of(each))
            yield given
        return
    colours = _current.get()
    with mpl.rc_context(_settings(colours)):
        # pyplot's figure, so that a notebook shows it; whoever is handed the Axes closes it.
        figure = plt.figure(figsize=size, layout="constrained", facecolor=colours.paper)
        try:
            engine = figure.get_layout_engine()
            if engine is not None and panels > 1:
                engine.set(hspace=0.06, wspace=0.04)
            rows = -(-panels // columns)
            made = [figure.add_subplot(rows, columns, i + 1) for i in range(panels)]
            for each in made:
                each.set_facecolor(colours.paper)
                _dress(each, colours)
            yield made
        except BaseException:
            plt.close(figure)
            raise


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
    points = ax.get_window_extent().width / ax.get_figure(root=True).dpi * 72
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
    figure = ax.get_figure(root=True)
    unnamed = figure.get_label() in ("", describe(figure))
    ax.set_label(" ".join(words.split()))
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
    axes = getattr(drawn, "axes", None)
    parts = [each.get_label() for each in axes] if isinstance(axes, list) else [drawn.get_label()]
    said = (str(part) for part in parts if part and not str(part).startswith("<"))
    return " ".join(dict.fromkeys(said))


def _given(ax: Any, panels: int) -> list[Axes]:
    from matplotlib.axes import Axes

    given = [ax] if isinstance(ax, Axes) else list(np.ravel(np.asarray(ax, dtype=object)))
    for each in given:
        if not isinstance(each, Axes):
            refuse_type("ax", "be matplotlib Axes, or one for each panel", each)
    if len(given) != panels:
        refuse("ax", f"hold one Axes for each of {panels} panel(s)", f"{len(given)} Axes")
    return given


def _settings(colours: Theme) -> dict[str, Any]:
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
