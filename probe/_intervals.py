"""Bootstrap and jackknife intervals of statistics of rows."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from ._check import finite, integer, number, one_of, refuse, same_length

# Resampled rows are gathered in blocks of about this many numbers (32 MiB of float64).
BLOCK = 2**22
# Values that differ by rounding alone are ties.
TIE = 1e-12

Statistic = Callable[..., np.ndarray]


class Interval(NamedTuple):
    """An estimate and the ends of its interval; floats, or arrays of one shape."""

    estimate: Any
    low: Any
    high: Any


def row_mean(rows: np.ndarray) -> np.ndarray:
    """Mean over the rows of every resample: (b, n, ...) -> (b, ...).

    Examples
    --------
    >>> row_mean(np.array([[1.0, 2.0], [3.0, 5.0]])).tolist()
    [1.5, 4.0]
    """
    return rows.mean(axis=1)


def bootstrap_interval(
    *arms: np.ndarray,
    statistic: Statistic = row_mean,
    method: str = "bca",
    level: float = 0.95,
    n_boot: int = 1000,
    seed: int = 0,
    clusters: Sequence[Any] | np.ndarray | None = None,
) -> Interval:
    """Bootstrap interval of a statistic of rows (Efron 1987, doi:10.1080/01621459.1987.10478410).

    All arms are resampled by the same indices, so a statistic of several arms is a paired one; two
    calls with the same seed, number of rows and `clusters` see the same resamples.

    Parameters
    ----------
    arms
        One or more arrays of the same n rows: (n,) or (n, ...), finite.
    statistic
        Gets each arm resampled, (b, n, ...), and gives (b,) or (b, ...), one value for each of
        the b resamples. The mean of the rows by default.
    method
        ``"bca"``: bias-corrected and accelerated, second-order accurate; its jackknife takes n
        more evaluations, O(n^2) numbers in all. ``"percentile"``: the quantiles alone; for large n.
    level
        Coverage, in (0, 1).
    n_boot, seed
        Number of resamples, and the seed of their drawing.
    clusters
        Cluster of every row; whole clusters are drawn, as rows of one cluster are not independent.

    Returns
    -------
    Interval
        ``estimate, low, high``. Misleads for statistics of neighbours or of all pairs: a row drawn
        twice is its own neighbour at distance zero. Take `half_sample_interval` or
        `jackknife_interval` for those.

    Raises
    ------
    ValueError
        If arms differ in length, hold fewer than 2 rows (or clusters) or are not finite, an option
        is out of range, or the statistic has no finite interval.

    Examples
    --------
    >>> found = bootstrap_interval(np.arange(20.0))
    >>> float(found.estimate), bool(found.low < 9.5 < found.high)
    (9.5, True)
    """
    rows = checked_rows(arms)
    one_of("method", method, ("bca", "percentile"))
    checked_level(level)
    integer("n_boot", n_boot, low=2)
    units = units_of(len(rows[0]), clusters)

    def evaluate(index: np.ndarray, axis: int = -1) -> np.ndarray:
        """The statistic of resampled units, (..., b): scipy wants the resamples last."""
        if index.ndim == 1:
            return evaluate(index[None])[..., 0]
        return np.moveaxis(_of_units(statistic, rows, units, index), 0, -1)

    everything = np.arange(len(units))
    estimate = evaluate(everything)
    with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
        # A statistic that no resample moves has no BCa; its interval is a point, given below.
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        found = stats.bootstrap(
            (everything,),
            evaluate,
            n_resamples=n_boot,
            batch=max(1, BLOCK // sum(arm.size for arm in rows)),
            vectorized=True,
            confidence_level=level,
            method="BCa" if method == "bca" else "percentile",
            rng=np.random.default_rng(seed),
        )
    drawn = np.asarray(found.bootstrap_distribution)
    still = np.ptp(drawn, axis=-1) <= TIE * np.abs(estimate)
    low = np.where(still, estimate, found.confidence_interval.low)
    high = np.where(still, estimate, found.confidence_interval.high)
    if not (np.isfinite(drawn).all() and np.isfinite(low).all() and np.isfinite(high).all()):
        hint = "BCa may not exist for it: try method='percentile'." if method == "bca" else ""
        refuse("statistic", "have a finite interval", "NaN or infinity", hint)
    return Interval(estimate[()], low[()], high[()])


def jackknife_interval(estimate: float, replicates: np.ndarray, *, level: float = 0.95) -> Interval:
    """Interval from estimates that leave one of g groups of rows out, each in turn.

    se^2 = (g - 1)/g sum (theta_(-s) - mean)^2 (Tukey 1958); symmetric, Student's t with g - 1
    degrees of freedom. No row appears twice, so it serves statistics of all pairs, for which a
    bootstrap is wrong; by Efron and Stein (1981) it errs on the wide side.

    Parameters
    ----------
    estimate
        From all rows.
    replicates
        (g,) estimates without one group each; groups of equal size, up to one row.
    level
        Coverage, in (0, 1).

    Returns
    -------
    Interval
        ``estimate, low, high``.

    Raises
    ------
    ValueError
        If there are fewer than 2 replicates, or one is not finite.

    Examples
    --------
    >>> x = np.arange(10.0)
    >>> found = jackknife_interval(x.mean(), (x.sum() - x) / 9)
    >>> bool(np.isclose(found.high - found.estimate, 2.2622 * x.std(ddof=1) / 10**0.5, rtol=1e-4))
    True
    """
    values = finite("replicates", np.asarray(replicates, dtype=np.float64))
    checked_level(level)
    if values.ndim != 1 or len(values) < 2:
        refuse("replicates", "be at least 2 numbers", f"shape {values.shape}")
    g = len(values)
    error = np.sqrt((g - 1) * values.var())
    reach = float(stats.t.ppf((1 + level) / 2, g - 1) * error)
    return Interval(float(estimate), float(estimate) - reach, float(estimate) + reach)


def half_sample_interval(estimate: float, halves: np.ndarray, *, level: float = 0.95) -> Interval:
    """Interval from estimates on the two halves of several random splits of the rows.

    The halves of a split are independent samples of n/2 rows, so half of E (T_A - T_B)^2 is the
    variance at n/2, and se^2 = mean (T_A - T_B)^2 / 4 that at n, where variance falls as 1/n
    (half-sampling, McCarthy 1969; subsampling, Politis & Romano 1994). No row appears twice, and
    neighbours are found anew in each half: right for statistics of neighbours, for which a
    bootstrap is wrong and a jackknife too wide by about 2.

    Parameters
    ----------
    estimate
        From all rows.
    halves
        (r, 2): from either half of each of r random splits; 50 splits tell se to about 10 %.
    level
        Coverage, in (0, 1).

    Returns
    -------
    Interval
        ``estimate, low, high``; symmetric, Student's t with r degrees of freedom.

    Raises
    ------
    ValueError
        If there are fewer than 2 splits, or an estimate is not finite.

    Examples
    --------
    >>> found = half_sample_interval(2.0, np.array([[1.0, 3.0], [2.5, 1.5]]))
    >>> round(found.low, 3), round(found.high, 3)
    (-1.402, 5.402)
    """
    pairs = finite("halves", np.asarray(halves, dtype=np.float64))
    checked_level(level)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or len(pairs) < 2:
        refuse("halves", "have shape (splits, 2) with at least 2 splits", f"shape {pairs.shape}")
    error = np.sqrt(np.mean((pairs[:, 0] - pairs[:, 1]) ** 2) / 4)
    reach = float(stats.t.ppf((1 + level) / 2, len(pairs)) * error)
    return Interval(float(estimate), float(estimate) - reach, float(estimate) + reach)


def checked_rows(arms: Sequence[np.ndarray]) -> list[np.ndarray]:
    rows = [finite(f"arms[{i}]", np.asarray(arm)) for i, arm in enumerate(arms)]
    if not rows or any(arm.ndim < 1 for arm in rows):
        refuse(
            "arms",
            "be at least one array of rows",
            f"{len(rows)} with shapes {[arm.shape for arm in rows]}",
        )
    same_length(**{f"arms[{i}]": arm for i, arm in enumerate(rows)})
    return rows


def checked_level(level: float) -> None:
    if not 0 < number("level", level) < 1:
        refuse("level", "be in (0, 1)", level, "0.95 gives a 95 % interval.")


def units_of(
    n: int,
    clusters: Sequence[Any] | np.ndarray | None,
    *,
    least: int = 2,
    name: str = "clusters",
) -> list[np.ndarray] | np.ndarray:
    """The rows of every unit that is drawn or moved as one: single rows, or clusters."""
    if clusters is None:
        if n < least:
            refuse("arms", f"hold at least {least} rows", n)
        return np.arange(n)[:, None]
    codes = np.unique(np.asarray(clusters), return_inverse=True)[1].ravel()
    if len(codes) != n:
        refuse(name, "name the group of every row", f"{len(codes)} names for {n} rows")
    order = np.argsort(codes, kind="stable")
    units = np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)
    if len(units) < least:
        refuse(name, f"name at least {least} groups", len(units))
    return units


def _of_units(
    statistic: Statistic,
    rows: list[np.ndarray],
    units: list[np.ndarray] | np.ndarray,
    index: np.ndarray,
) -> np.ndarray:
    """The statistic of each resample (b, units drawn); clusters of unlike size go one by one."""
    if isinstance(units, np.ndarray):
        return np.asarray(statistic(*(arm[index] for arm in rows)))
    drawn = [np.concatenate([units[unit] for unit in resample]) for resample in index]
    return np.concatenate([statistic(*(arm[members][None] for arm in rows)) for members in drawn])
