"""Labels, the nodes whose labels are known, and what the classes start from."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from .._check import refuse, refuse_type
from ._reading import as_numpy

UNKNOWN = -1


class Labelled(NamedTuple):
    """Labels (node,), -1 where unknown; which of them are known to the model; names of classes."""

    labels: np.ndarray
    train: np.ndarray
    names: tuple[str, ...]

    @property
    def nodes(self) -> np.ndarray:
        """The labelled nodes, ascending."""
        return np.flatnonzero(self.train)

    @property
    def own(self) -> np.ndarray:
        """The label of each labelled node."""
        return self.labels[self.train]

    @property
    def counts(self) -> np.ndarray:
        """(label,) how many nodes of each class are labelled."""
        return np.bincount(self.own, minlength=len(self.names))

    @property
    def means(self) -> sp.csc_array:
        """S (node, label): 1 / n_c at each labelled node of class c."""
        at = (self.nodes, self.own)
        shape = (len(self.labels), len(self.names))
        return sp.csc_array((1.0 / self.counts[self.own], at), shape=shape)


def read_labelled(source: Any, labels: Any, train_mask: Any, num_nodes: int) -> Labelled:
    """Labels and mask, given or found on the graph object (``labels`` or ``y``, ``train_mask``).

    Raises
    ------
    TypeError
        If labels are no whole numbers, or the mask neither booleans nor positions.
    ValueError
        If there are none, lengths do not fit, a label is out of range, or a class has no labelled
        node.
    """
    values = labels_of(source, labels, num_nodes)
    train_mask = getattr(source, "train_mask", None) if train_mask is None else train_mask
    if train_mask is None:
        refuse("train_mask", "select the labelled nodes", "none")
    names = getattr(source, "label_names", None)
    train = _mask(train_mask, num_nodes)
    known = values >= 0
    if (train & ~known).any():
        node = int(np.flatnonzero(train & ~known)[0])
        refuse("train_mask", "select nodes with a label", f"node {node}, whose label is {UNKNOWN}")
    n_labels = len(names) if names else int(values.max()) + 1
    named = tuple(map(str, names)) if names else tuple(map(str, range(n_labels)))
    present = np.bincount(values[known], minlength=n_labels) > 0
    counts = np.bincount(values[train], minlength=n_labels)
    for label in np.flatnonzero(present & (counts == 0)):
        which = f"{label}" if named[label] == str(label) else f"{label} ({named[label]})"
        raise ValueError(
            f"`train_mask` selects no labelled node of class {which}; Totoro needs at least one "
            "per class. Add one, or set the class's labels to -1."
        )
    return Labelled(values, train, named)


def read_labels(labels: Any, num_nodes: int, names: Any = None) -> np.ndarray:
    """Labels as int64 (node,), checked."""
    values = as_numpy(labels)
    if values.shape == (num_nodes, 1):
        values = values[:, 0]
    if values.dtype.kind not in "iu":
        hint = "Number the classes 0, 1, ...; -1 stands for unknown."
        refuse_type("labels", f"hold whole numbers, not {values.dtype}", labels, hint)
    if values.shape != (num_nodes,):
        refuse("labels", f"have axes (node) with {num_nodes}", f"shape {values.shape}")
    values = values.astype(np.int64)
    wrong = np.flatnonzero(values < UNKNOWN)
    if names:
        wrong = np.flatnonzero((values < UNKNOWN) | (values >= len(names)))
    if len(wrong):
        top = f" to {len(names) - 1}" if names else " up"
        got = f"label {values[wrong[0]]} at node {wrong[0]}"
        refuse("labels", f"be from 0{top}, or {UNKNOWN} where unknown", got)
    return values


def labels_of(graph: Any, labels: Any, n_nodes: int) -> np.ndarray:
    """Labels given or found on the graph object, checked (node,)."""
    if labels is None:
        own = getattr(graph, "labels", None)
        labels = getattr(graph, "y", None) if own is None else own
    if labels is None:
        refuse("labels", "hold one label per node", "none", "The graph carries no labels either.")
    known = read_labels(labels, n_nodes, getattr(graph, "label_names", None))
    if len(np.unique(known[known >= 0])) < 2:
        refuse("labels", "hold at least two classes", f"{len(np.unique(known[known >= 0]))}")
    return known


def _mask(mask: Any, num_nodes: int) -> np.ndarray:
    values = as_numpy(mask)
    if values.dtype.kind == "b":
        if values.shape != (num_nodes,):
            refuse("train_mask", f"have axes (node) with {num_nodes}", f"shape {values.shape}")
        return values.copy()
    if values.dtype.kind not in "iu" or values.ndim != 1:
        wanted = f"hold one boolean per node or positions of nodes, not {values.dtype}"
        refuse_type("train_mask", wanted, mask)
    if values.size and (values.min() < 0 or values.max() >= num_nodes):
        wrong = values.min() if values.min() < 0 else values.max()
        refuse("train_mask", f"hold nodes from 0 to {num_nodes - 1}", f"node {wrong}")
    # Zeros and ones for every node are a mask in integers, not positions 0 and 1 again and again.
    if len(np.unique(values)) < len(values):
        refuse("train_mask", "hold each position once", "repeated ones", "A mask needs dtype bool.")
    selected = np.zeros(num_nodes, dtype=bool)
    selected[values] = True
    return selected
