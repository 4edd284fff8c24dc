"""Held-out accuracy of linear probes, beside the controls that tell what it is worth."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..whitening._reservoir import mixed
from ._keys import half_of, poisson_weights

CONTROL = 0x434F4E54524F4C
NAMES = ("accuracy", "majority", "control", "selectivity", "alone")
LABELLED = ("label_accuracy", "label_accuracy_interval", "label_support")
WORDING = {
    "accuracy": ("accuracy of a linear probe on the held-out half", "1", "[0, 1]"),
    "accuracy_interval": ("bootstrap interval of accuracy, over examples", "1", "[0, 1]"),
    "majority": ("accuracy of always naming the commonest label of the other half", "1", "[0, 1]"),
    "majority_interval": ("bootstrap interval of majority, over examples", "1", "[0, 1]"),
    "control": ("accuracy of the same probe on random labels", "1", "[0, 1]"),
    "control_interval": ("bootstrap interval of control, over examples", "1", "[0, 1]"),
    "selectivity": ("accuracy less control", "1", "[-1, 1]"),
    "selectivity_interval": ("paired bootstrap interval of selectivity", "1", "[-1, 1]"),
    "alone": ("accuracy from the first of the two alone", "1", "[0, 1]"),
    "alone_interval": ("bootstrap interval of alone, over examples", "1", "[0, 1]"),
    "n_train": ("rows that probes were fitted on", "1", "[0, inf)"),
    "n_test": ("rows of the held-out half", "1", "[0, inf)"),
    "label_accuracy": ("share of the held-out rows of a label that get it", "1", "[0, 1]"),
    "label_accuracy_interval": ("bootstrap interval of label_accuracy", "1", "[0, 1]"),
    "label_support": ("rows of a label in the held-out half", "1", "[0, inf)"),
}


class Rows(NamedTuple):
    """Labelled rows: codes (m,), the key of each row's example, and of what type each row is."""

    codes: np.ndarray
    examples: np.ndarray
    types: np.ndarray

    def at(self, chosen: np.ndarray) -> Rows:
        """Some of the rows."""
        return Rows(*(each[chosen] for each in self))


class Probing(NamedTuple):
    """How probes are fitted and reported."""

    n_boot: int
    level: float
    seed: int
    max_iter: int = 1000


def probe_scores(
    features: np.ndarray,
    rows: Rows,
    how: Probing,
    *,
    alone: np.ndarray | None = None,
    n_labels: int = 0,
    place: str = "",
) -> tuple[dict[str, Any], np.ndarray | None]:
    """Scores of a logistic regression fitted on one half of the examples, on the other half.

    Control task (Hewitt & Liang 2019, arXiv:1909.03368): every type gets a random label, drawn
    with the shares the true labels have; what a probe reaches there it owes to itself.

    Parameters
    ----------
    features
        (m, d), finite.
    alone
        (m, d'), features that leave the second of two things out; NaN scores if None.
    n_labels
        How many labels there may be; above 0 the accuracy is also given for each, see `LABELLED`.
    place
        What an error calls the features.

    Returns
    -------
    scores, weights
        Each of `NAMES` and its interval; and the probe's weights (class or 1, d) on features of
        variance 1. NaN and None where one half has no rows, or the first half one label only.
    """
    second = half_of(rows.examples, how.seed) > 0
    train, test = np.flatnonzero(~second), np.flatnonzero(second)
    found: dict[str, Any] = dict.fromkeys(NAMES, np.nan)
    found |= {f"{name}_interval": np.full(2, np.nan) for name in NAMES}
    found |= {"n_train": len(train), "n_test": len(test)}
    if n_labels:
        found |= _by_label(np.empty(0), rows.codes[:0], np.empty((2, 0)), n_labels, 0.0)
    if len(test) < 2 or len(np.unique(rows.codes[train])) < 2:
        return found, None
    drawn = random_labels(rows, train)
    right, weights = _fit(features, rows.codes, train, test, how, place)
    chance = _fit(features, drawn, train, test, how, place)[0]
    series = {
        "accuracy": right,
        "majority": rows.codes[test] == np.bincount(rows.codes[train]).argmax(),
        "control": chance,
        "selectivity": right.astype(float) - chance,
    }
    if alone is not None:
        series["alone"] = _fit(alone, rows.codes, train, test, how, place)[0]
    draws = poisson_weights(rows.examples[test], how.n_boot, how.seed)
    draws = draws[draws.sum(axis=1) > 0]
    tail = (1 - how.level) / 2
    for name, values in series.items():
        means = draws @ values.astype(float) / draws.sum(axis=1)
        found[name] = means[0]
        found[f"{name}_interval"] = np.quantile(means[1:], [tail, 1 - tail])
    if n_labels:
        found |= _by_label(right, rows.codes[test], draws, n_labels, tail)
    return found, weights


def _by_label(
    right: np.ndarray, codes: np.ndarray, draws: np.ndarray, n_labels: int, tail: float
) -> dict[str, np.ndarray]:
    """Accuracy over the rows of each label (the label's recall); NaN where there is none."""
    own = (codes[:, None] == np.arange(n_labels)).astype(float)
    below = draws @ own
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.where(below > 0, draws @ (own * right[:, None]) / below, np.nan)
    interval = np.full((n_labels, 2), np.nan)
    for k in range(n_labels):
        drawn = means[1:, k][below[1:, k] > 0]
        if below[0, k] > 0 and len(drawn):
            interval[k] = np.quantile(drawn, [tail, 1 - tail])
    found = (means[0], interval, own.sum(axis=0).astype(np.int64))
    return dict(zip(LABELLED, found, strict=True))


def by_label(scores: Sequence[dict[str, Any]], dims: tuple[str, ...]) -> dict[str, Any]:
    """Variables of a result from what is known of each label, taken out of `scores`.

    One of the scores along each place of `dims` holds it; without dims one in all.
    """
    rows = [each for each in scores if LABELLED[0] in each]
    found: dict[str, Any] = {}
    for name in LABELLED:
        values = np.array([each.pop(name) for each in rows])
        own = (*dims, "label", "bound") if name.endswith("interval") else (*dims, "label")
        found[name] = (own, values if dims else values[0])
    return found


def random_labels(rows: Rows, train: np.ndarray) -> np.ndarray:
    """A label for each row, the same for rows of one type, in the shares of the true labels."""
    shares = np.cumsum(np.bincount(rows.codes[train])) / len(train)
    _, home, count = np.unique(
        mixed(rows.types ^ np.uint64(CONTROL)), return_inverse=True, return_counts=True
    )
    # Types in order of their hash fill the shares one after another: with few types, labels drawn
    # for each apart would have a majority of their own.
    middle = (np.cumsum(count) - count / 2) / len(home)
    label = np.minimum(np.searchsorted(shares, middle, side="right"), len(shares) - 1)
    return label[home.reshape(len(rows.codes))]


def stacked(scores: Sequence[dict[str, Any]], dims: tuple[str, ...], shape: Sequence[int]) -> dict:
    """Variables of a result from scores in order of `dims`, the last dim moving fastest."""
    found: dict[str, Any] = {}
    for name in scores[0]:
        values = np.array([each[name] for each in scores])
        own = (*dims, "bound") if name.endswith("interval") else dims
        found[name] = (own, values.reshape(*shape, *values.shape[1:]))
    return found


def _fit(
    features: np.ndarray,
    codes: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
    how: Probing,
    place: str,
) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    mean, spread = features[train].mean(axis=0), features[train].std(axis=0)
    scaled = (features - mean) / np.where(spread > 1e-12, spread, np.inf)
    if len(np.unique(codes[train])) < 2:  # random labels may leave one class out
        return codes[test] == codes[train[0]], np.zeros((1, features.shape[1]))
    model = LogisticRegression(max_iter=how.max_iter, tol=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            model.fit(scaled[train], codes[train])
        except ConvergenceWarning as stopped:
            raise RuntimeError(
                f"logistic regression has not converged after {how.max_iter} steps on {place}; "
                "take a larger `sample`."
            ) from stopped
    return np.asarray(model.predict(scaled[test])) == codes[test], np.asarray(model.coef_)
