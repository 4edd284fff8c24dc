"""Graphs in the layout of gnn-benchmark: adjacency and attributes as the parts of CSR matrices."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from ._graph_npz import UNREADABLE, both_ways, graph_archive
from ._source import Part


def from_gnn_benchmark(files: Sequence[tuple[Part, bytes]]) -> bytes:
    """Convert one archive: edges both ways, each once, without weights and self-loops.

    Members that hold Python objects (some archives have names so) are left out, never unpickled:
    without plain `class_names` the labels are called "0", "1", ...

    Raises
    ------
    ValueError
        If the archive does not hold a graph in that layout.
    """
    ((part, content),) = files
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            adjacency = _csr(archive, "adj")
            dense = "attr_matrix" in archive
            features = archive["attr_matrix"] if dense else _csr(archive, "attr")
            labels = archive["labels"]
            names = _plain(archive, "class_names")
    except (*UNREADABLE, LookupError) as error:
        raise ValueError(
            f"{part.url} is no graph in the layout of gnn-benchmark ({error})"
        ) from None
    if labels.shape != adjacency.shape[:1] or labels.dtype.kind not in "iu":
        raise ValueError(f"{part.url} must hold one label per node; got shape {labels.shape}")
    if names is None:
        names = [str(i) for i in range(int(labels.max()) + 1)]
    edges = np.stack(adjacency.nonzero())
    return graph_archive(
        both_ways(edges, len(labels)), labels, features, label_names=[str(n) for n in names]
    )


def _csr(archive: Any, name: str) -> Any:
    data, indices, indptr, shape = (
        archive[f"{name}_{part}"] for part in ("data", "indices", "indptr", "shape")
    )
    matrix = sp.csr_array((data, indices, indptr), shape=tuple(shape))
    matrix.check_format(full_check=True)
    return matrix


def _plain(archive: Any, name: str) -> Any:
    try:
        return archive.get(name)
    except ValueError:
        return None  # Python objects
