"""Any module that makes images of numbers as a generator: evaluation mode, its noise fixed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from .._check import integer, refuse, refuse_type
from .generator_protocol import flat_latents, normal_latents


@final
class AdaptedGenerator:
    """A module behind the protocol of `Generator`; `adapt_generator` makes and checks it."""

    def __init__(
        self,
        module: nn.Module,
        latent_shape: tuple[int, ...],
        *,
        image_of: Callable[[Any], Tensor] | None,
        options: Mapping[str, Any],
        noise_seed: int | None,
        draw: Callable[[int, int], Tensor] | None,
        name: str,
    ) -> None:
        self.module, self.latent_shape, self.name = module, latent_shape, name
        self._image_of, self._options, self._draw = image_of, dict(options), draw
        self._noise_seed = noise_seed

    def __repr__(self) -> str:
        return f"AdaptedGenerator({self.name!r}, latent {self.latent_shape})"

    @property
    def dim(self) -> int:
        """Dimensions of a latent, flattened."""
        return math.prod(self.latent_shape)

    def synthesize(self, latent: Tensor) -> Tensor:
        """Images (n, channel, height, width) of latents (n, dim) or (dim,), differentiable.

        Raises
        ------
        RuntimeError
            If a part of the module has been put back into training mode.
        TypeError, ValueError
            If the latent's shape is not as said, or what comes out is no batch of images.
        """
        _refuse_training(self.module)
        given = flat_latents(latent, self.dim).reshape(-1, *self.latent_shape)
        if self._noise_seed is None:
            return self._called(given)
        # The same noise for each call, whatever was drawn before; what is drawn after stays as it
        # would have been.
        with torch.random.fork_rng(devices=[given.device] if given.is_cuda else []):
            torch.manual_seed(self._noise_seed)
            return self._called(given)

    def sample(self, n: int, seed: int = 0) -> Tensor:
        """Latents (n, dim): standard normal, or as the function given to `adapt_generator` says.

        Raises
        ------
        TypeError, ValueError
            If `n` or `seed` is no integer in range, or what that function gives has another shape.
        """
        if self._draw is None:
            drawn = normal_latents(n, self.dim, seed)
        else:
            drawn = self._draw(integer("n", n, low=1), integer("seed", seed, low=0))
            if not isinstance(drawn, Tensor) or drawn.numel() != n * self.dim:
                refuse("draw", f"give ({n}, {self.dim}) numbers", getattr(drawn, "shape", drawn))
            drawn = drawn.reshape(n, self.dim)
        first = next(self.module.parameters(), None)
        return drawn if first is None else drawn.to(first)

    def _called(self, latent: Tensor) -> Tensor:
        made = self.module(latent, **self._options)
        image = made if self._image_of is None else self._image_of(made)
        if not isinstance(image, Tensor):
            hint = "Give `image_of`, which takes the tensor out of it."
            refuse_type("module", "give a tensor of images", image, hint)
        if image.ndim != 4 or len(image) != len(latent):
            axes = f"give images ({len(latent)}, channel, height, width)"
            refuse("module", axes, f"shape {tuple(image.shape)}")
        return image


def adapt_generator(
    module: nn.Module,
    latent_shape: int | Sequence[int],
    *,
    image_of: Callable[[Any], Tensor] | None = None,
    options: Mapping[str, Any] | None = None,
    noise_seed: int | None = None,
    draw: Callable[[int, int], Tensor] | None = None,
    name: str = "",
) -> AdaptedGenerator:
    """A generator out of any module that maps latents to images.

    The module is put into evaluation mode, and what it draws is compared over two calls: a measure
    of derivatives makes no sense where the same latent gives two images.

    Parameters
    ----------
    module
        Called with (n, *latent_shape) and `options`. Its weights stay as they are.
    latent_shape
        Of one latent, such as 512 or (100, 1, 1) or (4, 8, 8); latents are flattened to (n, dim).
    image_of
        Takes the images (n, channel, height, width) out of what the module gives, if that is no
        tensor.
    options
        Keyword arguments of each call, such as ``{"noise_mode": "const"}``.
    noise_seed
        For a module that draws noise itself: torch's seed before each call, so that the noise is
        always the same. None: such a module is refused.
    draw
        ``draw(n, seed)`` gives latents of the module's own distribution; None is standard normal.
    name
        What results call it; empty is the name of the class.

    Returns
    -------
    AdaptedGenerator
        With ``synthesize``, ``sample`` and ``dim``.

    Raises
    ------
    TypeError
        If `module` is no module, or gives no tensor.
    ValueError
        If a shape is not as said, an image is not finite, the module draws noise and `noise_seed`
        is None, or batch normalisation uses the statistics of its batch even in evaluation mode.

    Examples
    --------
    >>> module = nn.Sequential(nn.Linear(6, 48), nn.Unflatten(1, (3, 4, 4)), nn.BatchNorm2d(3))
    >>> generator = adapt_generator(module, 6)
    >>> generator.synthesize(generator.sample(2)).shape
    torch.Size([2, 3, 4, 4])
    """
    if not isinstance(module, nn.Module):
        refuse_type("module", "be a torch.nn.Module", module)
    shape = (latent_shape,) if isinstance(latent_shape, int) else tuple(latent_shape)
    for length in shape or (0,):
        integer("latent_shape", length, low=1)
    if noise_seed is not None:
        integer("noise_seed", noise_seed, low=0)
    for where, part in module.named_modules():
        if isinstance(part, _BatchNorm) and part.running_mean is None:
            hint = "An image would depend on the others of its batch."
            refuse(
                "module", "have running statistics in every batch norm", f"none in {where!r}", hint
            )
    made = AdaptedGenerator(
        module.eval(),
        shape,
        image_of=image_of,
        options=options or {},
        noise_seed=noise_seed,
        draw=draw,
        name=name or type(module).__name__,
    )
    with torch.no_grad():
        latent = made.sample(2)
        first, second = made.synthesize(latent), made.synthesize(latent)
    if not torch.isfinite(first).all():
        bad = int((~torch.isfinite(first)).sum())
        refuse("module", "give finite images", f"{bad} NaN or infinite values")
    if not torch.equal(first, second):
        hint = "Give `noise_seed`, or switch its noise off by `options`."
        refuse("module", "give the same images for the same latents", "others", hint)
    return made


def _refuse_training(module: nn.Module) -> None:
    for where, part in module.named_modules():
        if not part.training:
            continue
        kind = "batch normalisation" if isinstance(part, _BatchNorm) else type(part).__name__
        raise RuntimeError(
            f"the generator must be in evaluation mode; {kind} at {where or 'its root'!r} is in "
            "training mode, where images of a batch depend on each other or on chance. Call "
            "module.eval()."
        )
