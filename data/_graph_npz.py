"""Graphs as they lie in the cache: one archive of plain arrays, the same bytes wherever it is made.

The members are `edge_index` (2, edge) int32, `labels` (node,) int32 with -1 unknown, `label_names`,
`public` (node,) int8 (0 no part of the published split, 1 train, 2 valid, 3 test), and the features
either as `features` (node, feature) float32 or as the three arrays of a CSR matrix and its shape.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

_CSR = ("features_data", "features_indices", "features_indptr", "features_shape")
# What numpy raises at a file that is no archive of plain arrays, or a damaged one.
UNREADABLE = (ValueError, OSError, EOFError, zipfile.BadZipFile, TypeError, AttributeError)
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the first date that an archive can hold
_TYPES = {
    "edge_index": "<i4",
    "labels": "<i4",
    "public": "|i1",
    "features": "<f4",
    "features_data": "<f4",
    "features_indices": "<i4",
    "features_indptr": "<i4",
    "features_shape": "<i8",
}


def graph_archive(
    edge_index: np.ndarray,
    labels: np.ndarray,
    features: Any,
    *,
    label_names: Sequence[str],
    public: np.ndarray | None = None,
) -> bytes:
    """The bytes of a graph's archive; equal arrays give equal bytes on every machine.

    Nothing is compressed, as libraries for that differ in the bytes they write, and the headers are
    written here, as they are no part of numpy's promises.
    """
    arrays: dict[str, Any] = {
        "edge_index": edge_index,
        "labels": labels,
        "public": np.zeros(len(labels)) if public is None else public,
    }
    if sp.issparse(features):
        parts = (features.data, features.indices, features.indptr, features.shape)
        arrays |= dict(zip(_CSR, parts, strict=True))
    elif features is not None:
        arrays["features"] = features
    plain = {
        name: np.ascontiguousarray(array).astype(_TYPES[name]) for name, array in arrays.items()
    }
    names = np.array(list(label_names), dtype=np.str_)
    plain["label_names"] = names.astype(names.dtype.newbyteorder("<"))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(plain):
            member = zipfile.ZipInfo(f"{name}.npy", _LONG_AGO)
            member.create_system = 3  # else it tells which system wrote it
            member.external_attr = 0o600 << 16
            archive.writestr(member, _npy(plain[name]))
    return stream.getvalue()


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Every array of a graph's archive.

    Raises
    ------
    ValueError
        If the file is no archive of plain arrays, or one that a graph needs is not in it.
    """
    try:
        # allow_pickle=False: an array of objects is refused, not unpickled.
        # Opened here: numpy leaves a file open that is no archive.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except UNREADABLE as error:
        raise ValueError(f"{path} must be an archive of plain arrays; got {error}.") from None
    missing = {"edge_index", "labels", "label_names", "public"} - set(arrays)
    if missing:
        raise ValueError(f"{path} must hold {', '.join(sorted(missing))}; got {sorted(arrays)}.")
    return arrays


def features_of(arrays: dict[str, np.ndarray]) -> Any:
    """The features in an archive: an array, a CSR array, or None."""
    if "features_data" not in arrays:
        return arrays.get("features")
    data, indices, indptr, shape = (arrays[name] for name in _CSR)
    return sp.csr_array((data, indices, indptr), shape=tuple(shape))


def check_counts(path: Path, *, nodes: int, edges: int, features: int, labels: int) -> None:
    """Compare an archive with the published numbers of its graph; `edges` counts both directions.

    Raises
    ------
    ValueError
        If one of them differs, or the file is no such archive.
    """
    arrays = read_arrays(path)
    held = features_of(arrays)
    found = {
        "nodes": arrays["labels"].size,
        "directed edges": arrays["edge_index"].size // 2,
        "features": 0 if held is None else held.shape[1],
        "labels": arrays["label_names"].size,
    }
    wanted = dict(zip(found, (nodes, edges, features, labels), strict=True))
    wrong = [key for key in found if found[key] != wanted[key]]
    if wrong:
        raise ValueError(
            "expected " + ", ".join(f"{wanted[key]} {key}" for key in wrong)
            + "; found " + ", ".join(f"{found[key]} {key}" for key in wrong)
        )  # fmt: skip


def both_ways(edge_index: np.ndarray, num_nodes: int) -> np.ndarray:
    """Each edge once in each direction, sorted by source then target; self-loops are left out.

    Examples
    --------
    >>> both_ways(np.array([[0, 0, 2], [1, 1, 2]]), 3)
    array([[0, 1],
           [1, 0]])
    """
    source, target = np.concatenate([edge_index, edge_index[::-1]], axis=1).astype(np.int64)
    keys = np.unique((source * num_nodes + target)[source != target])
    return np.stack([keys // num_nodes, keys % num_nodes])


def _npy(array: np.ndarray) -> bytes:
    head = f"{{'descr': '{array.dtype.str}', 'fortran_order': False, 'shape': {array.shape}, }}"
    # Magic, version and length take 10 bytes; the whole is a multiple of 64 that ends in a newline.
    head = head.ljust(-(-(len(head) + 11) // 64) * 64 - 11) + "\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head.encode() + array.tobytes()
