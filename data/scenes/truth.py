"""Whether a caption is true of a picture, and which objects its phrases name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..records import GroundedPair
from .facts import relation_table
from .plan import Plan
from .words import DENIALS, Item, Spec, item_of


def named_by(spec: Spec, items: Sequence[Item]) -> tuple[int, ...]:
    """The objects that a phrase names; none where there are more or fewer than it says.

    Examples
    --------
    >>> items = [Item("big", "plain", "red", "star"), Item("big", "plain", "blue", "star")]
    >>> named_by(Spec(2, shape="star"), items), named_by(Spec(1, shape="star"), items)
    ((0, 1), ())
    """
    found = tuple(i for i, item in enumerate(items) if spec.fits(item))
    return found if len(found) == spec.number else ()


def plan_holds(plan: Plan, items: Sequence[Item], table: dict[str, np.ndarray]) -> bool:
    """Whether all that a caption says is so.

    A phrase with "the" must name as many objects as it says, no more and no fewer; where it does
    not, nothing that is said of it holds. What is said of several objects holds of each. "There
    is" needs one such object at least, "there are two" without a place exactly two.

    Parameters
    ----------
    plan
        What the caption says.
    items
        What each object looks like.
    table
        As `facts.relation_table` gives it.
    """
    for clause, subject, exists in plan.said():
        who = named_by(subject, items)
        if clause.predicate == "count":
            true = bool(who)
        elif clause.object is None:
            true = bool(who) and all(clause.predicate in items[i] for i in who)
        else:
            what = list(named_by(clause.object, items))
            held = table[clause.predicate]
            if exists:
                fits = [i for i, item in enumerate(items) if subject.fits(item)]
                met = sum(bool(held[i, what].all()) for i in fits)
                true = bool(what) and met >= subject.number
            else:
                true = bool(who) and bool(what) and bool(held[np.ix_(who, what)].all())
        if not true:
            return False
    return True


def caption_holds(pair: GroundedPair, *, caption: GroundedPair | None = None) -> bool:
    """Whether a caption is true of a rendered scene, read from its boxes, masks and region names.

    Parameters
    ----------
    pair
        The scene.
    caption
        Another pair, whose caption is judged in place of the scene's own.

    Raises
    ------
    ValueError
        If one of them is not a rendered scene.

    Examples
    --------
    >>> from data.scenes import relation_flipped, render_scenes
    >>> (pair,) = render_scenes(1)
    >>> caption_holds(pair), caption_holds(relation_flipped(pair))
    (True, False)
    """
    items, table = scene_of(pair)
    return plan_holds(plan_of(pair if caption is None else caption), items, table)


def scene_of(pair: GroundedPair) -> tuple[list[Item], dict[str, np.ndarray]]:
    """The objects of a rendered scene and what holds between them.

    Raises
    ------
    ValueError
        If it is not a rendered scene.
    """
    if pair.masks is None or not len(pair.regions):
        raise ValueError("`pair` must be a rendered scene; got one without masks.")
    items = [item_of(name) for name in pair.region_names]
    return items, relation_table(pair.regions, pair.masks, items)


def plan_of(pair: GroundedPair) -> Plan:
    """What the caption of a rendered scene says.

    Raises
    ------
    ValueError
        If it is not a rendered scene.
    """
    text = pair.attrs.get("plan")
    if not text:
        raise ValueError('`pair` must be a rendered scene; got one without attrs["plan"].')
    return Plan.from_text(text)


def opposite(predicate: str) -> str:
    """The relation that is put in place of a true one, and does not hold then.

    Examples
    --------
    >>> [opposite(name) for name in ("left of", "same colour", "apart")]
    ['right of', 'other colour', 'touches']
    """
    return _OPPOSITE[predicate]


_PAIRED = {"left of": "right of", "above": "below", "inside": "around", **DENIALS}
_OPPOSITE = _PAIRED | {denial: name for name, denial in _PAIRED.items()}
