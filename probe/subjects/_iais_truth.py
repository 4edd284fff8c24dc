"""Which captions are true of which images, beyond the pairs that were made together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from data.records import GroundedPair


class Truth:
    """Which of the captions of some pairs are true of which of their images.

    A caption of a rendered scene is judged by what it says and what the other scene shows, as
    `data.scenes.caption_holds` does. Of other pairs nobody knows: there a caption is taken to be
    true of an image if it has the very words of that image's own caption.

    Parameters
    ----------
    pairs
        Captions and images are numbered as they are here.

    Examples
    --------
    >>> from data.scenes import render_scenes
    >>> Truth(render_scenes(3, seed=1)).of([0, 1, 2], [0, 1, 2]).astype(int)
    array([[1, 0, 0],
           [0, 1, 0],
           [0, 0, 1]])
    """

    def __init__(self, pairs: Sequence[GroundedPair]) -> None:
        # Data that rooms of their own make are imported where they are needed.
        from data.scenes.truth import plan_of, scene_of

        self._words = [tuple(word.lower() for word in pair.words) for pair in pairs]
        rendered = [bool(p.attrs.get("plan")) and p.masks is not None for p in pairs]
        both = zip(pairs, rendered, strict=True)
        self._said = [(plan_of(p), scene_of(p)) if known else None for p, known in both]

    def of(self, captions: Sequence[int], images: Sequence[int]) -> np.ndarray:
        """(caption, image) bool for the pairs with these numbers; about 15 microseconds each."""
        found = [[self._holds(int(c), int(i)) for i in images] for c in captions]
        return np.array(found, bool).reshape(len(captions), len(images))

    def _holds(self, caption: int, image: int) -> bool:
        from data.scenes.truth import plan_holds

        if self._words[caption] == self._words[image]:
            return True
        said, shown = self._said[caption], self._said[image]
        return said is not None and shown is not None and plan_holds(said[0], *shown[1])
