"""Transforms that leave the correlations alone: as it is, centred, every feature scaled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ..moments import Moments
from ._affine import Affine
from ._transformer import MomentsTransformer, finite_rows, floating_rows
from .spectrum import constant_features

if TYPE_CHECKING:
    from ._affine import Rows


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
        finite_rows(floating_rows(self, X, reset=True))
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
            If it has another width than the rows fitted on, or is not finite.
        """
        check_is_fitted(self)
        return finite_rows(floating_rows(self, X, reset=False))

    def inverse_transform(self, X: Rows) -> Any:
        """X itself, (n, d)."""
        return self.transform(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if tags.transformer_tags is not None:
            tags.transformer_tags.preserves_dtype = ["float64", "float32", "float16"]
        return tags


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
