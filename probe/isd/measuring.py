"""Intra-modal self-attention distance: do words relate to each other as what they name does?"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from typing import Any, NamedTuple, final

import numpy as np
import xarray as xr

from data.records import Attended

from .._base import Probe
from .._check import integer, number, one_of, refuse
from ..value._prepared import Prepared, host, prepared, prepared_stream
from ..value._sums import Sums, Values, same_form
from ..whitening._describe import describe
from ..whitening._reservoir import Reservoir, keys_of
from ._objects import LINKS
from ._permuted import p_values, permuted_mean, permuted_sums
from ._related import REDUCE, Form, related
from ._totals import Totals, summed
from ._wording import WORDING
from .distance import RENORMALISE

PAPER = "arXiv:2105.13868"


class State(NamedTuple):
    """Sums over pairs, sums under drawn permutations (half, draw, layer, head + 1), a sample."""

    sums: Sums
    null: np.ndarray
    kept: Reservoir


@final
class Isd(Probe[State]):
    """`isd` over batches: any batching and order of merging give the same.

    Parameters
    ----------
    links, renormalise, reduce, diagonal, n_permutations, sample, n_boot, level, seed
        As in `isd`.
    """

    def __init__(
        self,
        *,
        links: str = "annotation",
        renormalise: str = "sum",
        reduce: str = "sum",
        diagonal: bool = True,
        n_permutations: int = 200,
        sample: int = 1000,
        n_boot: int = 200,
        level: float = 0.95,
        seed: int = 0,
    ) -> None:
        one_of("links", links, LINKS)
        one_of("renormalise", renormalise, RENORMALISE)
        one_of("reduce", reduce, REDUCE)
        self.form = Form(links, renormalise, reduce, bool(diagonal))
        self.n_permutations = integer("n_permutations", n_permutations, low=0)
        self.sample = integer("sample", sample, low=2)
        self.level = number("level", level)
        self.n_boot, self.seed = n_boot, integer("seed", seed, low=0)
        nothing = Values({}, {}, {})
        self._totals = Totals(nothing, self.form, n_boot=n_boot, level=level, seed=seed)
        self._started = time.perf_counter()

    def measure(self, batch: Any) -> State:
        """The state of one batch alone: an `Attended`."""
        ready = prepared(batch)
        pairs = related(ready, self.form)
        totals = Totals(
            summed(pairs, ready, self.form),
            self.form,
            n_boot=self.n_boot,
            level=self.level,
            seed=self.seed,
        )
        sums = totals.measure(ready)
        half, _ = ready.weights(self.n_boot, self.seed)
        null = permuted_sums(pairs, ready.keys, half, self.n_permutations, self.seed)
        return State(sums, null, self._sampled(ready, pairs))

    def _sampled(self, ready: Prepared, pairs: Any) -> Reservoir:
        count = host(pairs.count).astype(np.int64)
        here = count > 0
        used = host(pairs.used)[here, :, -1] > 0
        isd = host(pairs.distance()[..., -1])[here]
        permuted = host(permuted_mean(pairs)[..., -1])[here]
        rows = {
            "isd": np.where(used, isd, np.nan),
            "permuted": np.where(used, permuted, np.nan),
            "objects": count[here],
        }
        return Reservoir(keys_of(ready.keys[here], self.seed), rows).lowest(self.sample)

    def merge(self, a: State, b: State) -> State:
        """The state of the pairs of both.

        Raises
        ------
        ValueError
            If they differ in layers, heads, blocks or the model's name.
        """
        if a.sums.form != b.sums.form:
            same_form(*(json.dumps(_shared(each.sums)) for each in (a, b)))
        sums = self._totals.merge(a.sums, b.sums)
        return State(sums, a.null + b.null, a.kept.merge(b.kept, self.sample))

    def finish(self, state: State) -> xr.Dataset:
        """The result: variables as in `isd`."""
        if state.sums.counts.sum() < 2:
            refuse("stream", "hold at least 2 pairs", int(state.sums.counts.sum()))
        ds = self._totals.finish(state.sums)
        halves = state.sums.read()
        chosen = int(ds["chosen_layer"]), int(ds["chosen_head"])
        sums = halves["isd"][:, 0], halves["count"][:, 0], state.null
        found: dict[str, Any] = p_values(*sums, chosen=chosen, level=self.level)
        rows = state.kept.rows
        found |= {
            "pair_isd": (("example", "layer"), rows["isd"]),
            "pair_permuted": (("example", "layer"), rows["permuted"]),
            "pair_objects": ("example", rows["objects"]),
        }
        ds = ds.assign(found)
        lacking = state.sums.labels()["lacking"]
        attrs = self._totals.provenance(
            "isd",
            state.sums,
            **self.form._asdict(),
            n_permutations=self.n_permutations,
            sample=self.sample,
        )
        needed = "text-text, image-image" + (
            " or text-image" if self.form.links == "attention" else ""
        )
        notes = f"layers {lacking} lack {needed} attention: not applicable" if lacking else ""
        ds.attrs = attrs | {"probe": "isd.isd", "paper": PAPER, "notes": notes}
        return describe(ds, WORDING)

    def pack(self, state: State) -> dict[str, np.ndarray]:
        """The state as numeric arrays."""
        rows = {f"row_{name}": each for name, each in state.kept.rows.items()}
        sums = self._totals.pack(state.sums)
        return sums | rows | {"null": state.null, "row_keys": state.kept.keys}

    def unpack(self, arrays: dict[str, np.ndarray]) -> State:
        """The state that `pack` wrote."""
        rows = {k.removeprefix("row_"): v for k, v in arrays.items() if k.startswith("row_")}
        kept = Reservoir(rows.pop("keys"), rows)
        return State(self._totals.unpack(arrays), arrays["null"], kept)


def _shared(sums: Sums) -> dict[str, Any]:
    """What batches share, but for the shapes that follow from it."""
    return {name: each for name, each in sums.labels().items() if "shapes" not in name}


def isd(
    stream: Attended | Iterable[Attended],
    *,
    links: str = "annotation",
    renormalise: str = "sum",
    reduce: str = "sum",
    diagonal: bool = True,
    n_permutations: int = 200,
    sample: int = 1000,
    n_boot: int = 200,
    level: float = 0.95,
    seed: int = 0,
) -> xr.Dataset:
    """Whether words attend to each other as the regions do that they name (ISD), layer by layer.

    Of each pair the objects are kept that the caption names and the image shows. Attention among
    their words and among their regions is reduced to one number for each two objects (over query
    positions the mean, over key positions the sum), rows are renormalised, and the two matrices
    compared by `relation_distance`: the symmetric matrix KL, in nats, averaged over pairs
    (ISD_a of arXiv:2105.13868).

    Parameters
    ----------
    stream
        One `Attended` with phrases, regions and links, or batches of them.
    links
        ``"annotation"``: an object for each set of regions that phrases name; a plural phrase is
        shown by all its regions, and phrases that name the same regions are one object.
        ``"attention"``: without links, each phrase with the region that it attends to most, head
        by head. ``"order"``: as annotated, and where nothing is, phrase k with region k, both in
        an order drawn from the example's key (for captions of other images).
    renormalise, diagonal
        As in `relation_distance`.
    reduce
        ``"sum"`` over key positions, as in the paper: what a long phrase or a large region gets
        grows with its size, under even attention too. ``"mean"``: as if all were one position.
    n_permutations
        Drawn permutations of each pair's links, for p; at least 19 to call a head at level 0.95,
        0 leaves p out.
    sample
        Pairs whose own ISD is kept, drawn uniformly.
    n_boot, level, seed
        Bootstrap samples over pairs, coverage of the intervals (heads are called at 1 - level),
        and the seed of the bootstrap, the halves, the permutations and the sample.

    Returns
    -------
    xarray.Dataset
        ``isd (layer)`` of the attention averaged over heads, as in the paper, and ``isd_head
        (layer, head)``; ``permuted`` and ``permuted_head``, the exact mean over all permutations
        of the links; ``gap = (permuted - isd) / permuted`` and ``gap_head``, the headline: 0 where
        links do not matter, at most 1; intervals of all of them; ``p`` and ``p_head``, by drawn
        permutations, that ISD is smaller than permuted, ``p_head_corrected`` for the number of
        heads (stepping down over the same permutations) and ``called_head``. ``entropy (layer,
        head, modality)`` of the rows over that of even ones. ``isd_objects, permuted_objects
        (layer, objects)`` and ``n_objects`` by number of objects. ``chosen_layer, chosen_head``,
        the head of the largest gap on one half of the pairs, and ``held_out``, its gap on the
        other half. ``pair_isd, pair_permuted (example, layer)`` and ``pair_objects`` of sampled
        pairs. ``n_pairs, n_skipped`` (too few objects). NaN where a layer lacks the blocks
        (``attrs["notes"]``).

    Raises
    ------
    TypeError
        If the stream holds something else than `Attended`.
    ValueError
        If no pair has 2 objects (3 without the diagonal), there are fewer than 2 pairs, a batch
        has no phrases, regions or links, attention is NaN or negative, batches differ in layers,
        heads or blocks, or an option is unknown.

    Notes
    -----
    Misleads alone: even attention scores 0, and so does a model that was never trained. So the
    gap and its p are what tells, beside entropy and mismatched captions (`contrast`). Links can
    matter without training too, as objects of several words tend to be shown by several regions:
    compare with the same model with random weights. Under ``reduce="mean"`` even attention has
    ISD 0 whatever the sizes. ISD grows with the number of objects, and the diagonal is most of
    it: compare by number of objects and with ``diagonal=False``.

    Deviations from the paper: every layer and head, not the last layer alone; objects as above;
    logarithms of at least 1e-6; null, p-values, intervals and the held-out half are added.

    Examples
    --------
    >>> alike = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.3, 0.3, 0.4]])
    >>> rows = np.zeros((6, 1, 1, 6, 6))
    >>> rows[..., :3, :3] = rows[..., 3:, 3:] = alike / 2
    >>> each = np.eye(6)[None].repeat(6, axis=0)
    >>> batch = Attended(
    ...     attentions=rows,
    ...     present=np.ones((1, 2, 2), bool),
    ...     modality=np.tile([0, 0, 0, 1, 1, 1], (6, 1)),
    ...     special=np.zeros((6, 6), bool),
    ...     boxes=np.full((6, 6, 4), np.nan),
    ...     pool=np.full(6, -1),
    ...     phrases=each[:, :3] > 0,
    ...     regions=each[:, 3:],
    ...     links=np.eye(3, dtype=bool)[None].repeat(6, axis=0),
    ...     attrs={"example": np.arange(6)},
    ... )
    >>> found = isd(batch)
    >>> round(abs(float(found.isd[0])), 6), float(found.gap[0]), bool(found.p[0] < 0.05)
    (0.0, 1.0, True)
    """
    probe = Isd(
        links=links,
        renormalise=renormalise,
        reduce=reduce,
        diagonal=diagonal,
        n_permutations=n_permutations,
        sample=sample,
        n_boot=n_boot,
        level=level,
        seed=seed,
    )
    for batch in prepared_stream(stream):
        probe.update(batch)
    return probe.compute()
