"""A generator of faces whose latent directions are known: the truth that methods are held to."""

from __future__ import annotations

import math
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from .drawing import draw_faces
from .parameters import FACE_PARAMETERS, FACE_REGIONS, check_size, check_whole
from .parts import grid

_WAVES = 0.02  # amplitude of a background wave per unit of latent


@final
class FaceOracle:
    """The face renderer behind an orthonormal map from a latent space.

    Parameter k is Phi(<latent, b_k>), Phi the normal distribution function and b_k orthonormal: a
    standard normal latent gives independent uniform parameters. The parameters of one region thus
    live in one known subspace, orthogonal to that of any other region.

    Parameters
    ----------
    dim
        Dimensions of the latent space, at least the number of parameters.
    size
        Height and width of a picture in pixels, at least 32.
    seed
        Of the map.
    rest
        What the dimensions do that belong to no parameter: "none" (nothing), or "background" (each
        adds its own faint wave to the background's pixels).

    Raises
    ------
    TypeError
        If a number is not whole.
    ValueError
        If a number is too small or `rest` is not known.

    Examples
    --------
    >>> oracle = FaceOracle()
    >>> oracle(torch.zeros(2, 64)).shape, oracle.subspace("mouth").shape
    (torch.Size([2, 3, 32, 32]), (64, 4))
    """

    def __init__(self, dim: int = 64, size: int = 32, seed: int = 0, *, rest: str = "none") -> None:
        check_whole("dim", dim, len(FACE_PARAMETERS))
        check_size(size)
        check_whole("seed", seed, 0)
        if rest not in ("none", "background"):
            raise ValueError(f"`rest` must be one of 'none', 'background'; got {rest!r}.")
        self.dim, self.size, self.seed, self.rest = int(dim), int(size), int(seed), rest
        drawn = np.random.default_rng(seed).standard_normal((dim, dim))
        rotation, upper = np.linalg.qr(drawn)
        # Signs as if R had a positive diagonal: uniform over rotations, the same everywhere.
        self._rotation = rotation * np.sign(np.diag(upper))
        self._basis = torch.from_numpy(self._rotation)

    def __repr__(self) -> str:
        return f"FaceOracle(dim={self.dim}, size={self.size}, seed={self.seed}, rest={self.rest!r})"

    @property
    def names(self) -> tuple[str, ...]:
        """The regions that have a subspace."""
        return FACE_REGIONS

    def subspace(self, name: str) -> np.ndarray:
        """Orthonormal directions that change one region: the truth for subspace recovery.

        Parameters
        ----------
        name
            One of `names`, or one parameter of FACE_PARAMETERS, or "rest": the dimensions that
            belong to no parameter.

        Returns
        -------
        numpy.ndarray
            (dim, r) float64, one column for each parameter in the order of FACE_PARAMETERS. With
            ``rest="background"`` those of "background" include the rest.

        Raises
        ------
        ValueError
            If there is no such name.
        """
        names = list(FACE_PARAMETERS)
        known = (*FACE_REGIONS, *names, "rest")
        if name not in known:
            listed = ", ".join(map(repr, known))
            raise ValueError(f"`name` must be one of {listed}; got {name!r}.")
        rest = list(range(len(names), self.dim))
        if name == "rest":
            columns = rest
        elif name in FACE_PARAMETERS:
            columns = [names.index(name)]
        else:
            columns = [i for i, region in enumerate(FACE_PARAMETERS.values()) if region == name]
            columns += rest if (name, self.rest) == ("background", "background") else []
        return self._rotation[:, columns]

    def parameters(self, latent: Any) -> Tensor:
        """The parameters (n, parameter) in [0, 1] of latents (n, dim) or (dim,)."""
        return torch.special.ndtr(self._turned(latent)[:, : len(FACE_PARAMETERS)])

    def synthesize(self, latent: Any) -> Tensor:
        """The faces of latents, differentiable; the same as calling the oracle.

        Parameters
        ----------
        latent
            (n, dim) or (dim,) floating-point numbers.

        Returns
        -------
        Tensor
            (n, 3, size, size) of the latent's type, in [-1, 1] but for waves, which may leave it.

        Raises
        ------
        TypeError
            If the latent holds no floating-point numbers.
        ValueError
            If its shape is not as said.
        """
        turned = self._turned(latent)
        count = len(FACE_PARAMETERS)
        parameters = torch.special.ndtr(turned[:, :count])
        backdrop = None
        if self.rest == "background":
            backdrop = torch.einsum("nk,khw->nhw", turned[:, count:], self._waves(turned))
            backdrop = backdrop.unsqueeze(1)
        return draw_faces(parameters, self.size, backdrop=backdrop)

    def sample(self, n: int, seed: int = 0) -> Tensor:
        """Standard normal latents (n, dim) float32, for `synthesize`.

        Raises
        ------
        TypeError, ValueError
            If a number is not whole or is too small.
        """
        check_whole("n", n, 1)
        check_whole("seed", seed, 0)
        drawn = np.random.default_rng(seed).standard_normal((n, self.dim))
        return torch.from_numpy(drawn.astype(np.float32))

    def __call__(self, latent: Any) -> Tensor:
        """As `synthesize`."""
        return self.synthesize(latent)

    def _turned(self, latent: Any) -> Tensor:
        """Coordinates (n, dim) of latents along the columns of the map."""
        given = latent if isinstance(latent, Tensor) else torch.as_tensor(latent)
        if given.ndim not in (1, 2) or given.shape[-1] != self.dim:
            raise ValueError(
                f"`latent` must have axes (n, {self.dim}) or ({self.dim},); got shape "
                f"{tuple(given.shape)}."
            )
        if not given.is_floating_point():
            raise TypeError(f"`latent` must be floating-point numbers; got {given.dtype}.")
        return given.reshape(-1, self.dim) @ self._basis.to(given)

    def _waves(self, like: Tensor) -> Tensor:
        """(dim - parameters, size, size): plane waves of few cycles, all different."""
        at = grid(self.size, like)
        k = torch.arange(self.dim - len(FACE_PARAMETERS), device=like.device).view(-1, 1, 1)
        across, down, shift = k % 4, 1 + k // 8, (k // 4) % 2 * 0.25
        return _WAVES * torch.cos(2 * math.pi * (across * at.x + down * at.y + shift))


def face_oracle(dim: int = 64, size: int = 32, seed: int = 0, *, rest: str = "none") -> FaceOracle:
    """A `FaceOracle`: faces from latents (n, dim), with ``subspace(region)`` as the truth.

    Parameters
    ----------
    dim, size, seed, rest
        As of `FaceOracle`, whose errors these raise.

    Examples
    --------
    >>> oracle = face_oracle(dim=32, seed=3)
    >>> truth = oracle.subspace("nose")
    >>> np.allclose(truth.T @ truth, np.eye(2))
    True
    """
    return FaceOracle(dim, size, seed, rest=rest)
