"""Decoders of other libraries as generators: spatial latents flattened, layers chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import numpy as np
import torch
from torch import Tensor, nn

from .._check import integer, refuse, refuse_type
from .generator_protocol import flat_latents, normal_latents


@final
class AutoencoderDecoder:
    """The decoder of diffusers' `AutoencoderKL`, its spatial latent flattened.

    Parameters
    ----------
    module
        A loaded ``diffusers.AutoencoderKL``, or what has its interface: ``decode(z,
        return_dict=False)`` and ``config.latent_channels``. In eval mode. diffusers is not
        imported here.
    rows, columns
        Size of the latent: the image's over the decoder's factor, 8 for Stable Diffusion.

    Raises
    ------
    TypeError, ValueError
        If `module` has no such interface or is in training mode, or a size is not as said.

    Notes
    -----
    Latents are in the decoder's own scale; a diffusion model's are these, less ``shift_factor``,
    times ``scaling_factor``. A 64 x 64 x 4 latent has 16,384 coordinates, too many for a Gram:
    take a small one. Tiled or sliced decoding must be off.
    """

    def __init__(self, module: nn.Module, *, rows: int, columns: int) -> None:
        if not callable(getattr(module, "decode", None)):
            refuse_type("module", "have a method `decode`, as diffusers' AutoencoderKL", module)
        channels = getattr(getattr(module, "config", None), "latent_channels", None)
        if channels is None:
            refuse_type("module", "have config.latent_channels", module)
        if getattr(module, "use_tiling", False) or getattr(module, "use_slicing", False):
            hint = "Call disable_tiling() and disable_slicing()."
            refuse("module", "decode in one piece", "tiling or slicing", hint)
        self.module = _in_eval(module)
        rows, columns = integer("rows", rows, low=1), integer("columns", columns, low=1)
        self.shape = (int(channels), rows, columns)

    @property
    def dim(self) -> int:
        """Coordinates of a flat latent: channels times rows times columns."""
        return int(np.prod(self.shape))

    def synthesize(self, latent: Tensor) -> Tensor:
        """Images (n, channel, row, column) of latents (n, dim) or (dim,)."""
        spatial = flat_latents(latent, self.dim).reshape(-1, *self.shape)
        decode: Any = self.module.decode
        return _images(decode(spatial, return_dict=False))

    def sample(self, n: int, seed: int = 0) -> Tensor:
        """Standard normal latents (n, dim): the prior, of unit variance only after scaling."""
        return _like(self.module, normal_latents(n, self.dim, seed))


@final
class LayeredDecoder:
    """A StyleGAN2-like synthesis network with one latent for each chosen layer (w+).

    Parameters
    ----------
    module
        Called with w+ (n, layers, d), gives images; in eval mode, with fixed noise (for StyleGAN2
        bind ``noise_mode="const"`` with `functools.partial` or a small module). A network that
        you have loaded: files that hold pickles are not opened here.
    base
        (layers, d) or (d,) with `layers`: what the layers that are not chosen get.
    chosen
        Layers that the latent sets; None for all.
    layers
        How many layers there are, where `base` is (d,).

    Raises
    ------
    TypeError, ValueError
        If an argument is not as said.

    Examples
    --------
    >>> net = nn.Sequential(nn.Flatten(), nn.Linear(6, 4), nn.Unflatten(1, (1, 2, 2))).eval()
    >>> decoder = LayeredDecoder(net, torch.zeros(2), layers=3, chosen=[0, 2])
    >>> tuple(decoder.synthesize(torch.ones(5, 2, 2)).shape)
    (5, 1, 2, 2)
    """

    def __init__(
        self,
        module: nn.Module,
        base: Any,
        *,
        chosen: Sequence[int] | None = None,
        layers: int | None = None,
    ) -> None:
        self.module = _in_eval(module)
        given = torch.as_tensor(base).detach()
        if given.ndim == 1:
            if layers is None:
                refuse("layers", "be given where `base` is (d,)", None)
            given = given.expand(integer("layers", layers, low=1), -1)
        if given.ndim != 2 or not given.is_floating_point():
            refuse("base", "be floating-point (layers, d) or (d,)", f"shape {tuple(given.shape)}")
        self.base = given.clone()
        every = range(len(given))
        self.chosen = list(every if chosen is None else chosen)
        if not self.chosen or len(set(self.chosen)) < len(self.chosen):
            refuse("chosen", "name at least one layer, none twice", self.chosen)
        for each in self.chosen:
            integer("chosen", each, low=0, high=len(given) - 1)

    @property
    def dim(self) -> int:
        """Width of one layer's latent."""
        return int(self.base.shape[1])

    @property
    def start(self) -> Tensor:
        """(chosen layers, d): the base's own latents of the chosen layers."""
        return self.base[self.chosen]

    def broadcast(self, w: Tensor) -> Tensor:
        """The same latent for each chosen layer: (d,) to (chosen, d), (n, d) to (n, chosen, d)."""
        return w.unsqueeze(-2).expand(*w.shape[:-1], len(self.chosen), w.shape[-1])

    def synthesize(self, latent: Tensor) -> Tensor:
        """Images of (n, chosen, d) or (chosen, d)."""
        wanted = (len(self.chosen), self.dim)
        if latent.ndim not in (2, 3) or tuple(latent.shape[-2:]) != wanted:
            got = f"shape {tuple(latent.shape)}"
            refuse("latent", f"have axes (n, {wanted[0]} layers, {wanted[1]})", got)
        given = latent if latent.ndim == 3 else latent[None]
        base = self.base.to(given)
        place = {layer: i for i, layer in enumerate(self.chosen)}
        # Put together anew rather than written into: writing has no forward mode under vmap.
        stack = [
            given[:, place[i]] if i in place else base[i].expand(len(given), -1)
            for i in range(len(base))
        ]
        return _images(self.module(torch.stack(stack, dim=1)))

    def sample(self, n: int, seed: int = 0) -> Tensor:
        """Standard normal latents, the same for every chosen layer: (n, chosen, d)."""
        return self.broadcast(_like(self.module, normal_latents(n, self.dim, seed)))


def _in_eval(module: Any) -> nn.Module:
    if not isinstance(module, nn.Module):
        refuse_type("module", "be a torch module", module)
    if module.training:
        refuse("module", "be in eval mode", "training mode", "Call eval() first.")
    return module


def _images(given: Any) -> Tensor:
    """Images, from a tensor or the first of a tuple."""
    return given[0] if isinstance(given, tuple) else given


def _like(module: nn.Module, latents: Tensor) -> Tensor:
    weight = next((p for p in module.parameters() if p.is_floating_point()), None)
    return latents if weight is None else latents.to(weight)
