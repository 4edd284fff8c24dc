"""Flat maps of the same examples, frame by frame, turned so that they can be shown as a film."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr

from .._check import finite, integer, ndim, number, one_of, refuse, refuse_type, same_length
from .._provenance import provenance
from ._describe import describe, label_coord
from .maps import PROJECTIONS, flat_map, trust
from .neighbours import nearest, unit_rows

PAPER = "arXiv:1802.03426"
_WORDING = {
    "map": ("place in the frame's map", "1", ""),
    "trustworthiness": ("trustworthiness of the map", "1", "[0, 1]"),
    "kept_neighbours": ("share of nearest neighbours kept from the frame before", "1", "[0, 1]"),
    "kept_chance": ("share kept where neighbours are drawn at random", "1", "[0, 1]"),
}


def aligned_maps(
    states: xr.DataArray | Mapping[Any, Any],
    *,
    over: str = "layer",
    projections: Sequence[str] = ("pca", "umap"),
    texts: Sequence[str] | None = None,
    labels: Sequence[Any] | None = None,
    sample: int = 400,
    k: int = 10,
    alignment: float = 0.01,
    seed: int = 0,
) -> xr.Dataset:
    """Maps of one set of examples over layers or steps, each turned towards the one before.

    Without that every map would have directions of its own, and a film would show rotations. How
    far a frame can be trusted is beside it, and how much changed in truth: the share of each
    example's nearest neighbours, by cosine among the states, that it had in the frame before.

    Parameters
    ----------
    states
        (frame, example, feature) with a dim named `over`, such as an encoder gives by layer; or
        rows (n, d) by frame, such as the states of one layer by training step. Row i of every
        frame is the same example; frames of a mapping may differ in d.
    over
        What the frames are.
    projections
        ``"pca"``: scores of each frame's rows on its own two principal axes, rotated (and mirrored)
        onto the frame before by orthogonal Procrustes, which changes no distance. ``"umap"``:
        `umap.AlignedUMAP`, which lays out all frames together and holds each example near its
        place in neighbouring frames; what it smooths away did happen, so look at the share kept.
    texts, labels
        (n,) text and group of each example.
    sample
        Examples that are mapped, at most; drawn at random if there are more.
    k
        Neighbours of the share kept, and of trustworthiness.
    alignment
        Of UMAP: how strongly frames are held together, at least 0.
    seed
        Of the drawing and of UMAP, which runs on one thread and so gives the same film every time.

    Returns
    -------
    xarray.Dataset
        ``map`` (projection, frame, example, axis); ``trustworthiness`` (projection, frame);
        ``kept_neighbours`` (frame), NaN in the first; ``kept_chance``, what neighbours drawn at
        random share, k / (n - 1). Coordinates ``frame``, ``row`` in `states`, ``text``, ``label``.

    Raises
    ------
    TypeError
        If `states` are neither.
    ValueError
        If there are fewer than two frames or 2 k + 2 examples, frames differ in length, a row is
        zero or not finite, or an option is unknown.

    Examples
    --------
    >>> rows = np.random.default_rng(0).normal(size=(3, 30, 5))
    >>> states = xr.DataArray(rows, dims=("layer", "example", "feature"))
    >>> film = aligned_maps(states, projections=["pca"], k=5)
    >>> dict(film["map"].sizes)
    {'projection': 1, 'frame': 3, 'example': 30, 'axis': 2}
    """
    started = time.perf_counter()
    names, frames = _frames(states, over)
    kinds = [one_of("projections", each, PROJECTIONS) for each in projections]
    if not kinds:
        refuse("projections", f"name at least one of {', '.join(PROJECTIONS)}", "none")
    number("alignment", alignment, low=0)
    n = len(frames[0])
    integer("k", k, low=1)
    rows = np.arange(n)
    if n > integer("sample", sample, low=4):
        rows = np.sort(np.random.default_rng(seed).permutation(n)[:sample])
    if len(rows) < 2 * k + 2:
        refuse("states", f"hold at least {2 * k + 2} examples for k = {k}", len(rows))
    unit = [
        unit_rows(each[rows], name=f"{over} {name}")
        for name, each in zip(names, frames, strict=True)
    ]
    made = {"pca": _turned, "umap": lambda each: _laid_out(each, alignment, seed)}
    maps = np.stack([made[kind](unit) for kind in kinds])
    trusted = [
        [trust(u, each, n_neighbours=k) for u, each in zip(unit, own, strict=True)] for own in maps
    ]
    ds = xr.Dataset(
        {
            "map": (("projection", "frame", "example", "axis"), maps),
            "trustworthiness": (("projection", "frame"), np.array(trusted)),
            "kept_neighbours": ("frame", _kept(unit, k)),
            "kept_chance": k / (len(rows) - 1),
        },
        {"frame": label_coord(names), "projection": kinds, "row": ("example", rows)},
    )
    for name, values in (("text", texts), ("label", labels)):
        given = [""] * n if values is None else [str(each) for each in values]
        same_length(**{f"{name}s": given, "states": frames[0]})
        ds = ds.assign_coords({name: ("example", np.array(given, dtype=object)[rows])})
    ds.attrs = provenance(
        "whitening.film",
        paper=PAPER,
        parameters={"over": over, "sample": sample, "k": k, "alignment": alignment},
        data=unit,
        seed=seed,
        started=started,
    )
    ds.attrs |= {"over": over, "k": int(k)}
    return describe(ds, _WORDING)


def _frames(states: Any, over: str) -> tuple[list[Any], list[np.ndarray]]:
    """Label and rows (n, d) of each frame."""
    if isinstance(states, xr.DataArray):
        if over not in states.dims or states.ndim != 3:
            got = tuple(map(str, states.dims))
            refuse("states", f"have dims {over}, example and feature", f"dims {got}")
        ordered = states.transpose(over, ...)
        held = ordered[over].values.tolist() if over in states.coords else range(len(ordered))
        named = dict(zip(held, ordered.values, strict=True))
    elif isinstance(states, Mapping):
        named = {name: np.asarray(each) for name, each in states.items()}
    else:
        refuse_type("states", "be a DataArray or a mapping of frames to rows", states)
    if len(named) < 2:
        refuse("states", "hold at least two frames", len(named))
    for name, each in named.items():
        ndim(f"states[{name!r}]", each, ("example", "feature"))
        if not np.issubdtype(each.dtype, np.floating):
            refuse_type(f"states[{name!r}]", "hold real numbers", each.flat[0])
    sizes = {name: len(each) for name, each in named.items()}
    if len(set(sizes.values())) > 1:
        refuse("states", "hold the same examples in each frame", f"lengths {sizes}")
    return list(named), list(named.values())


def _turned(unit: Sequence[np.ndarray]) -> np.ndarray:
    """Principal scores of each frame, rotated onto the frame before: (frame, n, 2) float32."""
    from scipy.linalg import orthogonal_procrustes

    found: list[np.ndarray] = []
    for each in unit:
        scores = flat_map(each, "pca").astype(np.float64)
        if found:
            scores = scores @ orthogonal_procrustes(scores, found[-1])[0]
        found.append(scores)
    return np.stack(found).astype(np.float32)


def _laid_out(unit: Sequence[np.ndarray], alignment: float, seed: int) -> np.ndarray:
    """UMAP of all frames together: (frame, n, 2) float32, centred as one cloud."""
    with warnings.catch_warnings():
        # It says on import that its variant on TensorFlow, unused here, is missing.
        warnings.simplefilter("ignore", ImportWarning)
        import umap

    n = len(unit[0])
    model = umap.AlignedUMAP(
        n_neighbors=min(15, n - 1),
        metric="cosine",
        alignment_regularisation=alignment,
        random_state=seed,
        # The frames' own maps take the one seed, and their common layout the other.
        transform_seed=seed,
    )
    same = {i: i for i in range(n)}
    with _one_thread(), warnings.catch_warnings():
        # A seed means one thread, which is what is wanted.
        warnings.filterwarnings("ignore", message="n_jobs value", category=UserWarning)
        laid = model.fit_transform(list(unit), relations=[same] * (len(unit) - 1))
    found = finite("map of states", np.stack([np.asarray(each) for each in laid]))
    return (found - found.mean(axis=(0, 1))).astype(np.float32)


@contextmanager
def _one_thread() -> Iterator[None]:
    """The common layout writes from all threads at once: only one gives the same film twice."""
    import numba

    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        yield
    finally:
        numba.set_num_threads(before)


def _kept(unit: Sequence[np.ndarray], k: int) -> np.ndarray:
    """Share of each frame's k nearest that were the same examples' nearest in the one before."""
    near = [nearest(each, k)[0] for each in unit]
    kept = [
        float(np.mean([len(np.intersect1d(a, b)) for a, b in zip(one, two, strict=True)])) / k
        for one, two in pairwise(near)
    ]
    return np.array([np.nan, *kept])
