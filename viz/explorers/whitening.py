"""The whitening explorer: choose a layer, a transform and k; see what it does to sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import traitlets
import xarray as xr

from probe._check import integer, one_of

from . import _twin
from ._base import Explorer, need
from ._payload import pack, quantise

MADE_BY = "probe.whitening.whitening_effect"
_NEED = {
    "cosine_density": ("layer", "transform", "bin"),
    "average_cosine": ("layer", "transform"),
    "map": ("layer", "transform", "projection", "example", "axis"),
    "trustworthiness": ("layer", "transform", "projection"),
    "neighbour": ("layer", "transform", "example", "neighbour"),
    "neighbour_cosine": ("layer", "transform", "example", "neighbour"),
    "transformed_eigenvalues": ("layer", "transform", "component"),
    "rank": ("layer",),
    "family": ("transform",),
    "k": ("transform",),
    "text": ("example",),
    "label": ("example",),
}
_WORDS = {
    "raw": ("none (raw)", "the embeddings as the model gives them"),
    "centre": ("centring", "subtract the mean"),
    "zscore": ("z-score", "subtract the mean, divide each feature by its deviation"),
    "abtt": ("all but the top", "subtract the mean, remove the D leading directions"),
    "whiten": ("whitening", "uncorrelated directions of equal variance, the first k kept"),
    "shrunk": ("shrunk whitening", "whitening with the Ledoit-Wolf covariance"),
    "naive": ("naive whitening", "the papers' recipe, without regard to the numerical rank"),
}


class WhiteningExplorer(Explorer):
    """Cosines, spectrum, map and neighbours before and after a transform of one layer.

    In a notebook the picture comes from the kernel, for any number of directions; in an exported
    page from the settings that the result holds.

    Parameters
    ----------
    result
        Result of `probe.whitening.whitening_effect`.
    layer, transform, k, projection, selected
        The first view: a layer's label; a family such as ``"whiten"``; directions kept (removed,
        for ``"abtt"``), 0 for all; a map's name; the position of a sentence, -1 for none. They
        can be read and set later, and follow what the user does.

    Raises
    ------
    ValueError
        If the result lacks a variable, or a setting is not among its settings.

    Examples
    --------
    >>> from probe.whitening import whitening_effect
    >>> rows = np.random.default_rng(0).normal(size=(30, 5)) + 2
    >>> view = WhiteningExplorer(whitening_effect(rows, transforms=["raw", "whiten-2", "whiten"]))
    >>> view.k = 2
    >>> view.spec
    'whiten-2'
    """

    views: ClassVar = ("whitening_neighbours.js", "whitening.js")
    state_names: ClassVar = ("layer", "transform", "k", "projection", "selected")
    title: ClassVar = "Whitening explorer"
    height: ClassVar = 1040
    _esm = _twin.script(views, "_live.js")

    layer = traitlets.Any().tag(sync=True)
    transform = traitlets.Unicode().tag(sync=True)
    k = traitlets.Int(0).tag(sync=True)
    projection = traitlets.Unicode().tag(sync=True)
    selected = traitlets.Int(-1).tag(sync=True)

    def __init__(
        self,
        result: xr.Dataset,
        *,
        layer: Any = None,
        transform: str | None = None,
        k: int = 0,
        projection: str | None = None,
        selected: int = -1,
    ) -> None:
        need(result, _NEED, made_by=MADE_BY)
        self.result = result
        one_of("transform 'raw'", "raw", result.transform.values.tolist())
        families = self._families()
        chosen = "whiten" if "whiten" in families else list(families)[-1]
        layers = result.layer.values.tolist()
        self._cache: dict[tuple[Any, str, str], dict[str, Any]] = {}
        super().__init__(
            result,
            layer=layers[len(layers) // 2] if layer is None else layer,
            transform=transform or chosen,
            k=k,
            projection=projection or result.projection.values.tolist()[0],
            selected=selected,
        )

    @property
    def spec(self) -> str:
        """The chosen transform as `probe.whitening.make_transform` names it."""
        takes_k = self._families()[self.transform]["ks"] is not None
        return f"{self.transform}-{self.k}" if self.k and takes_k else self.transform

    def payload(self, *, whole: bool) -> dict[str, Any]:
        """What the view draws; with `whole` every setting of the result, else what opens it."""
        result = self.result
        layers = result.layer.values.tolist()
        specs = result.transform.values.tolist() if whole else ["raw"]
        slices = {
            f"{i}|{spec}": self._grid_slice(layer, spec)
            for i, layer in enumerate(layers)
            for spec in specs
        }
        if not whole and self.spec in result.transform.values:
            at = layers.index(self.layer)
            slices[f"{at}|{self.spec}"] = self._grid_slice(self.layer, self.spec)
        labels, codes = label_codes(result.label.values)
        return {
            "title": self.title,
            "layers": layers,
            "ranks": [int(rank) for rank in result["rank"].values],
            "families": list(self._families().values()),
            "projections": result.projection.values.tolist(),
            "grid": pack(result.bin.values, "f32"),
            "texts": [str(text) for text in result.text.values],
            "labels": labels,
            "codes": pack(codes, "u16"),
            "n_neighbours": result.sizes["neighbour"],
            "slices": slices,
        }

    def answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """One slice: `{layer: position, transform: spec, projection}`; computed once each."""
        from probe.whitening import effect_of

        layers = self.result.layer.values.tolist()
        at = integer("layer", question["layer"], low=0, high=len(layers) - 1)
        layer, spec, projection = layers[at], question["transform"], question["projection"]
        key = (layer, spec, projection)
        if key not in self._cache:
            if spec in self.result.transform.values:
                found = self.result.sel(layer=layer, transform=spec)
            else:
                found = effect_of(self.result, layer, spec, projections=[projection])
            self._cache[key] = self._packed(found, layer)
        return self._cache[key]

    def _grid_slice(self, layer: Any, spec: str) -> dict[str, Any]:
        return self._packed(self.result.sel(layer=layer, transform=spec), layer)

    def _packed(self, found: xr.Dataset, layer: Any) -> dict[str, Any]:
        """One slice as the view takes it."""
        raw = self.result.sel(layer=layer, transform="raw")
        spectrum = found["transformed_eigenvalues"].values
        share = spectrum / spectrum.sum()
        # Below this a share is rounding error: such directions are drawn as absent.
        seen = share > np.finfo(np.float32).eps ** 2
        return {
            "average": round(float(found.average_cosine), 5),
            "cosines": quantise(found.cosine_density.values),
            "spectrum": quantise(np.log10(share, where=seen, out=np.full(share.shape, np.nan))),
            "maps": {
                name: _map(found.sel(projection=name), raw.sel(projection=name)["map"].values)
                for name in found.projection.values.tolist()
            },
            "neighbours": pack(found.neighbour.values, "u16"),
            "neighbour_cosines": quantise(found.neighbour_cosine.values, "u8"),
        }

    def _families(self) -> dict[str, dict[str, Any]]:
        """The families of the result's transforms, with the k that an exported page can show."""
        found: dict[str, dict[str, Any]] = {}
        for family, k in zip(self.result.family.values, self.result.k.values, strict=True):
            name = str(family)
            text, hint = _words(name)
            entry = found.setdefault(name, {"name": name, "text": text, "hint": hint, "ks": []})
            entry["ks"].append(max(0, int(k)))
        for name, entry in found.items():
            # Rising, and all directions (0) at the end, where the largest k belongs.
            entry["ks"] = sorted(entry["ks"], key=lambda k: (k == 0, k))
            entry |= {"removes": name == "abtt", "full": _is_spec(name)}
            if not _is_spec(f"{name}-1"):
                entry["ks"] = None
        return found

    @traitlets.validate("layer")
    def _known_layer(self, proposal: Any) -> Any:
        return one_of("layer", proposal["value"], self.result.layer.values.tolist())

    @traitlets.validate("transform")
    def _known_transform(self, proposal: Any) -> Any:
        return one_of("transform", proposal["value"], list(self._families()))

    @traitlets.validate("projection")
    def _known_projection(self, proposal: Any) -> Any:
        return one_of("projection", proposal["value"], self.result.projection.values.tolist())

    @traitlets.validate("k")
    def _possible_k(self, proposal: Any) -> Any:
        return integer("k", proposal["value"], low=0, high=self.result.sizes["component"])

    @traitlets.validate("selected")
    def _known_example(self, proposal: Any) -> Any:
        high = self.result.sizes["example"] - 1
        return integer("selected", proposal["value"], low=-1, high=high)


def label_codes(labels: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Names of the labels, most frequent first, and each example's position among them."""
    counts = Counter(map(str, labels))
    if set(counts) <= {""}:
        return [], np.zeros(len(labels), dtype=int)
    ranked = sorted(counts, key=lambda name: (-counts[name], name))
    at = {name: i for i, name in enumerate(ranked)}
    return [name or "no label" for name in ranked], np.array([at[str(label)] for label in labels])


def _map(found: xr.Dataset, raw: np.ndarray) -> dict[str, Any]:
    """One map around 0. Axes have no direction of their own: each is turned to agree with raw."""
    points = np.asarray(found["map"].values, dtype=np.float64)
    centred = points - points.mean(0)
    turned = centred * np.where((centred * raw).sum(0) < 0, -1, 1)
    turned = turned - (turned.max(0) + turned.min(0)) / 2
    span = turned.max(0) - turned.min(0)
    largest = float(span.max()) or 1.0
    return {
        "points": quantise(turned / largest),
        "span": [round(max(float(each) / largest, 1e-3), 4) for each in span],
        "trustworthiness": round(float(found.trustworthiness), 4),
    }


def _words(family: str) -> tuple[str, str]:
    if family.startswith("power-"):
        power = family.removeprefix("power-")
        return f"partial whitening, power {power}", f"divide by variance to the {power} / 2"
    return _WORDS.get(family, (family, ""))


def _is_spec(text: str) -> bool:
    from probe.whitening import transform_family

    try:
        transform_family(text)
    except ValueError:
        return False
    return True
