"""Embeddings in any of the forms they come in, as rows by layer."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from .._check import finite, integer, ndim, refuse, refuse_type
from .._rows import is_tensor, kind_of

Layers = dict[int | str, np.ndarray]


class Chunk(NamedTuple):
    """The rows (n, d) of every layer, and the dtype they came in (half precisions are widened)."""

    layers: Layers
    dtype: str


def as_layers(embeddings: Any, *, name: str = "embeddings", min_rows: int = 2) -> Layers:
    """The rows of every layer as arrays of one shape, checked.

    Parameters
    ----------
    embeddings
        One of: an array or tensor (example, feature), which becomes layer 0; a mapping from layer
        to such an array; a DataArray with dims (layer, example, feature) or (example, feature).
        float16, bfloat16, float32 or float64.
    name
        What an error calls them.
    min_rows
        Fewest examples allowed.

    Returns
    -------
    dict
        Layer -> (n, d) array in the dtype given; float16 and bfloat16 are widened to float32,
        which is exact. Labels are all ints, or else all strings. Arrays may be views.

    Raises
    ------
    TypeError
        If it is of another form, or its numbers are not floating-point.
    ValueError
        If layers differ in shape, dtype or device, there are fewer than `min_rows` examples, or a
        value is NaN or infinite.

    Examples
    --------
    >>> {layer: rows.shape for layer, rows in as_layers({1: np.ones((3, 2))}).items()}
    {1: (3, 2)}
    """
    return read_chunk(embeddings, name=name, min_rows=min_rows).layers


def stream_layers(embeddings: Any, *, name: str = "embeddings") -> Iterator[Layers]:
    """Embeddings chunk by chunk, each as `as_layers` gives it.

    Parameters
    ----------
    embeddings
        Anything that `as_layers` takes (one chunk), or an iterable of such chunks of any length.

    Yields
    ------
    dict
        Layer -> (rows of the chunk, d).

    Raises
    ------
    TypeError, ValueError
        As `as_layers`; also if a chunk has other layers, dtype or width than the first, or there is
        none.

    Examples
    --------
    >>> chunks = (np.ones((2, 3)) for _ in range(2))
    >>> [rows[0].shape for rows in stream_layers(chunks)]
    [(2, 3), (2, 3)]
    """
    for chunk in stream_chunks(embeddings, name=name):
        yield chunk.layers


def stream_chunks(embeddings: Any, *, name: str = "embeddings") -> Iterator[Chunk]:
    """As `stream_layers`, with the dtype that each chunk came in."""
    if _is_one(embeddings):
        yield read_chunk(embeddings, name=name, min_rows=1)
        return
    if isinstance(embeddings, str | bytes) or not isinstance(embeddings, Iterable):
        refuse_type(name, _FORMS, embeddings)
    first: Chunk | None = None
    for i, each in enumerate(embeddings):
        chunk = read_chunk(each, name=f"{name}[{i}]", min_rows=1)
        first = first or chunk
        same_form(first, chunk, name=f"{name}[{i}]")
        yield chunk
    if first is None:
        refuse(name, "hold at least one chunk", "none", "Is the iterator used up already?")


def same_form(first: Chunk, chunk: Chunk, *, name: str) -> None:
    """Check that a chunk has the layers, width and dtype of the first one.

    Raises
    ------
    ValueError
        If it has not.
    """
    if list(chunk.layers) != list(first.layers):
        refuse(name, f"have layers {list(first.layers)} as before", list(chunk.layers))
    width, other = (next(iter(c.layers.values())).shape[1] for c in (first, chunk))
    if width != other:
        refuse(name, f"have {width} features as before", other)
    if chunk.dtype != first.dtype:
        refuse(name, f"be {first.dtype} as before", chunk.dtype, "Cast all to one dtype first.")


def read_chunk(embeddings: Any, *, name: str = "embeddings", min_rows: int = 1) -> Chunk:
    """What `as_layers` gives, with the dtype that it came in."""
    integer("min_rows", min_rows, low=1)
    raw = _by_layer(embeddings, name)
    if not raw:
        refuse(name, "hold at least one layer", "an empty mapping")
    many = len(raw) > 1
    named = {label: f"{name}[{label!r}]" if many else name for label in raw}
    kinds = {label: kind_of(named[label], rows) for label, rows in raw.items()}
    for part, what in ((0, "dtype"), (1, "device")):
        found = sorted({kind[part] for kind in kinds.values()})
        if len(found) > 1:
            refuse(name, f"have one {what} for all layers", " and ".join(found), "Cast first.")
    for label, rows in raw.items():
        ndim(named[label], rows, ("example", "feature"))
    shapes = {tuple(rows.shape) for rows in raw.values()}
    if len(shapes) > 1:
        listed = ", ".join(str(shape) for shape in sorted(shapes))
        refuse(name, "have one shape (example, feature) for all layers", listed, "Split it first.")
    n, d = next(iter(shapes))
    if n < min_rows:
        refuse(name, f"hold at least {min_rows} examples", n)
    if d < 1:
        refuse(name, "have at least 1 feature", d)
    layers = {label: finite(named[label], native_array(rows)) for label, rows in raw.items()}
    return Chunk(layers, next(iter(kinds.values()))[0])


_FORMS = (
    "be an array, tensor or DataArray, a mapping from layer to one, or an iterable of such chunks"
)


def _is_one(embeddings: Any) -> bool:
    known = isinstance(embeddings, np.ndarray | Mapping | xr.DataArray)
    return known or is_tensor(embeddings)


def _by_layer(embeddings: Any, name: str) -> dict[int | str, Any]:
    if isinstance(embeddings, xr.DataArray):
        return _from_data_array(embeddings, name)
    if isinstance(embeddings, Mapping):
        labels = uniform_labels(list(embeddings), name)
        values = (v.values if isinstance(v, xr.DataArray) else v for v in embeddings.values())
        return dict(zip(labels, values, strict=True))
    if not _is_one(embeddings):
        refuse_type(name, _FORMS, embeddings)
    return {0: embeddings}


def _from_data_array(array: xr.DataArray, name: str) -> dict[int | str, Any]:
    dims = ("layer", "example", "feature")
    if not {"example", "feature"} <= set(array.dims) <= set(dims):
        refuse(name, "have dims (layer, example, feature) or (example, feature)", array.dims)
    if "layer" not in array.dims:
        label = array.coords["layer"].item() if "layer" in array.coords else 0
        return {uniform_labels([label], name)[0]: array.transpose(*dims[1:]).values}
    known = array.coords["layer"].values.tolist() if "layer" in array.coords else None
    labels = uniform_labels(known or list(range(array.sizes["layer"])), name)
    return dict(zip(labels, array.transpose(*dims).values, strict=True))


def uniform_labels(labels: list[Hashable], name: str) -> list[int | str]:
    """All ints if they are, else all strings: a coordinate has one type."""
    whole = all(isinstance(x, int | np.integer) and not isinstance(x, bool) for x in labels)
    made: list[int | str] = [int(x) for x in labels] if whole else [str(x) for x in labels]  # type: ignore[call-overload]
    if len(set(made)) < len(made):
        refuse(name, "name each layer once", made)
    return made


def native_array(rows: Any) -> np.ndarray:
    """The rows as a native array on the CPU, half precisions widened."""
    if is_tensor(rows):
        rows = rows.detach().cpu()
        rows = (rows.float() if rows.element_size() == 2 else rows).numpy()
    dtype = np.float32 if rows.dtype == np.float16 else rows.dtype.newbyteorder("=")
    return np.asarray(rows, dtype=dtype)
