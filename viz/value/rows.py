"""Rows of scores: a dot with its interval for each, baselines beside it, words at the right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .. import style
from .._headings import legend_over
from .._reading import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEIGHT = 0.37  # inches that a row wants
_TAKEN = 0.5  # of a row, by its marks
_HEADING = 0.5  # of a row, by the name of a group


class Score(NamedTuple):
    """A value and the ends of its interval, NaN where there is none."""

    value: float
    low: float = np.nan
    high: float = np.nan


class Row(NamedTuple):
    """One row: its name, scores by series (those it lacks are left out), words, and its group."""

    name: str
    scores: Mapping[str, Score]
    words: str = ""
    group: str = ""


class Sign(NamedTuple):
    """How a series is drawn: a measure is filled, a baseline hollow; `tick` is a line instead."""

    colour: str
    marker: str
    hollow: bool = False
    tick: bool = False


def draw_rows(ax: Axes, rows: Sequence[Row], signs: Mapping[str, Sign], *, columns: int = 3) -> int:
    """Draw rows from the top down, series in order of `signs`; gives the legend's rows."""
    from matplotlib.lines import Line2D

    colours = style.theme_of(ax)
    dots = [name for name, sign in signs.items() if not sign.tick]
    shift = np.linspace(-_TAKEN / 2, _TAKEN / 2, len(dots)) if len(dots) > 1 else np.zeros(1)
    places = _places(rows)
    for y, row in zip(places, rows, strict=True):
        for name, score in row.scores.items():
            if not np.isfinite(score.value):
                continue
            sign = signs[name]
            if sign.tick:
                ax.vlines(score.value, y - 0.36, y + 0.36, color=sign.colour, linewidth=1.6)
                continue
            at = y + shift[dots.index(name)]
            if np.isfinite([score.low, score.high]).all():
                ax.hlines(at, score.low, score.high, color=sign.colour, linewidth=1.6)
            face = colours.paper if sign.hollow else sign.colour
            ax.plot(
                score.value,
                at,
                linestyle="none",
                marker=sign.marker,
                markersize=6,
                markerfacecolor=face,
                markeredgecolor=sign.colour if sign.hollow else colours.paper,
                markeredgewidth=1.3 if sign.hollow else 0.6,
                label=name,
                zorder=3,
            )
        if row.words:
            ax.annotate(
                row.words,
                xy=(1.02, y),
                xycoords=ax.get_yaxis_transform(),
                va="center",
                color=colours.ink,
                fontsize=8.5,
                annotation_clip=False,
            )
    ax.set_yticks(places, [row.name for row in rows])
    ax.set_ylim(places[-1] + 0.55, -0.55)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x", color=colours.grid, linewidth=0.8)
    _headings(ax, rows, places)
    held = [name for name in signs if any(name in row.scores for row in rows)]
    handles = [
        Line2D(
            [],
            [],
            linestyle="none",
            marker="|" if signs[name].tick else signs[name].marker,
            markersize=9 if signs[name].tick else 6,
            markerfacecolor=colours.paper if signs[name].hollow else signs[name].colour,
            markeredgecolor=signs[name].colour,
            markeredgewidth=1.6 if signs[name].tick else 1.0,
            label=style.plain(name),
        )
        for name in held
    ]
    return legend_over(ax, handles, columns=columns)


def _places(rows: Sequence[Row]) -> np.ndarray:
    """Where rows lie: one apart, with room for the name of each group above its first."""
    names = ["", *(row.group for row in rows)]
    opens = [b != a for a, b in pairwise(names)]
    return np.arange(len(rows)) + _HEADING * np.cumsum(opens)


def _headings(ax: Axes, rows: Sequence[Row], places: np.ndarray) -> None:
    colours = style.theme_of(ax)
    before = ""
    for y, row in zip(places, rows, strict=True):
        opens = row.group != before
        before = row.group
        top = y - 0.5 - _HEADING * opens
        if y > places[0]:
            ax.axhline(top, color=colours.edge if opens else colours.grid, linewidth=0.8, zorder=0)
        if opens:
            ax.annotate(
                row.group,
                xy=(0, top + _HEADING / 2 + 0.06),
                xycoords=ax.get_yaxis_transform(),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                color=colours.soft,
                fontsize=8.5,
            )


def told_rows(rows: Sequence[Row]) -> str:
    """The rows in words."""
    return "; ".join(_told(row) for row in rows) + "."


def _told(row: Row) -> str:
    parts = [f"{name} {_scored(score)}" for name, score in row.scores.items()]
    words = row.words.replace("\n", ", ")
    name = ", ".join(filter(None, (row.group, row.name.replace("\n", " "))))
    return f"{name}: {', '.join(filter(None, [*parts, words]))}"


def _scored(score: Score) -> str:
    if not np.isfinite(score.value):
        return "not applicable"
    ends = f" ({short(score.low)} to {short(score.high)})" if np.isfinite(score.low) else ""
    return f"{short(score.value)}{ends}"


def p_words(p: float) -> str:
    """A p-value in words, empty if there is none.

    Examples
    --------
    >>> p_words(0.034), p_words(1e-5), p_words(float("nan"))
    ('p = .034', 'p < .001', '')
    """
    if not np.isfinite(p):
        return ""
    if p >= 0.9995:
        return "p = 1"
    return "p < .001" if p < 0.001 else f"p = {p:.3f}".replace("0.", ".", 1)
