"""Transforms by name, such as "whiten-64": one grammar for measures, tables and sliders."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from .._check import finite, refuse
from .._rows import is_tensor, kind_of
from ..moments import Moments
from ._affine import Affine
from ._transformer import MomentsTransformer
from .spectrum import constant_features
from .transform import AllButTheTop, Whitening

if TYPE_CHECKING:
    from ._affine import Rows

GRAMMAR = (
    "raw, centre, zscore, abtt-D, whiten, whiten-K, power-P, power-P-K, shrunk or naive "
    "(D, K whole numbers of directions, P a power above 0, such as power-0.5-64)"
)
_SPEC = re.compile(
    r"(?P<plain>raw|centre|zscore|shrunk|naive)"
    r"|abtt-(?P<removed>[1-9]\d*)"
    r"|whiten(-(?P<white>[1-9]\d*))?"
    r"|(?P<family>power-(?P<power>\d+(\.\d+)?))(-(?P<partial>[1-9]\d*))?"
)


def make_transform(spec: str) -> Any:
    """An unfitted scikit-learn transformer by its name.

    "raw" changes nothing, "centre" subtracts the mean, "zscore" also scales every feature,
    "abtt-D" removes the D leading directions, "whiten" whitens the whole rank and "whiten-K" its
    K leading directions, "power-P" and "power-P-K" scale by variance^(-P/2) instead, "shrunk"
    whitens a Ledoit-Wolf covariance, "naive" is the papers' recipe without a rank (to show what
    it does). All but "naive" have `fit_moments`. ZCA and Cholesky whitening have no name here:
    at full rank their cosines are those of "whiten".

    Raises
    ------
    ValueError
        If the name is not in the grammar, which the error lists.

    Examples
    --------
    >>> make_transform("power-0.5-64")
    Whitening(n_components=64, power=0.5)
    """
    found = _match(spec)
    if found["plain"]:
        return _PLAIN[found["plain"]]()
    if found["removed"]:
        return AllButTheTop(int(found["removed"]))
    k = found["white"] or found["partial"]
    power = float(found["power"] or 1.0)
    return Whitening(int(k) if k else None, power=power)


def transform_family(spec: str) -> tuple[str, int | None]:
    """Family of a named transform and its number of directions, None where it names none.

    Raises
    ------
    ValueError
        If the name is not in the grammar.

    Examples
    --------
    >>> transform_family("whiten-64"), transform_family("power-0.5"), transform_family("abtt-3")
    (('whiten', 64), ('power-0.5', None), ('abtt', 3))
    """
    found = _match(spec)
    family = found["plain"] or found["family"] or ("abtt" if found["removed"] else "whiten")
    k = found["removed"] or found["white"] or found["partial"]
    return family, int(k) if k else None


class Raw(TransformerMixin, BaseEstimator):
    """Rows as they are.

    Examples
    --------
    >>> Raw().fit_transform(np.ones((2, 2)))
    array([[1., 1.],
           [1., 1.]])
    """

    def fit(self, X: Rows, y: Any = None) -> Self:
        """Remember the width of X (n, d)."""
        if is_tensor(X):
            kind_of("X", X)
            self.n_features_in_ = X.shape[1]
        else:
            validate_data(self, X, dtype=[np.float64, np.float32, np.float16])
        return self

    def fit_moments(
        self, moments: Moments, *, dtype: str | None = None, shrinkage: float | None = None
    ) -> Self:
        """Remember the width of the rows; the options are those of the other transforms."""
        self.n_features_in_ = moments.dim
        return self

    def transform(self, X: Rows) -> Any:
        """X itself, (n, d).

        Raises
        ------
        ValueError
            If it has another width than the rows fitted on.
        """
        check_is_fitted(self)
        if not is_tensor(X):
            return validate_data(self, X, reset=False, dtype=[np.float64, np.float32, np.float16])
        if X.shape[1] != self.n_features_in_:
            refuse("X", f"have {self.n_features_in_} features", f"shape {tuple(X.shape)}")
        return X


class Centre(MomentsTransformer):
    """Rows minus their mean.

    Examples
    --------
    >>> Centre().fit_transform(np.array([[1.0], [3.0]]))
    array([[-1.],
           [ 1.]])
    """

    def _check_options(self, *, streaming: bool) -> None:
        """There are none."""

    def _solve(self, moments: Moments, *, rows: Rows | None, shrinkage: float | None) -> Affine:
        return Affine("centre", moments.mean)


class ZScore(MomentsTransformer):
    """Every feature with mean 0 and variance 1 (n - 1); constant features become 0.

    Examples
    --------
    >>> ZScore().fit_transform(np.array([[0.0, 7.0], [2.0, 7.0], [4.0, 7.0]]))
    array([[-1.,  0.],
           [ 0.,  0.],
           [ 1.,  0.]])
    """

    def _check_options(self, *, streaming: bool) -> None:
        """There are none."""

    def _solve(self, moments: Moments, *, rows: Rows | None, shrinkage: float | None) -> Affine:
        variance, mean = moments.covariance().diagonal(), moments.mean
        constant = constant_features(variance, mean, self._dtype or moments.dtype or "float32")
        return Affine("scale", mean, scale=np.where(constant, 1.0, variance) ** -0.5)


class NaiveWhitening(TransformerMixin, BaseEstimator):
    """Whitening as the papers' code does it, in the input's dtype, blind to the rank.

    kernel = U diag(1/sqrt(s)) of np.cov's svd, x' = (x - mu) kernel. On states with a null
    direction 1/sqrt(s) amplifies rounding until it drowns the rest: here to show that, not to use.

    Examples
    --------
    >>> rows = np.random.default_rng(0).standard_normal((500, 3))
    >>> np.allclose(np.cov(NaiveWhitening().fit_transform(rows).T), np.eye(3))
    True
    """

    def fit(self, X: Rows, y: Any = None) -> Self:
        """Take mean and kernel from all rows X (n, d), at least 2.

        Raises
        ------
        ValueError
            If a singular value is exactly 0, or X is not finite.
        """
        rows = self._rows(X, reset=True)
        exact = finite("X", rows.float().numpy() if is_tensor(rows) else rows)
        if len(exact) < 2:
            refuse("X", "have at least 2 rows", f"n_samples = {len(exact)}")
        self.mean_ = exact.mean(axis=0)
        covariance = np.atleast_2d(np.cov(exact.T, dtype=exact.dtype))
        u, s, _ = np.linalg.svd(covariance)
        if s[-1] == 0.0:
            hint = "The recipe divides by it; 'whiten' drops such directions."
            refuse("X", "have no singular value of exactly 0", f"{int((s == 0).sum())}", hint)
        self.kernel_ = u / np.sqrt(s)
        return self

    def transform(self, X: Rows) -> Any:
        """(x - mu) kernel of rows X (n, d), every step rounded to their dtype."""
        check_is_fitted(self)
        rows = self._rows(X, reset=False)
        if not is_tensor(rows):
            return (rows - self.mean_.astype(rows.dtype)) @ self.kernel_.astype(rows.dtype)
        mean, kernel = (rows.new_tensor(each) for each in (self.mean_, self.kernel_))
        return (rows - mean) @ kernel

    def _rows(self, X: Any, *, reset: bool) -> Any:
        if is_tensor(X):
            kind_of("X", X)
            X = X.detach().cpu()
            if str(X.dtype) in ("torch.bfloat16", "torch.float16"):
                return X
            X = X.numpy()
        return validate_data(self, X, reset=reset, dtype=[np.float64, np.float32])
