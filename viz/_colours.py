"""Colours of pictures, for light and dark pages: the same ones as in the explorers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.colors import Colormap


@dataclass(frozen=True)
class Theme:
    """Colours of a picture, as ``#rrggbb``.

    Attributes
    ----------
    paper, ink, soft, edge, grid
        Background; text; lesser text; axis lines; grid lines.
    series
        Eight colours of unordered groups, most important first. All readers tell the first four
        apart; of all eight some pairs (blue and violet, say) look alike without red or green,
        which is why `MARKERS` and `DASHES` go with them. `other` is for what is left.
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
        *("#0667b7", "#d55e00", "#008f6d", "#b26590"),
        *("#b07d00", "#2aa1d6", "#5b3fa0", "#6b6a00"),
    ),
    other="#97a0ae",
    ordered=("#e47008", "#bc5766", "#844196", "#463889", "#1b2d55"),
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
        *("#4a9eee", "#ff8a45", "#27ce9a", "#ea9bc8"),
        *("#f2b632", "#93d6fa", "#b9a5f2", "#d8d65a"),
    ),
    other="#6c788b",
    ordered=("#6159c9", "#9c71d1", "#d58fa2", "#eeb76a", "#ffdabd"),
    heat=("#17202c", "#1d4e7d", "#3f8fd0", "#cfe6fb"),
)
THEMES = {theme.name: theme for theme in (LIGHT, DARK)}
# One shape for each colour of `series`, so that colour is never the only sign; then `other`.
MARKERS = ("o", "^", "s", "D", "v", "p", "h", "P", "o")
# The same for lines without markers: the first four colours differ for all readers.
DASHES = ("-", "-", "-", "-", "--", "--", "--", "--", ":")


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
