"""The papers' whitening recipe, kept to show what it does to a state with a null direction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .._check import refuse
from .._rows import is_tensor
from ._transformer import finite_rows, floating_rows

if TYPE_CHECKING:
    from ._affine import Rows


class NaiveWhitening(TransformerMixin, BaseEstimator):
    """Whitening as the papers' code does it, blind to rank and rounding.

    mu is the mean in the input's dtype, kernel = U diag(1/sqrt(s)) from the svd of np.cov (float64)
    and x' = (x - mu) kernel in the dtype of x, as published with arXiv:2103.15316. Along a null
    direction s is about 1e-16 of the largest, so the rounding of mu or of states in another
    precision is amplified some 3e7 times and drowns the rest: here to show that, not to use.

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
        rows = finite_rows(_cpu(floating_rows(self, X, reset=True)))
        # np.cov knows neither half precision: their values go through float32.
        exact = rows.float().numpy() if is_tensor(rows) else rows
        if len(exact) < 2:
            refuse("X", "have at least 2 rows", f"n_samples = {len(exact)}")
        self.mean_ = exact.mean(axis=0)
        u, s, _ = np.linalg.svd(np.atleast_2d(np.cov(exact.T)))
        if s[-1] == 0.0:
            hint = "The recipe divides by it; 'whiten' drops such directions."
            refuse("X", "have no singular value of exactly 0", f"{int((s == 0).sum())}", hint)
        self.kernel_ = u / np.sqrt(s)
        return self

    def transform(self, X: Rows) -> Any:
        """(x - mu) kernel of rows X (n, d), every step rounded to their dtype.

        Raises
        ------
        ValueError
            If X is not finite, or the amplified result no longer fits its dtype.
        """
        check_is_fitted(self)
        given = floating_rows(self, X, reset=False)
        rows = finite_rows(_cpu(given))
        if is_tensor(rows):
            mean, kernel = (rows.new_tensor(each) for each in (self.mean_, self.kernel_))
            moved = (rows - mean) @ kernel
            fits = bool(moved.isfinite().all())
        else:
            mean, kernel = (each.astype(rows.dtype) for each in (self.mean_, self.kernel_))
            moved = (rows - mean) @ kernel
            fits = bool(np.isfinite(moved).all())
        if not fits:
            refuse("X", "keep its whitened values within its dtype", f"{rows.dtype} overflow")
        if is_tensor(given):
            return given.new_tensor(moved) if not is_tensor(moved) else moved.to(given.device)
        return moved.numpy() if is_tensor(moved) else moved

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if tags.transformer_tags is not None:
            tags.transformer_tags.preserves_dtype = ["float64", "float32", "float16"]
        return tags


def _cpu(rows: Any) -> Any:
    """Rows of float32 and float64 as an array, of half precision as a tensor on the CPU."""
    if is_tensor(rows):
        rows = rows.detach().cpu()
        return rows if rows.itemsize == 2 else rows.numpy()
    if rows.dtype != np.float16:
        return rows
    import torch

    # numpy has no half-precision product of any use: torch's rounds every step as hardware does.
    return torch.from_numpy(rows)
