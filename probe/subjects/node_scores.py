"""F1 of predicted node labels, averaged over classes."""

from __future__ import annotations

import numpy as np

from .._check import refuse, same_length


def f1_scores(labels: np.ndarray, predicted: np.ndarray, n_labels: int) -> dict[str, float]:
    """Weighted-F1 and Macro-F1 in [0, 1]: the classes' F1, weighted by their size, and unweighted.

    F1 of a class is 2 TP / (2 TP + FP + FN). Classes that occur neither in `labels` nor in
    `predicted` count for neither mean, as in scikit-learn.

    Parameters
    ----------
    labels, predicted
        (node,) int, 0 to n_labels - 1.
    n_labels
        Number of classes.

    Returns
    -------
    dict
        ``weighted_f1`` and ``macro_f1``.

    Raises
    ------
    ValueError
        If lengths differ or there is no node.

    Examples
    --------
    >>> f1_scores(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]), 2)
    {'weighted_f1': 0.766..., 'macro_f1': 0.733...}
    """
    if not same_length(labels=labels, predicted=predicted):
        refuse("labels", "hold at least one label", "none")
    pairs = np.bincount(labels * n_labels + predicted, minlength=n_labels**2)
    table = pairs.reshape(n_labels, n_labels)  # (label, predicted)
    size, said, right = table.sum(axis=1), table.sum(axis=0), table.diagonal()
    seen = size + said > 0
    f1 = 2 * right[seen] / (size + said)[seen]
    return {
        "weighted_f1": float(f1 @ size[seen] / size.sum()),
        "macro_f1": float(f1.mean()),
    }
