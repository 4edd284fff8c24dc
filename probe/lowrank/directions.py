"""Latent directions that edit one region and leave the rest alone."""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np
import xarray as xr

from .._check import integer, number, one_of, refuse
from .._provenance import provenance
from .._threads import one_thread_if_small
from ..whitening._describe import describe
from ._methods import Candidates, generalised, null_space, projected
from .derivative import PAPER
from .gram import region_gram

METHODS = ("generalised", "null_space", "robust_pca")
# A direction that keeps less than this share, of its norm or of the change that the region can
# show, is near empty: published edits that keep 0.003 to 0.014 look perfectly local.
EMPTY = 0.05
_WORDING = {
    "directions": ("unit directions in latent space", "1", "[-1, 1]"),
    "gain_inside": ("root mean square change of the region per unit step", "image / latent", ""),
    "gain_outside": ("root mean square change of the rest per unit step", "image / latent", ""),
    "ratio": ("gain inside over gain outside", "1", "[0, inf]"),
    "share": ("share of the summed square change that falls inside", "1", "[0, 1]"),
    "kept_norm": ("norm that the projection leaves", "1", "[0, 1]"),
    "kept_effect": ("gain inside over the largest that any direction has", "1", "[0, 1]"),
    "near_empty": ("whether next to nothing is kept", "1", "{0, 1}"),
    "score": ("what the method ranks directions by", "", ""),
    "spectrum_inside": ("eigenvalues of the region's Gram", "(image / latent)^2", ""),
    "spectrum_outside": ("eigenvalues of the rest's Gram", "(image / latent)^2", ""),
    "all_scores": ("the score of every candidate", "", ""),
    "source_latents": ("the latents that the directions come from", "latent", ""),
    "region": ("whether a pixel lies in the region", "1", "{0, 1}"),
}


class EmptyEditWarning(UserWarning):
    """A direction changes next to nothing, however well its change is confined.

    Examples
    --------
    >>> issubclass(EmptyEditWarning, UserWarning)
    True
    """


def region_directions(
    source: Any,
    latents: Any = None,
    region: Any = None,
    *,
    method: str = "generalised",
    rank: int | None = None,
    ridge: float = 1e-3,
    tolerance: float = 1e-2,
    lam: float | None = None,
    chunk: int | None = None,
) -> xr.Dataset:
    """Directions in latent space that change a region of the image and leave the rest alone.

    Parameters
    ----------
    source
        A generator with `latents` and `region`, as in `region_gram`; or a result of it, alone.
    latents, region, chunk
        As in `region_gram`; several latents are averaged over.
    method
        ``"generalised"``: most change inside for the change outside, the eigenvectors of
        M_in v = s (M_out + ridge mean(M_out) I) v. ``"null_space"``: most change inside among
        directions that change the rest by at most `tolerance`. ``"robust_pca"``: the paper's
        (arXiv:2106.04488, eq. 5 and 6), principal directions of the region's low-rank part,
        projected into the null space of the rest's.
    rank
        How many directions. None: as many as are not near empty and have at least half of their
        summed square change inside, at least one; with ``"robust_pca"`` the rank of the region's
        low-rank part.
    ridge
        For ``"generalised"``: what is added to the rest, in units of its mean eigenvalue.
    tolerance
        For ``"null_space"``: in units of the rest's largest eigenvalue.
    lam
        For ``"robust_pca"``: as in `robust_pca`.

    Returns
    -------
    xarray.Dataset
        Over ``direction``, best first: ``directions (direction, [layer,] feature)`` of unit norm;
        ``gain_inside, gain_outside``, their ``ratio``, ``share``; ``kept_norm``: what the
        projection into the null space leaves of a principal direction (robust_pca), or the norm
        of the part within the region's principal space, which holds 99 % of its change;
        ``kept_effect``; ``near_empty`` where that (or a projection's norm) is below 0.05;
        ``score``. Over ``component``:
        ``spectrum_inside, spectrum_outside`` descending, ``all_scores`` (of all candidates).
        ``source_latents``, ``region``. attrs: ``rank``, ``rank_reason``.

    Raises
    ------
    TypeError, ValueError
        If the generator, a latent, the region or an option is not as said; if nothing changes in
        the region; if `tolerance` leaves no null space or `lam` no rank.
    RuntimeError
        If robust PCA does not converge.

    Warns
    -----
    EmptyEditWarning
        If a direction is near empty. Its ratio says nothing then.

    Notes
    -----
    A step's length is free, so that a projection that leaves 1 % of a direction, renormalised, has
    a superb ratio and changes nothing (the published recipe does so): read ``kept_effect`` beside
    every ratio. All of this is linear, at the given latents: see `locality`. A high ratio may also
    come from leaving the images that the generator was trained on.

    Examples
    --------
    >>> import torch
    >>> found = region_directions(
    ...     lambda z: (z * torch.tensor([3.0, 2.0, 1.0, 1.0])).reshape(-1, 1, 2, 2),
    ...     torch.zeros(4),
    ...     [[1, 1], [0, 0]],
    ... )
    >>> abs(found.directions.values).round(6).tolist()
    [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]]
    """
    started = time.perf_counter()
    one_of("method", method, METHODS)
    for name, value in (("ridge", ridge), ("tolerance", tolerance)):
        if number(name, value) <= 0:
            refuse(name, "be above 0", value)
    gram = _gram(source, latents, region, chunk)
    inside, outside = gram.inside.values, gram.outside.values
    if rank is not None:
        integer("rank", rank, low=1, high=len(inside))
    if not np.trace(inside) > 0:
        refuse("region", "change with the latent", "a region that does not", "Draw another.")
    with one_thread_if_small(len(inside)):
        if method == "generalised":
            found = generalised(inside, outside, ridge)
        elif method == "null_space":
            found = null_space(inside, outside, tolerance)
        else:
            found = projected(inside, outside, lam, rank)
        ds = effects(gram, found.vectors)
        spectra = [np.linalg.eigvalsh(each)[::-1] for each in (inside, outside)]
    kept = {"kept_norm": found.kept_norm, "score": found.score}
    ds = ds.assign({name: ("direction", np.array(each)) for name, each in kept.items()})
    ds["near_empty"] = ds.kept_effect < EMPTY
    if method == "robust_pca":  # here alone the norm is that of what the direction was made from
        ds["near_empty"] |= ds.kept_norm < EMPTY
    chosen, reason = _chosen(ds, found, rank)
    ds = ds.isel(direction=chosen).assign_coords(direction=np.arange(len(chosen)))
    ds = ds.assign(
        spectrum_inside=("component", spectra[0]),
        spectrum_outside=("component", spectra[1]),
        all_scores=("candidate", found.score),
        region=gram.region,
    )
    ds.attrs = provenance(
        "lowrank.region_directions",
        paper=PAPER,
        parameters={
            "method": method,
            "rank": rank,
            "ridge": ridge,
            "tolerance": tolerance,
            "lam": lam,
        },
        data=gram.attrs["data_hash"],
        started=started,
    ) | {"method": method, "rank": len(chosen), "rank_reason": reason}
    warn_if_empty(ds)
    return describe(ds, _WORDING)


def effects(gram: xr.Dataset, vectors: np.ndarray) -> xr.Dataset:
    """What unit directions (direction, coordinate) change by a pair of Gram matrices."""
    square = [
        np.einsum("rd,de,re->r", vectors, gram[name].values, vectors).clip(0)
        for name in ("inside", "outside")
    ]
    gains = [np.sqrt(each) for each in square]
    most = np.sqrt(np.linalg.eigvalsh(gram.inside.values)[-1])
    summed = [square[0] * int(gram.n_inside), square[1] * int(gram.n_outside)]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(gains[0] > 0, gains[0] / gains[1], 0.0)
        share = np.where(summed[0] > 0, summed[0] / (summed[0] + summed[1]), 0.0)
    latent_dims = gram.latents.dims[1:]
    shaped = vectors.reshape(len(vectors), *gram.latents.shape[1:])
    ds = xr.Dataset(
        {
            "directions": (("direction", *latent_dims), shaped),
            "gain_inside": ("direction", gains[0]),
            "gain_outside": ("direction", gains[1]),
            "ratio": ("direction", ratio),
            "share": ("direction", share),
            "kept_effect": ("direction", gains[0] / most if most > 0 else gains[0]),
            "source_latents": (("source", *latent_dims), gram.latents.values),
        }
    )
    return ds


def warn_if_empty(ds: xr.Dataset) -> None:
    """Warn of the directions that `near_empty` marks."""
    empty = np.flatnonzero(ds.near_empty.values)
    if not len(empty):
        return
    effect, norm = ds.kept_effect.values[empty].min(), ds.kept_norm.values[empty].min()
    warnings.warn(
        f"{len(empty)} of {ds.sizes['direction']} directions are near empty (kept effect down to "
        f"{effect:.2g}, kept norm down to {norm:.2g}): a unit step hardly changes the region, and "
        "their ratio of inside to outside says nothing. Ask for fewer directions, or enlarge the "
        "region.",
        EmptyEditWarning,
        stacklevel=3,
    )


def _gram(source: Any, latents: Any, region: Any, chunk: int | None) -> xr.Dataset:
    if isinstance(source, xr.Dataset) and source.attrs.get("probe") == "lowrank.region_gram":
        if latents is not None or region is not None:
            refuse("source", "come alone if it is a result of region_gram", "latents or region too")
        return source
    return region_gram(source, latents, region, chunk=chunk)


def _chosen(ds: xr.Dataset, found: Candidates, rank: int | None) -> tuple[np.ndarray, str]:
    """Which candidates are given, and why so many."""
    if rank is not None:
        if rank > len(found.vectors):
            hint = "Raise `tolerance`."
            refuse("rank", f"be at most {len(found.vectors)}, the null space's", rank, hint)
        return np.arange(rank), "asked for"
    if found.rank is not None:
        return np.arange(found.rank), found.reason
    empty = ds.near_empty.values
    good = np.flatnonzero(~empty & (ds.share.values >= 0.5))
    if len(good):
        return good, "directions that are not near empty and change the region more than the rest"
    if empty.all():
        return np.array([0]), "every direction is near empty: the first alone"
    best = np.flatnonzero(~empty)[:1]
    return best, "no direction changes the region more than the rest: the first not near empty"
