"""What the Totoro explorer draws, packed: one graph, and one setting of labels and alpha."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from ._payload import pack, quantise

# Characters that the exposures of an exported page may take together, and its texts.
BUDGET = 3_600_000
TEXT_BUDGET = 1_200_000
EDGES = 150_000  # more than these are no picture, and slow to draw
# Exposures are packed by their logarithm: smaller shares of the largest one are raised to this.
_FLOOR = {"u8": 1e-6, "u16": 1e-12}


def packed_graph(result: xr.Dataset, position: np.ndarray) -> dict[str, Any]:
    """Nodes where they stand, and edges; of more than `EDGES` edges, an even sample.

    Parameters
    ----------
    result
        Result of `probe.totoro.conflict_map`.
    position
        (node, 2), any unit; both axes are packed on one scale.
    """
    edges = result["edge"].transpose("edge", "end").values.astype(np.int64)
    drawn = edges
    if len(edges) > EDGES:
        drawn = edges[np.unique(np.linspace(0, len(edges) - 1, EDGES).astype(np.int64))]
    names = result["label_name"] if "label_name" in result.variables else result["label"]
    return {
        "points": quantise(position - position.mean(axis=0)),
        "edges": _whole(drawn),
        "n_edges": len(edges),
        "labels": [str(name) for name in names.values],
        "label_of": pack(result["label_of"].values, "i32"),
        "degree": pack(result["degree"].values, "f32"),
        "component": _whole(result["component"].values),
        "texts": _texts(result),
    }


def packed_setting(setting: xr.Dataset, kind: str | None = "u16") -> dict[str, Any]:
    """One setting; what labelled nodes have is exact (float32), the rest is rounded.

    Parameters
    ----------
    setting
        Result of `probe.totoro.setting_of`.
    kind
        ``u16`` rounds the other nodes' exposures by at most 0.03 %, ``u8`` by 3 %; None leaves
        them out.
    """
    labelled = np.flatnonzero(setting["train"].values)
    exposure = setting["exposure"].transpose("node", "label").values
    found = {
        "labelled": _whole(labelled),
        "total": float(np.nansum(setting["totoro"].values)),
        "rows": pack(exposure[labelled], "f32"),
        "zero": pack(setting["zero_conflict"].values[labelled].astype(int), "u8"),
    }
    for name in ("totoro", "conflict_rank", "conflict_share"):
        found[name] = pack(setting[name].values[labelled], "f32")
    if kind is not None:
        found["exposure"] = quantise(_logarithms(exposure, _FLOOR[kind]), kind)
    return found


def plan(result: xr.Dataset, first: tuple[int, int, int]) -> dict[tuple[int, int, int], str | None]:
    """How a page carries the exposures of each setting (alpha, per_class, seed), by position.

    The settings nearest to `first` come first: those of its split, then those of other seeds.
    """
    shape = tuple(result.sizes[dim] for dim in ("alpha", "per_class", "seed"))
    near = sorted(
        np.ndindex(*shape),
        key=lambda at: (at[2] != first[2], at[1] != first[1], abs(at[0] - first[0]), at),
    )
    cells = result.sizes["node"] * result.sizes["label"]
    fine = 8 * cells // 3 * len(near) <= BUDGET
    fitting = len(near) if fine else BUDGET // (4 * cells // 3)
    kind = "u16" if fine else "u8"
    return {(at[0], at[1], at[2]): kind if i < fitting else None for i, at in enumerate(near)}


def _logarithms(exposure: np.ndarray, floor: float) -> np.ndarray:
    """log10, NaN for what nothing reaches (rounding errors below zero included)."""
    some = exposure > 0
    raised = np.maximum(exposure, floor * exposure.max(initial=0.0))
    return np.log10(raised, out=np.full(exposure.shape, np.nan), where=some)


def _whole(numbers: np.ndarray) -> dict[str, Any]:
    return pack(numbers, "u16" if numbers.max(initial=0) < 2**16 else "i32")


def _texts(result: xr.Dataset) -> list[str]:
    """One text per node, or none; cut where they would outgrow the page."""
    if "text" not in result.variables:
        return []
    texts = [str(text) for text in result["text"].values]
    if sum(map(len, texts)) <= TEXT_BUDGET:
        return texts
    most = max(20, TEXT_BUDGET // len(texts))
    return [text if len(text) <= most else f"{text[: most - 1]}…" for text in texts]
