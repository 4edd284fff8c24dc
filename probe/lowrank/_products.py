"""Products with a generator's Jacobian: columns by forward mode, rows by reverse mode."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.func import jvp, vmap
from torch.nn.attention import SDPBackend, sdpa_kernel

from ._reading import Generator

# Tangents of this many pixels are pushed at once on a processor: more leave its cache (measured at
# 64 to 256 pixels: larger chunks are up to twice as slow). Accelerators want more of them.
_PIXELS = 2**16
_ACCELERATED = 2**20
DOUBLE = "double_reverse"


class ForwardModeError(RuntimeError):
    """The generator holds an operation that forward mode cannot differentiate."""


def chunk_size(generator: Generator, device: torch.device, chunk: int | None) -> int:
    """How many products are taken at once: `chunk`, or what fits the cache."""
    if chunk is not None:
        return chunk
    pixels = generator.image_shape[1] * generator.image_shape[2]
    most = _PIXELS if device.type == "cpu" else _ACCELERATED
    return min(max(most // pixels, 4), 256)


def columns(
    generator: Generator, latent: Tensor, tangents: Tensor, *, chunk: int, mode: str = "forward"
) -> Iterator[Tensor]:
    """J v for each tangent v (k, dim), as (some, channel, row, column) of at most `chunk`.

    ``"double_reverse"`` differentiates u -> J'u, which is linear, once more by reverse mode: it
    serves operations that have no forward mode, at about three times the cost.

    Raises
    ------
    ForwardModeError
        If forward mode does not know an operation of the generator.
    """
    for start in range(0, len(tangents), chunk):
        some = tangents[start : start + chunk]
        with sdpa_kernel(SDPBackend.MATH):  # the fused kernels have no forward mode
            yield (
                _double(generator, latent, some)
                if mode == DOUBLE
                else _pushed(generator, latent, some)
            )


def _pushed(generator: Generator, latent: Tensor, tangents: Tensor) -> Tensor:
    def one(tangent: Tensor) -> Tensor:
        return jvp(generator.image, (latent,), (tangent,))[1]

    try:
        with torch.no_grad():
            return vmap(one)(tangents)
    except (RuntimeError, NotImplementedError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        raise ForwardModeError(
            "Forward mode cannot differentiate `synthesize`: "
            f"{str(error).splitlines()[0]} Take method='{DOUBLE}' (two reverse passes) or "
            "method='reverse' (one pass for each image value), or 'auto', which falls back by "
            "itself."
        ) from error


def _double(generator: Generator, latent: Tensor, tangents: Tensor) -> Tensor:
    copies = latent.expand(len(tangents), -1).detach().clone().requires_grad_()
    with torch.enable_grad():
        images = generator.images(copies)
        dummy = torch.zeros_like(images, requires_grad=True)
        (pulled,) = torch.autograd.grad(images, copies, dummy, create_graph=True)
        (pushed,) = torch.autograd.grad(pulled, dummy, tangents)
    return pushed.detach()


def rows(generator: Generator, latent: Tensor, index: Tensor, *, chunk: int) -> Iterator[Tensor]:
    """Rows of the Jacobian for image values `index` (k,), as (some, dim) of at most `chunk`.

    One forward pass, then one backward pass for each row, `chunk` at a time; one by one where an
    operation cannot take several.
    """
    given = latent.detach().clone().requires_grad_()
    with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
        values = generator.image(given).flatten()

    def pulled(weights: Tensor, batched: bool) -> Tensor:
        return torch.autograd.grad(
            values, given, weights, retain_graph=True, is_grads_batched=batched
        )[0]

    several = chunk > 1
    for start in range(0, len(index), chunk):
        some = index[start : start + chunk]
        weights = values.new_zeros(len(some), len(values))
        weights[torch.arange(len(some)), some] = 1
        if several:
            try:
                yield pulled(weights, True)
                continue
            except (RuntimeError, NotImplementedError) as error:
                if isinstance(error, torch.OutOfMemoryError):
                    raise
                several = False
        yield torch.stack([pulled(each, False) for each in weights])
