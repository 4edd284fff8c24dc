"""What one head attends to from a word, a phrase or a place of one example, as numbers."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from probe._check import integer, one_of, refuse, refuse_type

SIDES = ("text", "image")


class Look(NamedTuple):
    """One head's attention from one thing asked of.

    `weights` (position,): the mean over what was asked of, NaN at positions whose block the layer
    does not have; `asked` (position,) bool; `linked` (position,) and (region,) bool: what belongs
    to it by annotation; `name`: what is asked of, for people.
    """

    weights: np.ndarray
    asked: np.ndarray
    linked: np.ndarray
    regions: np.ndarray
    name: str


def best_head(ds: xr.Dataset) -> tuple[Any, Any]:
    """Labels of the head that the first score of a result ranks highest; else of the first."""
    layer, head = 0, 0
    if "head_score" in ds and ds.sizes["score"]:
        values = ds["head_score"].transpose("score", "layer", "head").values[0]
        if np.isfinite(values).any():
            layer, head = np.unravel_index(int(np.nanargmax(values)), values.shape)
    return ds["layer"].values[layer].item(), ds["head"].values[head].item()


def look_of(one: xr.Dataset, query: Any) -> Look:
    """What a head attends to, of an example at one layer and head.

    Parameters
    ----------
    one
        A result of `probe.value.attention_examples` at one example, layer and head, whose
        positions are its own, without padding.
    query
        A position; words of the caption, or a mark such as ``"[CLS]"``; None for the first phrase
        that is linked to a region, else the first word.

    Raises
    ------
    TypeError
        If `query` is something else.
    ValueError
        If it is not there, or several times.
    """
    asked = _asked(one, query)
    side = int(one["modality"].values[np.flatnonzero(asked)[0]])
    able = one["present"].transpose("side", "side_other").values[side].astype(bool)
    weights = one["attention"].transpose("query", "key").values[asked].astype(float).mean(axis=0)
    weights = np.where(able[one["modality"].values], weights, np.nan)
    phrases = one["in_phrase"].transpose("phrase", "position").values
    inside = one["in_region"].transpose("region", "position").values > 0.5
    link = one["link"].transpose("phrase", "region").values
    own, shown = (phrases & asked).any(axis=1), (inside & asked).any(axis=1)
    regions = link[own].any(axis=0) if side == 0 else shown
    named = own if side == 0 else link[:, shown].any(axis=1)
    linked = inside[regions].any(axis=0) if side == 0 else phrases[named].any(axis=0)
    own_name = _called(one, asked, side)
    return Look(weights, asked, np.asarray(linked), np.asarray(regions), own_name)


def shares(one: xr.Dataset, look: Look) -> list[tuple[str, float]]:
    """How much of its attention lies on text, image and special marks; NaN where not applicable."""
    modality, special = one["modality"].values, one["special"].values.astype(bool)
    found = []
    for code, name in enumerate(SIDES):
        here = look.weights[(modality == code) & ~special]
        found.append((name, float(np.nansum(here)) if np.isfinite(here).any() else np.nan))
    return [*found, ("marks", float(np.nansum(look.weights[special])))]


def mass_of_regions(one: xr.Dataset, look: Look) -> dict[int, float]:
    """Attention on each region that has positions, highest first; none where not applicable."""
    inside = one["in_region"].transpose("region", "position").values.astype(float)
    known = np.isfinite(look.weights)
    held = {
        r: float(row[known] @ look.weights[known])
        for r, row in enumerate(inside)
        if row.any() and known[row > 0].all()
    }
    return dict(sorted(held.items(), key=lambda item: -item[1]))


def _asked(one: xr.Dataset, query: Any) -> np.ndarray:
    """(position,) bool."""
    tokens = [str(token) for token in one["token"].values]
    phrases = one["in_phrase"].transpose("phrase", "position").values
    if query is None:
        linked = phrases[one["link"].transpose("phrase", "region").values.any(axis=1)]
        linked = [row for row in linked if row.any()]
        plain = (one["modality"].values == 0) & ~one["special"].values.astype(bool)
        return linked[0] if linked else _only(int(np.argmax(plain)), len(tokens))
    if not isinstance(query, str):
        if isinstance(query, bool) or not isinstance(query, int | np.integer):
            refuse_type("query", "be a position, words of the caption, or None", query)
        return _only(integer("query", query, low=0, high=len(tokens) - 1), len(tokens))
    words = query.split()
    wanted = " ".join(words).lower()
    found = [np.flatnonzero(row) for row in phrases]
    found = [at for at in found if " ".join(tokens[j] for j in at).lower() == wanted]
    if not found:
        runs = range(len(tokens) - len(words) + 1)
        same = [" ".join(tokens[k : k + len(words)]).lower() == wanted for k in runs]
        found = [np.arange(k, k + len(words)) for k, is_so in zip(runs, same, strict=True) if is_so]
    if not found or not words:
        refuse("query", "be words of the caption that stand together", repr(query))
    if len(found) > 1:
        at = ", ".join(str(int(each[0])) for each in found)
        refuse("query", "be there once", f"{query!r} at {at}", "Give one of these positions.")
    return np.isin(np.arange(len(tokens)), found[0])


def _only(position: int, n: int) -> np.ndarray:
    return np.arange(n) == position


def _called(one: xr.Dataset, asked: np.ndarray, side: int) -> str:
    at = np.flatnonzero(asked)
    if side == 0:
        words = " ".join(str(one["token"].values[j]) for j in at)
        return (
            words
            if words.startswith("[")
            else f"\N{LEFT DOUBLE QUOTATION MARK}{words}\N{RIGHT DOUBLE QUOTATION MARK}"
        )
    token = str(one["token"].values[at[0]])
    if token and not token.startswith("["):
        return token
    x0, y0, x1, y1 = (float(v) for v in one["boxes"].values[at[0]])
    if not np.isfinite([x0, y0, x1, y1]).all():
        return f"position {at[0]}"
    return f"the place at {50 * (x0 + x1):.0f} % across, {50 * (y0 + y1):.0f} % down"


def one_example(ds: xr.Dataset, example: Any, layer: Any, head: Any) -> tuple[xr.Dataset, str]:
    """An example at a layer and head, without its padding; and how that is called.

    Raises
    ------
    TypeError
        If `example` is no whole number.
    ValueError
        If there is no such example, layer or head.
    """
    one = ds.isel(example=integer("example", example, low=0, high=ds.sizes["example"] - 1))
    best = best_head(ds)
    at = {
        name: one_of(name, first if given is None else given, ds[name].values.tolist())
        for name, given, first in (("layer", layer, best[0]), ("head", head, best[1]))
    }
    kept = np.flatnonzero(one["modality"].values >= 0)
    one = one.sel(at).isel(position=kept, query=kept, key=kept)
    return one, f"Example {example}, layer {at['layer']}, head {at['head']}."
