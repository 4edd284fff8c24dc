"""What the attention explorer draws, packed: an example, and the attention of all its heads."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from ._payload import pack, quantise

# Characters that the attention of a page may take, and its images.
BUDGET = 4_400_000
IMAGE_BUDGET = 400_000
LONGEST = 320  # pixels of an image's longer side
LEAST = 44  # bytes for a query of a head below which examples are left out instead
EXACT, EXACT_COARSE = 6, 4  # largest weights of a query that are carried as they are
_MASSES = ("text", "image", "special")
_PADDING = -1


class Detail(NamedTuple):
    """How an example's attention is packed: exact weights a query, and groups of the rest."""

    exact: int
    groups: int | None  # None: every weight by itself


def plan(
    positions: np.ndarray, heads: int, first: int, *, budget: int | None = None
) -> dict[int, Detail]:
    """How a page carries each example; examples that do not fit are not in it.

    Parameters
    ----------
    positions
        (example,) number of positions.
    heads
        Heads of all layers together.
    first
        The example that is shown first: it is always carried, the others in their order.
    budget
        Characters for all of them; `BUDGET` if None.

    Examples
    --------
    >>> plan(np.array([84, 90]), 16, 0)
    {0: Detail(exact=6, groups=None), 1: Detail(exact=6, groups=None)}
    >>> plan(np.array([512, 512]), 144, 1)
    {1: Detail(exact=4, groups=17)}
    """
    room = 3 * (BUDGET if budget is None else budget) // 4
    order = sorted(range(len(positions)), key=lambda i: (i != first, i))
    sizes = [int(positions[i]) for i in order]
    whole = [heads * n * (n + 6 * EXACT + 2 * len(_MASSES)) for n in sizes]
    fitting = int(np.searchsorted(np.cumsum(whole), room, side="right"))
    if fitting == len(order):
        return {i: Detail(EXACT, None) for i in order}
    rows = np.cumsum([heads * n for n in sizes])
    carried = max(1, fitting, int(np.searchsorted(rows * LEAST, room, side="right")))
    if carried == fitting:
        return {i: Detail(EXACT, None) for i in order[:carried]}
    each = int(room // rows[carried - 1]) - len(_MASSES)
    exact = int(np.clip(0.6 * each // 6, 1, EXACT_COARSE))
    groups = max(4, each - 6 * exact)
    return {
        i: Detail(EXACT, None)
        if n + 6 * EXACT + len(_MASSES) <= each
        else Detail(exact, None if groups >= n else groups)
        for i, n in zip(order[:carried], sizes, strict=False)
    }


def packed_attention(weights: np.ndarray, example: xr.Dataset, detail: Detail) -> dict[str, Any]:
    """All heads of one example: the largest weights as they are, the rest by square roots.

    A code c of 255 stands for top (c / 255)^2 with a `top` for each head. In groups, a code is
    the mean over those positions of the group that are not among the largest.

    Parameters
    ----------
    weights
        (layer, head, query, key) at least 0, without padding.
    example
        One example of `probe.value.examples.attention_examples`, without padding.
    detail
        From `plan`.

    Returns
    -------
    dict
        ``keys, values`` (layer, head, query, exact), ``codes`` (layer, head, query, key or
        group), ``top`` (layer, head), ``mass`` (layer, head, query, 3) on text, image and special
        marks, ``group`` (key,) or None, and what packing cost: ``largest`` and ``mean`` error, and
        ``held``, the share of attention that is exact.
    """
    layers, heads, n, _ = weights.shape
    exact = min(detail.exact, n)
    group = None if detail.groups is None else groups_of(example, detail.groups)
    bucket = buckets_of(example)
    onto = (bucket[:, None] == np.arange(len(_MASSES))).astype(np.float32)
    keys = np.empty((layers, heads, n, exact), np.int64)
    top = np.empty((layers, heads), np.float32)
    width = n if group is None else int(group.max()) + 1
    codes = np.empty((layers, heads, n, width), np.uint8)
    mass = weights.reshape(-1, n) @ onto
    worst, total, held = 0.0, 0.0, 0.0
    for layer in range(layers):
        rows = np.asarray(weights[layer], dtype=np.float32)
        best = _largest(rows, exact)
        keys[layer] = best
        chosen = np.take_along_axis(rows, best, axis=-1)
        rest = _others(rows, best) if group is None else _means(rows, best, chosen, group)
        peak = rest.max(axis=(1, 2))
        peak[peak == 0] = 1.0
        scale = peak[:, None, None]
        codes[layer] = np.rint(255 * np.sqrt(rest / scale))
        top[layer] = peak
        seen = scale * (codes[layer].astype(np.float32) / 255) ** 2
        seen = seen if group is None else seen[..., group]
        np.put_along_axis(seen, best, chosen, axis=-1)
        error = np.abs(seen - rows)
        worst, total = max(worst, float(error.max())), total + float(error.sum())
        held += float(chosen.sum())
    values = np.take_along_axis(weights, keys, axis=-1)
    return {
        "keys": pack(keys, "u16"),
        "values": pack(values, "f32"),
        "exact": exact,
        "codes": pack(codes, "u8"),
        "top": pack(top, "f32"),
        "mass": quantise(mass, "u16" if group is None else "u8"),
        "group": None if group is None else pack(group, "u16"),
        "groups": None if group is None else width,
        "largest": worst,
        "mean": total / weights.size,
        "held": held / max(float(weights.sum()), 1e-12),
    }


def packed_example(example: xr.Dataset, pixels: int) -> dict[str, Any]:
    """Everything of one example but its attention; `pixels` is what its image may have."""
    phrases = example["in_phrase"].values
    kept = [p for p in range(len(phrases)) if phrases[p].any()]
    boxes = example["region_box"].values
    real = [r for r in range(len(boxes)) if np.isfinite(boxes[r]).all()]
    place = {r: at for at, r in enumerate(real)}
    link = example["link"].values
    return {
        "caption": str(example["caption"].values),
        "tokens": [str(token) for token in example["token"].values],
        "modality": pack(example["modality"].values, "u8"),
        "special": pack(example["special"].values.astype(int), "u8"),
        "boxes": pack(example["boxes"].values, "f32"),
        "phrases": [
            {
                "kind": str(example["phrase_kind"].values[p]),
                "positions": np.flatnonzero(phrases[p]).tolist(),
                "regions": [place[int(r)] for r in np.flatnonzero(link[p]) if int(r) in place],
            }
            for p in kept
        ],
        "regions": [str(example["region_name"].values[r]) for r in real],
        "region_boxes": pack(boxes[real], "f32"),
        "members": pack(example["in_region"].values[real], "f32"),
        "image": _image(example, pixels),
    }


def buckets_of(example: xr.Dataset) -> np.ndarray:
    """(position,): 0 text, 1 image, 2 special marks, whichever side they stand on."""
    return np.where(example["special"].values, 2, example["modality"].values)


def groups_of(example: xr.Dataset, most: int) -> np.ndarray:
    """(position,) group of each: runs of words, tiles of the image, special marks by side.

    Examples
    --------
    >>> at = "position"
    >>> one = xr.Dataset({"special": (at, [True] + 5 * [False]), "modality": (at, 6 * [0])})
    >>> groups_of(one, 3)
    array([2, 0, 0, 0, 1, 1])
    """
    special = example["special"].values
    modality = example["modality"].values
    n_special = len(np.unique(modality[special]))
    text, image = (np.flatnonzero((modality == side) & ~special) for side in (0, 1))
    left = max(2, most - n_special)
    for_text = min(len(text), max(1, round(0.35 * left)))
    for_image = min(len(image), left - for_text)
    for_text = min(len(text), left - for_image)
    found = np.full(len(special), -1)
    found[text] = np.arange(len(text)) * for_text // max(1, len(text))
    if len(image):
        found[image] = for_text + _tiles(example["boxes"].values[image], max(1, for_image))
    found[special] = found.max(initial=-1) + 1 + modality[special]
    return np.unique(found, return_inverse=True)[1]


def _tiles(boxes: np.ndarray, most: int) -> np.ndarray:
    """Tile of each box by where its middle lies, at most `most`; runs where boxes are unknown."""
    if not np.isfinite(boxes).all():
        return np.arange(len(boxes)) * most // len(boxes)
    rows = int(np.sqrt(most))
    columns = most // rows
    x, y = (boxes[:, :2] + boxes[:, 2:]).T / 2
    column = np.minimum((x * columns).astype(int), columns - 1)
    return np.minimum((y * rows).astype(int), rows - 1) * columns + column


def _largest(rows: np.ndarray, count: int) -> np.ndarray:
    """Where the largest `count` entries of the last axis are, the largest first."""
    n = rows.shape[-1]
    found = np.argpartition(rows, n - count, axis=-1)[..., n - count :]
    order = np.argsort(-np.take_along_axis(rows, found, axis=-1), axis=-1, kind="stable")
    return np.take_along_axis(found, order, axis=-1)


def _others(rows: np.ndarray, best: np.ndarray) -> np.ndarray:
    """All but the largest: what is exact anyway must not widen the scale of the rest."""
    found = rows.copy()
    np.put_along_axis(found, best, 0, axis=-1)
    return found


def _means(rows: np.ndarray, best: np.ndarray, chosen: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Mean of each group over those of its positions that are not among the largest."""
    onto = (group[:, None] == np.arange(int(group.max()) + 1)).astype(np.float32)
    sums, counts = rows @ onto, np.broadcast_to(onto.sum(axis=0), (*rows.shape[:-1], onto.shape[1]))
    taken = onto[best]
    sums = sums - np.einsum("...ke,...k->...e", taken, chosen)
    return np.maximum(sums, 0) / np.maximum(counts - taken.sum(axis=-2), 1)


def _image(example: xr.Dataset, pixels: int) -> dict[str, Any] | None:
    """The picture, shrunk by the mean over blocks where it has more pixels than it may."""
    if "image" not in example:
        return None
    height, width = (int(side) for side in example["image_size"].values)
    image = example["image"].values[:height, :width]
    factor = max(max(height, width) / LONGEST, np.sqrt(height * width / pixels), 1.0)
    shape = [max(1, int(side / factor)) for side in (height, width)]
    if factor > 1:
        mean = image.astype(np.float32)
        for axis, side in enumerate(shape):
            cuts = np.arange(side) * mean.shape[axis] // side
            sizes = np.diff(np.append(cuts, mean.shape[axis]))
            mean = np.add.reduceat(mean, cuts, axis=axis)
            mean /= sizes.reshape([-1 if at == axis else 1 for at in range(3)])
        image = np.rint(mean).astype(np.uint8)
    return {"height": shape[0], "width": shape[1], "pixels": pack(image, "u8")}
