"""A few examples with everything that an attention explorer draws of them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
import xarray as xr

from data.records import Attended, GroundedPair

from .._check import finite, integer, refuse, refuse_type
from .._provenance import provenance

NAME = "value.examples"
SIDES = ("text", "image")
_CORNERS = ("x0", "y0", "x1", "y1")
_TEXT, _PADDING = 0, -1  # codes of `modality`
_HEADS = ("layer", "head")
_SPLIT = ("direction", "modality")  # axes whose entries are scores by themselves


def attention_examples(
    batches: Iterable[Attended],
    pairs: Sequence[GroundedPair] | None = None,
    *,
    limit: int = 8,
    scores: xr.Dataset | Mapping[str, xr.Dataset] | None = None,
) -> xr.Dataset:
    """The first examples of a stream in one Dataset, for looking at their attention one by one.

    Parameters
    ----------
    batches
        What a model attended to; read no further than `limit` examples.
    pairs
        What it attended to, in the same order: their images, captions and names of regions.
    limit
        How many examples to keep, at least 1. Each takes layers x heads x positions^2 x 4 bytes.
    scores
        Statistics of heads that other measures made, or several such results by name. Every number
        with axes (layer, head), and direction or modality, is kept; what is boolean, and
        ``chosen_layer, chosen_head``, counts as a choice of heads. Of kinds, "all" is taken.

    Returns
    -------
    xr.Dataset
        ``attention(example, layer, head, query, key)`` float32 as the model gave it, 0 at padding;
        ``present(layer, side, side_other)``, whether a layer lets that side attend to the other
        (what is absent is not applicable, and not 0); ``token``, ``modality`` (0 text, 1 image, -1
        padding), ``special``, ``boxes`` and ``batch_position`` (where it stood in its batch) by
        (example, position), positions being query and key alike; ``in_phrase(example, phrase,
        position)``, ``phrase_kind``, ``in_region(example, region, position)`` in [0, 1],
        ``region_box``, ``region_name``, ``link(example, phrase, region)``; ``caption``; with
        `pairs` ``image(example, y, x, channel)`` uint8 and ``image_size`` (height, width): images
        of several sizes keep theirs, at the top left, with 0 to the right and below; with
        `scores` ``head_score(score, layer, head)`` and ``head_mark(mark, layer, head)``, the
        choices of heads.

        Padding inside an example is left out: its positions come first, padding to the longest
        example last.

    Raises
    ------
    TypeError
        If a batch is no `Attended`, a pair no `GroundedPair`, or scores are no Datasets.
    ValueError
        If there is no example, models differ between batches, weights are negative or not finite,
        pairs do not belong to the examples, or scores have other layers or heads.

    Examples
    --------
    >>> batch = Attended(
    ...     attentions=np.full((1, 2, 3, 4, 4), 0.25),
    ...     present=np.ones((2, 2, 2), bool),
    ...     modality=np.array([[0, 0, 1, 1]], np.int8),
    ...     special=np.array([[True, False, False, False]]),
    ...     boxes=np.full((1, 4, 4), np.nan),
    ...     pool=np.array([0]),
    ...     tokens=(("[CLS]", "dog", "", ""),),
    ... )
    >>> found = attention_examples([batch])
    >>> found.attention.shape, str(found.caption[0].values)
    ((1, 2, 3, 4, 4), 'dog')
    """
    started = time.perf_counter()
    limit = integer("limit", limit, low=1)
    rows = list(islice(_examples(batches), limit))
    if not rows:
        refuse("batches", "hold at least one example", "none")
    first = rows[0]
    for at, one in enumerate(rows):
        same = one["attention"].shape[:2] == first["attention"].shape[:2]
        if not (same and np.array_equal(one["present"], first["present"])):
            refuse("batches", "come from one model", f"other layers, heads or blocks at {at}")
    found = _stacked(rows)
    if pairs is not None:
        found |= _pictures(pairs, rows)
    coords = {"side": list(SIDES), "side_other": list(SIDES), "corner": list(_CORNERS)}
    ds = xr.Dataset(found, coords=coords)
    if scores is not None:
        ds = ds.assign(_scores(scores, ds.sizes["layer"], ds.sizes["head"]))
    ds.attrs = provenance(
        NAME,
        paper="arXiv:2005.07310",
        parameters={"limit": limit},
        data=(ds["attention"].values,),
        started=started,
    )
    ds.attrs |= {"model": first["model"], "derived": ", ".join(first["derived"])}
    return ds


def _examples(batches: Iterable[Attended]) -> Iterator[dict[str, Any]]:
    """Each example by itself, without its padding."""
    for batch in batches:
        if not isinstance(batch, Attended):
            refuse_type("batches", "hold Attended records", batch)
        modality, present = _numpy(batch.modality), _numpy(batch.present).astype(bool)
        for i in range(len(batch)):
            kept = np.flatnonzero(modality[i] != _PADDING)
            weights = _numpy(batch.attentions[i])[:, :, kept[:, None], kept].astype(np.float32)
            if finite("attentions", weights).min(initial=0) < 0:
                refuse("attentions", "be at least 0", f"{weights.min():.3g} in example {i}")
            words = batch.tokens[i] if batch.tokens else [""] * modality.shape[1]
            yield {
                "attention": weights,
                "present": present,
                "modality": modality[i, kept].astype(np.int8),
                "special": _numpy(batch.special[i]).astype(bool)[kept],
                "boxes": _numpy(batch.boxes[i]).astype(np.float32)[kept],
                "batch_position": kept.astype(np.int32),
                "token": [str(words[j]) for j in kept],
                **_grounding(batch, i, kept),
                "model": batch.name,
                "derived": batch.derived,
            }


def _grounding(batch: Attended, i: int, kept: np.ndarray) -> dict[str, Any]:
    """Phrases, regions and links of one example; none of them where the batch has none."""
    empty = np.zeros((0, len(kept)))
    phrases = empty if batch.phrases is None else _numpy(batch.phrases[i])[:, kept]
    regions = empty if batch.regions is None else _numpy(batch.regions[i])[:, kept]
    boxes = np.full((len(regions), 4), np.nan, np.float32)
    if batch.region_boxes is not None:
        boxes = _numpy(batch.region_boxes[i]).astype(np.float32)
    kinds = [""] * len(phrases)
    if batch.phrase_kind is not None:
        codes = _numpy(batch.phrase_kind[i]).astype(int)
        kinds = [batch.kinds[c] if 0 <= c < len(batch.kinds) else "" for c in codes]
    links = np.zeros((len(phrases), len(regions)), bool)
    if batch.links is not None:
        links = _numpy(batch.links[i]).astype(bool)
    return {
        "in_phrase": phrases.astype(bool),
        "phrase_kind": kinds,
        "in_region": regions.astype(np.float32),
        "region_box": boxes,
        "link": links,
    }


def _stacked(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Variables of all examples, padded to the longest."""
    n, most, phrases, regions = (
        len(rows),
        *(max(len(one[name]) for one in rows) for name in ("token", "in_phrase", "in_region")),
    )
    layers, heads = rows[0]["attention"].shape[:2]
    at, over = ("example", "position"), ("example", "region")
    blank: dict[str, tuple[tuple[str, ...], np.ndarray]] = {
        "attention": (
            ("example", "layer", "head", "query", "key"),
            np.zeros((n, layers, heads, most, most), np.float32),
        ),
        "modality": (at, np.full((n, most), _PADDING, np.int8)),
        "special": (at, np.zeros((n, most), bool)),
        "boxes": ((*at, "corner"), np.full((n, most, 4), np.nan, np.float32)),
        "batch_position": (at, np.full((n, most), -1, np.int32)),
        "token": (at, np.full((n, most), "", object)),
        "in_phrase": (("example", "phrase", "position"), np.zeros((n, phrases, most), bool)),
        "phrase_kind": (("example", "phrase"), np.full((n, phrases), "", object)),
        "in_region": ((*over, "position"), np.zeros((n, regions, most), np.float32)),
        "region_box": ((*over, "corner"), np.full((n, regions, 4), np.nan, np.float32)),
        "link": (("example", "phrase", "region"), np.zeros((n, phrases, regions), bool)),
    }
    for name, (_, array) in blank.items():
        for i, one in enumerate(rows):
            value = np.asarray(one[name], dtype=array.dtype)
            array[(i, *(slice(size) for size in value.shape))] = value
    words = [
        " ".join(
            word
            for word, side, mark in zip(one["token"], one["modality"], one["special"], strict=True)
            if side == _TEXT and not mark
        )
        for one in rows
    ]
    typed = {
        name: (dims, array.astype(str) if array.dtype == object else array)
        for name, (dims, array) in blank.items()
    }
    return {
        **typed,
        "present": (("layer", "side", "side_other"), rows[0]["present"]),
        "caption": ("example", np.array(words)),
        "region_name": (over, np.full((n, regions), "")),
    }


def _pictures(pairs: Sequence[GroundedPair], rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Images, captions and names from the pairs that the examples are of."""
    if len(pairs) < len(rows):
        refuse("pairs", f"hold one pair for each of {len(rows)} examples", len(pairs))
    given = [pairs[i] for i in range(len(rows))]
    for i, (pair, one) in enumerate(zip(given, rows, strict=True)):
        if not isinstance(pair, GroundedPair):
            refuse_type("pairs", "hold GroundedPair records", pair)
        known = int(np.isfinite(one["region_box"]).all(axis=1).sum())
        if known and known != len(pair.regions):
            got = f"{len(pair.regions)} regions beside {known} at {i}"
            refuse("pairs", "be what was attended to, in the same order", got)
    sizes = np.array([pair.image.shape[:2] for pair in given])
    image = np.zeros((len(given), *sizes.max(axis=0), 3), np.uint8)
    regions = max(len(one["in_region"]) for one in rows)
    for i, pair in enumerate(given):
        image[i, : sizes[i, 0], : sizes[i, 1]] = pair.image
    names = [[*pair.region_names, *[""] * regions][:regions] for pair in given]
    texts = np.array(names, dtype=str).reshape(len(given), regions)
    return {
        "image": (("example", "y", "x", "channel"), image),
        "image_size": (("example", "axis"), sizes.astype(np.int32)),
        "caption": ("example", np.array([pair.caption for pair in given])),
        "region_name": (("example", "region"), texts),
    }


def _scores(
    scores: xr.Dataset | Mapping[str, xr.Dataset], layers: int, heads: int
) -> dict[str, xr.DataArray]:
    """Statistics of heads side by side, and choices of heads; directions become names."""
    named = {"": scores} if isinstance(scores, xr.Dataset) else scores
    if not isinstance(named, Mapping):
        refuse_type("scores", "be a Dataset, or Datasets by name", scores)
    numbers: dict[str, np.ndarray] = {}
    marks: dict[str, np.ndarray] = {}
    for prefix, result in named.items():
        if not isinstance(result, xr.Dataset):
            refuse_type("scores", "be a Dataset, or Datasets by name", result)
        for label, values in _tables(result, prefix):
            if values.shape != (layers, heads):
                got = f"{label!r} of {values.shape[0]} x {values.shape[1]}"
                refuse("scores", f"have {layers} layers x {heads} heads", got)
            if values.dtype == bool:
                marks[label] = values
            else:
                numbers[label] = values.astype(np.float64)
    if not numbers and not marks:
        refuse("scores", "hold a number by (layer, head)", "none")
    return {
        f"head_{dim}": xr.DataArray(
            np.stack(list(tables.values())), dims=(dim, "layer", "head"), coords={dim: list(tables)}
        )
        for dim, tables in (("score", numbers), ("mark", marks))
        if tables
    }


def _tables(result: xr.Dataset, prefix: str) -> Iterator[tuple[str, np.ndarray]]:
    """Every (layer, head) table of a result, and what it is called."""
    if "kind" in result.dims and "all" in result["kind"].values:
        result = result.sel(kind="all")
    sizes = (result.sizes.get("layer", 0), result.sizes.get("head", 0))
    if {"chosen_layer", "chosen_head"} <= set(result.data_vars):
        layer, head = (xr.DataArray(range(n), dims=d) for n, d in zip(sizes, _HEADS, strict=True))
        chosen = (result["chosen_layer"] == layer) & (result["chosen_head"] == head)
        result = result.assign(chosen=chosen)
    for name, value in result.data_vars.items():
        others = [dim for dim in value.dims if dim not in _HEADS]
        if value.dtype.kind not in "biuf" or len(value.dims) - len(others) < 2 or len(others) > 1:
            continue
        table = value.transpose(*_HEADS, *others)
        label = f"{prefix} {name}".strip().replace("_", " ")
        if not others:
            yield label, table.values
        elif others[0] in _SPLIT:
            for k, part in enumerate(table[others[0]].values):
                yield f"{label}, {part}", table.values[..., k]


def _numpy(value: Any) -> np.ndarray:
    if isinstance(value, np.ndarray):
        return value
    tensor = value.detach().cpu()
    return (tensor.float() if tensor.is_floating_point() else tensor).numpy()
