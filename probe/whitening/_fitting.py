"""The transforms that a measure compares: by spec or as estimators, fitted layer by layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from sklearn.base import clone

from .._check import refuse, refuse_type
from ..moments import Moments
from ._layers import Chunk, read_chunk
from .named import make_transform, transform_family
from .transform import ledoit_wolf

# Specs of `named.make_transform`, or any scikit-learn transformers by name.
Transforms: TypeAlias = Sequence[str] | Mapping[str, Any]


def chosen_transforms(transforms: Transforms) -> dict[str, Any]:
    """Name -> spec or unfitted estimator, in the order given.

    Raises
    ------
    ValueError
        If none is given, one is given twice, or a spec is unknown.
    TypeError
        If it is a single string, or an estimator has no `fit` and `transform`.

    Examples
    --------
    >>> chosen_transforms(["raw", "whiten-8"])
    {'raw': 'raw', 'whiten-8': 'whiten-8'}
    """
    if isinstance(transforms, str):
        refuse_type("transforms", "be a sequence of specs or a mapping", transforms)
    if isinstance(transforms, Mapping):
        chosen = dict(transforms)
    else:
        chosen = {spec: spec for spec in transforms}
        if len(chosen) < len(transforms):
            refuse("transforms", "name each transform once", list(transforms))
    if not chosen:
        refuse("transforms", "name at least one transform", transforms, "'raw' changes nothing.")
    for name, each in chosen.items():
        if isinstance(each, str):
            transform_family(each)
        elif not (callable(getattr(each, "fit", None)) and callable(getattr(each, "transform", 0))):
            refuse_type(f"transforms[{name!r}]", "have fit and transform", each)
    return chosen


def fitted_transforms(
    chosen: Mapping[str, Any], rows: np.ndarray, *, layer: Any, dtype: str
) -> Iterator[tuple[str, Any]]:
    """Each transform fitted on `rows`, in turn; their first two moments are taken only once.

    Parameters
    ----------
    chosen
        From `chosen_transforms`.
    rows
        (n, d) embeddings to fit on.
    layer
        What an error calls the place.
    dtype
        In which the rows came: sets the tolerance of the rank.

    Yields
    ------
    tuple
        ``(name, fitted transformer)``.

    Raises
    ------
    ValueError
        If a transform cannot be fitted, saying which and on which layer.
    """
    moments = Moments(rows.shape[1]).update(rows)
    for name, each in chosen.items():
        try:
            if isinstance(each, str) and each != "naive":
                shrinkage = ledoit_wolf(rows, moments.mean) if each == "shrunk" else None
                yield name, moments_transform(each, moments, dtype=dtype, shrinkage=shrinkage)
            else:
                unfitted: Any = make_transform(each) if isinstance(each, str) else clone(each)
                yield name, unfitted.fit(rows)
        except ValueError as error:
            raise ValueError(f"transform {name!r} on layer {layer!r}: {error}") from error


def moments_transform(spec: str, moments: Moments, *, dtype: str, shrinkage: float | None) -> Any:
    """A named transform fitted from moments, and from the Ledoit-Wolf intensity if it shrinks.

    Raises
    ------
    ValueError
        If it is "naive", which needs the rows, or it cannot be fitted.
    """
    if spec == "naive":
        refuse("transform", "have a fit from stored moments", repr(spec), "'whiten' has one.")
    return make_transform(spec).fit_moments(moments, dtype=dtype, shrinkage=shrinkage)


def chosen_layers(layers: Sequence[Any] | None, known: Sequence[Any]) -> list[Any]:
    """The layers asked for, all known ones if None.

    Raises
    ------
    ValueError
        If one is not known, or none is asked for.
    """
    if layers is None:
        return list(known)
    wanted = [layers] if isinstance(layers, str | int | np.integer) else list(layers)
    strange = [layer for layer in wanted if layer not in known]
    if strange or not wanted:
        refuse("layers", f"be some of {list(known)}", wanted)
    return wanted


def fit_rows(fit_on: Any, measured: Chunk, layers: Sequence[Any]) -> tuple[str, Chunk]:
    """What to fit on: its name, and its rows for each of `layers`.

    Parameters
    ----------
    fit_on
        None (the measured rows themselves), other embeddings, or ``(name, embeddings)``.
    measured
        The measured rows.
    layers
        Layers that are needed.

    Raises
    ------
    ValueError
        If a layer is missing from `fit_on` or has another number of features.
    """
    if fit_on is None:
        return "target", measured
    named = isinstance(fit_on, tuple) and len(fit_on) == 2 and isinstance(fit_on[0], str)
    name, embeddings = fit_on if named else ("other", fit_on)
    chunk = read_chunk(embeddings, name="fit_on", min_rows=2)
    for layer in layers:
        if layer not in chunk.layers:
            refuse("fit_on", f"hold layer {layer!r}", f"layers {list(chunk.layers)}")
        d, other = measured.layers[layer].shape[1], chunk.layers[layer].shape[1]
        if d != other:
            refuse("fit_on", f"have {d} features on layer {layer!r}", other)
    return name, chunk
