"""What the anisotropy of some rows will take, from one layer of random rows."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from ...whitening.geometry import anisotropy
from ._measuring import timed
from ._quantities import duration, several

_ROWS, _WIDTH = 1000, 1024  # the most that is run


class Geometry(NamedTuple):
    """Seconds and bytes of `anisotropy` of all layers, and the basis."""

    seconds: float
    bytes: float
    basis: str


def geometry_cost(examples: int, width: int, layers: int) -> Geometry:
    """The cost of `anisotropy` for so many rows of this width in each of the layers.

    Time grows with rows x width^2 (the covariance). It does not hang on what the rows say.
    """
    n, d = max(min(examples, _ROWS), 3), max(min(width, _WIDTH), 2)
    each = _one_layer(n, d) * max(examples / n, 1.0) * (max(width / d, 1.0)) ** 2
    basis = f"anisotropy: {several(layers, 'layer')} of {duration(each)}"
    return Geometry(each * layers, layers * width**2 * 8.0, basis)


@cache  # several questions ask the same
def _one_layer(n: int, d: int) -> float:
    rows = np.random.default_rng(0).standard_normal((n, d)).astype(np.float32)
    anisotropy(rows[: min(n, 50), : min(d, 16)])  # what is imported is not counted
    small = max(n // 2, 2)
    return timed(lambda k: anisotropy(rows[:k]), to=n, sizes=(small, n), unit="row").seconds
