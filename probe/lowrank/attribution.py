"""Which latent coordinates a region owes its looks to, beside how much each can change it."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from .._check import integer, refuse
from .._provenance import provenance
from ..whitening._describe import describe
from ._reading import read_generator
from ._region import read_region
from .derivative import PAPER
from .gram import region_gram

_WORDING = {
    "energy": ("mean square change of the region per unit", "(image / latent)^2", ""),
    "attribution": ("attribution of the region's difference from the baseline", "image^2", ""),
    "energy_share": ("share of the energy", "1", "[0, 1]"),
    "attribution_share": ("share of the attributions' magnitude", "1", "[0, 1]"),
    "difference": ("mean square difference of the region from the baseline", "image^2", "[0, inf)"),
    "residual": ("difference that the attributions miss, as a share of it", "1", ""),
}


def region_attribution(
    synthesize: Any, latent: Any, region: Any, *, baseline: Any = None, steps: int = 32
) -> xr.Dataset:
    """Two answers to which latent coordinates matter for a region: by slope, and by what they made.

    The energy is local: the diagonal of the region's Gram matrix, what a unit step along a
    coordinate changes. The attribution is by integrated gradients (Sundararajan et al. 2017,
    arXiv:1703.01365, eq. 1; captum's) along the straight way from a baseline: it shares out the
    region's mean square difference from how it looks there.

    Parameters
    ----------
    synthesize
        A generator, as in `jacobian`.
    latent
        (d,), or (layers, d) of w+.
    region
        (row, column) mask, neither empty nor whole.
    baseline
        A latent of the same shape that differences are taken from, such as the mean of many; None
        for zeros.
    steps
        Points on the way, at least 2.

    Returns
    -------
    xarray.Dataset
        Over ``([layer,] feature)``: ``energy`` and ``attribution`` with their shares (of the
        energy, and of the magnitudes of attributions); ``difference``, which attributions add up
        to, and ``residual``, what they miss of it by the finite number of steps.

    Raises
    ------
    TypeError, ValueError
        If the generator, a latent, the region or an option is not as said, or the region looks
        the same at the baseline.

    Examples
    --------
    >>> found = region_attribution(
    ...     lambda z: z.reshape(-1, 1, 2, 2), torch.tensor([3.0, 1.0, 9.0, 9.0]), [[1, 1], [0, 0]]
    ... )
    >>> found.attribution.values.round(3).tolist(), found.energy.values.tolist()
    ([4.5, 0.5, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0])
    """
    from captum.attr import IntegratedGradients

    started = time.perf_counter()
    integer("steps", steps, low=2)
    generator, flat, _ = read_generator(synthesize, latent, one=True)
    mask = read_region(region, generator.image_shape[1:])
    start = torch.zeros_like(flat)
    if baseline is not None:
        given = torch.as_tensor(baseline).detach()
        if tuple(given.shape) != generator.latent_shape or not torch.isfinite(given).all():
            wanted = f"be finite and of the latent's shape {generator.latent_shape}"
            refuse("baseline", wanted, f"shape {tuple(given.shape)}")
        start = given.reshape(1, -1).to(flat)
    inside = torch.as_tensor(mask, device=flat.device)
    with torch.no_grad():
        before = generator.images(start)

    def difference(latents: Tensor) -> Tensor:
        return (generator.images(latents) - before)[:, :, inside].square().mean((1, 2))

    with torch.no_grad():
        total = float(difference(flat))
    if not total > 0:
        refuse("baseline", "give the region another look", "the same", "Take another latent.")
    # Gradients of every point on the way: as many images as there are steps, a few at a time.
    made = IntegratedGradients(difference, multiply_by_inputs=True).attribute(
        flat, baselines=start, n_steps=steps, internal_batch_size=min(steps, 16)
    )
    shape = generator.latent_shape
    dims = ("layer", "feature")[-len(shape) :]
    attribution = made[0].detach().double().cpu().numpy()
    gram = region_gram(synthesize, flat[:1].reshape(1, *shape), mask)
    energy = np.diag(gram.inside.values)
    variables = {
        "energy": (dims, energy.reshape(shape)),
        "attribution": (dims, attribution.reshape(shape)),
        "energy_share": (dims, _shares(energy).reshape(shape)),
        "attribution_share": (dims, _shares(np.abs(attribution)).reshape(shape)),
        "difference": total,
        "residual": (total - attribution.sum()) / total,
    }
    attrs = provenance(
        "lowrank.attribution",
        paper=PAPER,
        parameters={"steps": steps, "baseline": "zeros" if baseline is None else "given"},
        data=[flat.cpu().numpy(), start.cpu().numpy(), mask],
        started=started,
    )
    return describe(xr.Dataset(variables, attrs=attrs), _WORDING)


def _shares(values: np.ndarray) -> np.ndarray:
    total = values.sum()
    return values / total if total > 0 else np.zeros_like(values)
