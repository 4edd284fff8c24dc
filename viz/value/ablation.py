"""What a task loses without each head, and whether the scores of heads foretell it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from probe._check import refuse, refuse_type

from .. import style
from .._headings import Heading, head
from .._reading import bounds_of, read, short
from .._series import spread
from .choosing import axis_name, matrix_of
from .matrix import Matrix, draw_matrix, told, write_numbers
from .rows import p_words
from .scale import Scale, scale_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_GRID = ("layer", "head")
_MOST_NAMED = 3


def plot_ablation(
    ds: xr.Dataset, ax: Any = None, *, against: xr.DataArray | None = None
) -> np.ndarray:
    """Effect of ablating each head, and beside it the effects along a probe's scores.

    Rings are heads whose interval lies above 0: the task does worse without them (one head at a
    time, not corrected for how many there are).

    Parameters
    ----------
    ds
        Result of `probe.value.head_ablation`.
    ax
        Two Axes, or one where no scores are known; a new figure if None.
    against
        (layer, head) scores that the heads were to be judged by, as given to the measure; those
        that the result holds under this name if None. Without any, the effects alone are drawn.

    Returns
    -------
    np.ndarray
        (1,) or (2,) of Axes.

    Raises
    ------
    TypeError
        If `ds` is no Dataset, or `against` no DataArray.
    ValueError
        If the result has no effects, or `against` is not over its layers and heads.

    Examples
    --------
    >>> effect = xr.DataArray([[0.0, 0.1], [0.3, 0.0]], dims=("layer", "head"))
    >>> ds = xr.Dataset({"effect": effect}, {"layer": [0, 1], "head": [0, 1]})
    >>> axes = plot_ablation(ds, against=effect.rename("score"))
    >>> axes[1].get_lines()[1].get_ydata().tolist()
    [0.0, 0.1, 0.3, 0.0]
    >>> import matplotlib.pyplot
    >>> matplotlib.pyplot.close(axes[0].figure)
    """
    ds = read(ds, ["effect"], _GRID, made_by="probe.value.head_ablation")
    scores = _scores(ds, ds.get("against") if against is None else against)
    count = 1 if scores is None else 2
    size = (5.4 * count, max(3.7, 1.6 + 0.28 * ds.sizes["layer"]))
    with style.canvas(ax, panels=count, columns=count, size=size) as axes:
        matrix = _matrix(ds)
        scale = scale_of(matrix.values, style.theme_of(axes[0]), null=0.0)
        drawn = [_effects(axes[0], ds, matrix, scale)]
        if scores is not None:
            drawn.append(_scatter(axes[1], ds, scores))
        head(axes, drawn)
        write_numbers(axes[:1], [(matrix, scale)])
    return np.array(axes, dtype=object)


def _scores(ds: xr.Dataset, against: Any) -> xr.DataArray | None:
    if against is None:
        return None
    if not isinstance(against, xr.DataArray):
        refuse_type("against", "be a DataArray (layer, head)", against)
    if set(against.dims) != set(_GRID):
        held = ", ".join(map(str, against.dims)) or "none"
        refuse("against", "have dims layer and head", f"dims {held}")
    against = against.transpose(*_GRID)
    wanted = tuple(ds.sizes[dim] for dim in _GRID)
    if against.shape != wanted:
        refuse("against", f"be {wanted[0]} layers by {wanted[1]} heads", against.shape)
    return against


def _matrix(ds: xr.Dataset) -> Matrix:
    matrix, interval = matrix_of(ds, "effect"), bounds_of(ds, "effect")
    if interval is None:
        return matrix
    low = interval.sel(bound="low").transpose(*_GRID).values
    return matrix._replace(ringed=low > 0, mark_names=("interval above 0", "chosen"))


def _effects(ax: Axes, ds: xr.Dataset, matrix: Matrix, scale: Scale) -> Heading:
    rows = draw_matrix(ax, matrix, scale, bar="loss")
    whole = f" {short(float(ds['full']))} with all heads." if "full" in ds else ""
    note = f"Loss of the task's score.{whole} Palest: 0."
    style.say(ax, f"{told(matrix, 'Effect of ablating each head')}{whole}")
    return Heading("Effect of ablating each head", note, rows)


def _scatter(ax: Axes, ds: xr.Dataset, scores: xr.DataArray) -> Heading:
    colours = style.theme_of(ax)
    x = scores.values.astype(float).ravel()
    y = ds["effect"].transpose(*_GRID).values.astype(float).ravel()
    interval, ends = bounds_of(ds, "effect"), None
    if interval is not None:
        ends = interval.transpose(*_GRID, "bound").values.reshape(-1, 2)
        ax.vlines(x, ends[:, 0], ends[:, 1], color=colours.series[0], linewidth=1.0, alpha=0.5)
    ax.axhline(0, color=colours.soft, linewidth=1.0, zorder=1)
    (line,) = ax.plot(
        x,
        y,
        linestyle="none",
        marker="o",
        color=colours.series[0],
        markeredgecolor=colours.paper,
        markeredgewidth=0.6,
        label="heads",
    )
    # First of the lines: the dots are what the picture is of.
    ax.lines[0].set_label("no effect")
    line.set_zorder(3)
    names = [f"layer {a} head {b}" for a in ds["layer"].values for b in ds["head"].values]
    known = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    top = known[np.argsort(-y[known], kind="stable")][:_MOST_NAMED]
    # A name is for what stands out, and not for the largest of effects that may be none.
    apart = [i for i in top if y[i] >= y[top[0]] / 2 > 0 and (ends is None or ends[i, 0] > 0)]
    _name(ax, x, y, np.array(apart, dtype=int), names)
    called = f"{axis_name(_statistic(scores))} of the head"
    ax.set(xlabel=called, ylabel="loss without the head")
    words = _correlation(ds)
    named = ", ".join(f"{names[i]} {short(float(y[i]))} at score {short(float(x[i]))}" for i in top)
    style.say(
        ax,
        f"Loss without each of {len(known)} heads along {called}: largest {named}. {words}".strip(),
    )
    return Heading("Do scores foretell effects", words)


def _statistic(scores: xr.DataArray) -> str:
    """What the scores are called; a result keeps them as "against", with their name in attrs."""
    if "statistic" in scores.attrs:
        return str(scores.attrs["statistic"])
    return "score" if scores.name in (None, "against") else str(scores.name)


def _name(ax: Axes, x: np.ndarray, y: np.ndarray, top: np.ndarray, names: list[str]) -> None:
    """Names of the heads of largest effect, on the side where there is room, lines apart."""
    if not len(top):
        return
    colours = style.theme_of(ax)
    low, high = ax.get_xlim()
    _, height = style.size_of(ax)
    bottom, roof = ax.get_ylim()
    wanted = (y[top] - bottom) / (roof - bottom)
    for i, at in zip(top, spread(wanted, 12 / height), strict=True):
        right = x[i] < (low + high) / 2
        ax.annotate(
            names[i],
            xy=(x[i], y[i]),
            xytext=((x[i] - low) / (high - low) + (0.03 if right else -0.03), at),
            textcoords="axes fraction",
            ha="left" if right else "right",
            va="center",
            color=colours.ink,
            fontsize=8,
            bbox={"boxstyle": "square,pad=0.1", "color": colours.paper, "alpha": 0.75},
            zorder=4,
        )


def _correlation(ds: xr.Dataset) -> str:
    if "rank_correlation" not in ds:
        return ""
    value = short(float(ds["rank_correlation"]))
    interval = bounds_of(ds, "rank_correlation")
    ends = ""
    if interval is not None:
        ends = f" [{', '.join(short(float(end)) for end in interval.values)}]"
    p = p_words(float(ds["rank_correlation_p"])) if "rank_correlation_p" in ds else ""
    return f"Rank correlation {value}{ends}{', ' if p else ''}{p}."
