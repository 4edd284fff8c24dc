"""The relation explorer: one pair, and how its objects relate among words and among regions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import traitlets
import xarray as xr

from probe._check import integer, one_of, refuse

from . import _relations_payload as packing
from . import _twin
from ._attention_payload import IMAGE_BUDGET
from ._base import Explorer, need

MADE_BY = "probe.isd.relation_examples"
MEAN = -1
SHOWS = ("isd", "gap", "matrices")
_CELL = ("object", "partner")
_NEED = {
    "linguistic": ("example", "layer", "head", *_CELL),
    "visual": ("example", "layer", "head", *_CELL),
    "linguistic_mean": ("example", "layer", *_CELL),
    "visual_mean": ("example", "layer", *_CELL),
    "isd": ("example", "layer"),
    "isd_head": ("example", "layer", "head"),
    "phrase": ("example", "object"),
    "box": ("example", "object", "corner"),
    "caption": ("example",),
    "objects": ("example",),
}


class RelationExplorer(Explorer):
    """An image and its caption with the same objects numbered, and their relations in both.

    Choose an object: its row in both matrices, its box and its phrase light up, lines over the
    image show its relations among regions, arcs over the caption those among words. All that is
    shown travels with the view, so that an exported page shows what a notebook does.

    Parameters
    ----------
    result
        Result of `probe.isd.relation_examples`.
    example
        Which example, counted from 0.
    layer
        Which layer, counted from 0; at first the last one with relations.
    head
        Which head, counted from 0; -1 for the mean over heads, as in the paper.
    object
        Which object of the example, counted from 0.
    show
        What the grid of heads shows: ``"isd"``, ``"gap"`` to permuted links, or both
        ``"matrices"``. All of these can be read and set later, and follow what the user does.

    Raises
    ------
    ValueError
        If the result lacks a variable or holds no example, or a setting is not possible.

    Examples
    --------
    >>> import numpy as np
    >>> dims = ("example", "layer", "head", "object", "partner")
    >>> even = np.full((1, 2, 3, 2, 2), 0.5, np.float32)
    >>> tables = {name: (dims, even) for name in ("linguistic", "visual")}
    >>> tables |= {f"{name}_mean": (dims[:2] + dims[3:], even[:, :, 0]) for name in tables}
    >>> tables |= {"isd": (dims[:2], np.zeros((1, 2))), "isd_head": (dims[:3], np.zeros((1, 2, 3)))}
    >>> boxes = [[[0, 0, 0.5, 1], [0.5, 0, 1, 1]]]
    >>> words = {"caption": ("example", ["a dog and a cat"]), "objects": ("example", [2])}
    >>> words |= {"phrase": (("example", "object"), [["a dog", "a cat"]])}
    >>> words |= {"box": (("example", "object", "corner"), boxes)}
    >>> view = RelationExplorer(xr.Dataset(tables | words))
    >>> view.object = 1
    >>> view.state()
    {'example': 0, 'layer': 1, 'head': -1, 'object': 1, 'show': 'isd'}
    """

    views: ClassVar = (
        *("attention_marks.js", "attention_image.js", "relations_style.js", "relations_data.js"),
        *("relations_tables.js", "relations_image.js", "relations_words.js", "relations_grid.js"),
        "relations.js",
    )
    state_names: ClassVar = ("example", "layer", "head", "object", "show")
    title: ClassVar = "Relation explorer"
    height: ClassVar = 900
    _esm = _twin.script(views, "_live.js")

    example = traitlets.Int(0).tag(sync=True)
    layer = traitlets.Int(0).tag(sync=True)
    head = traitlets.Int(MEAN).tag(sync=True)
    object = traitlets.Int(0).tag(sync=True)
    show = traitlets.Unicode("isd").tag(sync=True)

    def __init__(
        self,
        result: xr.Dataset,
        *,
        example: int = 0,
        layer: int | None = None,
        head: int = MEAN,
        object: int = 0,
        show: str = "isd",
    ) -> None:
        need(result, _NEED, made_by=MADE_BY)
        if not result.sizes["example"]:
            refuse("result", "hold at least one example", "none")
        # Images are read as they lie; all else is transposed where it is packed.
        pixels = (dim for dim in ("y", "x", "channel") if dim in result.dims)
        self.result = result.transpose(*pixels, ...)
        super().__init__(
            self.result,
            example=self._known("example", example),
            layer=self._last(example) if layer is None else layer,
            head=head,
            object=self._object(object, example),
            show=show,
        )

    def payload(self, *, whole: bool) -> dict[str, Any]:
        """What the view draws. It is small, so that live and exported views hold the same."""
        result = self.result
        count = result.sizes["example"]
        pixels = IMAGE_BUDGET // (4 * count)  # four characters a pixel
        kind = packing.codes_of(result)
        pairs = [packing.packed_pair(result.isel(example=i), pixels, kind) for i in range(count)]
        return {
            "title": self.title,
            "model": str(result.attrs.get("model", "")),
            "layers": result["layer"].values.tolist(),
            "heads": result["head"].values.tolist(),
            "shows": list(self._shows()),
            "rounding": packing.rounding_of(pairs),
            "examples": pairs,
        }

    def answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Nothing is left to ask: the view holds the whole result."""
        raise ValueError(f"`question` must not be asked of this view; got {dict(question)}.")

    def _last(self, example: int) -> int:
        """The last layer with relations of both sides; the first where there is none."""
        one = self.result.isel(example=example)
        dims = [dim for dim in one["linguistic_mean"].dims if dim != "layer"]
        known = one["linguistic_mean"].notnull().any(dims) & one["visual_mean"].notnull().any(dims)
        return int(known.values.nonzero()[0].max(initial=0))

    def _shows(self) -> tuple[str, ...]:
        held = {"permuted", "permuted_head"} <= set(self.result)
        return tuple(show for show in SHOWS if show != "gap" or held)

    def _known(self, name: str, value: Any) -> int:
        return integer(name, value, low=0, high=self.result.sizes[name] - 1)

    def _object(self, value: Any, example: int) -> int:
        last = int(self.result["objects"].values[example]) - 1
        return integer("object", value, low=0, high=last)

    @traitlets.validate("example", "layer")
    def _known_place(self, proposal: Any) -> Any:
        return self._known(proposal["trait"].name, proposal["value"])

    @traitlets.validate("head")
    def _known_head(self, proposal: Any) -> Any:
        last = self.result.sizes["head"] - 1
        return integer("head", proposal["value"], low=MEAN, high=last)

    @traitlets.validate("object")
    def _known_object(self, proposal: Any) -> Any:
        return self._object(proposal["value"], self.example)

    @traitlets.validate("show")
    def _known_show(self, proposal: Any) -> Any:
        return one_of("show", proposal["value"], self._shows())

    @traitlets.observe("example")
    def _fitting_object(self, _change: Any) -> None:
        # Another example may have fewer objects than the one that was chosen.
        last = int(self.result["objects"].values[self.example]) - 1
        self.object = min(self.object, last)
