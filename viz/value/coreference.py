"""Heads that look from a phrase to its region, or back."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from .._reading import chosen, read
from .held import HELD
from .panels import Panels, draw_panels
from .twins import read_twin

_MADE_BY = "probe.value.coreference"


def plot_coreference(
    ds: xr.Dataset, twin: xr.Dataset | None = None, ax: Any = None, *, kind: str = "all"
) -> np.ndarray:
    """How often each head's attention falls on the linked partner, and the heads chosen by it.

    Colours of both directions share one scale, the distance from what links permuted within each
    image give; rings are heads that the measure calls, frames those chosen on one half of the
    examples. The last panel has their scores on the other half, for each kind of phrase.

    Parameters
    ----------
    ds
        Result of `probe.value.coreference`.
    twin
        The same of the model with random weights.
    ax
        Three Axes; a new figure if None.
    kind
        Of phrases, in the matrices.

    Returns
    -------
    np.ndarray
        (direction + 1,) of Axes.

    Raises
    ------
    TypeError
        If `ds` or `twin` is no Dataset.
    ValueError
        If a result lacks what is drawn, or there is no such kind.
    """
    dims = ("direction", "kind")
    ds = read(ds, ["hit", "null", *HELD], ["layer", "head", *dims], made_by=_MADE_BY)
    twin = read_twin(twin, ds, HELD, dims)
    (label,) = chosen(ds, "kind", kind)
    what = Panels(
        "hit", "Hits on the linked partner", "hit rate", *dims, label, "n_units", "counted"
    )
    return draw_panels(ds, twin, ax, what)
