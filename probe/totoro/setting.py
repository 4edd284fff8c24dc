"""One setting of a map: from its grid, or computed from what the map stores."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Any

import numpy as np
import xarray as xr

from data.splits import random_split

from .._check import refuse
from .._provenance import provenance
from ._describe import described, summary_of
from ._labelled import read_labelled
from ._measures import Reach, conflict_of_exposure
from ._operator import Operator, make_operator
from ._propagation import MEMORY_LIMIT, check_alpha, plan, propagate
from ._reading import read_adjacency
from .grid import NAME
from .ranking import check_weights


def setting_of(
    ds: xr.Dataset,
    *,
    alpha: float,
    per_class: int | None = None,
    seed: int | None = None,
    train: Any = None,
    w_min: float = 0.5,
    w_max: float = 1.5,
) -> xr.Dataset:
    """One setting of a map: taken from its grid where it is there, else computed, in milliseconds.

    Parameters
    ----------
    ds
        Of `conflict_map`.
    alpha
        Restart probability in (0, 1].
    per_class, seed
        The split, as `data.random_split` draws it; both, or `train` instead.
    train
        (node,) bool: any choice of labelled nodes.
    w_min, w_max
        As in `topology_imbalance`.

    Returns
    -------
    xr.Dataset
        What `topology_imbalance` gives, but for ``influence``.

    Raises
    ------
    ValueError
        If `ds` is no map, neither split nor mask is given, or a class has no labelled node.

    Examples
    --------
    >>> from probe.totoro import conflict_map
    >>> ring = np.arange(12)
    >>> edges = np.stack([np.r_[ring, (ring + 1) % 12], np.r_[(ring + 1) % 12, ring]])
    >>> found = conflict_map(edges, ring // 6, per_class=(2,), alphas=(0.15,), seeds=(0,))
    >>> mask = found.train[0, 0].values.copy()
    >>> mask[np.flatnonzero(~mask)[0]] = True  # label one more node
    >>> int(setting_of(found, alpha=0.15, train=mask).train.sum())
    5
    """
    started = time.perf_counter()
    if ds.attrs.get("probe") != NAME:
        refuse("ds", "be a result of conflict_map", f"probe {ds.attrs.get('probe')!r}")
    check_alpha(alpha)
    check_weights(w_min, w_max)
    labels = ds.label_of.values
    names = tuple(map(str, ds.label_name.values))
    stored = None
    if train is None:
        if per_class is None or seed is None:
            refuse("train", "be given, or `per_class` and `seed`", "none of them")
        stored = _stored(ds, alpha, per_class, seed)
        if stored is None:
            train = random_split(labels, per_class=per_class, valid_per_class=0, seed=seed).train
    if stored is not None:
        train, exposure = stored
    labelled = read_labelled(None, labels, train, len(labels))._replace(names=names)
    if stored is None:
        operator = _operator(_Key(ds))
        how = plan(
            operator, len(names), alpha=alpha, tol=ds.attrs["tol"], memory_limit=MEMORY_LIMIT
        )
        chunks = propagate(operator, labelled.means, how, alpha=alpha)
        exposure = np.hstack([chunk.exposure for chunk in chunks]).astype(np.float32)
    tables = {"exposure": exposure, "conflict": conflict_of_exposure(exposure)}
    reach = Reach(ds.component.values, ds.degree.values == 0)
    found = described(tables, labelled, reach, w_min=w_min, w_max=w_max)
    found.attrs = provenance(
        "totoro.imbalance",
        paper="arXiv:2110.04099",
        parameters={"alpha": alpha, "per_class": per_class, "seed": seed, "tol": ds.attrs["tol"]},
        data=str(ds.attrs["data_hash"]),
        started=started,
    )
    found.attrs |= {"graph": ds.attrs["graph"], "alpha": float(alpha), **summary_of(found)}
    return found


class _Key:
    """A map as the key of a cache: by its data, not by what else it carries."""

    def __init__(self, ds: xr.Dataset) -> None:
        self.ds = ds
        self.name = f"{ds.attrs['data_hash']}{ds.attrs['directed']}"

    def __hash__(self) -> int:
        return hash(self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and other.name == self.name


@lru_cache(maxsize=4)
def _operator(key: _Key) -> Operator:
    ds = key.ds
    pairs, weight = ds.edge.values.astype(np.int64), ds.edge_weight.values
    if not ds.attrs["directed"]:
        once = pairs[:, 0] != pairs[:, 1]
        pairs = np.concatenate([pairs, pairs[once][:, ::-1]])
        weight = np.concatenate([weight, weight[once]])
    adjacency = read_adjacency(pairs.T, num_nodes=ds.sizes["node"], edge_weight=weight)
    return make_operator(adjacency, directed="exact")


def _stored(
    ds: xr.Dataset, alpha: float, per_class: int, seed: int
) -> tuple[np.ndarray, np.ndarray] | None:
    """Mask and exposure of a setting that the grid holds."""
    at = [
        np.flatnonzero(np.isclose(ds[name].values, value, rtol=1e-9, atol=0))
        for name, value in (("alpha", alpha), ("per_class", per_class), ("seed", seed))
    ]
    if not all(map(len, at)):
        return None
    a, n, s = (int(each[0]) for each in at)
    return ds.train.values[n, s], ds.exposure.values[a, n, s]
