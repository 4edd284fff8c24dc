"""Heads that stand out: p-values corrected for how many heads there are, and the held-out best."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from ..statistics import correct


class Held(NamedTuple):
    """The best head on one half and its score on the other, each (...); interval (..., 2)."""

    layer: np.ndarray
    head: np.ndarray
    score: np.ndarray
    interval: np.ndarray
    null: np.ndarray
    p: np.ndarray


def normal_p(excess: np.ndarray, variance: np.ndarray, *, step: float = 1.0) -> np.ndarray:
    """One-sided p of a sum's excess over its expectation, given its exact variance under the null.

    Central limit over examples. `step` is the distance of the values that the sum can take; half
    of it is taken off (correction for continuity), which errs on the safe side. 1 where nothing
    could vary.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (excess - step / 2) / np.sqrt(variance)
    return np.where(variance > 1e-12, stats.norm.sf(z), 1.0)


def sign_p(total: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """One-sided p of a sum of independent deviations, each of either sign alike under the null.

    P(sum >= z sqrt(squares)) <= c P(Z >= z) with c = 1 / (4 P(Z >= sqrt 2)) for any number of
    deviations (Bentkus & Dzindzalieta 2015, arXiv:1307.3451): a bound, not a limit. Takes no
    model of what happens inside an example. 1 where nothing deviates.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        z = total / np.sqrt(squares)
    bound = np.minimum(1.0, stats.norm.sf(z) / (4 * stats.norm.sf(np.sqrt(2))))
    return np.where(squares > 1e-12, bound, 1.0)


def corrected(p: np.ndarray, measured: np.ndarray, family: int) -> np.ndarray:
    """Holm's p over all heads (and directions) of a family; NaN where nothing was measured.

    Parameters
    ----------
    p, measured
        (..., family): one family along all other axes for each place of the last.
    family
        Size of the last axis.
    """
    found = np.full(p.shape, np.nan)
    for k in range(family):
        here = measured[..., k]
        if here.any():
            found[..., k][here] = correct(p[..., k][here])
    return found


def held_out(
    score: np.ndarray, reported: np.ndarray, interval: np.ndarray, null: np.ndarray, p: np.ndarray
) -> Held:
    """The head with the highest `score` on one half, and what the other half says of it.

    Parameters
    ----------
    score, reported, null, p
        (layer, head, ...): on the half heads are chosen on, and three on the other.
    interval
        (layer, head, ..., 2) of `reported`.

    Returns
    -------
    Held
        -1 for layer and head, NaN for the rest, where there was nothing to choose from.
    """
    layers, heads, *rest = score.shape
    flat = score.reshape(layers * heads, *rest)
    best = np.asarray(np.where(np.isnan(flat), -np.inf, flat).argmax(axis=0))
    none = np.asarray(np.isnan(flat).all(axis=0))

    def at(values: np.ndarray) -> np.ndarray:
        rows = values.reshape(layers * heads, *values.shape[2:])
        index = best.reshape(1, *rest, *(1,) * (rows.ndim - 1 - len(rest)))
        return np.take_along_axis(rows, index, axis=0)[0]

    return Held(
        np.where(none, -1, best // heads),
        np.where(none, -1, best % heads),
        np.where(none, np.nan, at(reported)),
        np.where(none[..., None], np.nan, at(interval)),
        np.where(none, np.nan, at(null)),
        np.where(none, np.nan, at(p)),
    )


def held_variables(held: Held, dims: tuple[str, ...]) -> dict[str, Any]:
    """The variables of a result that report the held-out head, over `dims`."""
    return {
        "chosen_layer": (dims, held.layer),
        "chosen_head": (dims, held.head),
        "held_out": (dims, held.score),
        "held_out_interval": ((*dims, "bound"), held.interval),
        "held_out_null": (dims, held.null),
        "held_out_p": (dims, held.p),
    }


HELD_WORDING = {
    "n_examples": ("examples", "1", "[2, inf)"),
    "p": ("one-sided p-value against the null, for one head", "1", "[0, 1]"),
    "p_corrected": ("p-value corrected for the number of heads (Holm)", "1", "[0, 1]"),
    "called": ("p_corrected at most 1 - level", "", ""),
    "chosen_layer": ("layer of the head that is best on the first half; -1 if none", "1", ""),
    "chosen_head": ("the head that is best on the first half; -1 if none", "1", ""),
    "held_out": ("score of the chosen head on the second half", "1", "[0, 1]"),
    "held_out_interval": ("bootstrap interval of held_out, over examples", "1", "[0, 1]"),
    "held_out_null": ("what the null expects of held_out", "1", "[0, 1]"),
    "held_out_p": ("p-value of held_out: one head, chosen on other examples", "1", "[0, 1]"),
}
