"""The scikit-learn protocol of every transform that is found from a mean and a covariance."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from .._check import finite, ndim, number, refuse, refuse_type
from .._rows import is_tensor, kind_of
from ..moments import Moments
from ._affine import Affine, mapped

if TYPE_CHECKING:
    from ._affine import Rows


class MomentsTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator, ABC):
    """Fitted from `Moments` alone: whole, in parts, by merging shards, or from stored statistics.

    Rows are (n, d) arrays or torch tensors; outputs are of the same kind, dtype and device,
    computed in float64. Integers are read as float64.
    """

    _moments: Moments | None = None
    _solved: Affine | None = None
    _dtype: str | None = None

    @abstractmethod
    def _check_options(self, *, streaming: bool) -> None:
        """Refuse options that are out of range, or need all rows at once while streaming."""

    @abstractmethod
    def _solve(self, moments: Moments, *, rows: Rows | None, shrinkage: float | None) -> Affine:
        """The map for these moments; `rows` only where all are at hand."""

    def fit(self, X: Rows, y: Any = None) -> Self:
        """Find the map from all rows X (n, d); `y` is ignored.

        Raises
        ------
        ValueError
            If an option is out of range, or X is not finite or has too few rows or a rank too low.
        """
        self._check_options(streaming=False)
        rows = floating_rows(self, X, reset=True)
        self._dtype = None
        self._moments = Moments(rows.shape[1]).update(rows)
        self._solved = self._solve(self._moments, rows=rows, shrinkage=None)
        return self

    def partial_fit(self, X: Rows, y: Any = None) -> Self:
        """Take in more rows X (n, d); the map is found when it is next asked for.

        Raises
        ------
        ValueError
            If X differs from earlier rows in width, dtype or device, or is not finite.
        """
        self._check_options(streaming=True)
        rows = floating_rows(self, X, reset=self._moments is None)
        self._moments = (self._moments or Moments(rows.shape[1])).update(rows)
        self._solved = None
        return self

    def fit_moments(
        self, moments: Moments, *, dtype: str | None = None, shrinkage: float | None = None
    ) -> Self:
        """Find the map from stored statistics.

        Parameters
        ----------
        moments
            Of the rows; copied.
        dtype
            The dtype that the rows had, for the rank; None takes what `moments` knows.
        shrinkage
            In [0, 1]: stands in for "ledoit-wolf", which needs the rows. Ignored by transforms
            that do not shrink.

        Raises
        ------
        ValueError
            If an option is out of range, or the rank is too low.
        """
        if not isinstance(moments, Moments):
            refuse_type("moments", "be a Moments", moments)
        if shrinkage is not None:
            number("shrinkage", shrinkage, low=0.0, high=1.0)
        self._check_options(streaming=shrinkage is None)
        self.n_features_in_ = moments.dim
        self._moments = Moments(moments.dim).merge(moments)
        self._dtype = dtype
        self._solved = self._solve(self._moments, rows=None, shrinkage=shrinkage)
        return self

    def merge(self, other: Self) -> Self:
        """Take in all rows that `other` was fitted on, in place; any order gives the same map.

        Raises
        ------
        TypeError
            If `other` is another kind of transform.
        ValueError
            If its rows have another width or dtype.
        """
        if type(other) is not type(self):
            refuse_type("other", f"be a {type(self).__name__}", other)
        self._check_options(streaming=True)
        check_is_fitted(other)
        theirs = other._fitted_moments()
        self._moments = (self._moments or Moments(theirs.dim)).merge(theirs)
        self.n_features_in_ = theirs.dim
        self._dtype = self._dtype or other._dtype
        self._solved = None
        return self

    def transform(self, X: Rows) -> Any:
        """Map rows X (n, d) to (n, k), in their own kind and dtype.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If nothing was fitted.
        ValueError
            If X has another width than the rows fitted on, or is not finite.
        """
        check_is_fitted(self)
        rows = finite_rows(floating_rows(self, X, reset=False))
        solution = self._solution()
        return mapped(rows, solution.forward, before=solution.mean)

    def inverse_transform(self, X: Rows) -> Any:
        """Map outputs X (n, k) back to (n, d); exact within the directions that were kept.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If nothing was fitted.
        ValueError
            If X is not (n, k) or not finite.
        """
        check_is_fitted(self)
        solution = self._solution()
        rows: Any = X if is_tensor(X) else np.asarray(X)
        if isinstance(rows, np.ndarray) and rows.dtype.kind in "iub":
            rows = rows.astype(np.float64)
        kind_of("X", rows)
        ndim("X", rows, ("example", "component"))
        if rows.shape[1] != solution.n_out:
            refuse("X", f"have {solution.n_out} components", f"shape {tuple(rows.shape)}")
        return mapped(finite_rows(rows), solution.backward, after=solution.mean)

    @property
    def mean_(self) -> np.ndarray:
        """(d,) mean of the rows fitted on."""
        return self._fitted_moments().mean

    @property
    def n_samples_seen_(self) -> int:
        """Number of rows fitted on."""
        return self._fitted_moments().n

    @property
    def _n_features_out(self) -> int:
        return self._solution().n_out

    def _fitted_moments(self) -> Moments:
        check_is_fitted(self)
        if self._moments is None:
            raise RuntimeError(f"{type(self).__name__} is fitted without moments.")
        return self._moments

    def _solution(self) -> Affine:
        moments = self._fitted_moments()
        if self._solved is None:
            self._solved = self._solve(moments, rows=None, shrinkage=None)
        return self._solved

    def __sklearn_is_fitted__(self) -> bool:
        return self._moments is not None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if tags.transformer_tags is not None:
            tags.transformer_tags.preserves_dtype = ["float64", "float32", "float16"]
        return tags


def floating_rows(estimator: Any, X: Any, *, reset: bool) -> Any:
    """X as a floating-point array or tensor of the width that the estimator knows, or learns.

    Raises
    ------
    ValueError
        If X is not (n, d), is empty, or has another width. Finiteness is checked elsewhere.
    """
    if not is_tensor(X):
        dtypes = [np.float64, np.float32, np.float16]
        return validate_data(estimator, X, reset=reset, dtype=dtypes, ensure_all_finite=False)
    kind_of("X", X)
    ndim("X", X, ("example", "feature"))
    if reset:
        estimator.n_features_in_ = X.shape[1]
    elif X.shape[1] != estimator.n_features_in_:
        refuse("X", f"have {estimator.n_features_in_} features", f"shape {tuple(X.shape)}")
    if len(X) == 0:
        refuse("X", "have at least one row", f"shape {tuple(X.shape)}")
    return X


def finite_rows(rows: Any) -> Any:
    """The rows given, if all their values are finite.

    Raises
    ------
    ValueError
        If there is a NaN or an infinity.
    """
    if not is_tensor(rows):
        return finite("X", rows)
    if not bool(rows.isfinite().all()):
        finite("X", rows.detach().cpu().double().numpy())
    return rows
