"""From conflict to weight: ranks in which ties share their place, and ReNode's cosine."""

from __future__ import annotations

import numpy as np

from .._check import finite, ndim, number, refuse

# Two values closer than this part of the largest one are the same number, computed in another
# order; without it the order of the nodes would decide.
_SAME = {np.dtype("float64"): 1e-11, np.dtype("float32"): 2e-7}


def conflict_ranks(conflict: np.ndarray) -> np.ndarray:
    """The place of each value in ascending order, from 0; tied values share the mean of theirs.

    Parameters
    ----------
    conflict
        (node,) finite and not negative: T of the labelled nodes.

    Returns
    -------
    np.ndarray
        (node,) float64 in [0, node - 1].

    Raises
    ------
    ValueError
        If a value is negative, NaN or infinite, or there is none.

    Notes
    -----
    The official code ranks ties by their order in memory. On CiteSeer more than a third of the
    labelled nodes have T = 0: there the order of nodes decides weights between 1.5 and 1.

    Examples
    --------
    >>> conflict_ranks(np.array([0.0, 0.3, 0.0, 0.1]))
    array([0.5, 3. , 0.5, 2. ])
    """
    values = np.asarray(conflict)
    if values.dtype not in _SAME:
        values = values.astype(np.float64)
    ndim("conflict", values, ("node",))
    if not len(values):
        refuse("conflict", "hold at least one value", "none")
    finite("conflict", values)
    if values.min() < 0:
        where = int(values.argmin())
        refuse("conflict", "not be negative", f"{values[where]} at position {where}")
    order = np.argsort(values, kind="stable")
    ascending = values[order]
    same = _SAME[values.dtype] * ascending[-1]
    # Zero is exact: nothing of another class can be reached.
    new = (np.diff(ascending) > same) | ((ascending[1:] > 0) & (ascending[:-1] == 0))
    group = np.concatenate([[0], np.cumsum(new)])
    places = np.arange(len(values), dtype=np.float64)
    means = np.bincount(group, weights=places) / np.bincount(group)
    ranks = np.empty(len(values))
    ranks[order] = means[group]
    return ranks


def renode_weights(conflict: np.ndarray, *, w_min: float = 0.5, w_max: float = 1.5) -> np.ndarray:
    """ReNode's training weight of each labelled node: large where classes do not conflict.

    w_v = w_min + (w_max - w_min) / 2 (1 + cos(pi rank(T_v) / (|L| - 1))), ranks over all labelled
    nodes, ascending (arXiv:2110.04099, eq. 7; the official code's base 0.5 and scale 1 are w_min
    0.5 and w_max 1.5). Deviation: tied nodes share the mean of their ranks, see `conflict_ranks`.

    Parameters
    ----------
    conflict
        (node,) T of the labelled nodes, and of no others.
    w_min, w_max
        Weight of the node with the most and with the least conflict.

    Returns
    -------
    np.ndarray
        (node,) float64 in [w_min, w_max]; their mean without ties is (w_min + w_max) / 2.

    Raises
    ------
    TypeError, ValueError
        If a value is negative, NaN or infinite, there is none, or not 0 <= w_min <= w_max.

    Examples
    --------
    >>> renode_weights(np.array([0.0, 0.2, 0.1]))
    array([1.5, 0.5, 1. ])
    """
    check_weights(w_min, w_max)
    return weights_of_ranks(conflict_ranks(conflict), w_min=w_min, w_max=w_max)


def check_weights(w_min: float, w_max: float) -> None:
    """Refuse weights unless 0 <= w_min <= w_max."""
    number("w_min", w_min, low=0.0)
    number("w_max", w_max, low=w_min)


def weights_of_ranks(ranks: np.ndarray, *, w_min: float, w_max: float) -> np.ndarray:
    """The cosine curve over ranks; a single node has no order and gets the middle."""
    last = len(ranks) - 1
    turn = np.cos(np.pi * ranks / last) if last else np.zeros(1)
    return w_min + (w_max - w_min) / 2 * (1 + turn)
