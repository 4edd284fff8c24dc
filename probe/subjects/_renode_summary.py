"""What the scores of a ReNode study say, over splits: means, paired differences, and in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from scipy import stats

from ..statistics import Difference, bootstrap_interval, correct, paired_difference, permutation_p

_NAMES = {"weighted_f1": "Weighted-F1", "macro_f1": "Macro-F1"}
_LEVEL = 0.05
_FLIPS = 9999


def summarised(score: xr.DataArray, graph_totoro: xr.DataArray) -> xr.Dataset:
    """Statistics over splits of score (arm, split, seed, metric), seeds averaged first.

    Seeds of one split share its nodes, so the split is what is resampled and what is flipped.
    """
    by_split = score.mean("seed")
    metrics = [str(name) for name in score.metric.values]
    arms = [str(name) for name in score.arm.values]
    found = xr.Dataset(coords={"arm": arms, "metric": metrics, "bound": ["low", "high"]})
    means = [[_mean(by_split.sel(arm=a, metric=m).values) for m in metrics] for a in arms]
    found["mean"] = (("arm", "metric"), [[one[0] for one in row] for row in means])
    found["mean_interval"] = (
        ("arm", "metric", "bound"),
        [[one[1:] for one in row] for row in means],
    )
    found["deviation"] = by_split.std("split", ddof=1).transpose("arm", "metric")
    _add_differences(found, by_split, base="plain", prefix="")
    if "renode" in arms and len(arms) > 2:
        _add_differences(found, by_split, base="renode", prefix="renode_")
    ahead = (by_split > by_split.sel(arm="plain")).sum("split").transpose("arm", "metric")
    found["wins"] = ahead.astype(float).where(found.arm != "plain")
    rows = [
        _correlation(graph_totoro.values, by_split.sel(arm="plain", metric=m).values)
        for m in metrics
    ]
    found["correlation"] = ("metric", [row[0] for row in rows])
    found["correlation_interval"] = (("metric", "bound"), [row[1:3] for row in rows])
    found["correlation_p"] = ("metric", [row[3] for row in rows])
    for name, words in _WORDS.items():
        if name in found:
            found[name].attrs = {"long_name": words, "units": "1"}
    return found


def _add_differences(found: xr.Dataset, by_split: xr.DataArray, *, base: str, prefix: str) -> None:
    """Differences of the other arms from `base`; of `base` from the others if it is ReNode's."""
    arms, metrics = found.arm.values, found.metric.values
    shape = (len(arms), len(metrics))
    value, p, fixed = (np.full(shape, np.nan) for _ in range(3))
    ends = np.full((*shape, 2), np.nan)
    others = [i for i, arm in enumerate(arms) if arm != base]
    for j, metric in enumerate(metrics):
        for i in others:
            pair = [by_split.sel(arm=name, metric=metric).values for name in (arms[i], base)]
            one = _difference(*(pair[::-1] if prefix else pair))
            value[i, j], ends[i, j], p[i, j] = one.estimate, (one.low, one.high), one.p
        if others:
            fixed[others, j] = correct(p[others, j])
    if not prefix:
        here = list(arms).index(base)
        value[here], ends[here] = 0.0, 0.0
    found[f"{prefix}difference"] = (("arm", "metric"), value)
    found[f"{prefix}difference_interval"] = (("arm", "metric", "bound"), ends)
    found[f"{prefix}p_value"] = (("arm", "metric"), p)
    found[f"{prefix}p_corrected"] = (("arm", "metric"), fixed)


def _mean(values: np.ndarray) -> tuple[float, float, float]:
    try:
        one = bootstrap_interval(values)
    except ValueError:  # few splits with equal scores: BCa has no correction there
        one = bootstrap_interval(values, method="percentile")
    return float(one.estimate), float(one.low), float(one.high)


def _difference(a: np.ndarray, b: np.ndarray) -> Difference:
    try:
        return paired_difference(a, b, n_permutations=_FLIPS)
    except ValueError:  # as in _mean
        return paired_difference(a, b, n_permutations=_FLIPS, method="percentile")


def _correlation(x: np.ndarray, y: np.ndarray) -> tuple[float, float, float, float]:
    """Spearman's rho, the ends of its interval and a two-sided permutation p; NaN where undefined.

    The interval is Fisher's, with the variance (1 + rho^2/2)/(n - 3) of Bonett & Wright (2000,
    doi:10.1007/BF02294183): a bootstrap of ten ranks mostly resamples ties.
    """
    nothing = float("nan")
    n = len(x)
    if n < 4 or not np.ptp(x) or not np.ptp(y):
        return nothing, nothing, nothing, nothing
    ranks = stats.rankdata(x), stats.rankdata(y)
    rho = float(np.corrcoef(*ranks)[0, 1])
    held = np.clip(rho, -1 + 1e-12, 1 - 1e-12)
    reach = stats.norm.ppf(1 - _LEVEL / 2) * np.sqrt((1 + rho**2 / 2) / (n - 3))
    low, high = np.tanh(np.arctanh(held) + np.array([-reach, reach]))
    rng = np.random.default_rng(0)
    null = [np.corrcoef(ranks[0], rng.permutation(ranks[1]))[0, 1] for _ in range(_FLIPS)]
    p = permutation_p(abs(rho), np.abs(np.array(null)))
    return rho, float(low), float(high), p


def in_words(found: xr.Dataset, splits: int) -> str:
    """What is and what is not established, one sentence a line."""
    lines = []
    for metric in found.metric.values:
        one, name = found.sel(metric=metric), _NAMES[str(metric)]
        for arm in found.arm.values:
            if arm != "plain":
                lines.append(f"{name}, {arm} against plain: {_verdict(one.sel(arm=arm), '')}")
            if arm not in ("plain", "renode") and "renode_difference" in found:
                words = _verdict(one.sel(arm=arm), "renode_")
                lines.append(f"{name}, renode against {arm}: {words}")
        rho, p = float(one.correlation), float(one.correlation_p)
        if np.isnan(rho):
            lines.append(f"{name} and the sum of T: too few or equal values for a correlation.")
            continue
        low, high = one.correlation_interval.values
        said = "they go together here" if p <= _LEVEL else "not established that they go together"
        lines.append(
            f"{name} of plain and the sum of T, rank correlation over {splits} splits: {rho:+.2f} "
            f"[{low:+.2f}, {high:+.2f}], {_sure(p)}: {said}."
        )
    lines.append(
        f"All of this is about random splits of this one graph ({splits} of them), this model, "
        "loss and recipe; it establishes nothing about others. Intervals speak of one comparison "
        "each, p-values of all arms. Splits of one graph share nodes: both are too sure."
    )
    return "\n".join(lines)


def _verdict(one: xr.Dataset, prefix: str) -> str:
    value: Any = float(one[f"{prefix}difference"])
    low, high = one[f"{prefix}difference_interval"].values
    p = float(one[f"{prefix}p_corrected"])
    numbers = f"{100 * value:+.2f} points [{100 * low:+.2f}, {100 * high:+.2f}], {_sure(p)}"
    if p <= _LEVEL:
        return f"{numbers} after Holm: {'better' if value > 0 else 'worse'}."
    return f"{numbers} after Holm: no difference established, nor that there is none."


def _sure(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


_WORDS = {
    "mean": "mean over splits",
    "mean_interval": "95 % interval of the mean, splits resampled",
    "deviation": "standard deviation over splits",
    "difference": "arm minus plain, mean over splits",
    "difference_interval": "95 % interval of the difference, splits resampled",
    "p_value": "sign-flip test of arm against plain, two-sided",
    "p_corrected": "p of arm against plain after Holm over the arms",
    "renode_difference": "ReNode minus arm, mean over splits",
    "renode_difference_interval": "95 % interval of ReNode minus arm",
    "renode_p_value": "sign-flip test of ReNode against the arm, two-sided",
    "renode_p_corrected": "p of ReNode against the arm after Holm over the arms",
    "wins": "splits on which the arm scores above plain",
    "correlation": "rank correlation over splits of sum T and the plain score",
    "correlation_interval": "95 % interval of the rank correlation",
    "correlation_p": "permutation test of the rank correlation, two-sided",
}
