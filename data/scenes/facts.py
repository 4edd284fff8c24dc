"""What holds between the objects of a picture, read from its boxes and masks alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .words import RELATIONS, Item

# A clear "left of" has at most half as much height between the centres as width. Between two
# objects of which neither lies clearly aside the other, no word of place holds. What lies between
# the two bounds is left open: nothing is said of it.
ASIDE, ASKEW = 0.5, 0.6


def relation_table(
    boxes: np.ndarray, masks: np.ndarray, items: Sequence[Item]
) -> dict[str, np.ndarray]:
    """For each of RELATIONS whether it holds between two objects; for "none" that none does.

    | relation | holds where |
    |---|---|
    | left of, right of, above, below | the boxes lie apart along that axis, and the centres are
      at most half as far from each other along the other one |
    | same colour, same shape | they are of one colour, of one shape |
    | touches | a pixel of one is among the eight neighbours of a pixel of the other, and neither
      is inside the other |
    | inside (around) | all pixels around the one belong to the other |

    Parameters
    ----------
    boxes
        (object, 4) float.
    masks
        (object, height, width) bool.
    items
        What each object looks like.

    Returns
    -------
    dict
        Name to (subject, object) bool with a false diagonal. "none" leaves out pairs that are
        nearly in line, of which it cannot be said that no word of place holds: it is part of
        "askew", where the centres are about as far from each other along both axes. "other
        colour", "other shape" and "apart" are what denies a relation.

    Examples
    --------
    >>> masks = np.zeros((2, 4, 8), bool)
    >>> masks[0, 1, 1] = masks[1, 1, 6] = True
    >>> boxes = np.array([[1, 1, 2, 2], [6, 1, 7, 2]]) / 8
    >>> items = [Item("small", "plain", colour, "star") for colour in ("red", "blue")]
    >>> table = relation_table(boxes, masks, items)
    >>> [name for name in table if table[name][0, 1]]
    ['left of', 'same shape', 'other colour', 'apart']
    """
    n = len(items)
    other = ~np.eye(n, dtype=bool)
    x0, y0, x1, y1 = boxes.T.astype(np.float64)
    across, down = (x0 + x1) / 2, (y0 + y1) / 2
    dx = across[None, :] - across[:, None]  # how far the object lies to the right of the subject
    dy = down[None, :] - down[:, None]
    wide, high = np.abs(dx), np.abs(dy)
    left = (x1[:, None] <= x0[None, :]) & (high <= ASIDE * wide)
    above = (y1[:, None] <= y0[None, :]) & (wide <= ASIDE * high)
    ring = _around(masks) & ~masks
    flat, rings = (part.reshape(n, -1).astype(np.float32) for part in (masks, ring))
    shared = rings @ flat.T  # how many pixels around the subject belong to the object
    inside = (shared == rings.sum(axis=1)[:, None]) & other
    colours, shapes = (np.array([getattr(i, key) for i in items]) for key in ("colour", "shape"))
    table = {
        "left of": left,
        "right of": left.T,
        "above": above,
        "below": above.T,
        "same colour": (colours[:, None] == colours) & other,
        "same shape": (shapes[:, None] == shapes) & other,
        "touches": (shared > 0) & other & ~inside & ~inside.T,
        "inside": inside,
        "around": inside.T,
    }
    askew = np.minimum(wide, high) >= ASKEW * np.maximum(wide, high)
    table["other colour"] = other & ~table["same colour"]
    table["other shape"] = other & ~table["same shape"]
    table["apart"] = other & ~(table["touches"] | inside | inside.T)
    table["none"] = askew & other & ~np.any([table[name] for name in RELATIONS], axis=0)
    table["askew"] = askew & other
    return table


def only_relation(table: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The pairs between which one relation holds and no other, and those of "none".

    A pair of one colour that also lies side by side is in none of them. So pairs of one colour, of
    one shape, and of none lie askew alike, and their boxes do not tell which they are.

    Returns
    -------
    dict
        As `relation_table` gives it, with no pair in two of its tables.
    """
    count = np.sum([table[name] for name in RELATIONS], axis=0)
    # "None" has been kept to pairs that lie askew; so are these, or their boxes would tell.
    kept = {name: table[name] & (count == 1) for name in RELATIONS}
    for name in ("same colour", "same shape"):
        kept[name] &= table["askew"]
    return {**kept, "none": table["none"]}


def _around(masks: np.ndarray) -> np.ndarray:
    """Masks grown by one pixel in all eight directions."""
    tall = masks.copy()
    tall[:, 1:] |= masks[:, :-1]
    tall[:, :-1] |= masks[:, 1:]
    grown = tall.copy()
    grown[:, :, 1:] |= tall[:, :, :-1]
    grown[:, :, :-1] |= tall[:, :, 1:]
    return grown
