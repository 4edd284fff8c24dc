"""ISD of matched pairs beside captions that are false of the image."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping

import numpy as np
import xarray as xr

from data.records import Attended

from .._check import one_of, refuse, refuse_type
from .._provenance import provenance
from ..whitening._describe import describe
from ._permuted import ROUNDING
from ._wording import WORDING
from .measuring import PAPER, isd

MATCHED = "matched"
_SHARED = ("isd", "isd_interval", "n_pairs", "n_skipped")


def contrast(
    matched: Attended | Iterable[Attended],
    others: Mapping[str, Attended | Iterable[Attended]],
    *,
    links: str = "annotation",
    renormalise: str = "sum",
    reduce: str = "sum",
    diagonal: bool = True,
    sample: int = 1000,
    n_boot: int = 200,
    level: float = 0.95,
    seed: int = 0,
) -> xr.Dataset:
    """ISD of matched pairs and of others, and how well it tells them apart (AUC).

    Parameters
    ----------
    matched
        As the stream of `isd`.
    others
        Streams by name: captions of other images, captions with one thing made false. A pair
        without any link has phrase k as an object with region k, both in an order drawn from the
        example's key, as far as the shorter list goes.
    links
        ``"annotation"``, or ``"attention"`` for every kind.
    renormalise, reduce, diagonal, sample, n_boot, level, seed
        As in `isd`.

    Returns
    -------
    xarray.Dataset
        Over ``kind`` ("matched", then the others) and ``layer``, of the attention averaged over
        heads: ``isd`` and its interval; ``auc``, the probability that of a matched pair and one of
        that kind the matched one has the smaller ISD, chance 0.5, and ``auc_gap``, that it has the
        larger gap to its own permuted links; intervals; NaN for "matched". ``pair_isd,
        pair_permuted (kind, example, layer)``, ``pair_objects (kind, example)``: the sampled
        pairs, NaN and 0 where a kind has fewer. ``n_pairs, n_skipped (kind)``.

    Raises
    ------
    TypeError
        If `others` is no mapping, or a stream holds something else than `Attended`.
    ValueError
        If there is no other kind, one is called "matched", layers differ, or as in `isd`.

    Notes
    -----
    ISD grows with the number of objects, so that only pairs with equally many are compared: AUC is
    the share of such comparisons that the matched pair wins, over the sampled pairs (NaN where
    there is none). ``isd`` itself is not so matched. Phrases of a caption without links are not
    those that annotation would take (a pronoun is an object of its own), and objects of other
    lengths have another ISD whatever the model: ``auc`` may leave 0.5 for random weights, while
    ``auc_gap``, in which each pair is measured against itself, does not for that reason.

    Examples
    --------
    >>> from data.records import Attended
    >>> def batch(visual):
    ...     rows = np.zeros((4, 1, 1, 6, 6))
    ...     rows[..., :3, :3], rows[..., 3:, 3:] = np.eye(3) + 1, visual
    ...     each = np.eye(6)[None].repeat(4, axis=0)
    ...     return Attended(
    ...         attentions=rows,
    ...         present=np.ones((1, 2, 2), bool),
    ...         modality=np.tile([0, 0, 0, 1, 1, 1], (4, 1)),
    ...         special=np.zeros((4, 6), bool),
    ...         boxes=np.full((4, 6, 4), np.nan),
    ...         pool=np.full(4, -1),
    ...         phrases=each[:, :3] > 0,
    ...         regions=each[:, 3:],
    ...         links=np.eye(3, dtype=bool)[None].repeat(4, axis=0),
    ...         attrs={"example": np.arange(4)},
    ...     )
    >>> found = contrast(batch(np.eye(3) + 1), {"other": batch(np.eye(3)[::-1] + 1)})
    >>> found.auc.sel(kind="other").values.tolist()
    [1.0]
    """
    started = time.perf_counter()
    one_of("links", links, ("annotation", "attention"))
    if not isinstance(others, Mapping):
        refuse_type("others", "be streams by name", others, "Such as {'mismatched': stream}.")
    if not others or MATCHED in others:
        refuse("others", f"name at least one kind that is not {MATCHED!r}", list(others))
    measured = {
        kind: isd(
            stream,
            links="order" if links == "annotation" and kind != MATCHED else links,
            renormalise=renormalise,
            reduce=reduce,
            diagonal=diagonal,
            n_permutations=0,
            sample=sample,
            n_boot=n_boot,
            level=level,
            seed=seed,
        )
        for kind, stream in {MATCHED: matched, **others}.items()
    }
    first = measured[MATCHED]
    for kind, each in measured.items():
        if each.sizes["layer"] != first.sizes["layer"]:
            got = f"{first.sizes['layer']} and {each.sizes['layer']} of {kind!r}"
            refuse("others", "have as many layers as the matched pairs", got)
    found = xr.Dataset(
        {
            name: (
                ("kind", *first[name].dims),
                np.stack([each[name] for each in measured.values()]),
            )
            for name in _SHARED
        },
        coords={"kind": list(measured), "layer": first["layer"], "bound": first["bound"]},
    )
    found = found.assign(_sampled(list(measured.values())))
    none = np.full((first.sizes["layer"], 3), np.nan)
    for name, score in (("auc", _isd), ("auc_gap", _ratio)):
        of = [_auc(first, each, score, n_boot, level, seed) for each in [*measured.values()][1:]]
        auc = np.stack([none, *of])
        found[name] = ("kind", "layer"), auc[..., 0]
        found[f"{name}_interval"] = ("kind", "layer", "bound"), auc[..., 1:]
    parameters = json.loads(first.attrs["parameters"])
    del parameters["n_permutations"]
    hashes = "".join(str(each.attrs["data_hash"]) for each in measured.values())
    found.attrs = provenance(
        "isd.contrast",
        paper=PAPER,
        parameters=parameters,
        data=hashes,
        seed=seed,
        started=started,
    )
    found.attrs |= {key: first.attrs[key] for key in ("model", "derived", "notes")}
    return describe(found, WORDING)


def _sampled(measured: list[xr.Dataset]) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """Pairs of each kind side by side, padded to the most."""
    most = max(each.sizes["example"] for each in measured)
    layers = measured[0].sizes["layer"]
    dims = ("kind", "example", "layer")
    found = {
        "pair_isd": (dims, np.full((len(measured), most, layers), np.nan)),
        "pair_permuted": (dims, np.full((len(measured), most, layers), np.nan)),
        "pair_objects": (dims[:2], np.zeros((len(measured), most), np.int64)),
    }
    for name, (_, values) in found.items():
        for k, each in enumerate(measured):
            values[k, : each.sizes["example"]] = each[name].values
    return found


def _isd(measured: xr.Dataset) -> np.ndarray:
    return measured["pair_isd"].values


def _ratio(measured: xr.Dataset) -> np.ndarray:
    """1 - gap of each pair; 1 where permuting changes nothing."""
    permuted = measured["pair_permuted"].values
    values = _isd(measured)
    varies = permuted > ROUNDING
    even = np.where(np.isnan(permuted), np.nan, 1.0)
    return np.divide(values, permuted, out=even, where=varies)


def _auc(
    matched: xr.Dataset,
    other: xr.Dataset,
    score: Callable[[xr.Dataset], np.ndarray],
    n_boot: int,
    level: float,
    seed: int,
) -> np.ndarray:
    """(layer, 3): AUC and the ends of its percentile interval, pairs of both kinds resampled."""
    rng = np.random.default_rng(seed)
    weights = []
    for each in (matched, other):
        n = each.sizes["example"]
        drawn = rng.multinomial(n, np.full(n, 1 / n), size=n_boot)
        weights.append(np.concatenate([np.ones((1, n)), drawn]))
    counts = matched["pair_objects"].values, other["pair_objects"].values
    found = np.empty((matched.sizes["layer"], 3))
    scores = score(matched), score(other)
    for layer in range(len(found)):
        values = [each[:, layer] for each in scores]
        won = compared = np.zeros(n_boot + 1)
        for k in np.intersect1d(*counts):
            here = [c == k for c in counts]
            parts = [v[h] for v, h in zip(values, here, strict=True)]
            if np.isnan(parts[0]).any() or np.isnan(parts[1]).any():
                continue
            each = [w[:, h] for w, h in zip(weights, here, strict=True)]
            won = won + _won(*parts, *each)
            compared = compared + each[0].sum(1) * each[1].sum(1)
        share = np.divide(won, compared, out=np.full(n_boot + 1, np.nan), where=compared > 0)
        found[layer, 0] = share[0]
        tail = (1 - level) / 2
        some = share[1:][~np.isnan(share[1:])]
        bounds = np.quantile(some, [tail, 1 - tail]) if len(some) else [np.nan] * 2
        found[layer, 1:] = np.minimum(bounds[0], share[0]), np.maximum(bounds[1], share[0])
    return found


def _won(
    matched: np.ndarray, other: np.ndarray, weight: np.ndarray, other_weight: np.ndarray
) -> np.ndarray:
    """(resample,) weighted comparisons in which the matched one is smaller; half of the ties."""
    order = np.argsort(other, kind="stable")
    sums = np.concatenate(
        [np.zeros((len(other_weight), 1)), other_weight[:, order].cumsum(axis=1)], axis=1
    )
    below = sums[:, np.searchsorted(other[order], matched, side="left")]
    upto = sums[:, np.searchsorted(other[order], matched, side="right")]
    larger = sums[:, -1:] - (below + upto) / 2
    return (weight * larger).sum(axis=1)
