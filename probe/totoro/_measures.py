"""What follows from the exposure: pure functions of arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

_ROWS = 1 << 15  # at a time, so that what is between is small beside the tables


def conflict_of_exposure(exposure: np.ndarray) -> np.ndarray:
    """T[v, y] = sum over c != y of Z[v, c], for every node and label (node, label).

    Exactly 0 where no other class is met: a difference of sums would leave rounding there.
    """
    found = np.empty_like(exposure)
    for start in range(0, len(exposure), _ROWS):
        rows = exposure[start : start + _ROWS].astype(np.float64, copy=False)
        met = rows > 0
        others = met.sum(axis=1, keepdims=True) - met
        rest = rows.sum(axis=1, keepdims=True) - rows
        found[start : start + _ROWS] = np.where(others > 0, np.maximum(rest, 0.0), 0.0)
    return found


def conflict_share(exposure: np.ndarray, own: np.ndarray) -> np.ndarray:
    """1 - Z[v, y_v] / sum_c Z[v, c], for rows of labelled nodes; in [0, 1]."""
    total = exposure.sum(axis=1, dtype=np.float64)
    mine = exposure[np.arange(len(own)), own]
    return np.clip(1.0 - mine / total, 0.0, 1.0)


def class_conflict(exposure: np.ndarray, own: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Mean exposure of the labelled nodes of each class to each class (label, label_other)."""
    sums = np.zeros((len(counts), exposure.shape[1]))
    np.add.at(sums, own, exposure)
    return np.divide(
        sums, counts[:, None], out=np.full_like(sums, np.nan), where=counts[:, None] > 0
    )


class Reach(NamedTuple):
    """Who can be reached at all.

    Attributes
    ----------
    component
        (node,) number of the (weakly) connected component.
    isolated
        (node,) whether the node has no neighbour but itself.
    """

    component: np.ndarray
    isolated: np.ndarray


def reach_of(adjacency: sp.csr_array) -> Reach:
    """Components and isolated nodes of an adjacency matrix."""
    _, component = connected_components(adjacency, directed=True, connection="weak")
    size = np.bincount(component)
    return Reach(component.astype(np.int32), size[component] == 1)


def unreached(component: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """(node,) whether no labelled node lies in the node's component."""
    inhabited = np.zeros(int(component.max()) + 1, dtype=bool)
    inhabited[component[nodes]] = True
    return ~inhabited[component]


def zero_conflict(
    component: np.ndarray, nodes: np.ndarray, own: np.ndarray, n_labels: int
) -> np.ndarray:
    """(node,) whether a labelled node's component holds no labelled node of another class."""
    pairs = np.unique(component[nodes].astype(np.int64) * n_labels + own)
    classes = np.bincount(pairs // n_labels, minlength=int(component.max()) + 1)
    found = np.zeros(len(component), dtype=bool)
    found[nodes] = classes[component[nodes]] == 1
    return found
