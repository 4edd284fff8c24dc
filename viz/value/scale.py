"""Colours for a statistic of heads: one scale for all panels, centred on the null where known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import xarray as xr

from probe._check import number, refuse

from .. import style

if TYPE_CHECKING:
    from matplotlib.colors import Colormap, Normalize

# What chance gives: a number, or the variable beside it that holds it for each head.
_NULLS = {"auc": 0.5, "lift": 1.0, "lift_unrelated": 1.0, "per_token": 1.0, "effect": 0.0}
_BESIDE = {"hit": "null", "mass": "null_mass", "share": "even_share"}
# Where twice and half are equally far from the null.
_RATIOS = ("lift", "lift_unrelated", "per_token")
_FARTHEST = 16.0  # times the null: a ratio of 0 has no place on a scale of ratios
# Colours of what lies nearer to the null stay pale, lest noise look like a finding.
_LEAST = {"auc": 0.25, "hit": 0.25, "mass": 0.25, "share": 0.25} | dict.fromkeys(_RATIOS, 2.0)
_TICKS = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8, 16, 32, 64)


class Scale(NamedTuple):
    """Colours of values: a map, its norm, and the value in the middle, None if there is none."""

    cmap: Colormap
    norm: Normalize
    null: float | None
    ratio: bool = False

    def shade(self, values: np.ndarray) -> np.ndarray:
        """(..., 4) colours of (...) values; values off the scale have those of its ends."""
        low, high = float(self.norm.vmin or 0.0), float(self.norm.vmax or 1.0)
        inside = np.clip(values, low, high)
        return self.cmap(self.norm(np.ma.masked_invalid(inside)))

    def ticks(self) -> list[float] | None:
        """Where a colour bar of ratios has its ticks; None leaves them to matplotlib."""
        if not self.ratio or self.null is None:
            return None
        low, high = float(self.norm.vmin or 0.0), float(self.norm.vmax or 1.0)
        at = [self.null * tick for tick in _TICKS]
        held = [tick for tick in at if low * 0.999 <= tick <= high * 1.001]
        return held if len(held) > 2 else sorted({low, self.null, high})


def null_of(ds: xr.Dataset, variable: str) -> xr.DataArray | float | None:
    """What chance gives of a statistic, for each head where the result says so; None if unknown.

    Examples
    --------
    >>> null_of(xr.Dataset(), "auc"), null_of(xr.Dataset(), "entropy")
    (0.5, None)
    """
    beside = _BESIDE.get(variable)
    if beside is not None and beside in ds:
        return ds[beside]
    return _NULLS.get(variable)


def is_ratio(variable: str) -> bool:
    """Whether a statistic is a multiple of what chance gives."""
    return variable in _RATIOS


def least_reach(variable: str) -> float:
    """From which distance (of ratios: ratio) of the null on a statistic has its strongest colour.

    Examples
    --------
    >>> least_reach("lift"), least_reach("effect")
    (2.0, 0.0)
    """
    return _LEAST.get(variable, 0.0)


def scale_of(
    values: Any,
    colours: style.Theme,
    *,
    null: float | None = None,
    ratio: bool = False,
    reach: float = 0.0,
    vmin: float | None = None,
    vmax: float | None = None,
) -> Scale:
    """A scale on which all `values` lie.

    Parameters
    ----------
    values
        Array of any shape; what is not finite is left out.
    colours
        The theme.
    null
        Middle of a diverging map, in which equal distances have equal steps of colour; a map from
        pale to strong if None.
    ratio
        Whether distance from the null is a ratio.
    reach
        Least distance (or ratio) from the null that has the strongest colour.
    vmin, vmax
        Ends of the scale; those of the values (0 and the null included) if None.

    Raises
    ------
    ValueError
        If the ends are not in order, or one of a scale of ratios is not above 0.

    Examples
    --------
    >>> scale = scale_of([0.4, 0.9], style.LIGHT, null=0.5)
    >>> float(scale.norm.vmin), float(scale.norm.vmax)
    (0.4, 0.9)
    """
    from matplotlib.colors import LinearSegmentedColormap, LogNorm, Normalize

    known = np.asarray(values, dtype=float)
    known = known[np.isfinite(known)]
    if ratio and null is not None:
        known = np.clip(known, null / _FARTHEST, null * 4 * _FARTHEST)
    anchor = 0.0 if null is None else null
    low = min([anchor, *known.tolist()]) if vmin is None else number("vmin", vmin)
    high = max([anchor, *known.tolist()]) if vmax is None else number("vmax", vmax)
    if high <= low and vmin is None and vmax is None:
        high = low * 2 if ratio else low + 1.0
    if high <= low:
        refuse("vmax", "be above `vmin`", f"vmin {low:.4g} and vmax {high:.4g}")
    if ratio and low <= 0:
        refuse("vmin", "be above 0 for a ratio", low)
    norm = LogNorm(low, high) if ratio else Normalize(low, high)
    if null is None:
        cmap = style.ramp(colours.heat)
    else:
        ends = np.array([low, high])
        away = np.log(ends / null) if ratio else ends - null
        least = np.log(reach) if ratio and reach > 0 else reach
        far = max(float(np.abs(away).max()), least)
        places = 0.5 + 0.5 * np.linspace(away[0] / far, away[1] / far, 256)
        cmap = LinearSegmentedColormap.from_list("loupe", style.ramp(diverging(colours))(places))
    return Scale(cmap.with_extremes(bad=colours.paper), norm, null, ratio)


def diverging(colours: style.Theme) -> tuple[str, ...]:
    """Anchors from blue over the colour of the page to orange, which all readers tell apart.

    Their lightness falls (on dark pages: rises) alike on both sides.
    """
    if colours.name == "dark":
        return ("#a8d8ff", "#2f7fc0", "#1f3145", "#20252d", "#44301f", "#c4661f", "#ffc794")
    return ("#073763", "#3f8cc6", "#cfe2f2", "#f6f6f4", "#f8dcc4", "#d9762b", "#7a2e00")
