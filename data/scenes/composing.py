"""A caption for a scene: true, of several clauses, with phrases that need more than one word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .plan import FORMS, OPENINGS, TENSES, Clause, Plan
from .words import DENIALS, NOT_POSITIONAL, POSITIONAL, RELATIONS, SIZES, TEXTURES, Item, Spec

# Which attributes a phrase names: colour alone or shape alone never. As often as they stand here.
_NAMING = (
    *[("colour", "shape")] * 4,
    *[("size", "colour", "shape")] * 2,
    *[("texture", "colour", "shape")] * 2,
    ("size", "shape"),
    ("texture", "shape"),
    ("size", "colour"),
    ("texture", "colour"),
    ("size", "texture", "colour", "shape"),
)
_PLURAL_SHARE = 0.5  # how often a fact about several objects is taken where there is one
_THIRD_SHARE = 0.3  # how often a third clause follows where one can
_OPENING_SHARE = 0.5
_KINDS = (POSITIONAL, NOT_POSITIONAL)
_LIKENESS = {*DENIALS, *DENIALS.values()}
# What is not named of the subject and of the object of a relation, if it can be left out.
_HIDDEN = {
    **{"same colour": ("", "colour"), "other colour": ("", "colour")},
    **{"same shape": ("", "shape"), "other shape": ("", "shape")},
    **{"inside": ("size", "size"), "around": ("size", "size")},
}


class _Fact(NamedTuple):
    relation: str
    subject: int  # bits of the objects it is about
    object: int


def compose(rng: np.random.Generator, items: Sequence[Item], table: dict[str, np.ndarray]) -> Plan:
    """A caption that is true of these objects, in a form taken at random.

    Parameters
    ----------
    rng
        Where chance comes from.
    items
        What each object looks like.
    table
        As `facts.relation_table` gives it.
    """
    writer = _Writer(rng, items, table)
    tense = TENSES[int(rng.random() < 0.5)]
    opening = 0 if rng.random() >= _OPENING_SHARE else 1 + int(rng.integers(len(OPENINGS) - 1))
    for k in rng.permutation(len(FORMS)).tolist():
        clauses = writer.clauses(FORMS[k])
        if clauses:
            return Plan(FORMS[k], tense, opening, clauses)
    # One object always has a mate of its colour and one of its shape, which makes two facts.
    raise RuntimeError("a scene was laid out of which no caption can be made: please report this.")


class _Writer:
    """Facts of one scene, and clauses of them."""

    def __init__(
        self, rng: np.random.Generator, items: Sequence[Item], table: dict[str, np.ndarray]
    ) -> None:
        self._rng = rng
        self._items = items
        self._groups = _groups(items)
        things = [1 << i for i in range(len(items))]
        self._facts = _facts([*things, *self._groups], len(items), table)

    def clauses(self, form: str) -> tuple[Clause, ...]:
        """The clauses of a caption of that form; none if this scene has too few facts for it."""
        if form in ("plural", "counted"):
            return self._with_group(form)
        chained = form in ("pronoun", "relative", "inverted")
        first = self._pick(self._facts, single_subject=chained)
        if first is None:
            return ()
        left = _without(self._facts, first)
        if chained:
            left = [fact for fact in left if fact.subject == first.subject]
        second = self._pick(left)
        if second is None:
            return ()
        head = self._clause(first)
        tail = self._clause(second)
        if chained:
            tail = tail._replace(subject=None)
            return (head, tail)
        return (head, tail, *self._third(left, second))

    def _with_group(self, form: str) -> tuple[Clause, ...]:
        fact = self._pick(self._facts)
        if fact is None or not self._groups:
            return ()
        masks = list(self._groups)
        mask = masks[int(self._rng.integers(len(masks)))]
        spec = self._groups[mask]
        if form == "counted":
            third = self._third(_without(self._facts, fact), fact)
            return (Clause(spec, "count"), self._clause(fact), *third)
        shared = self._shared(mask, spec)
        return (self._clause(fact), Clause(spec, shared)) if shared else ()

    def _third(self, left: list[_Fact], before: _Fact) -> tuple[Clause, ...]:
        """A clause that goes on about the subject of the one before, as "it"; or none."""
        if before.subject not in self._groups and self._rng.random() < _THIRD_SHARE:
            left = [f for f in _without(left, before) if f.subject == before.subject]
            fact = self._pick(left)
            if fact is not None:
                return (self._clause(fact)._replace(subject=None),)
        return ()

    def _shared(self, mask: int, spec: Spec) -> str:
        """A size or texture that all of a group have and its phrase does not say; "" if none."""
        members = [item for i, item in enumerate(self._items) if mask >> i & 1]
        options = [
            value
            for value in (*SIZES, *TEXTURES)
            if value not in spec and all(value in item for item in members)
        ]
        return options[int(self._rng.integers(len(options)))] if options else ""

    def _pick(self, facts: list[_Fact], *, single_subject: bool = False) -> _Fact | None:
        """One fact: first whether of place or not, then which relation, then of what."""
        groups = self._groups
        if single_subject:
            facts = [fact for fact in facts if fact.subject not in groups]
        told = [fact for fact in facts if fact.relation in RELATIONS]
        if self._rng.random() < _PLURAL_SHARE:
            told = [f for f in told if f.subject in groups or f.object in groups] or told
        wanted = _KINDS[int(self._rng.random() < 0.5)]
        told = [fact for fact in told if fact.relation in wanted] or told
        if not told:
            return None
        relations = sorted({fact.relation for fact in told})
        relation = relations[int(self._rng.integers(len(relations)))]
        told = [fact for fact in told if fact.relation == relation]
        # A denial is taken only where what it denies could be, so that neither is told more often.
        if relation in DENIALS and self._rng.random() < 0.5:
            told = [fact for fact in facts if fact.relation == DENIALS[relation]] or told
        return told[int(self._rng.integers(len(told)))]

    def _clause(self, fact: _Fact) -> Clause:
        # "The red star shares its colour with the red cross" could be told without the picture,
        # and so could what is around what, by their sizes.
        hidden = _HIDDEN.get(fact.relation, ("", ""))
        subject, object_ = self._spec(fact.subject, hidden[0]), self._spec(fact.object, hidden[1])
        return Clause(subject, fact.relation, object_, int(self._rng.random() < 0.5))

    def _spec(self, mask: int, hidden: str = "") -> Spec:
        if mask in self._groups:
            return self._groups[mask]
        item = self._items[mask.bit_length() - 1]
        for k in self._rng.permutation(len(_NAMING)).tolist():
            said = _NAMING[k]
            if hidden in said:
                continue
            spec = Spec(1, **{key: getattr(item, key) for key in said})
            if sum(spec.fits(each) for each in self._items) == 1:
                return spec
        return Spec(1, colour=item.colour, shape=item.shape)


def _groups(items: Sequence[Item]) -> dict[int, Spec]:
    """Two or more objects, not all, that are alike in one thing, and the phrase that says so."""
    found: dict[int, Spec] = {}
    for key in Item._fields:
        for value in {getattr(item, key): None for item in items}:
            bits = [i for i, item in enumerate(items) if getattr(item, key) == value]
            if 2 <= len(bits) < len(items):
                found.setdefault(sum(1 << i for i in bits), Spec(len(bits), **{key: value}))
    return found


def _facts(masks: list[int], count: int, table: dict[str, np.ndarray]) -> list[_Fact]:
    """All that holds between disjoint things, of groups where it holds of each of them.

    Of groups no likeness is told: they seldom are of one colour with another thing and often are
    not, so that the word "two" would tell which of the two captions is true.
    """
    facts = []
    alone = masks[:count]
    powers = 1 << np.arange(count)
    for relation in (*RELATIONS, *DENIALS.values()):
        ends = (table[relation] @ powers).tolist()  # bits of what each object stands so to
        things = alone if relation in _LIKENESS else masks
        for subject in things:
            reach = -1
            for i in range(count):
                if subject >> i & 1:
                    reach &= ends[i]
            facts += [
                _Fact(relation, subject, other)
                for other in things
                if not other & ~reach and not other & subject
            ]
    return facts


def _without(facts: list[_Fact], said: _Fact) -> list[_Fact]:
    """Facts about other things than these two: their converse says nothing new."""
    ends = {said.subject, said.object}
    return [fact for fact in facts if {fact.subject, fact.object} != ends]
