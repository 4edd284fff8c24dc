"""Which labelled nodes train, validate and test: random splits, balanced or not."""

from __future__ import annotations

from typing import Any

import numpy as np

from .records import Split


def random_split(
    labels: np.ndarray, *, per_class: int = 20, valid_per_class: int = 30, seed: int = 0
) -> Split:
    """As many random training nodes of every class; all other labelled nodes test.

    The defaults are the paper's setting (arXiv:2110.04099, section 5).

    Parameters
    ----------
    labels
        (node,) whole numbers, -1 where unknown. Such nodes are in no part.
    per_class, valid_per_class
        Number of training and of validation nodes in each class.
    seed
        Splits of the same seed are nested: their validation nodes are the same whatever
        `per_class` is, and a smaller `per_class` takes some of the larger one's training nodes.

    Raises
    ------
    TypeError
        If `labels` or an option holds something else than whole numbers.
    ValueError
        If an option is out of range, no label is known, or a class has too few nodes. A class
        without any node is passed over.

    Examples
    --------
    >>> random_split(np.repeat([0, 1], 30), per_class=5, valid_per_class=10)
    Split('random, 5 a class, seed 0', 10 train, 20 valid, 30 test)
    """
    groups = _groups(labels, per_class, valid_per_class, seed)
    return _split(
        labels,
        groups,
        dict.fromkeys(groups, per_class),
        valid_per_class,
        f"random, {per_class} a class, seed {seed}",
    )


def step_imbalance_split(
    labels: np.ndarray,
    *,
    ratio: float = 10,
    per_class: int = 20,
    valid_per_class: int = 30,
    minority: float = 0.5,
    seed: int = 0,
) -> Split:
    """A random split in which some classes have `ratio` times fewer training nodes.

    Step imbalance (Buda et al. 2018, arXiv:1710.05381): classes are either majority, with
    `per_class` training nodes, or minority, with `per_class / ratio` (rounded, at least one).
    ReNode is studied together with such imbalance of quantity in arXiv:2110.04099.

    It is `random_split` of the same seed with training nodes of the minority taken out, which test
    in their place: the validation nodes are the same.

    Parameters
    ----------
    labels, per_class, valid_per_class, seed
        As in `random_split`.
    ratio
        Training nodes of a majority class for each one of a minority class, 1 to `per_class`.
    minority
        Which part of the classes is in the minority, between 0 and 1; rounded to the nearest number
        of classes, at least one on either side (a half rounds down). `seed` says which.

    Raises
    ------
    TypeError
        If `labels` or an option is of the wrong kind.
    ValueError
        If an option is out of range, there are less than two classes, or one has too few nodes.

    Examples
    --------
    >>> labels = np.repeat([0, 1], 60)
    >>> split = step_imbalance_split(labels, ratio=5)
    >>> sorted(np.bincount(labels[split.train]).tolist())
    [4, 20]
    """
    groups = _groups(labels, per_class, valid_per_class, seed)
    for name, value in {"ratio": ratio, "minority": minority}.items():
        if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
            raise TypeError(f"`{name}` must be a number; got {type(value).__name__}.")
    if not 1 <= ratio <= per_class:
        raise ValueError(f"`ratio` must be from 1 to `per_class`, {per_class}; got {ratio}.")
    if not 0 < minority < 1:
        raise ValueError(f"`minority` must be between 0 and 1, both excluded; got {minority}.")
    if len(groups) < 2:
        raise ValueError(f"`labels` must hold at least two classes; got {len(groups)}.")
    count = int(np.clip(np.ceil(minority * len(groups) - 0.5), 1, len(groups) - 1))
    # A stream of its own, so that the nodes are those of `random_split`.
    few = np.random.default_rng([seed, 1]).permutation(list(groups))[:count]
    fewer = max(1, round(per_class / ratio))
    sizes = {label: fewer if label in few else per_class for label in groups}
    name = f"step imbalance {ratio:g}, {per_class} a class, seed {seed}"
    return _split(labels, groups, sizes, valid_per_class, name)


def _groups(labels: Any, per_class: Any, valid_per_class: Any, seed: Any) -> dict[int, np.ndarray]:
    """Label to its nodes in random order; every argument is checked."""
    least = {
        "per_class": (per_class, 1),
        "valid_per_class": (valid_per_class, 0),
        "seed": (seed, 0),
    }
    for name, (value, low) in least.items():
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise TypeError(f"`{name}` must be a whole number; got {type(value).__name__}.")
        if value < low:
            raise ValueError(f"`{name}` must be at least {low}; got {value}.")
    array = np.asarray(labels)
    if array.dtype.kind not in "iu":
        raise TypeError(
            f"`labels` must hold whole numbers; got {array.dtype}. Of a graph, give `graph.labels`."
        )
    if array.ndim != 1:
        raise ValueError(f"`labels` must have axes (node); got shape {array.shape}.")
    classes, counts = np.unique(array[array >= 0], return_counts=True)
    if not len(classes):
        raise ValueError("`labels` must hold at least one known label; got none.")
    needed = per_class + valid_per_class
    for label, count in zip(classes, counts, strict=True):
        if count < needed:
            raise ValueError(
                f"`labels` must hold at least {needed} nodes of each class ({per_class} to train, "
                f"{valid_per_class} to validate); class {label} has {count}. "
                "Ask for fewer with `per_class` and `valid_per_class`."
            )
    rng = np.random.default_rng(seed)
    return {int(label): rng.permutation(np.flatnonzero(array == label)) for label in classes}


def _split(
    labels: Any, groups: dict[int, np.ndarray], sizes: dict[int, int], n_valid: int, name: str
) -> Split:
    train, valid = np.zeros((2, len(labels)), dtype=bool)
    for label, nodes in groups.items():
        train[nodes[: sizes[label]]] = True
        # From the other end, so that they do not depend on the number of training nodes.
        valid[nodes[len(nodes) - n_valid :]] = True
    test = (np.asarray(labels) >= 0) & ~train & ~valid
    return Split(train, valid, test, name)
