"""The transforms that a measure compares: by spec or as estimators, fitted layer by layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from sklearn.base import clone

from .._check import refuse, refuse_type
from ..moments import Moments
from ._layers import as_layers
from .named import make_transform, transform_family

# Specs of `named.make_transform`, or any scikit-learn transformers by name.
Transforms: TypeAlias = Sequence[str] | Mapping[str, Any]

# Families whose fit needs the rows themselves, not only their first two moments.
_NEED_ROWS = ("naive", "shrunk")


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
    chosen: Mapping[str, Any], rows: np.ndarray, *, layer: Any
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

    Yields
    ------
    tuple
        ``(name, fitted transformer)``.

    Raises
    ------
    ValueError
        If a transform cannot be fitted, saying which and on which layer.
    """
    moments = None
    for name, each in chosen.items():
        try:
            if not isinstance(each, str):
                yield name, clone(each).fit(rows)
                continue
            if transform_family(each)[0] in _NEED_ROWS:
                yield name, make_transform(each).fit(rows)
                continue
            moments = moments or Moments(rows.shape[1]).update(rows)
            yield name, make_transform(each).fit_moments(moments, dtype=rows.dtype.name)
        except ValueError as error:
            raise ValueError(f"transform {name!r} on layer {layer!r}: {error}") from error


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


def fit_rows(
    fit_on: Any, states: Mapping[Any, np.ndarray], layers: Sequence[Any]
) -> tuple[str, Mapping[Any, np.ndarray]]:
    """What to fit on: its name and its rows for each of `layers`.

    Parameters
    ----------
    fit_on
        None (the measured rows themselves), other embeddings, or ``(name, embeddings)``.
    states
        The measured rows, layer -> (n, d).
    layers
        Layers that are needed.

    Raises
    ------
    ValueError
        If a layer is missing from `fit_on` or has another number of features.
    """
    if fit_on is None:
        return "target", states
    named = isinstance(fit_on, tuple) and len(fit_on) == 2 and isinstance(fit_on[0], str)
    name, embeddings = fit_on if named else ("other", fit_on)
    rows = as_layers(embeddings)
    for layer in layers:
        if layer not in rows:
            refuse("fit_on", f"hold layer {layer!r}", f"layers {list(rows)}")
        if rows[layer].shape[1] != states[layer].shape[1]:
            refuse(
                "fit_on",
                f"have {states[layer].shape[1]} features on layer {layer!r}",
                f"{rows[layer].shape[1]}",
            )
    return name, rows
