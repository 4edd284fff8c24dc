"""What each example of a batch is called, the same in every batch that it comes in."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from data.records import GroundedPair

from .._check import refuse


def example_name(pair: GroundedPair) -> str:
    """A pair's own name, else a digest of its words, boxes and links.

    Examples
    --------
    >>> pair = GroundedPair(np.zeros((2, 2, 3), np.uint8), ("a", "dog"), (), name="one")
    >>> example_name(pair)
    'one'
    """
    if pair.name:
        return pair.name
    boxes = np.ascontiguousarray(pair.regions, np.float32).tobytes()
    links = np.ascontiguousarray(pair.links, np.int64).tobytes()
    content = b"\1".join(["\0".join(pair.words).encode(), boxes, links])
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def names_of(examples: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
    """The entry ``example`` of each example under that name; nothing where none has one.

    Probes draw examples of one name together, as one cluster. That is right for several captions
    of one image, and hides most of the data where different images share a name.

    Parameters
    ----------
    examples
        Each with `example`, its name, and `image`, what it is of; or none of them.

    Raises
    ------
    ValueError
        If some have a name and others do not, or examples of different images have the same.
    """
    named = ["example" in one for one in examples]
    if not any(named):
        return {}
    if not all(named):
        refuse(f"examples[{named.index(False)}]", "hold 'example' as the others do", "none")
    images: dict[str, Any] = {}
    for number, one in enumerate(examples):
        image: Any = one.get("image")
        known = images.setdefault(one["example"], image)
        if known is not image and not np.array_equal(known, image):
            refuse(
                f"examples[{number}]",
                "have a name of its own, since examples of one name are drawn as one",
                f"another image also called {one['example']!r}",
                "Give each GroundedPair its `name`, or none at all.",
            )
    return {"example": np.array([str(one["example"]) for one in examples])}
