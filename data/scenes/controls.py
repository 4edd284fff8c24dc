"""Captions that are false of a scene by construction, and captions whose words are out of order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..records import GroundedPair
from .plan import Clause, Plan
from .rendering import captioned
from .truth import opposite, plan_holds, plan_of, scene_of
from .words import COLOURS, SHAPES, SIZES, TEXTURES, Item, Spec, allowed_combinations

_VALUES = {"colour": COLOURS, "shape": SHAPES, "size": SIZES, "texture": TEXTURES}


def mismatched(pairs: Sequence[GroundedPair], *, seed: int = 0) -> list[GroundedPair]:
    """Each scene with the caption of another that has as many objects, and that is false of it.

    The scene keeps its regions and relations. What the phrases name is not in the picture: there
    are no links.

    Parameters
    ----------
    pairs
        Rendered scenes.
    seed
        Which captions are taken.

    Raises
    ------
    ValueError
        If one is no rendered scene, or there is no caption for it. Give more scenes then.

    Examples
    --------
    >>> from data.scenes import render_scenes
    >>> pairs = render_scenes(8, objects=(4, 4))
    >>> other = mismatched(pairs)
    >>> [new.caption == old.caption for new, old in zip(other, pairs)].count(True)
    0
    """
    rng = np.random.default_rng(seed)
    by_count: dict[int, list[int]] = {}
    for i, pair in enumerate(pairs):
        by_count.setdefault(len(pair.regions), []).append(i)
    return [_with_another(pair, i, pairs, by_count, rng) for i, pair in enumerate(pairs)]


def _with_another(
    pair: GroundedPair,
    own: int,
    pairs: Sequence[GroundedPair],
    by_count: dict[int, list[int]],
    rng: np.random.Generator,
) -> GroundedPair:
    items, table = scene_of(pair)
    alike = by_count[len(pair.regions)]
    # From a random place on, in a circle: no list of all the others is shuffled for each scene.
    first = int(rng.integers(len(alike)))
    for k in (*alike[first:], *alike[:first]):
        plan = plan_of(pairs[k])
        if k != own and not plan_holds(plan, items, table):
            new = _changed(pair, plan, items, "mismatched", caption=pairs[k].name)
            return _copied(new, links=())
    raise ValueError(
        f"`pairs` must hold a scene with {len(items)} objects whose caption is false of "
        f"{pair.name!r}; got {len(alike) - 1} other(s) with as many. Give more scenes."
    )


def relation_flipped(pair: GroundedPair, *, seed: int = 0) -> GroundedPair:
    """A scene whose caption says the opposite of one relation, and is false.

    "Left of" becomes "right of", "inside" becomes "around", "shares its colour with" becomes
    "differs in colour from", "touches" becomes "apart from", and the other way round. True captions
    hold one as often as the other, so that words alone do not tell which caption is false.
    `attrs["flipped"]` names the relation that was true.

    Parameters
    ----------
    pair
        A rendered scene.
    seed
        Which relation is taken where there are several.

    Raises
    ------
    ValueError
        If it is no rendered scene, or its caption cannot be made false so.

    Examples
    --------
    >>> from data.scenes import render_scenes
    >>> (pair,) = render_scenes(1)
    >>> relation_flipped(pair).attrs["control"]
    'relation_flipped'
    """
    plan = plan_of(pair)
    items, table = scene_of(pair)
    for k in _rng(pair, seed).permutation(len(plan.clauses)).tolist():
        clause = plan.clauses[k]
        if clause.object is None:
            continue
        flipped = _replaced(plan, k, clause._replace(predicate=opposite(clause.predicate)))
        if not plan_holds(flipped, items, table):
            return _changed(pair, flipped, items, "relation_flipped", flipped=clause.predicate)
    raise ValueError(f"`pair` must have a relation that can be flipped; got {pair.caption!r}.")


def attribute_swapped(pair: GroundedPair, *, seed: int = 0) -> GroundedPair:
    """A scene whose caption exchanges an attribute of two phrases, or alters one, and is false.

    No phrase gets a combination of colour and shape that scenes of this kind never show.
    `attrs["swapped"]` names the attribute. A phrase is linked to what it names now, if anything.

    Parameters
    ----------
    pair
        A rendered scene.
    seed
        Which attribute is taken.

    Raises
    ------
    ValueError
        If it is no rendered scene, or its caption cannot be made false so.

    Examples
    --------
    >>> from data.scenes import render_scenes
    >>> (pair,) = render_scenes(1)
    >>> attribute_swapped(pair).attrs["control"]
    'attribute_swapped'
    """
    plan = plan_of(pair)
    items, table = scene_of(pair)
    allowed = allowed_combinations(str(pair.attrs.get("held_out", "any")))
    rng = _rng(pair, seed)
    for options in (list(_exchanges(plan)), list(_alterations(plan))):
        for k in rng.permutation(len(options)).tolist():
            key, swapped = options[k]
            known = all(_is_known(spec, allowed) for _, _, spec in _named(swapped))
            if known and not plan_holds(swapped, items, table):
                return _changed(pair, swapped, items, "attribute_swapped", swapped=key)
    raise ValueError(f"`pair` must have an attribute that can be swapped; got {pair.caption!r}.")


def words_shifted(pairs: Sequence[GroundedPair], *, seed: int = 0) -> list[GroundedPair]:
    """The scenes; in every second one, by chance, two neighbouring words are exchanged.

    `attrs["shifted"]` is 1 there. Both words belong to one phrase or both to none, so that
    phrases stay where they are. (BShift of Conneau et al. 2018, arXiv:1805.01070.)

    Parameters
    ----------
    pairs
        Pairs with captions.
    seed
        Which ones, and which words.

    Examples
    --------
    >>> from data.scenes import render_scenes
    >>> (pair,) = render_scenes(1)
    >>> {sorted(new.words) == sorted(pair.words) for new in words_shifted([pair] * 5)}
    {True}
    """
    rng = np.random.default_rng(seed)
    chosen = rng.random(len(pairs)) < 0.5
    return [_shifted(pair, rng) if now else pair for pair, now in zip(pairs, chosen, strict=True)]


def _shifted(pair: GroundedPair, rng: np.random.Generator) -> GroundedPair:
    words = list(pair.words)
    owner = np.full(len(words), -1)
    for number, (start, end, _) in enumerate(pair.phrases):
        owner[start:end] = number
    places = [
        i
        for i in range(len(words) - 1)
        if owner[i] == owner[i + 1]
        and words[i] != words[i + 1]
        and not {words[i], words[i + 1]} & {",", "."}
    ]
    if not places:
        return pair
    i = places[int(rng.integers(len(places)))]
    words[i], words[i + 1] = words[i + 1], words[i]
    return _copied(pair, words=tuple(words), attrs={**pair.attrs, "shifted": 1})


def _rng(pair: GroundedPair, seed: int) -> np.random.Generator:
    # By the scene's own number, so that a hard negative does not depend on what came before it.
    return np.random.default_rng([seed, int(pair.attrs.get("index", 0))])


def _named(plan: Plan) -> Iterator[tuple[int, str, Spec]]:
    """Clause, end and content of each phrase that names objects."""
    for k, clause in enumerate(plan.clauses):
        for end in ("subject", "object"):
            spec = getattr(clause, end)
            if spec is not None:
                yield k, end, spec


def _exchanges(plan: Plan) -> Iterator[tuple[str, Plan]]:
    named = list(_named(plan))
    for n, (i, first, a) in enumerate(named):
        for j, second, b in named[n + 1 :]:
            for key in _VALUES:
                mine, other = getattr(a, key), getattr(b, key)
                if mine and other and mine != other:
                    new = _replaced(
                        plan, i, plan.clauses[i]._replace(**{first: _set(a, key, other)})
                    )
                    clause = new.clauses[j]._replace(**{second: _set(b, key, mine)})
                    yield key, _replaced(new, j, clause)


def _alterations(plan: Plan) -> Iterator[tuple[str, Plan]]:
    for k, end, spec in _named(plan):
        for key, values in _VALUES.items():
            for value in values:
                if getattr(spec, key) not in ("", value):
                    clause = plan.clauses[k]._replace(**{end: _set(spec, key, value)})
                    yield key, _replaced(plan, k, clause)


def _set(spec: Spec, key: str, value: str) -> Spec:
    return spec._replace(**{key: value})


def _is_known(spec: Spec, allowed: np.ndarray) -> bool:
    if not spec.colour or not spec.shape:
        return True
    return bool(allowed[COLOURS.index(spec.colour), SHAPES.index(spec.shape)])


def _replaced(plan: Plan, position: int, clause: Clause) -> Plan:
    clauses = [*plan.clauses]
    clauses[position] = clause
    return plan._replace(clauses=tuple(clauses))


def _changed(
    pair: GroundedPair, plan: Plan, items: list[Item], control: str, **notes: str
) -> GroundedPair:
    origin = {key: pair.attrs[key] for key in ("held_out", "seed", "index") if key in pair.attrs}
    new = captioned(plan, items, origin)
    new["attrs"].update({"control": control, **notes})
    return _copied(pair, **new)


def _copied(pair: GroundedPair, **changes: Any) -> GroundedPair:
    from dataclasses import replace

    return replace(pair, **changes)
