"""A few pairs with their relations among words and among regions, for looking at them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
import torch
import xarray as xr

from data.records import Attended, GroundedPair

from .._check import integer, one_of, refuse
from .._provenance import provenance
from ..value._keys import as_numpy
from ..value._prepared import host, prepared_stream
from ..value.examples import attention_examples
from ..whitening._describe import describe
from ._objects import LINKS
from ._permuted import permuted_mean
from ._related import REDUCE, Form, Related, related
from ._wording import WORDING
from .distance import RENORMALISE, few_objects, least_objects
from .measuring import PAPER

_BY_EXAMPLE = tuple(f.name for f in fields(Attended))
_WHOLE = ("present", "kinds", "relation_names", "derived", "name", "attrs")


def relation_examples(
    stream: Attended | Iterable[Attended],
    pairs: Sequence[GroundedPair] | None = None,
    *,
    n: int = 12,
    links: str = "annotation",
    renormalise: str = "sum",
    reduce: str = "sum",
    diagonal: bool = True,
) -> xr.Dataset:
    """The first pairs of a stream that have enough objects, with both relation matrices of each.

    Parameters
    ----------
    stream
        As of `isd`; read no further than `n` such pairs.
    pairs
        What the model attended to, in the same order: their images, captions, names of regions.
    n
        How many pairs to keep at most.
    links, renormalise, reduce, diagonal
        As in `isd`. With ``links="attention"`` objects are phrases, without boxes: each head has
        its own regions for them.

    Returns
    -------
    xarray.Dataset
        ``linguistic, visual (example, layer, head, object, partner)`` float32, rows renormalised,
        NaN beyond a pair's objects (and on the diagonal where it is left out), and
        ``linguistic_mean, visual_mean`` of the attention averaged over heads; ``isd, permuted,
        gap (example, layer)`` and ``isd_head, permuted_head, gap_head``; NaN where not
        applicable. ``objects (example)``, ``phrase (example, object)`` words, phrases of one
        object divided by " / "; ``box (example, object, corner)`` around all its regions;
        ``object_position (example, object, position)``, which words and image positions are its
        own; ``pair (example)``, place in the stream. Caption, tokens, image and all else as in
        `probe.value.attention_examples`, without the attention itself.

    Raises
    ------
    TypeError
        If the stream holds something else than `Attended`, or a pair is no `GroundedPair`.
    ValueError
        If no pair has enough objects, or as in `isd`.

    Examples
    --------
    >>> rows = np.zeros((1, 1, 1, 4, 4))
    >>> rows[..., :2, :2], rows[..., 2:, 2:] = 0.5, [[1.0, 0.0], [0.5, 0.5]]
    >>> batch = Attended(
    ...     attentions=rows,
    ...     present=np.ones((1, 2, 2), bool),
    ...     modality=np.array([[0, 0, 1, 1]]),
    ...     special=np.zeros((1, 4), bool),
    ...     boxes=np.full((1, 4, 4), np.nan),
    ...     pool=np.array([-1]),
    ...     phrases=np.eye(4)[None, :2] > 0,
    ...     regions=np.eye(4)[None, 2:],
    ...     links=np.eye(2, dtype=bool)[None],
    ...     tokens=(("dog", "cat", "", ""),),
    ... )
    >>> found = relation_examples(batch)
    >>> found.phrase.values.tolist(), found.visual_mean.values[0, 0].tolist()
    ([['dog', 'cat']], [[1.0, 0.0], [0.5, 0.5]])
    """
    started = time.perf_counter()
    n = integer("n", n, low=1)
    one_of("links", links, LINKS)
    one_of("renormalise", renormalise, RENORMALISE)
    one_of("reduce", reduce, REDUCE)
    form = Form(links, renormalise, reduce, bool(diagonal))
    kept: list[Attended] = []
    rows: list[dict[str, Any]] = []
    for row, batch, place in _usable(stream, form):
        rows.append(row | {"pair": place})
        kept.append(batch)
        if len(rows) == n:
            break
    if not rows:
        wanted = f"hold a pair with at least {least_objects(form.diagonal)} linked objects"
        refuse("stream", wanted, "none", few_objects(form.diagonal))
    if pairs is not None:
        last = int(rows[-1]["pair"])
        if len(pairs) <= last:
            refuse("pairs", "be what was attended to, in the same order", f"only {len(pairs)}")
        pairs = [pairs[int(row["pair"])] for row in rows]
    ds = attention_examples(kept, pairs, limit=n).drop_vars("attention")
    ds = ds.assign(_stacked(rows, len(ds["position"]) if "position" in ds.dims else 0))
    ds.attrs |= provenance(
        "isd.examples",
        paper=PAPER,
        parameters={"n": n, **form._asdict()},
        data=(ds["linguistic"].values, ds["visual"].values),
        started=started,
    )
    return describe(ds, _WORDING)


def _usable(
    stream: Attended | Iterable[Attended], form: Form
) -> Iterator[tuple[dict[str, Any], Attended, int]]:
    """Each pair with enough objects, its record alone, and its place in the stream."""
    start = 0
    for ready in prepared_stream(stream):
        found = related(ready, form)
        tables = _tables(found)
        for i in np.flatnonzero(host(found.count)):
            record = _alone(ready.batch, int(i))
            yield _row(tables, found, ready.batch, int(i)), record, start + int(i)
        start += ready.n


def _tables(found: Related) -> dict[str, np.ndarray]:
    used = host(found.used) > 0
    isd, permuted = host(found.distance()), host(permuted_mean(found))
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = np.where(permuted > 0, 1 - isd / permuted, np.nan)
    here = used[..., None, None] & host(found.pairs).astype(bool)
    return {
        "isd": np.where(used, isd, np.nan),
        "permuted": np.where(used, permuted, np.nan),
        "gap": np.where(used, gap, np.nan),
        "linguistic": np.where(here, host(found.linguistic), np.nan),
        "visual": np.where(here, host(found.visual), np.nan),
    }


def _row(tables: dict[str, np.ndarray], found: Related, batch: Attended, i: int) -> dict[str, Any]:
    k = int(found.count[i])
    row: dict[str, Any] = {"objects": k}
    for name, table in tables.items():
        one = table[i]
        if one.ndim == 4:
            one = one[..., :k, :k].astype(np.float32)
        row[f"{name}_mean" if one.ndim == 4 else name] = one[:, -1]
        row[name if one.ndim == 4 else f"{name}_head"] = one[:, :-1]
    objects = found.objects
    phrases, regions = (as_numpy(each[i, :k]) for each in (objects.phrase, objects.region))
    spans = as_numpy(batch.phrases[i]).astype(bool)
    words = batch.tokens[i] if batch.tokens else [""] * spans.shape[1]
    row["phrase"] = [
        " / ".join(" ".join(words[j] for j in np.flatnonzero(spans[p])) for p in np.flatnonzero(of))
        for of in phrases
    ]
    row["box"] = np.full((k, 4), np.nan, np.float32)
    if batch.region_boxes is not None:
        boxes = as_numpy(batch.region_boxes[i])
        for j in np.flatnonzero(regions.any(1)):
            own = boxes[regions[j]]
            row["box"][j] = [*own[:, :2].min(0), *own[:, 2:].max(0)]
    positions = as_numpy(torch.maximum(objects.text[i, :k], objects.image[i, :k]))
    row["object_position"] = positions[:, as_numpy(batch.modality[i]) >= 0].astype(np.float32)
    return row


def _alone(batch: Attended, i: int) -> Attended:
    """One example of a batch; of its attention only the shape, since it is not drawn."""
    given = {name: getattr(batch, name) for name in _BY_EXAMPLE if name not in _WHOLE}
    own = {name: value[i : i + 1] for name, value in given.items() if value is not None}
    own["attentions"] = np.zeros(tuple(own["attentions"].shape), np.float32)
    own.pop("hidden_states", None)
    return replace(batch, **own, hidden_states=None, attrs={})


_HEAD = ("example", "layer", "head")
_DIMS: dict[str, tuple[str, ...]] = {
    "linguistic": (*_HEAD, "object", "partner"),
    "visual": (*_HEAD, "object", "partner"),
    "linguistic_mean": ("example", "layer", "object", "partner"),
    "visual_mean": ("example", "layer", "object", "partner"),
    **dict.fromkeys(("isd", "permuted", "gap"), _HEAD[:2]),
    **{f"{name}_head": _HEAD for name in ("isd", "permuted", "gap")},
    "phrase": ("example", "object"),
    "box": ("example", "object", "corner"),
    "object_position": ("example", "object", "position"),
    "objects": ("example",),
    "pair": ("example",),
}


def _stacked(rows: list[dict[str, Any]], positions: int) -> dict[str, Any]:
    """Variables of all pairs, padded to the most objects and positions."""
    found: dict[str, Any] = {}
    for name, dims in _DIMS.items():
        values = [np.asarray(row[name]) for row in rows]
        shape = np.max([each.shape for each in values], axis=0).astype(int)
        blank: Any = np.nan if values[0].dtype.kind == "f" else 0
        if dims[-1] == "position":
            shape[-1], blank = positions, 0
        words = values[0].dtype.kind == "U"
        kind = np.dtype(object) if words else values[0].dtype
        whole = np.full((len(rows), *shape), "" if words else blank, kind)
        for i, each in enumerate(values):
            whole[(i, *(slice(size) for size in each.shape))] = each
        found[name] = dims, whole.astype(str) if words else whole
    return found


_WORDING = {
    **{name: WORDING[name] for name in ("isd", "permuted", "gap")},
    **{f"{name}_head": WORDING[f"{name}_head"] for name in ("isd", "permuted", "gap")},
    "linguistic": ("attention among the words of objects, rows renormalised", "1", "[0, 1]"),
    "visual": ("attention among the regions of objects, rows renormalised", "1", "[0, 1]"),
    "linguistic_mean": ("linguistic, attention averaged over heads", "1", "[0, 1]"),
    "visual_mean": ("visual, attention averaged over heads", "1", "[0, 1]"),
    "box": ("box around all regions of an object, x0 y0 x1 y1", "1", "[0, 1]"),
    "object_position": ("how much of a position is the object's own", "1", "[0, 1]"),
    "objects": ("objects of the pair", "1", "[2, inf)"),
    "pair": ("place of the pair in the stream", "1", "[0, inf)"),
}
