"""Flat maps of embeddings, each beside the number that says how far it can be trusted."""

from __future__ import annotations

import warnings

import numpy as np
from scipy.linalg import eigh

from .._check import one_of

PROJECTIONS = ("pca", "umap")


def flat_map(unit: np.ndarray, projection: str, *, seed: int = 0) -> np.ndarray:
    """Two coordinates for each row, such that rows of high cosine tend to lie close.

    Parameters
    ----------
    unit
        (n, d) rows of norm 1, n >= 4.
    projection
        ``"pca"``: scores on the first two principal axes of the rows (the entry of largest
        absolute loading is positive, so that signs are fixed). ``"umap"``: McInnes et al. 2018,
        arXiv:1802.03426, by cosine, started from the PCA map; distances between its clusters
        mean little. Its import and first fit take about half a minute.
    seed
        Of UMAP, which runs on one thread and so gives the same map every time.

    Returns
    -------
    np.ndarray
        (n, 2) float32, no unit.

    Raises
    ------
    ValueError
        If the projection is unknown.

    Examples
    --------
    >>> unit = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.8, 0.6, 0.0], [0.6, 0.8, 0.0]])
    >>> flat_map(unit, "pca").shape
    (4, 2)
    """
    one_of("projection", projection, PROJECTIONS)
    scores = _principal_scores(unit)
    if projection == "pca":
        return scores.astype(np.float32)
    with warnings.catch_warnings():
        # It says on import that its variant on TensorFlow, unused here, is missing.
        warnings.simplefilter("ignore", ImportWarning)
        import umap

    model = umap.UMAP(
        n_neighbors=min(15, len(unit) - 1),
        metric="cosine",
        init=scores,  # type: ignore[arg-type]
        random_state=seed,
        n_jobs=1,
    )
    return np.asarray(model.fit_transform(unit), dtype=np.float32)


def trust(unit: np.ndarray, flat: np.ndarray, *, n_neighbours: int = 10) -> float:
    """Trustworthiness of a map (Venna and Kaski 2001): 1 less the rank of false neighbours.

    Parameters
    ----------
    unit
        (n, d) rows of norm 1, whose cosine distances are the truth.
    flat
        (n, 2) map of them.
    n_neighbours
        Neighbourhood looked at; cut to what n rows allow (below n / 2).

    Returns
    -------
    float
        In [0, 1]; about 0.5 for a map that ignores the data. O(n^2 log n).

    Examples
    --------
    >>> angle = np.linspace(0, 1.7, 20) ** 2
    >>> circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    >>> trust(circle, circle)
    1.0
    """
    from sklearn.manifold import trustworthiness

    k = min(n_neighbours, (len(unit) - 1) // 2)
    return float(trustworthiness(unit, flat, n_neighbors=k, metric="cosine"))


def _principal_scores(unit: np.ndarray) -> np.ndarray:
    """Scores on the first two principal axes, (n, 2); zeros where there is no second axis."""
    centred = unit - unit.mean(axis=0)
    d = centred.shape[1]
    if d == 1:
        return np.hstack([centred, np.zeros_like(centred)])
    axes = eigh(centred.T @ centred, subset_by_index=[d - 2, d - 1])[1][:, ::-1]
    peak = axes[np.abs(axes).argmax(axis=0), [0, 1]]
    return centred @ (axes * np.sign(peak))
