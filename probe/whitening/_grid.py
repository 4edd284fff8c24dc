"""Which transforms an effect shows by default, and the texts beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .._check import refuse, refuse_type
from ._fitting import chosen_transforms
from .named import transform_family

DEFAULT_GRID = (
    "raw",
    "centre",
    "zscore",
    "abtt-1",
    "abtt-3",
    "abtt-10",
    "whiten-16",
    "whiten-32",
    "whiten-64",
    "whiten-128",
    "whiten-256",
    "whiten",
    "power-0.5",
    "shrunk",
)


def allowed_specs(transforms: Sequence[str], rank: int) -> tuple[list[str], str]:
    """The specs to show; of the default grid only those that every layer's rank allows."""
    if isinstance(transforms, Mapping):
        refuse_type("transforms", "be a sequence of specs", transforms)
    specs = list(chosen_transforms(transforms))
    if tuple(transforms) != DEFAULT_GRID:
        return specs, ""
    fits = [spec for spec in specs if _least_rank(spec) <= rank]
    left = [spec for spec in specs if spec not in fits]
    if not left:
        return specs, ""
    return fits, f"Left out for the lowest rank of a layer, {rank}: {', '.join(left)}."


def plain_texts(
    name: str, values: Sequence[str] | None, n: int, rows: np.ndarray, *, numbered: bool = False
) -> np.ndarray:
    """Strings of the sampled rows, as any file can hold them."""
    if values is None:
        return np.array([str(row) if numbered else "" for row in rows], dtype=object)
    if len(values) != n:
        refuse(name, f"have one entry for each of {n} embeddings", f"{len(values)} entries")
    kept = [str(values[row]).replace("\0", "\N{REPLACEMENT CHARACTER}") for row in rows]
    return np.array([text.encode("utf-8", "replace").decode() for text in kept], dtype=object)


def _least_rank(spec: str) -> int:
    family, k = transform_family(spec)
    if k is None:
        return 0
    # Removing every direction would leave nothing to compare.
    return k + 1 if family == "abtt" else k
