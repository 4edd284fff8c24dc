"""A detector's regions, given by the user, as a model reads them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from data.records import GroundedPair

from ..._check import finite, refuse
from .family import Tools


def checked_features(tools: Tools, title: str) -> None:
    """Refuse tools without features of regions.

    Raises
    ------
    ValueError
        If there is no callable that gives them.
    """
    if not callable(tools.region_features):
        refuse(
            "region_features",
            f"be a callable pair -> (region, feature): {title} reads a detector's regions",
            tools.region_features,
        )


def read_regions(
    tools: Tools, pairs: Sequence[GroundedPair], width: int, like: Tensor
) -> tuple[Tensor, Tensor, list[np.ndarray]]:
    """Features (example, region, feature), mask (example, region), and the boxes of each example.

    Raises
    ------
    ValueError
        If a pair has no region, or features and boxes do not go together or with the model.
    """
    features, boxes = [], []
    for pair in pairs:
        given = pair.regions if tools.region_boxes is None else tools.region_boxes(pair)
        where = np.array(given, np.float32).reshape(-1, 4)  # a copy: records are read-only
        name = pair.name or pair.caption[:40]
        if not len(where):
            refuse("region_boxes", f"give {name!r} at least one box", "none")
        ok = np.isfinite(where).all() and (where[:, 2:] > where[:, :2]).all()
        if not ok or where.min() < 0 or where.max() > 1:
            refuse("region_boxes", "be x0 < x1, y0 < y1 in [0, 1]", f"others for {name!r}")
        found = None if tools.region_features is None else tools.region_features(pair)
        value = np.zeros((0, 0)) if found is None else np.array(found, np.float32)
        if value.shape != (len(where), width):
            refuse(
                "region_features",
                f"give {name!r} features of shape ({len(where)}, {width}), one row a box",
                f"shape {value.shape}",
            )
        features.append(torch.from_numpy(finite("region_features", value)))
        boxes.append(where)
    padded = torch.nn.utils.rnn.pad_sequence(features, batch_first=True).to(like)
    mask = torch.zeros(padded.shape[:2], dtype=torch.int64, device=like.device)
    for row, part in zip(mask, features, strict=True):
        row[: len(part)] = 1
    return padded, mask, boxes
