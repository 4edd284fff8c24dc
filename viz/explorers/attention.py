"""The attention explorer: one example, all heads, and what one of them attends to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import traitlets
import xarray as xr

from probe._check import integer, one_of, refuse

from . import _attention_payload as packing
from . import _twin
from ._base import Explorer, need
from ._payload import pack

MADE_BY = "probe.value.attention_examples"
DIRECTIONS = ("from", "to")
_AT = ("example", "position")
_NEED = {
    "attention": ("example", "layer", "head", "query", "key"),
    "present": ("layer", "side", "side_other"),
    "token": _AT,
    "modality": _AT,
    "special": _AT,
    "boxes": (*_AT, "corner"),
    "in_phrase": ("example", "phrase", "position"),
    "phrase_kind": ("example", "phrase"),
    "in_region": ("example", "region", "position"),
    "region_box": ("example", "region", "corner"),
    "region_name": ("example", "region"),
    "link": ("example", "phrase", "region"),
    "caption": ("example",),
}


class AttentionExplorer(Explorer):
    """An image and its caption; click a word or a place to see what every head makes of it.

    A notebook shows the exact weights of the chosen head. An exported page carries the largest
    weights of each query as they are and rounds the rest; it says by how much.

    Parameters
    ----------
    result
        Result of `probe.value.attention_examples`.
    example
        Which example.
    layer, head
        The chosen head; at first the best of the first score, else the first.
    query
        Position of the chosen word or place; at first the first linked phrase.
    direction
        ``"from"``: what the chosen position attends to; ``"to"``: what attends to it.
    score
        Name of the score that colours the heads; empty for the attention of the chosen position.
        All of these can be read and set later, and follow what the user does.

    Raises
    ------
    ValueError
        If the result lacks a variable, or a setting is not possible.

    Examples
    --------
    >>> from data.records import Attended
    >>> from probe.value.examples import attention_examples
    >>> batch = Attended(
    ...     attentions=np.full((1, 2, 3, 4, 4), 0.25),
    ...     present=np.ones((2, 2, 2), bool),
    ...     modality=np.array([[0, 0, 1, 1]], np.int8),
    ...     special=np.array([[True, False, False, False]]),
    ...     boxes=np.full((1, 4, 4), np.nan),
    ...     pool=np.array([0]),
    ...     tokens=(("[CLS]", "dog", "", ""),),
    ... )
    >>> view = AttentionExplorer(attention_examples([batch]), layer=1)
    >>> view.head = 2
    >>> view.state()["layer"], view.head, view.query
    (1, 2, 1)
    """

    views: ClassVar = (
        *("attention_data.js", "attention_marks.js", "attention_image.js"),
        *("attention_heads.js", "attention_words.js", "attention.js"),
    )
    state_names: ClassVar = ("example", "layer", "head", "query", "direction", "score")
    title: ClassVar = "Attention explorer"
    height: ClassVar = 1000
    _esm = _twin.script(views, "_live.js")

    example = traitlets.Int(0).tag(sync=True)
    layer = traitlets.Int(0).tag(sync=True)
    head = traitlets.Int(0).tag(sync=True)
    query = traitlets.Int(0).tag(sync=True)
    direction = traitlets.Unicode("from").tag(sync=True)
    score = traitlets.Unicode("").tag(sync=True)

    def __init__(
        self,
        result: xr.Dataset,
        *,
        example: int = 0,
        layer: int | None = None,
        head: int | None = None,
        query: int | None = None,
        direction: str = "from",
        score: str = "",
    ) -> None:
        need(result, _NEED, made_by=MADE_BY)
        # One order of axes for all that follows; nothing is copied where it holds already.
        self.result = result.transpose(*(dim for dim in _ORDER if dim in result.dims), ...)
        self._positions = (self.result["modality"].values >= 0).sum(axis=1)
        example = self._known("example", example)
        best = self._best()
        super().__init__(
            self.result,
            example=example,
            layer=best[0] if layer is None else layer,
            head=(best[1] if layer is None else 0) if head is None else head,
            query=self._first_query(example) if query is None else query,
            direction=direction,
            score=score,
        )

    def payload(self, *, whole: bool) -> dict[str, Any]:
        """What the view draws; with `whole` as many examples as fit, else the one that is shown."""
        sizes = self.result.sizes
        budget = packing.IMAGE_BUDGET // (4 * sizes["example"])  # four characters a pixel
        details = self._details() if whole else {self.example: self._detail(self.example)}
        return {
            "title": self.title,
            "model": str(self.result.attrs.get("model", "")),
            "derived": str(self.result.attrs.get("derived", "")),
            "directions": list(DIRECTIONS),
            "layers": sizes["layer"],
            "heads": sizes["head"],
            "present": pack(self.result["present"].values.astype(int), "u8"),
            "examples": [
                packing.packed_example(self._one(i), budget) for i in range(sizes["example"])
            ],
            "attention": {str(i): self._attention(i, one) for i, one in details.items()},
            "first_queries": [self._first_query(i) for i in range(sizes["example"])],
            "scores": self._heads("score"),
            "marks": self._heads("mark"),
        }

    def answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """An example, `{example}`; with `layer, head, query, direction` its weights as they are."""
        i = self._known("example", question["example"])
        if "query" not in question:
            return self._attention(i, self._detail(i))
        layer, head = (self._known(name, question[name]) for name in ("layer", "head"))
        query = self._position(question["query"], i)
        n = self._positions[i]
        weights = self.result["attention"].values[i, layer, head, :n, :n]
        way = one_of("direction", question["direction"], DIRECTIONS)
        return {"weights": pack(weights[query] if way == "from" else weights[:, query], "f32")}

    def _details(self) -> dict[int, packing.Detail]:
        return packing.plan(self._positions, self._n_heads(), self.example)

    def _detail(self, i: int) -> packing.Detail:
        return packing.plan(self._positions[[i]], self._n_heads(), 0)[0]

    def _attention(self, i: int, detail: packing.Detail) -> dict[str, Any]:
        n = self._positions[i]
        weights = self.result["attention"].values[i, :, :, :n, :n].astype(np.float32)
        return packing.packed_attention(weights, self._one(i), detail)

    def _one(self, i: int) -> xr.Dataset:
        """One example without padding; attention stays behind, it is large."""
        small = self.result.drop_vars("attention").isel(example=i)
        return small.isel(position=slice(0, int(self._positions[i])))

    def _heads(self, name: str) -> list[dict[str, Any]]:
        if f"head_{name}" not in self.result:
            return []
        table = self.result[f"head_{name}"].transpose(name, "layer", "head")
        return [
            {"name": str(label), "values": pack(values.astype(np.float32), "f32")}
            for label, values in zip(table[name].values, table.values, strict=True)
        ]

    def _n_heads(self) -> int:
        return self.result.sizes["layer"] * self.result.sizes["head"]

    def _scores(self) -> list[str]:
        return [one["name"] for one in self._heads("score")]

    def _best(self) -> tuple[int, int]:
        """The head that the first score ranks highest; the first where there is no score."""
        if not self._scores():
            return 0, 0
        values = self.result["head_score"].transpose("score", "layer", "head").values[0]
        if not np.isfinite(values).any():
            return 0, 0
        layer, head = np.unravel_index(int(np.nanargmax(values)), values.shape)
        return int(layer), int(head)

    def _first_query(self, i: int) -> int:
        """The first word of the first linked phrase, else the first word, else position 0."""
        one = self._one(i)
        linked = one["in_phrase"].values[one["link"].values.any(axis=1)]
        plain = (one["modality"].values == 0) & ~one["special"].values.astype(bool)
        for found in (*linked, plain):
            if found.any():
                return int(np.flatnonzero(found)[0])
        return 0

    def _known(self, name: str, value: Any) -> int:
        return integer(name, value, low=0, high=self.result.sizes[name] - 1)

    def _position(self, value: Any, example: int) -> int:
        last = int(self._positions[example]) - 1
        if last < 0:
            refuse("query", "be a position of the example", value, "This example has none.")
        return integer("query", value, low=0, high=last)

    @traitlets.validate("example", "layer", "head")
    def _known_place(self, proposal: Any) -> Any:
        return self._known(proposal["trait"].name, proposal["value"])

    @traitlets.validate("query")
    def _known_position(self, proposal: Any) -> Any:
        return self._position(proposal["value"], self.example)

    @traitlets.validate("direction")
    def _known_direction(self, proposal: Any) -> Any:
        return one_of("direction", proposal["value"], DIRECTIONS)

    @traitlets.validate("score")
    def _known_score(self, proposal: Any) -> Any:
        return one_of("score", proposal["value"], ("", *self._scores()))

    @traitlets.observe("example")
    def _fitting_query(self, _change: Any) -> None:
        # Another example may be shorter than the position that was chosen.
        if self.query >= self._positions[self.example]:
            self.query = self._first_query(self.example)


_ORDER = (
    *("example", "layer", "head", "query", "key", "phrase", "region", "position", "y", "x"),
    *("channel", "corner", "side", "side_other"),
)
