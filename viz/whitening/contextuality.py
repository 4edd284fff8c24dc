"""How much of a token's state is its context, over layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import xarray as xr

from .. import style
from .._reading import bounds_of, read, short
from .._series import Series, dodged, draw_line, label_axis, label_ends

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LINES = {
    "intra_sentence_similarity": "within sentences",
    "token_baseline": "tokens at random",
    "adjusted_similarity": "difference",
}


def plot_contextuality(ds: xr.Dataset, ax: Any = None) -> Axes:
    """Similarity of a sentence's tokens by layer, that of tokens at random, and their difference.

    Parameters
    ----------
    ds
        Result of `probe.whitening.contextuality`.
    ax
        Axes to draw on; a new figure if None.

    Raises
    ------
    ValueError
        If the result lacks one of the three similarities.

    Examples
    --------
    >>> values = {name: ("layer", [0.5, 0.6]) for name in _LINES}
    >>> ax = plot_contextuality(xr.Dataset(values, {"layer": [0, 1]}))
    >>> [line.get_label() for line in ax.get_lines()]
    ['within sentences', 'tokens at random', 'difference']
    >>> import matplotlib.pyplot
    >>> matplotlib.pyplot.close(ax.figure)
    """
    ds = read(ds, list(_LINES), ["layer"], made_by="probe.whitening.contextuality")
    labels = ds["layer"].values.tolist()
    with style.canvas(ax, size=(6.6, 3.6)) as (own,):
        colours = style.theme_of(own)
        x = dodged(len(labels), len(_LINES), width=0.12)
        said, last = [], []
        for i, (variable, name) in enumerate(_LINES.items()):
            values = ds[variable].values
            interval = bounds_of(ds, variable)
            ends = None if interval is None else interval.transpose("layer", "bound").values
            draw_line(own, x[i], Series(name, values, ends, colours.series[i], style.MARKERS[i]))
            said.append(f"{name} {', '.join(short(value) for value in values)}")
            last.append((len(labels) - 1, float(values[-1]), name, colours.series[i]))
        label_axis(own, labels, "layer")
        low, high = own.get_ylim()
        own.set_ylim(min(low, 0), high)
        own.set_ylabel("cosine")
        label_ends(own, last)
        style.title(own, "Similarity of tokens")
        style.say(own, f"Cosine of tokens by layer. {'; '.join(said)}.")
    return own
