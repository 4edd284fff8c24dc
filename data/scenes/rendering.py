"""Scenes with captions, one after the other, each by its seed and number alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..records import GroundedPair, Phrase, Relation
from .composing import compose
from .drawing import own_pixels, paint, tight_boxes
from .facts import only_relation, relation_table
from .layout import layout
from .plan import Plan, Wording
from .truth import named_by
from .words import RELATIONS, Item, Spec, allowed_combinations

# Of the pairs between which one relation holds alone, and of those of none, the share that is
# annotated: measured on 6,000 scenes of 3 to 6 objects, so that each word of place is as frequent
# as the next, likewise each of the other names, and either half as all pairs of none.
ANNOTATED = {
    **{"left of": 0.49, "right of": 0.49, "above": 0.49, "below": 0.49},
    **{"same colour": 0.27, "same shape": 0.27, "touches": 0.59, "inside": 1.0, "around": 1.0},
    "none": 0.77,
}


def scenes(
    n: int | None = None,
    *,
    seed: int = 0,
    start: int = 0,
    size: int = 64,
    objects: tuple[int, int] = (3, 6),
    held_out: str = "none",
) -> Iterator[GroundedPair]:
    """Rendered scenes one by one; scene `i` depends on `seed` and `i` alone.

    Parameters
    ----------
    n
        How many; None for no end.
    seed
        Which world of scenes, not negative.
    start
        Number of the first one: shards and streams of one seed agree.
    size
        Height and width in pixels, at least 48.
    objects
        Fewest and most objects, from 3 to 6; every number between is as frequent.
    held_out
        "none": no object has one of HELD_OUT_COMBINATIONS of colour and shape; "only": every
        object has one; "any": they are not told apart.

    Yields
    ------
    GroundedPair
        Its regions are in random order. `relations` are pairs between which one relation holds
        and no other, and pairs of "none", both thinned so that they are balanced over many scenes.
        `attrs` holds labels of the caption:

        | name | values |
        |---|---|
        | form, tense | one of FORMS; "present" or "past" |
        | n_words | number of words, punctuation marks included |
        | sentence_length | "short" to 21 words, "medium" to 26, "long" above |
        | n_clauses, n_objects | numbers |
        | subject_number | "singular" or "plural": the subject of the first clause |
        | object_number | likewise: the object of the first relation |
        | first_phrase | kind of the first phrase that names an object |
        | has_pronoun, has_opening, inverted | 0 or 1 |
        | shifted | 0; 1 where `words_shifted` has changed the order of words |
        | control | "none", or what was done to the caption |
        | held_out, seed, index | where it comes from |
        | plan | what the caption says, as JSON |

    Raises
    ------
    TypeError
        If a number is not whole.
    ValueError
        If an option is out of range.

    Examples
    --------
    >>> pair = next(scenes(seed=3))
    >>> pair.image.shape, len(pair.regions) == pair.attrs["n_objects"]
    ((64, 64, 3), True)
    """
    for name, value, least in (("seed", seed, 0), ("start", start, 0), ("size", size, 48)):
        _whole(name, value, least)
    if n is not None:
        _whole("n", n, 0)
    if len(objects) != 2 or not 3 <= objects[0] <= objects[1] <= 6:
        raise ValueError(f"`objects` must be fewest and most, from 3 to 6; got {objects!r}.")
    allowed = allowed_combinations(held_out)
    return _scenes(n, seed, start, size, objects, allowed, held_out)


def render_scenes(
    n: int,
    *,
    seed: int = 0,
    start: int = 0,
    size: int = 64,
    objects: tuple[int, int] = (3, 6),
    held_out: str = "none",
) -> list[GroundedPair]:
    """The first `n` of `scenes`, with its parameters, as a list.

    Raises
    ------
    TypeError, ValueError
        As `scenes` does.

    Examples
    --------
    >>> pairs = render_scenes(2, seed=1)
    >>> [pair.name for pair in pairs]
    ['scene-1-0', 'scene-1-1']
    """
    _whole("n", n, 0)
    return list(scenes(n, seed=seed, start=start, size=size, objects=objects, held_out=held_out))


def _scenes(
    n: int | None,
    seed: int,
    start: int,
    size: int,
    objects: tuple[int, int],
    allowed: np.ndarray,
    held_out: str,
) -> Iterator[GroundedPair]:
    index = start
    while n is None or index < start + n:
        rng = np.random.default_rng([seed, index])
        yield _scene(rng, size, objects, allowed, {"held_out": held_out, "seed": seed}, index)
        index += 1


def _scene(
    rng: np.random.Generator,
    size: int,
    objects: tuple[int, int],
    allowed: np.ndarray,
    origin: dict[str, object],
    index: int,
) -> GroundedPair:
    count = int(rng.integers(objects[0], objects[1] + 1))
    stamps, corners = layout(rng, size, count, allowed)
    masks = own_pixels(stamps, corners, size)
    image = paint(stamps, corners, _background(rng, size))
    # Regions come in an order of their own, which says nothing of drawing or mentioning.
    order = rng.permutation(count)
    masks = masks[order]
    items = [stamps[i].item for i in order.tolist()]
    boxes = tight_boxes(masks)
    table = relation_table(boxes, masks, items)
    plan = compose(rng, items, table)
    return GroundedPair(
        image=image,
        regions=boxes,
        relations=_relations(rng, only_relation(table)),
        region_names=tuple(str(item) for item in items),
        masks=masks,
        name=f"scene-{origin['seed']}-{index}",
        **captioned(plan, items, {**origin, "index": index}),
    )


def captioned(plan: Plan, items: list[Item], origin: dict[str, object]) -> dict:
    """Words, phrases, links and attrs of a caption beside these objects, by name of the field."""
    wording = plan.wording()
    chained = _chained(plan)
    phrases: list[Phrase] = []
    links: list[tuple[int, int]] = []
    for number, mention in enumerate(wording.mentions):
        spec, kind = mention.spec, mention.kind
        if kind == "pronoun":
            spec = chained
        named = named_by(spec, items) if spec is not None else ()
        if not kind and spec is not None:
            single = items[named[0]].shape if len(named) == 1 else spec.shape
            kind = single if single and spec.number == 1 else "group"
        phrases.append(Phrase(mention.start, mention.end, kind))
        links += [(number, region) for region in named]
    labels = _labels(plan, wording, phrases)
    return {
        "words": tuple(wording.words),
        "phrases": tuple(phrases),
        "links": links,
        "attrs": {**labels, "n_objects": len(items), **origin, "plan": plan.to_text()},
    }


def _chained(plan: Plan) -> Spec | None:
    """What "it" stands for: the subject of the clause before; None if there is no such word."""
    return next((subject for clause, subject, _ in plan.said() if clause.subject is None), None)


def _labels(plan: Plan, wording: Wording, phrases: list[Phrase]) -> dict[str, object]:
    relational = next(clause for clause in plan.clauses if clause.object is not None)
    numbers = [
        "plural" if spec is not None and spec.number > 1 else "singular"
        for spec in (plan.clauses[0].subject, relational.object)
    ]
    n_words = len(wording.words)
    return {
        "form": plan.form,
        "tense": plan.tense,
        "n_words": n_words,
        "sentence_length": "short" if n_words <= 21 else "medium" if n_words <= 26 else "long",
        "n_clauses": len(plan.clauses),
        "subject_number": numbers[0],
        "object_number": numbers[1],
        "first_phrase": next(phrase.kind for phrase in phrases if phrase.kind != "scene"),
        "has_pronoun": int(any(phrase.kind == "pronoun" for phrase in phrases)),
        "has_opening": int(plan.opening > 0),
        "inverted": int(plan.form == "inverted"),
        "shifted": 0,
        "control": "none",
    }


def _background(rng: np.random.Generator, size: int) -> np.ndarray:
    """A light tone with a little noise, so that no two pixels are quite alike."""
    tone = 0.88 + 0.09 * rng.random(3, dtype=np.float32)
    return tone + rng.random((size, size, 3), dtype=np.float32) * np.float32(0.03)


def _relations(rng: np.random.Generator, table: dict[str, np.ndarray]) -> tuple[Relation, ...]:
    found = []
    for name in (*RELATIONS, "none"):
        pairs = np.argwhere(table[name])
        kept = pairs[rng.random(len(pairs)) < ANNOTATED[name]]
        found += [Relation(s, o, name) for s, o in kept.tolist()]
    return tuple(found[i] for i in rng.permutation(len(found)).tolist())


def _whole(name: str, value: object, least: int) -> None:
    if not isinstance(value, int | np.integer) or isinstance(value, bool):
        raise TypeError(f"`{name}` must be a whole number; got {type(value).__name__}.")
    if value < least:
        raise ValueError(f"`{name}` must be at least {least}; got {value}.")
