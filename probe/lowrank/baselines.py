"""Latent directions that know nothing of the rest of the image, to compare with."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
import xarray as xr

from .._check import finite, integer, one_of, refuse, refuse_type, same_length
from .._provenance import provenance
from ..whitening._describe import describe
from ._methods import in_principal
from .directions import _WORDING, EMPTY, effects

BASELINES = ("principal", "sefa", "pca", "random")
_PAPERS = {"sefa": "arXiv:2007.06600", "pca": "arXiv:2004.02546"}


def baseline_directions(
    gram: xr.Dataset,
    *,
    method: str = "principal",
    rank: int = 5,
    weight: Any = None,
    samples: Any = None,
    features: Any = None,
    seed: int = 0,
) -> xr.Dataset:
    """Directions of methods that do not look at the rest of the image, measured the same way.

    Parameters
    ----------
    gram
        A result of `region_gram`: the region that their effects are measured on.
    method
        ``"principal"``: most change inside, the leading eigenvectors of the region's Gram.
        ``"sefa"`` (arXiv:2007.06600, eq. 4): leading eigenvectors of A'A, A the `weight` of the
        first layer. ``"pca"`` (GANSpace, arXiv:2004.02546): principal axes of `samples`, or, with
        `features`, the latent directions that regress on the features' leading coordinates.
        ``"random"``: a uniformly random subspace.
    rank
        How many directions.
    weight
        (out, latent coordinate), for ``"sefa"``. Taken as it is, rows not normalised.
    samples
        (n, d) or (n, layers, d) sampled latents, for ``"pca"``.
    features
        (n, ...) features of the same samples, optional.
    seed
        For ``"random"``.

    Returns
    -------
    xarray.Dataset
        As `region_directions`, without its spectra; ``score``: the eigenvalue, variance or 0.

    Raises
    ------
    TypeError, ValueError
        If an option is not as said, or what the method needs is not given.

    Examples
    --------
    >>> from probe.lowrank import region_gram
    >>> import torch
    >>> scale = torch.tensor([3.0, 2.0, 1.0, 1.0])
    >>> gram = region_gram(
    ...     lambda z: (z * scale).reshape(-1, 1, 2, 2), torch.zeros(4), [[1, 1], [0, 0]]
    ... )
    >>> found = baseline_directions(gram, method="sefa", weight=torch.diag(scale), rank=1)
    >>> abs(found.directions.values).tolist()
    [[1.0, 0.0, 0.0, 0.0]]
    """
    started = time.perf_counter()
    if not isinstance(gram, xr.Dataset) or gram.attrs.get("probe") != "lowrank.region_gram":
        refuse_type("gram", "be a result of region_gram", gram)
    one_of("method", method, BASELINES)
    dim = gram.sizes["coordinate"]
    integer("rank", rank, low=1, high=dim)
    data: list[np.ndarray] = [gram.inside.values]
    if method == "principal":
        score, vectors = np.linalg.eigh(gram.inside.values)
    elif method == "sefa":
        first = _array("weight", weight, method)
        if first.ndim != 2 or first.shape[1] != dim:
            refuse("weight", f"have axes (out, {dim} latent coordinates)", f"shape {first.shape}")
        score, vectors = np.linalg.eigh(first.T @ first)
        data.append(first)
    elif method == "pca":
        drawn = _array("samples", samples, method)
        drawn = drawn.reshape(len(drawn), -1)
        if drawn.shape[1] != dim or len(drawn) <= rank:
            wanted = f"be more than {rank} latents of {dim} coordinates"
            refuse("samples", wanted, f"shape {drawn.shape}")
        score, vectors = _principal_axes(drawn, features, rank)
        data.append(drawn)
    else:
        drawn = np.random.default_rng(seed).standard_normal((dim, rank))
        score, vectors = np.zeros(rank), np.linalg.qr(drawn)[0]
    vectors, score = vectors.T[::-1][:rank], score[::-1][:rank]
    ds = effects(gram, vectors)
    ds["kept_norm"] = ("direction", in_principal(vectors, gram.inside.values))
    ds["near_empty"] = ds.kept_effect < EMPTY
    ds["score"] = ("direction", score)
    ds = ds.assign(region=gram.region).assign_coords(direction=np.arange(rank))
    ds.attrs = provenance(
        "lowrank.baseline_directions",
        paper=_PAPERS.get(method, ""),
        parameters={"method": method, "rank": rank},
        data=data,
        seed=seed if method == "random" else None,
        started=started,
    ) | {"method": method, "rank": rank, "rank_reason": "asked for"}
    return describe(ds, _WORDING)


def _principal_axes(samples: np.ndarray, features: Any, rank: int) -> tuple[np.ndarray, np.ndarray]:
    """Variances ascending, and unit latent directions as columns."""
    centred = samples - samples.mean(0)
    if features is None:
        return np.linalg.eigh(centred.T @ centred / len(centred))
    given = _array("features", features, "pca")
    same_length(samples=samples, features=given)
    given = given.reshape(len(given), -1)
    left, size, _ = np.linalg.svd(given - given.mean(0), full_matrices=False)
    if rank > len(size) or size[rank - 1] <= 1e-9 * size[0]:
        refuse("rank", "be at most the rank of the features", rank)
    # argmin_U sum ||U x - z||^2 for coordinates x = left * size, which are uncorrelated.
    vectors = centred.T @ left[:, :rank] / size[:rank]
    vectors = vectors / np.linalg.norm(vectors, axis=0)
    return (size[:rank] ** 2 / len(given))[::-1], vectors[:, ::-1]


def _array(name: str, given: Any, method: str) -> np.ndarray:
    if given is None:
        refuse(name, f"be given for method {method!r}", None)
    if isinstance(given, torch.Tensor):
        given = given.detach().cpu().numpy()
    return finite(name, np.asarray(given, dtype=np.float64))
