"""What the labelled nodes weigh in each arm of the ReNode study."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from data.records import Graph

from ..totoro import renode_weights


class Labelled(NamedTuple):
    """The labelled nodes of one split: T (labelled,), degree (labelled,), bounds of the weights."""

    conflict: np.ndarray
    degree: np.ndarray
    w_min: float
    w_max: float

    def ranked(self, values: np.ndarray) -> np.ndarray:
        """ReNode's weights with another quantity in the place of T: the largest weighs least."""
        return renode_weights(values, w_min=self.w_min, w_max=self.w_max)


Arm = Callable[[Labelled, np.random.Generator], "np.ndarray | None"]


def plain(nodes: Labelled, rng: np.random.Generator) -> None:
    """No weights."""


def renode(nodes: Labelled, rng: np.random.Generator) -> np.ndarray:
    """The paper's: least conflict weighs most."""
    return nodes.ranked(nodes.conflict)


def shuffled(nodes: Labelled, rng: np.random.Generator) -> np.ndarray:
    """The same weights on other labelled nodes: unequal weights alone, without T."""
    return rng.permutation(nodes.ranked(nodes.conflict))


def reversed_order(nodes: Labelled, rng: np.random.Generator) -> np.ndarray:
    """Most conflict weighs most: if the order of T matters, this must hurt."""
    return nodes.ranked(nodes.conflict.max() - nodes.conflict)


def by_degree(nodes: Labelled, rng: np.random.Generator) -> np.ndarray:
    """The highest degree weighs least, since T grows with degree: is T only a count of edges?"""
    return nodes.ranked(nodes.degree)


ARMS: Mapping[str, Arm] = {
    "plain": plain,
    "renode": renode,
    "shuffled": shuffled,
    "reversed": reversed_order,
    "degree": by_degree,
}


def arm_weights(
    arm: str, nodes: Labelled, train: np.ndarray, rng: np.random.Generator
) -> np.ndarray | None:
    """(node,) weights of an arm, NaN off the training nodes; None where every node counts alike.

    Examples
    --------
    >>> nodes = Labelled(np.array([0.0, 0.2]), np.array([3.0, 1.0]), 0.5, 1.5)
    >>> train = np.array([True, False, True])
    >>> arm_weights("renode", nodes, train, np.random.default_rng(0)).tolist()
    [1.5, nan, 0.5]
    >>> arm_weights("degree", nodes, train, np.random.default_rng(0)).tolist()
    [0.5, nan, 1.5]
    """
    values = ARMS[arm](nodes, rng)
    if values is None:
        return None
    weights = np.full(len(train), np.nan)
    weights[train] = values
    return weights


def degrees(graph: Graph) -> np.ndarray:
    """(node,) sum of the weights of the edges that end in a node, loops left out.

    Edges without weights count once each, however often they are listed.

    Examples
    --------
    >>> degrees(Graph(np.array([[0, 1, 0, 0], [1, 0, 1, 0]]), np.array([0, 1]))).tolist()
    [1.0, 1.0]
    """
    source, target = graph.edge_index
    weight = np.ones(graph.num_edges) if graph.edge_weight is None else graph.edge_weight
    n = graph.num_nodes
    matrix = sp.csr_array(sp.coo_array((weight, (target, source)), shape=(n, n)))
    if graph.edge_weight is None:
        matrix.data[:] = 1.0
    return np.asarray(matrix.sum(axis=1)) - matrix.diagonal()
