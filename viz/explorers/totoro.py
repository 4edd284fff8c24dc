"""The Totoro explorer: a graph, its labelled nodes, and how much their influences conflict."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import traitlets
import xarray as xr

from probe._check import integer, number, one_of, refuse, refuse_type

from . import _twin
from ._base import Explorer, need
from ._totoro_payload import packed_graph, packed_setting, plan

MADE_BY = "probe.totoro.conflict_map"
COLOURINGS = ("class", "conflict", "exposure")
_GRID = ("alpha", "per_class", "seed")
_NEED = {
    "edge": ("edge", "end"),
    "label_of": ("node",),
    "degree": ("node",),
    "component": ("node",),
    "train": ("per_class", "seed", "node"),
    "exposure": (*_GRID, "node", "label"),
    "conflict_rank": (*_GRID, "node"),
}
_LOWEST_ALPHA, _HIGHEST_ALPHA = 0.01, 0.99
_LARGEST_WEIGHT = 5.0


class TotoroExplorer(Explorer):
    """A graph coloured by class, its labelled nodes sized by ReNode weight and ringed by conflict.

    In a notebook alpha, labels per class and seed can take any value, and labels can be added and
    removed by hand: the kernel measures again. An exported page moves within the settings that
    the result holds; its weights follow `w_min` and `w_max` all the same.

    Parameters
    ----------
    result
        Result of `probe.totoro.conflict_map`; a variable ``position(node, axis)`` in it is used
        as the layout, else `viz.totoro.graph_layout` makes one.
    alpha, per_class, seed
        The first setting: restart probability, labels per class, and the split's seed.
    w_min, w_max
        Smallest and largest ReNode weight, in [0, 1] and [1, 5].
    selected
        A node, -1 for none.
    toggled
        Nodes whose membership of the training set is turned round, on top of the split.
    colouring
        What colours mean: ``"class"``; ``"conflict"``, the T of a labelled node and the T that
        another node would have with its label; or ``"exposure"``, the class whose labels reach
        a node most. All of these can be read and set later, and follow what the user does.

    Raises
    ------
    ValueError
        If the result lacks a variable, or a setting is not possible.

    Examples
    --------
    >>> from probe.totoro import conflict_map
    >>> ring = np.arange(12)
    >>> edges = np.stack([np.r_[ring, (ring + 1) % 12], np.r_[(ring + 1) % 12, ring]])
    >>> found = conflict_map(edges, ring // 6, per_class=(2, 3), alphas=(0.15, 0.5), seeds=(0,))
    >>> circle = np.stack([np.cos(ring * np.pi / 6), np.sin(ring * np.pi / 6)], axis=1)
    >>> view = TotoroExplorer(found.assign(position=(("node", "axis"), circle)))
    >>> view.toggled = [4, 1]
    >>> view.alpha, view.per_class, view.toggled
    (0.15, 3, [1, 4])
    """

    views: ClassVar = (
        *("_network_parts.js", "_hands.js", "_network.js"),
        *("totoro_data.js", "totoro_panels.js", "totoro.js"),
    )
    state_names: ClassVar = (*_GRID, "w_min", "w_max", "selected", "toggled", "colouring")
    title: ClassVar = "Topology imbalance explorer"
    height: ClassVar = 1180
    _esm = _twin.script(views, "_live.js")

    alpha = traitlets.Float().tag(sync=True)
    per_class = traitlets.Int().tag(sync=True)
    seed = traitlets.Int().tag(sync=True)
    w_min = traitlets.Float(0.5).tag(sync=True)
    w_max = traitlets.Float(1.5).tag(sync=True)
    selected = traitlets.Int(-1).tag(sync=True)
    toggled = traitlets.List(traitlets.Int()).tag(sync=True)
    colouring = traitlets.Unicode("class").tag(sync=True)

    def __init__(
        self,
        result: xr.Dataset,
        *,
        alpha: float | None = None,
        per_class: int | None = None,
        seed: int | None = None,
        w_min: float = 0.5,
        w_max: float = 1.5,
        selected: int = -1,
        toggled: list[int] | tuple[int, ...] = (),
        colouring: str = "class",
    ) -> None:
        need(result, _NEED, made_by=MADE_BY)
        self.result = result
        self._position: np.ndarray | None = None
        self._splits: dict[tuple[int, int], np.ndarray] = {}
        alphas, sizes, seeds = (result[dim].values.tolist() for dim in _GRID)
        super().__init__(
            result,
            alpha=_or_first(alpha, alphas, 0.15),
            per_class=_or_first(per_class, sizes, 20),
            seed=_or_first(seed, seeds, seeds[0]),
            w_min=w_min,
            w_max=w_max,
            selected=selected,
            toggled=list(toggled),
            colouring=colouring,
        )

    def payload(self, *, whole: bool) -> dict[str, Any]:
        """What the view draws; with `whole` every setting of the result, else what opens it."""
        result = self.result
        grid = [result[dim].values.tolist() for dim in _GRID]
        carried = self._carried(grid) if whole else {}
        settings = {
            "|".join(map(str, at)): packed_setting(self._setting(*self._at(grid, at)), kind)
            for at, kind in carried.items()
        }
        return {
            "title": self.title,
            "name": str(result.attrs.get("graph", "")),
            "alphas": grid[0],
            "per_classes": grid[1],
            "seeds": grid[2],
            "settings": settings,
            "opening": None if whole else self.answer(self._question()),
            "live": {"alphas": _alphas(grid[0]), "per_class": self._most_per_class()},
            "directed": bool(result.attrs.get("directed", False)),
            "coarse": "u8" in carried.values(),
            "left_out": sum(kind is None for kind in carried.values()),
            **packed_graph(result, self._layout()),
        }

    def answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """One setting: `{alpha, per_class, seed, toggled}`, `toggled` a list of nodes."""
        toggled = self._nodes(question["toggled"])
        setting = self._setting(
            self._possible("alpha", question["alpha"]),
            self._possible("per_class", question["per_class"]),
            self._possible("seed", question["seed"]),
            toggled,
        )
        return packed_setting(setting)

    def _setting(
        self, alpha: float, per_class: int, seed: int, toggled: list[int] | tuple[int, ...] = ()
    ) -> xr.Dataset:
        from probe.totoro import setting_of

        split = (per_class, seed)
        if not toggled or split not in self._splits:
            found = setting_of(self.result, alpha=alpha, per_class=per_class, seed=seed)
            if not toggled:
                return found
            self._splits[split] = found["train"].values.astype(bool)
        train = self._splits[split].copy()
        train[list(toggled)] ^= True
        return setting_of(self.result, alpha=alpha, train=train)

    def _question(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in (*_GRID, "toggled")}

    def _carried(self, grid: list[list[Any]]) -> dict[tuple[int, int, int], str | None]:
        now = (self.alpha, self.per_class, self.seed)
        near = [
            int(np.abs(np.asarray(all_, dtype=float) - one).argmin())
            for all_, one in zip(grid, now, strict=True)
        ]
        return plan(self.result, (near[0], near[1], near[2]))

    @staticmethod
    def _at(grid: list[list[Any]], at: tuple[int, int, int]) -> tuple[float, int, int]:
        return grid[0][at[0]], grid[1][at[1]], grid[2][at[2]]

    def _layout(self) -> np.ndarray:
        """(node, 2); made once."""
        if self._position is None:
            if "position" in self.result:
                found = self.result["position"].transpose("node", "axis").values
            else:
                edges = self.result["edge"].transpose("end", "edge").values.astype(np.int64)
                found = _laid_out(edges.tobytes(), self.result.sizes["node"])
            self._position = np.asarray(found, dtype=np.float64)[:, :2]
        return self._position

    def _most_per_class(self) -> int:
        """The largest number of labels that every class can give."""
        known = self.result["label_of"].values
        counts = np.bincount(known[known >= 0])
        held = int(self.result["per_class"].max())
        return max(held, int(counts[counts > 0].min()))

    def _possible(self, name: str, value: Any) -> Any:
        """One of the three settings of a split: what the result holds, or what can be measured."""
        if name == "alpha":
            value = number("alpha", value)
            if value in self.result["alpha"].values:
                return value
            return number("alpha", value, low=_LOWEST_ALPHA, high=_HIGHEST_ALPHA)
        if name == "per_class":
            return integer("per_class", value, low=1, high=self._most_per_class())
        return integer("seed", value, low=0)

    def _nodes(self, nodes: Any) -> list[int]:
        """Nodes that can carry a label, rising, each once."""
        last = self.result.sizes["node"] - 1
        if not isinstance(nodes, list | tuple):
            refuse_type("toggled", "be a list of nodes", nodes)
        found = sorted({integer("toggled", node, low=0, high=last) for node in nodes})
        for node in found:
            if self.result["label_of"].values[node] < 0:
                refuse("toggled", "hold nodes whose class is known", f"node {node} of no class")
        return found

    @traitlets.validate("alpha", "per_class", "seed")
    def _possible_setting(self, proposal: Any) -> Any:
        return self._possible(proposal["trait"].name, proposal["value"])

    @traitlets.validate("w_min")
    def _possible_smallest(self, proposal: Any) -> Any:
        return number("w_min", proposal["value"], low=0.0, high=1.0)

    @traitlets.validate("w_max")
    def _possible_largest(self, proposal: Any) -> Any:
        return number("w_max", proposal["value"], low=1.0, high=_LARGEST_WEIGHT)

    @traitlets.validate("selected")
    def _known_node(self, proposal: Any) -> Any:
        high = self.result.sizes["node"] - 1
        return integer("selected", proposal["value"], low=-1, high=high)

    @traitlets.validate("toggled")
    def _known_nodes(self, proposal: Any) -> Any:
        return self._nodes(proposal["value"])

    @traitlets.validate("colouring")
    def _known_colouring(self, proposal: Any) -> Any:
        return one_of("colouring", proposal["value"], COLOURINGS)


@lru_cache(maxsize=4)
def _laid_out(edges: bytes, n: int) -> np.ndarray:
    """The layout of a graph, kept: it takes seconds, and the same graph is often shown again."""
    from viz.totoro import graph_layout

    return graph_layout(np.frombuffer(edges, dtype=np.int64).reshape(2, -1), n)


def _or_first(given: Any, held: list[Any], usual: Any) -> Any:
    """What was asked for, else the usual value where the result holds it, else its middle one."""
    if given is not None:
        return given
    return usual if usual in held else held[len(held) // 2]


def _alphas(held: list[float]) -> list[float]:
    """Stops of a live slider: even steps of log(alpha / (1 - alpha)), and the result's own."""
    ends = [np.log(alpha / (1 - alpha)) for alpha in (_LOWEST_ALPHA, _HIGHEST_ALPHA)]
    steps = 1 / (1 + np.exp(-np.linspace(ends[0], ends[1], 61)))
    rounded = {round(float(step), 3 if min(step, 1 - step) < 0.1 else 2) for step in steps}
    return sorted(rounded | {float(alpha) for alpha in held})
