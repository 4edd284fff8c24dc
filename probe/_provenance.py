"""Where a result came from: the attrs that every probe writes into its Dataset."""

from __future__ import annotations

import hashlib
import json
import platform
import time
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import metadata
from typing import Any

import numpy as np

_NAMED = ("loupe", "torch", "numpy", "scipy", "scikit-learn", "xarray", "transformers")


def provenance(
    probe: str,
    *,
    paper: str = "",
    parameters: Mapping[str, Any] | None = None,
    data: Iterable[np.ndarray] | str = "",
    seed: int | None = None,
    started: float | None = None,
) -> dict[str, Any]:
    """The attrs of a result: probe, paper, parameters, versions, seed, data hash, wall time.

    Values are strings and numbers only, so that a result can be written to netCDF as it is.

    Parameters
    ----------
    probe
        Dotted name that `.viz` dispatches on, such as ``"whitening.anisotropy"``.
    paper
        Its source, such as ``"arXiv:2103.15316"``.
    parameters
        The call's arguments; stored as JSON.
    data
        The arrays that were measured (hashed here), or a hash made elsewhere.
    seed
        The seed of the call; -1 is stored where nothing was random.
    started
        `time.perf_counter()` at the start; gives ``seconds``.

    Returns
    -------
    dict
        ``probe, paper, parameters, versions, seed, data_hash, seconds``.

    Examples
    --------
    >>> provenance("whitening.anisotropy", seed=0)["probe"]
    'whitening.anisotropy'
    """
    return {
        "probe": probe,
        "paper": paper,
        "parameters": json.dumps(dict(parameters or {}), default=str, sort_keys=True),
        "versions": _versions(),
        "seed": -1 if seed is None else int(seed),
        "data_hash": data if isinstance(data, str) else data_hash(data),
        "seconds": -1.0 if started is None else round(time.perf_counter() - started, 4),
    }


def data_hash(arrays: Iterable[np.ndarray]) -> str:
    """First 16 hex digits of the SHA-256 over the arrays' types, shapes and bytes, in order.

    Examples
    --------
    >>> data_hash([np.zeros(3)]) == data_hash([np.zeros(3)])
    True
    """
    digest = hashlib.sha256()
    for array in arrays:
        array = np.ascontiguousarray(array)
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(array.view(np.uint8).data if array.size else b"")
    return digest.hexdigest()[:16]


@cache  # reading packages' metadata takes longer than many a measure
def _versions() -> str:
    found = {"python": platform.python_version()}
    for name in _NAMED:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return json.dumps(found, sort_keys=True)
