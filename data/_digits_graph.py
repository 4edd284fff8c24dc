"""Handwritten digits as a graph of near neighbours; the pictures come with scikit-learn."""

from __future__ import annotations

import numpy as np

from ._graph_npz import both_ways
from .records import Graph

_DARKEST = 16  # the pixels are whole numbers from 0 to 16
_ATTRS = {
    "source": "sklearn.datasets.load_digits",
    "licence": "CC BY 4.0",
    "citation": "Alpaydin and Kaynak 1998, Optical recognition of handwritten digits, UCI",
}


def digits_graph(neighbours: int, limit: int | None) -> Graph:
    """The graph that `data.load_digits_graph` gives; it has the documentation."""
    from sklearn.datasets import load_digits

    for name, value in {"neighbours": neighbours, "limit": limit}.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise TypeError(f"`{name}` must be a whole number; got {type(value).__name__}.")
    if limit is not None and limit < 2:
        raise ValueError(f"`limit` must be at least 2, or None for all; got {limit}.")
    pixels, labels = (np.asarray(part)[:limit] for part in load_digits(return_X_y=True))
    if not 1 <= neighbours < len(labels):
        raise ValueError(
            f"`neighbours` must be from 1 to {len(labels) - 1}, as there are {len(labels)} digits; "
            f"got {neighbours}."
        )
    near = _nearest(pixels, neighbours)
    edges = np.stack([np.repeat(np.arange(len(labels)), neighbours), near.ravel()])
    return Graph(
        both_ways(edges, len(labels)),
        labels,
        (pixels / _DARKEST).astype(np.float32),
        label_names=tuple("0123456789"),
        name="digits",
        attrs=_ATTRS | {"neighbours": str(neighbours)},
    )


def _nearest(pixels: np.ndarray, neighbours: int) -> np.ndarray:
    """(node, neighbours): the nearest other nodes; of two as near, the one that comes first."""
    # Squared distances of whole numbers below 2^53 are exact in float64, whatever BLAS adds first.
    squares = (pixels**2).sum(axis=1)
    distance = squares[:, None] + squares - 2 * (pixels @ pixels.T)
    np.fill_diagonal(distance, np.inf)
    return np.argsort(distance, axis=1, kind="stable")[:, :neighbours]
