"""Every measure of one layer, from its sums and its sample."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from ..statistics import Interval
from ._closed_forms import (
    average_cosine,
    corrected_isoscore,
    effective_rank,
    isoscore,
    participation_ratio,
)
from ._sums import LayerSums
from .sampled import hubness_skew, partition_isotropy, two_nn, uniformity
from .spectrum import null_report, spectrum

# A finite-sample bias of IsoScore above this share of it is noted.
_NOTED_BIAS = 0.1
_NONE = Interval(np.nan, np.nan, np.nan)


class LayerGeometry(NamedTuple):
    """Values of one layer by variable name (numbers, vectors, intervals), and notes on them."""

    values: dict[str, Any]
    notes: list[str]


def measure_layer(
    sums: LayerSums,
    sample: np.ndarray,
    *,
    dtype: str,
    rank_tol: float | None,
    level: float,
    seed: int,
) -> LayerGeometry:
    """All that `anisotropy` reports of one layer.

    Parameters
    ----------
    sums
        Of all n >= 2 rows.
    sample
        (m, d) some or all of these rows.
    dtype
        That of the rows as they came, for the numerical rank.
    rank_tol, level, seed
        As in `anisotropy`.

    Returns
    -------
    LayerGeometry
        Values and notes; a value that the layer does not admit is NaN and has a note.
    """
    moments = sums.moments
    n, mean, m2 = moments.n, moments.mean, moments.M2
    found = spectrum(moments, dtype=dtype, rank_tol=rank_tol)
    eigenvalues, rank = found.eigenvalues, found.rank
    cosine, contribution = average_cosine(n, sums.unit_sum, sums.unit_square)
    values: dict[str, Any] = {
        "n_samples": n,
        "mean_norm_ratio": float(np.sqrt(mean @ mean / (mean @ mean + np.trace(m2) / n))),
        "average_cosine": cosine_interval(cosine, n, sums.unit_sum, sample, level),
        "cosine_contribution": contribution,
        "eigenvalues": eigenvalues,
        "numerical_rank": rank,
        "null_dimensions": len(mean) - rank,
    }
    notes: list[str] = []
    if rank == 0:
        notes.append("all rows are equal to rounding: there is no spectrum to speak of")
    elif rank < len(mean):
        notes.append(null_report(found))
    values |= _spectral(n, eigenvalues, sums.quartic, rank)
    raw, corrected = values["isoscore"], values["isoscore_corrected"]
    if np.isnan(corrected) and rank:
        notes.append(f"{n} rows are too few to correct isoscore for its bias")
    elif corrected - raw > _NOTED_BIAS * corrected:
        notes.append(
            "isoscore is low for want of rows (by more than 10 %): compare isoscore_corrected"
        )
    directions = np.linalg.eigh(m2 + n * np.outer(mean, mean))[1]
    rows = sample.astype(np.float64)
    measures: dict[str, Callable[[], Interval]] = {
        "twonn_dimension": lambda: two_nn(rows, level=level, seed=seed),
        "uniformity": lambda: uniformity(rows, level=level),
        "hubness_skew": lambda: hubness_skew(rows, level=level, seed=seed),
        "partition_isotropy": lambda: partition_isotropy(rows, directions, level=level, seed=seed),
    }
    for name, measure in measures.items():
        try:
            values[name] = measure()
        except ValueError as refused:
            values[name] = _NONE
            notes.append(f"{name} is undefined here: {refused}")
    return LayerGeometry(values, notes)


def _spectral(
    n: int, eigenvalues: np.ndarray, quartic: float, rank: int
) -> dict[str, float | np.ndarray]:
    names = ("effective_rank", "participation_ratio", "isoscore", "isoscore_corrected")
    if rank == 0:
        nothing = np.full(len(eigenvalues), np.nan)
        return {"explained_share": nothing} | dict.fromkeys(names, np.nan)
    shares = eigenvalues / eigenvalues.sum()
    ratio = participation_ratio(eigenvalues)
    numbers = (
        effective_rank(shares),
        ratio,
        isoscore(ratio, len(eigenvalues)),
        corrected_isoscore(n, eigenvalues, quartic),
    )
    return {"explained_share": shares} | dict(zip(names, numbers, strict=True))


def cosine_interval(
    average: float, n: int, unit_sum: np.ndarray, sample: np.ndarray, level: float
) -> Interval:
    """Interval of the average cosine: the jackknife over rows, its spread taken from the sample.

    Row i's mean cosine with the others is h_i = (u_i' sum u - 1)/(n - 1), and leaving it out moves
    the average by 2 (average - h_i)/(n - 2). So se^2 = 4 (n - 1)^2 Var(h) / (n (n - 2)^2).
    """
    m = len(sample)
    if n < 3 or m < 2:
        return Interval(average, np.nan, np.nan)
    rows = sample.astype(np.float64)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    own = (unit @ unit_sum - 1) / (n - 1)
    error = 2 * (n - 1) / (n - 2) * np.sqrt(own.var(ddof=1) / n)
    reach = float(stats.t.ppf((1 + level) / 2, m - 1) * error)
    return Interval(average, max(average - reach, -1.0), min(average + reach, 1.0))
