"""Rendered scenes of coloured shapes with captions whose phrases are linked to what they name.

Nothing is downloaded, everything is known: what each phrase names, what holds between any two
objects, and whether a caption is true. Names are loaded on first use, so that importing the
package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .controls import attribute_swapped, mismatched, relation_flipped, words_shifted
    from .pixels import patches, region_features
    from .plan import FORMS
    from .rendering import render_scenes, scenes
    from .truth import caption_holds
    from .words import (
        COLOURS,
        HELD_OUT_COMBINATIONS,
        NOT_POSITIONAL,
        PHRASE_KINDS,
        POSITIONAL,
        RELATIONS,
        SCENE_WORDS,
        SHAPES,
        SIZES,
        TEXTURES,
    )

_HOME = {
    "COLOURS": "words",
    "FORMS": "plan",
    "HELD_OUT_COMBINATIONS": "words",
    "NOT_POSITIONAL": "words",
    "PHRASE_KINDS": "words",
    "POSITIONAL": "words",
    "RELATIONS": "words",
    "SCENE_WORDS": "words",
    "SHAPES": "words",
    "SIZES": "words",
    "TEXTURES": "words",
    "attribute_swapped": "controls",
    "caption_holds": "truth",
    "mismatched": "controls",
    "patches": "pixels",
    "region_features": "pixels",
    "relation_flipped": "controls",
    "render_scenes": "rendering",
    "scenes": "rendering",
    "words_shifted": "controls",
}

__all__ = [
    "COLOURS",
    "FORMS",
    "HELD_OUT_COMBINATIONS",
    "NOT_POSITIONAL",
    "PHRASE_KINDS",
    "POSITIONAL",
    "RELATIONS",
    "SCENE_WORDS",
    "SHAPES",
    "SIZES",
    "TEXTURES",
    "attribute_swapped",
    "caption_holds",
    "mismatched",
    "patches",
    "region_features",
    "relation_flipped",
    "render_scenes",
    "scenes",
    "words_shifted",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
