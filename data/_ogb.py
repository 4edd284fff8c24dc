"""Node graphs of the Open Graph Benchmark: an archive of compressed tables."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from ._graph_npz import graph_archive
from ._source import Part

_PARTS = ("train", "valid", "test")


def from_ogb_zip(files: Sequence[tuple[Part, bytes]]) -> bytes:
    """Convert one archive; edges stay directed, as they are upstream and in their order.

    Raises
    ------
    ValueError
        If a table is missing or is not what it should be.
    """
    ((part, content),) = files
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            tables = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    except zipfile.BadZipFile as error:
        raise ValueError(f"{part.url} is no archive ({error})") from None
    edges = _table(part, tables, "raw/edge.csv.gz", np.int64)
    labels = _table(part, tables, "raw/node-label.csv.gz", np.int64)[:, 0]
    features = _table(part, tables, "raw/node-feat.csv.gz", np.float32)
    if edges.shape[1] != 2 or len(features) != len(labels):
        raise ValueError(
            f"{part.url} must hold (edge, 2) edges and one label for each row of features; "
            f"got {edges.shape} edges, {len(labels)} labels and {len(features)} rows"
        )
    public = np.zeros(len(labels))
    for mark, name in enumerate(_PARTS, start=1):
        nodes = _table(part, tables, f"split/time/{name}.csv.gz", np.int64)[:, 0]
        if nodes.min() < 0 or nodes.max() >= len(labels):
            raise ValueError(f"{part.url}: split/time/{name}.csv.gz names nodes that are not there")
        public[nodes] = mark
    return graph_archive(edges.T, labels, features, label_names=_names(part, tables), public=public)


def _table(part: Part, tables: dict[str, bytes], name: str, dtype: Any) -> np.ndarray:
    import pandas as pd

    content = _content(part, tables, name)
    try:
        return pd.read_csv(io.BytesIO(content), header=None, dtype=np.dtype(dtype)).to_numpy()
    except ValueError as error:
        raise ValueError(f"{part.url}: {name} is no table of numbers ({error})") from None


def _content(part: Part, tables: dict[str, bytes], name: str) -> bytes:
    if name not in tables:
        raise ValueError(f"{part.url} must hold {name}; got {sorted(tables)}")
    try:
        return gzip.decompress(tables[name])
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{part.url}: {name} is damaged ({error})") from None


def _names(part: Part, tables: dict[str, bytes]) -> list[str]:
    """`arxiv cs na` of the mapping (sic: categeory) is written `cs.NA` by arXiv."""
    content = _content(part, tables, "mapping/labelidx2arxivcategeory.csv.gz")
    rows = content.decode().split("\n")[1:]
    words = [row.strip().partition(",")[2].split() for row in rows if row.strip()]
    return [f"{w[1]}.{w[2].upper()}" if len(w) == 3 else " ".join(w) for w in words]
