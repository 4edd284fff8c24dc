"""Heads that tell related regions from unrelated ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from .._reading import chosen, read
from .held import HELD
from .panels import Panels, draw_panels
from .twins import read_twin

_MADE_BY = "probe.value.relations"


def plot_relations(
    ds: xr.Dataset, twin: xr.Dataset | None = None, ax: Any = None, *, relation: str = "any"
) -> np.ndarray:
    """How well each head tells related regions apart, and a row for each relation and role.

    Colours of both roles share one scale, the distance from chance, 0.5; rings are heads that the
    measure calls, frames those chosen on one half of the examples. The last panel has their scores
    on the other half, for each relation.

    Parameters
    ----------
    ds
        Result of `probe.value.relations`.
    twin
        The same of the model with random weights.
    ax
        Three Axes; a new figure if None.
    relation
        In the matrices.

    Returns
    -------
    np.ndarray
        (role + 1,) of Axes.

    Raises
    ------
    TypeError
        If `ds` or `twin` is no Dataset.
    ValueError
        If a result lacks what is drawn, or there is no such relation.
    """
    dims = ("role", "relation")
    ds = read(ds, ["auc", *HELD], ["layer", "head", *dims], made_by=_MADE_BY)
    twin = read_twin(twin, ds, HELD, dims)
    (label,) = chosen(ds, "relation", relation)
    what = Panels("auc", "Related above unrelated regions", "AUC", *dims, label, "n_pairs", "pairs")
    return draw_panels(ds, twin, ax, what)
