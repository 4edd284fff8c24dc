"""What the relation explorer draws, packed: objects of an example and their relations."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr

from ..isd.pair import Objects, objects_of
from ._attention_payload import _image
from ._payload import pack, quantise

FINE = 200_000  # relations that a page may hold with two bytes each: about half a megabyte
SIDES = ("linguistic", "visual")
_ORDER = {
    "linguistic": ("layer", "head", "object", "partner"),
    "visual": ("layer", "head", "object", "partner"),
    "linguistic_mean": ("layer", "object", "partner"),
    "visual_mean": ("layer", "object", "partner"),
    "isd": ("layer",),
    "isd_head": ("layer", "head"),
    "permuted": ("layer",),
    "permuted_head": ("layer", "head"),
}


def codes_of(result: xr.Dataset) -> str:
    """How relations are packed: two bytes each where that stays small, else one.

    Examples
    --------
    >>> codes_of(xr.Dataset({"linguistic": ("object", np.zeros(8))}))
    'u16'
    """
    return "u16" if 2 * result["linguistic"].size <= FINE else "u8"


def packed_pair(one: xr.Dataset, pixels: int, kind: str = "u16") -> dict[str, Any]:
    """One example: its objects, its image of at most so many pixels, and relations as codes.

    Relations are rounded by at most half a step of their range, 1/131068 or (``u8``) 1/508 of it;
    ISDs are float32.
    """
    objects = objects_of(one)
    count = len(objects.phrases)
    tables = {}
    for name, dims in _ORDER.items():
        if name not in one:
            continue
        values = one[name].transpose(*dims).values
        if "partner" in dims:
            tables[name] = quantise(values[..., :count, :count], kind)
        else:
            tables[name] = pack(values.astype(np.float32), "f32")
    return {
        "caption": objects.caption,
        "count": count,
        "phrases": objects.phrases,
        "tones": objects.tones,
        "pieces": pieces_of(objects),
        "boxes": pack(objects.boxes.astype(np.float32), "f32"),
        "tables": tables,
        "image": _image(one, pixels),
    }


def pieces_of(objects: Objects) -> list[dict[str, Any]]:
    """A caption in pieces, each with the objects whose phrase it is of, the innermost one's.

    Examples
    --------
    >>> none = np.zeros((1, 4))
    >>> pieces_of(Objects("see a dog run", ["a dog"], none, [[(4, 9)]], [0]))
    [{'text': 'see', 'objects': []}, {'text': 'a dog', 'objects': [0]}, {'text': 'run', \
'objects': []}]
    """
    spans = [span for own in objects.spans for span in own]
    cuts = sorted({0, len(objects.caption), *(place for span in spans for place in span)})
    found = []
    for start, end in pairwise(cuts):
        text = objects.caption[start:end].strip()
        around = [span for span in spans if span[0] <= start and end <= span[1]]
        inner = min(around, key=lambda span: span[1] - span[0], default=None)
        if text:
            owners = [k for k, own in enumerate(objects.spans) if inner in own]
            found.append({"text": text, "objects": owners})
    return found


def rounding_of(pairs: list[dict[str, Any]]) -> float:
    """The largest error of relations by packing."""
    names = (*SIDES, *(f"{side}_mean" for side in SIDES))
    packed = [one["tables"][name] for one in pairs for name in names]
    steps = {"u8": 508, "u16": 131068}
    return max((table["hi"] - table["lo"]) / steps[table["kind"]] for table in packed)
