"""A generator as the measures need it: checked once, called on flat latents."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from .._check import refuse, refuse_type

Synthesize = Callable[[Tensor], Tensor]
# Images of one latent, alone and beside another, may differ by rounding, not by more than this
# share of the image's largest value.
_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Generator:
    """A checked generator: latents flat, images (n, channel, row, column)."""

    call: Synthesize
    latent_shape: tuple[int, ...]
    image_shape: tuple[int, int, int]

    @property
    def dim(self) -> int:
        """Number of latent coordinates, layers included."""
        return int(np.prod(self.latent_shape))

    @property
    def values(self) -> int:
        """Number of image values: channels times pixels."""
        return int(np.prod(self.image_shape))

    def images(self, flat: Tensor) -> Tensor:
        """(n, dim) -> (n, channel, row, column), differentiable."""
        return self.call(flat.reshape(len(flat), *self.latent_shape))

    def image(self, flat: Tensor) -> Tensor:
        """(dim,) -> (channel, row, column), differentiable."""
        return self.images(flat[None])[0]


def read_generator(
    synthesize: Any, latents: Any, *, one: bool = False
) -> tuple[Generator, Tensor, Tensor]:
    """The generator, its latents (n, dim) flat, and their images; everything checked.

    Parameters
    ----------
    synthesize
        A callable, or an object with a method of that name: latents (n, d) or (n, layers, d) to
        images (n, channel, row, column).
    latents
        (n, d) or (n, layers, d), or (d,) for one; with `one`, (d,) or (layers, d).
    one
        Whether `latents` is one latent, without the axis n.

    Raises
    ------
    TypeError
        If `synthesize` cannot be called, gives no tensor, or works in half precision.
    ValueError
        If latents have the wrong axes or are not finite; if images have; if a batch norm is in
        training mode; if a latent's image depends on the call or on the rest of its batch.
    """
    call: Any = getattr(synthesize, "synthesize", synthesize)
    if not callable(call):
        refuse_type("synthesize", "be a callable or have a method `synthesize`", synthesize)
    given = _as_latents(latents, call, one=one)
    shape = tuple(given.shape[1:])
    beside = given[1:2] if len(given) > 1 else -given[:1]
    with torch.no_grad(), _no_batch_statistics():
        pieces = [_checked(call(each[None]), each[None]) for each in given]
        again = _checked(call(given[:1]), given[:1])
        pair = torch.cat([given[:1], beside])
        together = _checked(call(pair), pair)
        alone = torch.cat([pieces[0], _checked(call(beside), beside)])
    images = torch.cat(pieces)
    if not torch.isfinite(images).all():
        bad = int((~torch.isfinite(images)).sum())
        hint = "Check the weights, or take a latent nearer to the origin."
        refuse("synthesize", "give finite images", f"{bad} NaN or infinite values", hint)
    room = _TOLERANCE * max(float(images[0].abs().max()), 1e-12)
    if float((again[0] - images[0]).abs().max()) > room:
        hint = "Fix its noise and call eval(): a derivative of noise says nothing."
        refuse("synthesize", "give one latent the same image each time", "two images", hint)
    if float((together - alone).abs().max()) > room:
        hint = (
            "Something mixes the latents of a batch, such as batch statistics, or draws noise that "
            "depends on the place in it: call eval(), fix the noise for one image."
        )
        refuse("synthesize", "treat the latents of a batch one by one", "another image", hint)
    c, h, w = images.shape[1:]
    made = cast(Synthesize, call)
    return Generator(made, shape, (int(c), int(h), int(w))), given.flatten(1), images


def _as_latents(latents: Any, call: Any, *, one: bool) -> Tensor:
    """(n, d) or (n, layers, d), of the type and on the device of the generator's weights."""
    given = torch.as_tensor(latents).detach()
    axes = (1, 2) if one else (1, 2, 3)
    if given.ndim not in axes or 0 in given.shape:
        wanted = "(d,) or (layers, d)" if one else "(d,), (n, d) or (n, layers, d)"
        refuse("latent" if one else "latents", f"have axes {wanted}", f"shape {tuple(given.shape)}")
    if not given.is_floating_point():
        refuse_type("latents", "hold floating-point numbers", given.dtype)
    if not torch.isfinite(given).all():
        refuse("latents", "be finite everywhere", "NaN or infinite values")
    owner = call if isinstance(call, nn.Module) else getattr(call, "__self__", None)
    if not isinstance(owner, nn.Module):  # an adapter around a module, or a plain function
        owner = getattr(owner, "module", None)
    if isinstance(owner, nn.Module):
        weight = next((p for p in owner.parameters() if p.is_floating_point()), None)
        if weight is not None:
            given = given.to(weight)
    if given.dtype not in (torch.float32, torch.float64):
        hint = "Call float() on the generator: half precision is too coarse for derivatives."
        raise TypeError(
            f"`synthesize` must work in float32 or float64; got {str(given.dtype)[6:]}. {hint}"
        )
    return given[None] if one or given.ndim == 1 else given


def _checked(images: Any, latents: Tensor) -> Tensor:
    if not isinstance(images, Tensor):
        refuse_type("synthesize", "give a tensor of images", images)
    if images.ndim != 4 or len(images) != len(latents):
        hint = "It is called with an axis n before those of one latent."
        got = f"shape {tuple(images.shape)} for latents {tuple(latents.shape)}"
        refuse("synthesize", "give images (n, channel, row, column)", got, hint)
    return images


@contextmanager
def _no_batch_statistics() -> Iterator[None]:
    """Refuse any batch norm that uses its batch's statistics, wherever the callable hides it."""

    def before(module: nn.Module, _: Any) -> None:
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and (
            module.training or module.running_mean is None
        ):
            hint = "Call eval() on the generator first."
            got = f"{type(module).__name__} that uses its batch's statistics"
            refuse("synthesize", "have no batch norm in training mode", got, hint)

    handle = nn.modules.module.register_module_forward_pre_hook(before)
    try:
        yield
    finally:
        handle.remove()
