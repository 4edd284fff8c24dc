"""What scenes are made of, and every word that a caption of one may hold."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

SIZES = ("small", "big")
TEXTURES = ("plain", "striped", "dotted")
COLOURS = ("red", "green", "blue", "yellow", "purple", "orange")
SHAPES = ("circle", "square", "triangle", "diamond", "star", "cross")

POSITIONAL = ("left of", "right of", "above", "below")
NOT_POSITIONAL = ("same colour", "same shape", "touches", "inside", "around")
RELATIONS = (*POSITIONAL, *NOT_POSITIONAL)
# What captions also say, so that what a caption tells of two things is as often denied as told.
DENIALS = {"same colour": "other colour", "same shape": "other shape", "touches": "apart"}

# What a phrase names: one of SHAPES, several shapes, what "it" stands for, or the picture itself.
PHRASE_KINDS = (*SHAPES, "group", "pronoun", "scene")

# Blocks of two colours by two shapes: a scene of unseen combinations alone can then still have
# distractors of either kind, and each colour and each shape is also seen in four other company.
HELD_OUT_COMBINATIONS = frozenset(
    (COLOURS[2 * block + i], SHAPES[2 * block + j])
    for block in range(3)
    for i in range(2)
    for j in range(2)
)

NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five"}  # of six objects one is different
_PLURALS = {"cross": "crosses"}
_FUNCTION_WORDS = """
    , . a above an and another apart are around as below big canvas colour differ differed differs
    dotted from had has have image in inside is it its left of on over picture plain right same
    scene shape shapes share shared shares showed shows small striped surround surrounded surrounds
    than that the their there to touch touched touches touching under was were which while with
    within
"""
SCENE_WORDS = tuple(
    sorted(
        {
            *_FUNCTION_WORDS.split(),
            *COLOURS,
            *SHAPES,
            *(_PLURALS.get(shape, shape + "s") for shape in SHAPES),
            *NUMBERS.values(),
        }
    )
)


class Item(NamedTuple):
    """What one object looks like: one of SIZES, TEXTURES, COLOURS and SHAPES each."""

    size: str
    texture: str
    colour: str
    shape: str

    def __str__(self) -> str:
        return " ".join(self)


class Spec(NamedTuple):
    """What a phrase says of the things that it names; "" where it says nothing.

    Attributes
    ----------
    number
        How many things it names.
    size, texture, colour, shape
        What all of them are.
    """

    number: int = 1
    size: str = ""
    texture: str = ""
    colour: str = ""
    shape: str = ""

    def fits(self, item: Item) -> bool:
        """Whether an object is as the phrase says.

        Examples
        --------
        >>> Spec(1, colour="red").fits(Item("big", "plain", "red", "star"))
        True
        """
        return all(said in ("", value) for said, value in zip(self[1:], item, strict=True))

    def words(self, article: str) -> list[str]:
        """The phrase in words.

        Examples
        --------
        >>> Spec(2, size="small", shape="cross").words("the")
        ['the', 'two', 'small', 'crosses']
        >>> Spec(1, colour="orange").words("a")
        ['an', 'orange', 'shape']
        """
        noun = self.shape or "shape"
        said = [value for value in (self.size, self.texture, self.colour) if value]
        if self.number > 1:
            head = [NUMBERS[self.number]] if article == "a" else [article, NUMBERS[self.number]]
            return [*head, *said, _PLURALS.get(noun, noun + "s")]
        words = [*said, noun]
        return [("an" if words[0] == "orange" else "a") if article == "a" else article, *words]


def item_of(name: str) -> Item:
    """The object that a region's name describes.

    Raises
    ------
    ValueError
        If it is no name of an object of a scene.

    Examples
    --------
    >>> item_of("small striped red star").colour
    'red'
    """
    parts = name.split(" ")
    known = (SIZES, TEXTURES, COLOURS, SHAPES)
    if len(parts) != 4 or any(p not in k for p, k in zip(parts, known, strict=True)):
        raise ValueError(
            "`region_names` must be those of a rendered scene, such as 'small striped red star'; "
            f"got {name!r}."
        )
    return Item(*parts)


def allowed_combinations(held_out: str) -> np.ndarray:
    """(colour, shape) bool: the combinations that scenes may show, by `held_out`.

    Raises
    ------
    ValueError
        If `held_out` is none of "none", "only" and "any".
    """
    unseen = np.zeros((len(COLOURS), len(SHAPES)), dtype=bool)
    for colour, shape in HELD_OUT_COMBINATIONS:
        unseen[COLOURS.index(colour), SHAPES.index(shape)] = True
    choices = {"none": ~unseen, "only": unseen, "any": np.ones_like(unseen)}
    if held_out not in choices:
        raise ValueError(f"`held_out` must be one of 'none', 'only', 'any'; got {held_out!r}.")
    return choices[held_out]
