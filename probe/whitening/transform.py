"""Whitening that knows its rank, and all-but-the-top: transforms found from two moments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._check import integer, number, one_of, refuse
from .._rows import is_tensor
from ..moments import Moments
from ._affine import Affine
from ._transformer import MomentsTransformer
from .spectrum import Spectrum, null_report, numerical_rank, spectrum

if TYPE_CHECKING:
    from ._affine import Rows

__all__ = ["AllButTheTop", "Whitening", "numerical_rank"]


class Whitening(MomentsTransformer):
    """Make the features of rows uncorrelated and of variance 1, on the directions that are real.

    x' = (x - mu) U S^(-1/2) with the eigen-decomposition U S U' of the covariance (n - 1), after
    Su et al. 2021 (arXiv:2103.15316, eq. 7 and algorithm 1), keeping the k leading columns.
    Deviations: the decomposition is in float64; directions without variance are dropped and
    reported instead of being blown up by 1/sqrt(s) (every post-LayerNorm state has one).

    At full rank PCA, ZCA and Cholesky whitening differ by a rotation of the outputs, so all their
    cosines are the same; "zca" is for outputs that stay close to the inputs.

    Parameters
    ----------
    n_components
        k leading directions to keep, at most the rank; None keeps the whole rank.
    kind
        "pca" gives (n, k) principal coordinates; "zca" turns them back to (n, d).
    power
        p >= 0: directions are scaled by variance^(-p/2), so 1 whitens and 0 only rotates.
    shrinkage
        s in [0, 1] replaces the covariance by (1 - s) Sigma + s mean(variance) 1;
        "ledoit-wolf" estimates s from all rows (`fit` only); None is 0.
    rank_tol
        Directions with at most this share of the largest variance are null; None derives it
        from the input's dtype (see `spectrum`).

    Attributes
    ----------
    mean_ : numpy.ndarray
        (d,) mean.
    components_ : numpy.ndarray
        (k, d) orthonormal directions, variance descending, largest loading positive.
    explained_variance_ : numpy.ndarray
        (k,) their variances, after shrinkage.
    rank_ : int
        Directions that carry variance.
    null_directions_ : numpy.ndarray
        (d - rank_, d) the others; `report()` says in words what they are.
    shrinkage_ : float
        The intensity used.
    n_samples_seen_, n_features_in_ : int
        Shape of the rows fitted on.

    Examples
    --------
    >>> rows = np.random.default_rng(0).standard_normal((500, 3)) @ np.diag([9.0, 1.0, 0.1])
    >>> white = Whitening().fit_transform(rows)
    >>> np.allclose(np.cov(white.T), np.eye(3))
    True
    """

    def __init__(
        self,
        n_components: int | None = None,
        *,
        kind: str = "pca",
        power: float = 1.0,
        shrinkage: float | str | None = None,
        rank_tol: float | None = None,
    ) -> None:
        self.n_components = n_components
        self.kind = kind
        self.power = power
        self.shrinkage = shrinkage
        self.rank_tol = rank_tol

    @property
    def components_(self) -> np.ndarray:
        """(k, d) orthonormal directions kept, one per row."""
        return self._found().leading(self._kept_count())[0].copy()

    @property
    def explained_variance_(self) -> np.ndarray:
        """(k,) variance along each component, descending, after shrinkage."""
        return self._found().leading(self._kept_count())[1].copy()

    @property
    def rank_(self) -> int:
        """Number of directions that carry variance."""
        return self._found().rank

    @property
    def null_directions_(self) -> np.ndarray:
        """(d - rank_, d) orthonormal directions without variance, one per row."""
        return self._found().components[~self._found().kept]

    @property
    def shrinkage_(self) -> float:
        """The shrinkage intensity used, in [0, 1]."""
        return self._solution().shrinkage

    def report(self) -> str:
        """In words: the rank, and what the null directions come from."""
        return null_report(self._found())

    def _found(self) -> Spectrum:
        found = self._solution().found
        if found is None:
            raise RuntimeError("Whitening was solved without a spectrum.")
        return found

    def _kept_count(self) -> int:
        return self.rank_ if self.n_components is None else int(self.n_components)

    def _check_options(self, *, streaming: bool) -> None:
        one_of("kind", self.kind, ("pca", "zca"))
        number("power", self.power, low=0.0)
        if self.n_components is not None:
            integer("n_components", self.n_components, low=1)
        if self.rank_tol is not None:
            number("rank_tol", self.rank_tol, low=0.0)
        if isinstance(self.shrinkage, str):
            one_of("shrinkage", self.shrinkage, ("ledoit-wolf",))
            if streaming:
                refuse(
                    "shrinkage",
                    "be a number or None here",
                    "'ledoit-wolf'",
                    "Its estimate needs fourth moments: fit() all rows at once, or give a number.",
                )
        elif self.shrinkage is not None:
            number("shrinkage", self.shrinkage, low=0.0, high=1.0)

    def _solve(self, moments: Moments, *, rows: Rows | None, shrinkage: float | None) -> Affine:
        if shrinkage is None and isinstance(self.shrinkage, str):
            shrinkage = ledoit_wolf(rows, moments.mean)
        elif shrinkage is None or not isinstance(self.shrinkage, str):
            shrinkage = 0.0 if self.shrinkage is None else float(self.shrinkage)
        found = spectrum(moments, dtype=self._dtype, rank_tol=self.rank_tol, shrinkage=shrinkage)
        k = found.rank if self.n_components is None else int(self.n_components)
        if k > found.rank or k == 0:
            hint = null_report(found)
            refuse("n_components", f"be at most the rank {found.rank}", self.n_components, hint)
        directions, variance = found.leading(k)
        scale = variance ** (-self.power / 2)
        form = "project" if self.kind == "pca" else "restore"
        return Affine(form, found.mean, directions, scale, found, shrinkage)


class AllButTheTop(MomentsTransformer):
    """Centre rows and take the leading principal directions out of them.

    x' = v - sum_{i <= D} (u_i' v) u_i with v = x - mu: Mu & Viswanath 2018 (arXiv:1702.01417,
    algorithm 1); they suggest D = d / 100.

    Parameters
    ----------
    n_remove
        D, below the rank; 0 only centres.

    Attributes
    ----------
    mean_ : numpy.ndarray
        (d,) mean.
    components_ : numpy.ndarray
        (D, d) the directions removed.

    Examples
    --------
    >>> rows = np.random.default_rng(0).standard_normal((500, 3)) @ np.diag([9.0, 2.0, 1.0])
    >>> left = AllButTheTop(1).fit_transform(rows)
    >>> np.linalg.matrix_rank(left)
    np.int64(2)
    """

    def __init__(self, n_remove: int = 3) -> None:
        self.n_remove = n_remove

    @property
    def components_(self) -> np.ndarray:
        """(D, d) orthonormal directions removed, one per row."""
        directions = self._solution().directions
        return np.empty((0, self.n_features_in_)) if directions is None else directions.copy()

    def _check_options(self, *, streaming: bool) -> None:
        integer("n_remove", self.n_remove, low=0)

    def _solve(self, moments: Moments, *, rows: Rows | None, shrinkage: float | None) -> Affine:
        found = spectrum(moments, dtype=self._dtype)
        if self.n_remove >= found.rank:
            hint = f"Nothing would be left of n_features = {moments.dim}."
            refuse("n_remove", f"be below the rank {found.rank}", self.n_remove, hint)
        return Affine("remove", found.mean, found.components[: self.n_remove].copy())


def ledoit_wolf(rows: Any, mean: np.ndarray) -> float:
    """Ledoit & Wolf's (2004) shrinkage intensity of all rows (n, d), in [0, 1].

    Raises
    ------
    ValueError
        If there are no rows at hand.
    """
    from sklearn.covariance import ledoit_wolf_shrinkage

    if rows is None:
        refuse("rows", "be at hand for 'ledoit-wolf'", rows)
    if is_tensor(rows):
        rows = rows.detach().double().cpu().numpy()
    centred = rows - mean
    return float(ledoit_wolf_shrinkage(centred, assume_centered=True))
