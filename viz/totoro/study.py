"""What weights gain: scores of every split by arm, and their differences from the plain loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from probe._check import one_of, refuse

from .. import style
from .._headings import Heading, head
from .._reading import chosen, listed, read

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PREFIX = {"plain": "", "renode": "renode_"}  # of the variables with the differences
_NAMES = {"weighted_f1": "Weighted-F1", "macro_f1": "Macro-F1"}


def plot_study(
    ds: xr.Dataset, ax: Any = None, *, metric: str | None = None, against: str = "plain"
) -> np.ndarray:
    """Scores of each arm, one dot for each split, and their mean differences with intervals.

    Scores are x 100 and means over seeds; a line joins the dots of one split. An interval that
    does not reach the line at 0 is a difference; p-values stand beside.

    Parameters
    ----------
    ds
        Result of `probe.subjects.renode.renode_study`.
    ax
        Two Axes; a new figure if None.
    metric
        Of the result; the first if None.
    against
        ``"plain"``: each other arm minus the plain loss. ``"renode"``: ReNode minus each other
        arm, which tells its order of the nodes from any other weights.

    Returns
    -------
    np.ndarray
        (2,) of Axes: scores, differences.

    Raises
    ------
    ValueError
        If the result lacks what is drawn, a name is unknown, or there is only one arm.

    Examples
    --------
    >>> ds = xr.Dataset(
    ...     {
    ...         "score": (("arm", "metric", "split"), [[[0.7, 0.8]], [[0.72, 0.82]]]),
    ...         "difference": (("arm", "metric"), [[0.0], [0.02]]),
    ...         "difference_interval": (("arm", "metric", "bound"), [[[0.0, 0.0]], [[0.01, 0.03]]]),
    ...     },
    ...     {"arm": ["plain", "renode"], "metric": ["macro_f1"], "bound": ["low", "high"]},
    ... )
    >>> scores, differences = plot_study(ds.assign_coords(split=[0, 1]))
    >>> differences.texts[0].get_text()
    '+2.00 [+1.00, +3.00]'
    >>> import matplotlib.pyplot
    >>> matplotlib.pyplot.close(scores.figure)
    """
    one_of("against", against, tuple(_PREFIX))
    names = ["score", *(_PREFIX[against] + name for name in ("difference", "difference_interval"))]
    dims = ["arm", "metric", "split"]
    ds = read(ds, names, dims, made_by="probe.subjects.renode.renode_study")
    (name,) = chosen(ds, "metric", ds["metric"].values[0] if metric is None else metric)
    ds = ds.sel(metric=name)
    arms = [str(arm) for arm in ds["arm"].values]
    if against not in arms or len(arms) < 2:
        refuse("ds", f"hold the arm {against!r} and at least one other", listed(arms))
    # Plain comes first, wherever it was asked for.
    arms.sort(key=lambda arm: arm != "plain")
    ds = ds.sel(arm=arms)
    with style.canvas(ax, panels=2, columns=2, size=(11.4, 4.3)) as axes:
        drawn = [
            _draw_scores(axes[0], ds, arms, str(name)),
            _draw_differences(axes[1], ds, against, str(name)),
        ]
        head(axes, drawn)
    return np.array(axes, dtype=object)


def _draw_scores(ax: Axes, ds: xr.Dataset, arms: list[str], metric: str) -> Heading:
    colours = style.theme_of(ax)
    score = 100 * ds["score"]
    others = [dim for dim in score.dims if dim not in ("arm", "split")]
    score = score.mean(others).transpose("split", "arm").values
    x = np.arange(len(arms))
    for row in score:
        ax.plot(x, row, color=colours.other, linewidth=0.7, alpha=0.7, zorder=1)
    for i, (arm, sign) in enumerate(zip(arms, _signs(len(arms), colours), strict=True)):
        ax.scatter(
            np.full(len(score), i),
            score[:, i],
            s=22,
            marker=sign[1],
            color=sign[0],
            edgecolor=colours.paper,
            linewidth=0.5,
            zorder=3,
            label=arm,
        )
    means = score.mean(axis=0)
    ax.hlines(means, x - 0.22, x + 0.22, color=colours.ink, linewidth=2.2, zorder=4)
    for i, mean in enumerate(means):
        ax.annotate(
            f"{mean:.2f}",
            xy=(i + 0.22, mean),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            color=colours.ink,
            fontsize=8.5,
            bbox={"boxstyle": "square,pad=0.1", "color": colours.paper, "alpha": 0.75},
            zorder=5,
        )
    ax.set_xticks(x, [style.plain(arm) for arm in arms])
    ax.set_xlim(-0.45, len(arms) - 0.35)
    called = _NAMES.get(metric, metric)
    ax.set_ylabel(f"{called} × 100")
    said = ", ".join(f"{arm} {mean:.2f}" for arm, mean in zip(arms, means, strict=True))
    style.say(ax, f"{called} times 100 of {len(score)} splits by arm, mean over splits: {said}.")
    seeds = f", each the mean of {ds.sizes['seed']} seeds" if ds.sizes.get("seed", 1) > 1 else ""
    return Heading(f"{called} by arm", f"{len(score)} splits joined by lines{seeds}. Bars: means.")


def _draw_differences(ax: Axes, ds: xr.Dataset, against: str, metric: str) -> Heading:
    colours = style.theme_of(ax)
    arms, prefix = ds["arm"].values.tolist(), _PREFIX[against]
    rest = [arm for arm in arms if arm != against]
    some = ds.sel(arm=rest)
    value = 100 * some[f"{prefix}difference"].values.astype(float)
    interval = some[f"{prefix}difference_interval"].sel(bound=["low", "high"])
    ends = 100 * interval.transpose("arm", "bound").values.astype(float)
    all_marks = dict(zip(arms, _signs(len(arms), colours), strict=True))
    marks = [all_marks[arm] for arm in rest]
    said = []
    for y, (arm, sign) in enumerate(zip(rest, marks, strict=True)):
        ax.hlines(y, *ends[y], color=sign[0], linewidth=2.0)
        ax.plot(
            value[y],
            y,
            marker=sign[1],
            color=sign[0],
            markersize=7,
            markeredgecolor=colours.paper,
            label=arm,
        )
        words = _certainty(some.isel(arm=y), prefix, ds.sizes["split"])
        ax.annotate(
            f"{_signed(value[y])} [{_signed(ends[y, 0])}, {_signed(ends[y, 1])}]\n{words}".strip(),
            xy=(1.02, y),
            xycoords=ax.get_yaxis_transform(),
            va="center",
            color=colours.ink,
            fontsize=8.5,
            annotation_clip=False,
        )
        between = f"{_signed(ends[y, 0])} to {_signed(ends[y, 1])}"
        said.append(", ".join(filter(None, (f"{arm} {_signed(value[y])} ({between})", words))))
    ax.axvline(0, color=colours.ink, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
    ax.set_yticks(range(len(rest)), [style.plain(arm) for arm in rest])
    ax.set_ylim(len(rest) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x", color=colours.grid, linewidth=0.8)
    called = _NAMES.get(metric, metric)
    ax.set_xlabel(f"difference in {called} × 100")
    heading = "Difference from plain" if against == "plain" else "ReNode minus each other arm"
    style.say(ax, f"{heading}, {called} times 100: {'; '.join(said)}.")
    corrected = " and corrected p" if f"{prefix}p_corrected" in ds else ""
    note = f"Paired by split, with intervals{corrected}."
    return Heading(heading, note)


def _certainty(one: xr.Dataset, prefix: str, splits: int) -> str:
    """The p-value and how many splits were won, where the result has them."""
    words = []
    held = (f"{prefix}p_corrected", f"{prefix}p_value")
    name = held[0] if held[0] in one else held[1]
    if name in one and np.isfinite(float(one[name])):
        p = float(one[name])
        words.append("p < .001" if p < 0.001 else f"p = {p:.3f}".replace("0.", ".", 1))
    if not prefix and "wins" in one and np.isfinite(float(one["wins"])):
        words.append(f"better on {int(one['wins'])} of {splits}")
    return ", ".join(words)


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "\N{MINUS SIGN}")


def _signs(count: int, colours: style.Theme) -> list[tuple[str, str]]:
    """Colour and shape of each arm; the baseline is grey."""
    rest = [(colours.series[i % 8], style.MARKERS[(i + 1 + i // 8) % 8]) for i in range(count - 1)]
    return [(colours.soft, style.MARKERS[0]), *rest]
