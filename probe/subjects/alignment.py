"""Which positions of a model stand for which phrase and region, and examples padded to a batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from data.records import Attended, GroundedPair

from .._check import integer, one_of, refuse
from .example_names import example_name, names_of

_EXAMPLE = ("attentions", "modality", "special", "boxes", "tokens")


def patch_grid(rows: int, columns: int) -> np.ndarray:
    """Boxes of the patches of an image, row by row: (rows * columns, 4) float32, x0 y0 x1 y1.

    Raises
    ------
    TypeError, ValueError
        If there is no row or no column.

    Examples
    --------
    >>> patch_grid(1, 2).tolist()
    [[0.0, 0.0, 0.5, 1.0], [0.5, 0.0, 1.0, 1.0]]
    """
    rows, columns = integer("rows", rows, low=1), integer("columns", columns, low=1)
    y, x = np.divmod(np.arange(rows * columns), columns)
    boxes = [x / columns, y / rows, (x + 1) / columns, (y + 1) / rows]
    return np.stack(boxes, axis=1).astype(np.float32)


def region_membership(position_boxes: Any, region_boxes: Any, *, kind: str = "patch") -> np.ndarray:
    """How much of each position belongs to each region: (region, position) float32 in [0, 1].

    Parameters
    ----------
    position_boxes : (position, 4)
        x0, y0, x1, y1 of each image position; NaN where a position is no part of the image (text,
        marks): it belongs to no region.
    region_boxes : (region, 4)
        The annotated boxes.
    kind : {"patch", "detector"}
        ``patch``: the share of the position's area inside the box. ``detector``: 1 where both
        overlap with an intersection over union of at least 0.5, else 0.

    Raises
    ------
    ValueError
        If boxes have no four numbers or `kind` is unknown.

    Examples
    --------
    >>> region_membership(patch_grid(1, 4), [[0.0, 0.0, 0.375, 1.0]])
    array([[1. , 0.5, 0. , 0. ]], dtype=float32)
    >>> region_membership(patch_grid(1, 4), [[0.0, 0.0, 0.375, 1.0]], kind="detector")
    array([[1., 0., 0., 0.]], dtype=float32)
    """
    one_of("kind", kind, ("patch", "detector"))
    positions, regions = (
        _quads("position_boxes", position_boxes),
        _quads("region_boxes", region_boxes),
    )
    low = np.maximum(regions[:, None, :2], positions[None, :, :2])
    high = np.minimum(regions[:, None, 2:], positions[None, :, 2:])
    inside = np.clip(high - low, 0.0, None).prod(axis=2)  # NaN for positions without a box
    area = (positions[:, 2:] - positions[:, :2]).prod(axis=1)[None]
    if kind == "patch":
        share = np.divide(inside, area, out=np.zeros_like(inside), where=area > 0)
        return np.clip(np.nan_to_num(share), 0.0, 1.0).astype(np.float32)
    union = area + (regions[:, 2:] - regions[:, :2]).prod(axis=1)[:, None] - inside
    # float32 boxes: an overlap of exactly one half must not depend on their last bit
    return (inside >= (0.5 - 1e-6) * union).astype(np.float32)


def phrase_membership(
    phrases: Iterable[Sequence[Any]], word_of_position: Sequence[int] | np.ndarray
) -> np.ndarray:
    """Which positions each phrase covers: (phrase, position) bool.

    Parameters
    ----------
    phrases : iterable of (start, end, ...)
        Spans of words, `end` not included.
    word_of_position : (position,) int
        The word that each position is (a piece of); -1 where it is none.

    Examples
    --------
    >>> phrase_membership([(1, 3)], [-1, 0, 1, 1, 2, -1]).astype(int)
    array([[0, 0, 1, 1, 1, 0]])
    """
    word = np.asarray(word_of_position, dtype=np.int64)
    spans = np.array([tuple(p)[:2] for p in phrases], dtype=np.int64).reshape(-1, 2)
    return (word >= spans[:, :1]) & (word < spans[:, 1:]) & (word >= 0)


def grounding_names(pairs: Iterable[GroundedPair]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Kinds of phrases and names of relations in all pairs, sorted: one coding for a whole stream.

    Examples
    --------
    >>> grounding_names([])
    ((), ())
    """
    kinds: set[str] = set()
    relations: set[str] = set()
    for pair in pairs:
        kinds.update(phrase.kind for phrase in pair.phrases)
        relations.update(relation.label for relation in pair.relations)
    return tuple(sorted(kinds)), tuple(sorted(relations))


def grounding(
    pair: GroundedPair,
    *,
    boxes: Any,
    word_of_position: Sequence[int] | np.ndarray,
    kind: str,
    names: tuple[Sequence[str], Sequence[str]],
) -> dict[str, Any]:
    """A pair's annotation on the positions of one example: the entries that `collate` pads.

    Parameters
    ----------
    pair : GroundedPair
        The annotation.
    boxes : (position, 4)
        Box of each image position, NaN elsewhere.
    word_of_position : (position,) int
        Word of each position, -1 where it is none.
    kind : {"patch", "detector"}
        How positions belong to regions; see `region_membership`.
    names : (kinds, relation_names)
        From `grounding_names` of the whole stream.

    Raises
    ------
    ValueError
        If a word with a letter or digit has no position, or a kind or relation is unnamed.
    """
    word = np.asarray(word_of_position, dtype=np.int64)
    for lost in sorted(set(range(len(pair.words))) - set(word.tolist())):
        if any(letter.isalnum() for letter in pair.words[lost]):  # some tokenizers drop punctuation
            refuse(
                "word_of_position",
                f"give each of {len(pair.words)} words of {pair.name or pair.caption!r} a position",
                f"none for word {lost} ({pair.words[lost]!r})",
                "A truncated caption loses its words: shorten it.",
            )
    kinds, labels = list(names[0]), list(names[1])
    links = np.zeros((len(pair.phrases), len(pair.regions)), bool)
    links[tuple(np.asarray(pair.links).T)] = True
    relation = np.full((len(pair.regions),) * 2, -1, np.int16)
    for subject, other, label in pair.relations:
        relation[subject, other] = labels.index(one_of("relation", label, labels))
    coded = [kinds.index(one_of("kind", phrase.kind, kinds)) for phrase in pair.phrases]
    return {
        "phrases": phrase_membership(pair.phrases, word),
        "phrase_kind": np.array(coded, np.int16),
        "regions": region_membership(boxes, pair.regions, kind=kind),
        "region_boxes": np.array(pair.regions, np.float32).reshape(-1, 4),
        "links": links,
        "relation": relation,
        "attrs": pair.attrs,
        "example": example_name(pair),
        "image": pair.image,
    }


def collate(
    examples: Sequence[Mapping[str, Any]],
    *,
    present: Any,
    names: tuple[Sequence[str], Sequence[str]] = ((), ()),
    derived: Sequence[str] = (),
    name: str = "model",
) -> Attended:
    """Examples of different lengths padded on the right to one `Attended`, on their device.

    Parameters
    ----------
    examples : sequence of mappings
        Each with `attentions` (layer, head, query, key), `modality`, `special`, `boxes` and
        `tokens` by position, optionally `hidden_states` (layer + 1, position, feature), `pool`
        (default -1) and the entries of `grounding`; its `example` becomes ``attrs["example"]``,
        which tells probes who an example is in any batch.
    present : (layer, 2, 2) bool
        Blocks that layers have, the same for every example.
    names : (kinds, relation_names)
        What `phrase_kind` and `relation` count in.
    derived : sequence of str
        Blocks that are products of others.
    name : str
        What the model is called in results.

    Raises
    ------
    ValueError
        If there is no example, an entry is missing, examples do not go together, or different
        images have one name.

    Examples
    --------
    >>> one = {
    ...     "attentions": torch.ones(1, 1, 2, 2) / 2,
    ...     "modality": [0, 1],
    ...     "special": [False, False],
    ...     "boxes": np.full((2, 4), np.nan),
    ...     "tokens": ("red", ""),
    ... }
    >>> collate([one, one], present=np.ones((1, 2, 2), bool), name="toy")
    Attended('toy', 2 examples, 1 layers x 1 heads, 2 positions)
    """
    if not examples:
        refuse("examples", "hold at least one example", "none")
    for number, example in enumerate(examples):
        missing = [key for key in _EXAMPLE if key not in example]
        if missing:
            refuse(f"examples[{number}]", f"hold {', '.join(_EXAMPLE)}", f"no {missing[0]!r}")
    first = torch.as_tensor(examples[0]["attentions"])
    device = first.device
    longest = max(torch.as_tensor(e["attentions"]).shape[-1] for e in examples)

    def padded(key: str, fill: Any, dtype: torch.dtype | None = None) -> Tensor | None:
        with_it = [key in e and e[key] is not None for e in examples]
        if not any(with_it):
            return None
        if not all(with_it):
            refuse(f"examples[{with_it.index(False)}]", f"hold {key!r} as the others do", "none")
        return _pad(key, [torch.as_tensor(e[key], dtype=dtype) for e in examples], fill, device)

    tokens = tuple(
        tuple(example["tokens"]) + ("",) * (longest - len(example["tokens"]))
        for example in examples
    )
    pool = [int(example.get("pool", -1)) for example in examples]
    return Attended(
        attentions=padded("attentions", 0.0),
        present=torch.as_tensor(np.array(present, bool), device=device),
        modality=padded("modality", -1, torch.int8),
        special=padded("special", False, torch.bool),
        boxes=padded("boxes", float("nan"), torch.float32),
        pool=torch.tensor(pool, dtype=torch.int64, device=device),
        hidden_states=padded("hidden_states", 0.0),
        phrases=padded("phrases", False, torch.bool),
        phrase_kind=padded("phrase_kind", -1, torch.int16),
        regions=padded("regions", 0.0, torch.float32),
        region_boxes=padded("region_boxes", float("nan"), torch.float32),
        links=padded("links", False, torch.bool),
        relation=padded("relation", -1, torch.int16),
        tokens=tokens,
        kinds=tuple(names[0]),
        relation_names=tuple(names[1]),
        derived=tuple(derived),
        name=name,
        attrs=names_of(examples) | _labels([example.get("attrs", {}) for example in examples]),
    )


def _pad(key: str, parts: list[Tensor], fill: Any, device: Any) -> Tensor:
    """Tensors stacked, each axis as long as the longest."""
    axes = {part.ndim for part in parts}
    if len(axes) > 1:
        refuse("examples", f"agree in the axes of {key!r}", f"{sorted(axes)} axes")
    shape = [max(sizes) for sizes in zip(*(part.shape for part in parts), strict=True)]
    if key == "attentions" and any(p.shape[:2] != parts[0].shape[:2] for p in parts):
        refuse("examples", "agree in layers and heads", f"{[tuple(p.shape[:2]) for p in parts]}")
    if all(list(part.shape) == shape for part in parts):
        return torch.stack([part.to(device) for part in parts])
    stacked = torch.full((len(parts), *shape), fill, dtype=parts[0].dtype, device=device)
    for row, part in zip(stacked, parts, strict=True):
        row[tuple(slice(size) for size in part.shape)] = part
    return stacked


def _labels(attrs: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
    """Labels that every example has as text or number, by name."""
    shared = [key for key in attrs[0] if all(key in other for other in attrs)]
    plain = (str, int, float, np.integer, np.floating)
    return {
        key: np.array([other[key] for other in attrs])
        for key in shared
        if all(isinstance(other[key], plain) for other in attrs)
    }


def _quads(name: str, values: Any) -> np.ndarray:
    boxes = np.asarray(values, dtype=np.float64)
    boxes = boxes.reshape(-1, 4) if boxes.size == 0 else boxes
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        refuse(name, "have axes (box, x0 y0 x1 y1)", f"shape {boxes.shape}")
    return boxes
