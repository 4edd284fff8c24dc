"""The film explorer: aligned maps of the same examples, walked through frame by frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import traitlets
import xarray as xr

from probe._check import integer, one_of

from . import _twin
from ._base import Explorer, need
from ._payload import pack, quantise
from .whitening import label_codes

MADE_BY = "probe.whitening.aligned_maps"
_NEED = {
    "map": ("projection", "frame", "example", "axis"),
    "trustworthiness": ("projection", "frame"),
    "kept_neighbours": ("frame",),
    "kept_chance": (),
    "text": ("example",),
    "label": ("example",),
}
SPEEDS = ("slow", "normal", "fast")


class FilmExplorer(Explorer):
    """Maps over layers or steps with a scrubber: PCA beside UMAP, and how far to trust each frame.

    Nothing moves until a user plays it or moves the slider. A chosen example draws its path over
    all frames. The view holds the whole film, so that live and exported ones are the same.

    Parameters
    ----------
    result
        Result of `probe.whitening.aligned_maps`.
    frame, selected, speed
        The first view: a frame's label; the position of an example, -1 for none; ``"slow"``,
        ``"normal"`` or ``"fast"``. They can be read and set later, and follow what the user does.

    Raises
    ------
    ValueError
        If the result lacks a variable, or a setting is not among its settings.

    Examples
    --------
    >>> from probe.whitening import aligned_maps
    >>> rows = np.random.default_rng(0).normal(size=(3, 30, 5))
    >>> film = aligned_maps(dict(enumerate(rows)), over="step", projections=["pca"])
    >>> view = FilmExplorer(film)
    >>> view.frame = 2
    >>> view.frame, view.selected
    (2, -1)
    """

    views: ClassVar = ("whitening_neighbours.js", "film_path.js", "film.js")
    state_names: ClassVar = ("frame", "selected", "speed")
    title: ClassVar = "Film of maps"
    height: ClassVar = 1040
    _esm = _twin.script(views, "_live.js")

    frame = traitlets.Any().tag(sync=True)
    selected = traitlets.Int(-1).tag(sync=True)
    speed = traitlets.Unicode("normal").tag(sync=True)

    def __init__(
        self, result: xr.Dataset, *, frame: Any = None, selected: int = -1, speed: str = "normal"
    ) -> None:
        need(result, _NEED, made_by=MADE_BY)
        self.result = result
        frames = result.frame.values.tolist()
        super().__init__(
            result,
            frame=frames[0] if frame is None else frame,
            selected=selected,
            speed=speed,
        )

    def payload(self, *, whole: bool) -> dict[str, Any]:
        """The film. It is small, so that live and exported views hold the same."""
        result = self.result
        labels, codes = label_codes(result.label.values)
        return {
            "title": self.title,
            "over": str(result.attrs.get("over", "frame")),
            "k": int(result.attrs.get("k", 0)),
            "frames": result.frame.values.tolist(),
            "texts": [str(text) for text in result.text.values],
            "labels": labels,
            "codes": pack(codes, "u16"),
            "kept": pack(result.kept_neighbours.values, "f32"),
            "chance": round(float(result.kept_chance), 5),
            "maps": [self._map(str(kind)) for kind in result.projection.values],
        }

    def answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Nothing is left to ask: the view holds the whole film."""
        raise ValueError(f"`question` must not be asked of this view; got {dict(question)}.")

    def _map(self, kind: str) -> dict[str, Any]:
        """All frames of one projection around 0, on one scale, so that what moves has moved."""
        own = self.result.sel(projection=kind)
        places = own["map"].transpose("frame", "example", "axis").values.astype(np.float64)
        low, high = places.min(axis=(0, 1)), places.max(axis=(0, 1))
        largest = float((high - low).max()) or 1.0
        return {
            "name": kind,
            "points": quantise((places - (low + high) / 2) / largest),
            "span": [round(max(float(each), 1e-3), 4) for each in (high - low) / largest],
            "trust": pack(own.trustworthiness.values, "f32"),
        }

    @traitlets.validate("frame")
    def _known_frame(self, proposal: Any) -> Any:
        return one_of("frame", proposal["value"], self.result.frame.values.tolist())

    @traitlets.validate("selected")
    def _known_example(self, proposal: Any) -> Any:
        high = self.result.sizes["example"] - 1
        return integer("selected", proposal["value"], low=-1, high=high)

    @traitlets.validate("speed")
    def _known_speed(self, proposal: Any) -> Any:
        return one_of("speed", proposal["value"], SPEEDS)
