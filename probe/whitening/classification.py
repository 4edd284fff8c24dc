"""Does whitening help or hurt a linear classifier: the check beside every similarity score."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from .._check import integer, number, refuse
from .._provenance import data_hash, provenance
from ._describe import BOUND, describe, gain_over_raw, label_codes, label_coord, mean_interval
from ._fitting import Transforms, chosen_layers, chosen_transforms, fitted_transforms
from ._layers import read_chunk

_WORDING = {
    "accuracy": ("held-out accuracy of logistic regression", "1", "[0, 1]"),
    "accuracy_interval": ("bootstrap interval of accuracy, over test rows", "1", "[0, 1]"),
    "majority": ("test accuracy of always naming the commonest training label", "1", "[0, 1]"),
    "majority_interval": ("bootstrap interval of the majority baseline", "1", "[0, 1]"),
    "gain": ("accuracy less that on the raw embeddings", "1", "[-1, 1]"),
    "gain_interval": ("paired bootstrap interval of the gain, over test rows", "1", "[-1, 1]"),
    "n_train": ("training rows, on which the transforms are fitted too", "1", "[2, inf)"),
    "n_test": ("test rows", "1", "[1, inf)"),
}


def classification_check(
    embeddings: Any,
    labels: Sequence[str],
    *,
    transforms: Transforms = ("raw", "centre", "whiten"),
    layers: Sequence[Any] | None = None,
    test_share: float = 0.5,
    inverse_penalty: float = 1.0,
    max_iter: int = 2000,
    n_boot: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> xr.Dataset:
    """Held-out accuracy of a logistic regression on the embeddings, per layer and transform.

    Whitening that helps cosines can hurt a classifier (arXiv:2407.12886), so this stands beside
    similarity scores. Transforms are fitted on the training rows alone.

    Parameters
    ----------
    embeddings
        (n, d), mapping layer -> (n, d), or DataArray (layer, example, feature).
    labels
        n class names; each class needs 2 rows, since the split keeps the classes' shares.
    transforms
        Specs of `make_transform`, or a mapping name -> unfitted scikit-learn transformer.
    layers
        Labels of the layers to measure; all if None.
    test_share
        Share of each class that is held out, in (0, 1); at least one row a class on each side.
    inverse_penalty
        scikit-learn's ``C``: the inverse of the L2 penalty. Features are centred and divided by
        one number (their root mean variance) first, so that one penalty means the same for
        every transform while the geometry stays.
    max_iter
        Steps of the solver.
    n_boot, level, seed
        Bootstrap resamples over test rows (the same ones throughout), probability of the
        intervals (percentiles), seed of these and of the split.

    Returns
    -------
    xr.Dataset
        Over ``layer, transform``: ``accuracy`` and ``accuracy_interval``; where ``"raw"`` is among
        the transforms ``gain`` over it with its interval, paired. ``majority`` (baseline, with
        interval), ``n_train, n_test``.

    Raises
    ------
    ValueError
        If lengths differ, there is one class only, or a class has a single row.
    RuntimeError
        If the solver has not converged.

    Notes
    -----
    The interval holds for the drawing of test rows, given this split and this fit.

    References
    ----------
    Forooghi et al., 2024, arXiv:2407.12886.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> labels = ["a", "b"] * 30
    >>> x = rng.normal(size=(60, 4)) + 3 * np.array([[name == "a"] * 4 for name in labels])
    >>> ds = classification_check(x, labels, transforms=["raw", "whiten"])
    >>> bool((ds.accuracy > 0.9).all()), float(ds.majority)
    (True, 0.5)
    """
    started = time.perf_counter()
    number("level", level, low=0.0, high=1.0)
    integer("n_boot", n_boot, low=1)
    states, dtype = read_chunk(embeddings, min_rows=2)
    kept = chosen_layers(layers, list(states))
    chosen = chosen_transforms(transforms)
    codes, names = label_codes("labels", labels, len(states[kept[0]]))
    train, test = _split(codes, names, test_share, seed)
    right = np.empty((len(kept), len(chosen), len(test)))
    for j, layer in enumerate(kept):
        rows = states[layer]
        for t, (name, fitted) in enumerate(
            fitted_transforms(chosen, rows[train], layer=layer, dtype=dtype)
        ):
            moved = np.asarray(fitted.transform(rows), dtype=np.float64)
            place = f"layer {layer!r}, transform {name!r}"
            guess = _classify(moved, codes, train, test, inverse_penalty, max_iter, place)
            right[j, t] = guess == codes[test]
    majority = (codes[test] == np.bincount(codes[train]).argmax()).astype(np.float64)
    means = partial(mean_interval, level=level, n_boot=n_boot, seed=seed)
    dims = ("layer", "transform")
    found: dict[str, Any] = {
        "accuracy": (dims, right.mean(-1)),
        "accuracy_interval": ((*dims, "bound"), means(right)),
        "majority": majority.mean(),
        "majority_interval": ("bound", means(majority)),
        "n_train": len(train),
        "n_test": len(test),
    }
    found |= gain_over_raw(right, chosen, means)
    attrs = provenance(
        "whitening.classification",
        paper="arXiv:2407.12886",
        parameters={
            "transforms": {name: str(each) for name, each in chosen.items()},
            "test_share": test_share,
            "inverse_penalty": inverse_penalty,
            "n_boot": n_boot,
            "level": level,
        },
        data=data_hash([*(states[layer] for layer in kept), codes]),
        seed=seed,
        started=started,
    )
    coords = {"layer": label_coord(kept), "transform": list(chosen), "bound": BOUND}
    return describe(xr.Dataset(found, coords=coords, attrs=attrs), _WORDING)


def _split(
    codes: np.ndarray, names: list[str], share: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Rows to train on and rows to test on, the same share of every class."""
    if not 0 < number("test_share", share) < 1:
        refuse("test_share", "be in (0, 1)", share)
    sizes = np.bincount(codes)
    if len(sizes) < 2:
        refuse("labels", "name at least 2 classes", names)
    if sizes.min() < 2:
        rare = [names[code] for code in np.flatnonzero(sizes < 2)]
        refuse(
            "labels",
            "give each class at least 2 rows",
            f"{len(rare)} classes with one row: {', '.join(map(repr, rare[:5]))}",
            "Drop the rare classes first.",
        )
    rng = np.random.default_rng(seed)
    held_out = np.zeros(len(codes), dtype=bool)
    for code, size in enumerate(sizes):
        own = rng.permutation(np.flatnonzero(codes == code))
        held_out[own[: int(np.clip(round(share * size), 1, size - 1))]] = True
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def _classify(
    rows: np.ndarray,
    codes: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
    inverse_penalty: float,
    max_iter: int,
    place: str,
) -> np.ndarray:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    centred = rows - rows[train].mean(axis=0)
    spread = float(np.sqrt(np.mean(centred[train] ** 2)))
    if spread == 0:
        refuse(f"embeddings of {place}", "vary over the training rows", "rows that are all equal")
    centred /= spread
    model = LogisticRegression(C=inverse_penalty, max_iter=max_iter)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            model.fit(centred[train], codes[train])
        except ConvergenceWarning as stopped:
            raise RuntimeError(
                f"logistic regression has not converged after {max_iter} steps on {place}; "
                "raise `max_iter` or lower `inverse_penalty`."
            ) from stopped
    return np.asarray(model.predict(centred[test]))
