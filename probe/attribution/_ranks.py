"""Spearman's rank correlation, which does not ask in which units a method speaks."""

from __future__ import annotations

import numpy as np


def rank_correlations(rows: np.ndarray) -> np.ndarray:
    """(row, row) Spearman's correlations of finite (row, unit), ties by mean rank.

    NaN where a row is constant: it ranks nothing.

    Examples
    --------
    >>> rank_correlations(np.array([[1.0, 2.0, 9.0], [3.0, 2.0, 1.0]])).round(6).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    from scipy.stats import rankdata

    ranks = rankdata(rows, axis=1)
    ranks -= ranks.mean(axis=1, keepdims=True)
    length = np.sqrt((ranks**2).sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return ranks @ ranks.T / np.outer(length, length)
