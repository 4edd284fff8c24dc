"""Schematic faces as a smooth function of their parameters, and which pixel shows which part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from . import parts
from .parameters import FACE_PARAMETERS, FACE_REGIONS, check_size

# Red, green and blue in [0, 1]; two colours are the ends of a parameter's range.
_SKIN = ((0.98, 0.85, 0.72), (0.55, 0.37, 0.26))
_HAIR = ((0.12, 0.09, 0.10), (0.93, 0.74, 0.36))
_IRIS = ((0.28, 0.16, 0.08), (0.16, 0.48, 0.85))
_GROUND = ((0.18, 0.55, 0.55), (0.62, 0.34, 0.62))
_WHITE = (0.97, 0.97, 0.96)
_BROW = (0.20, 0.12, 0.10)
_NOSE = (0.90, 0.38, 0.34)
_LIPS = (0.78, 0.16, 0.20)
_GAP = (0.25, 0.02, 0.06)


def draw_faces(parameters: Any, size: int = 32, *, backdrop: Tensor | None = None) -> Tensor:
    """Faces as pictures, differentiable by their parameters.

    Parameters
    ----------
    parameters
        (n, parameter) in [0, 1], in the order of FACE_PARAMETERS: a tensor, whose type and device
        are those of the result, or an array.
    size
        Height and width in pixels, at least 32.
    backdrop
        What is added to the background's colours, which are in [0, 1] themselves: of a shape that
        broadcasts to that of the result. None adds nothing.

    Returns
    -------
    Tensor
        (n, 3, size, size) in [-1, 1]: red, green, blue.

    Raises
    ------
    TypeError
        If the size is no whole number, or the parameters are no floating-point numbers.
    ValueError
        If the shape or the size is not as said. Values outside [0, 1] are drawn as they come: a
        check would cost a derivative its graph.

    Notes
    -----
    Edges are smooth over 1.5 pixels. A parameter acts on no pixel but those of its own region (see
    `face_regions`): parts do not move others and have colours of their own. Works under
    `torch.func` (jvp, vjp, vmap).

    Examples
    --------
    >>> draw_faces(torch.full((2, 20), 0.5)).shape
    torch.Size([2, 3, 32, 32])
    """
    given = _checked(parameters, size)
    p = _named(given)
    shown = _coverage(p, size, given)

    light = 0.55 + 0.75 * p["background_light"]
    image = light.unsqueeze(1) * _between(_GROUND, p["background_hue"])
    if backdrop is not None:
        image = image + backdrop
    image = _over(image, _between(_HAIR, p["hair_colour"]), shown["hair"])
    image = _over(image, _between(_SKIN, p["skin_tone"]), shown["skin"])
    for part, colour in (("brows", _BROW), ("nose", _NOSE), ("eyes", _WHITE)):
        image = _over(image, _colour(colour, given), shown[part])
    image = _over(image, _between(_IRIS, p["eye_colour"]), shown["irises"])
    image = _over(image, _colour(_LIPS, given), shown["mouth"])
    return 2 * _over(image, _colour(_GAP, given), shown["gap"]) - 1


def face_regions(parameters: Any, size: int = 32) -> dict[str, Tensor]:
    """Which pixels show each part of a face, in part or as a whole.

    Parameters
    ----------
    parameters, size
        As of `draw_faces`.

    Returns
    -------
    dict
        Each of FACE_REGIONS to (n, size, size) bool. A pixel on the border of two parts shows
        both; every pixel shows at least one.

    Raises
    ------
    TypeError, ValueError
        As `draw_faces` does.

    Examples
    --------
    >>> list(face_regions(torch.full((1, 20), 0.5)))
    ['eyes', 'brows', 'mouth', 'nose', 'hair', 'skin', 'background']
    """
    given = _checked(parameters, size)
    with torch.no_grad():
        shown = _coverage(_named(given), size, given)
        features = [shown[name] for name in ("eyes", "brows", "mouth", "nose")]
        bare = torch.stack(features).amax(0) < 1  # not hidden by a part on top
        behind = shown["skin"] < 1
        found = {name: shown[name] > 0 for name in FACE_REGIONS if name in shown}
        found["skin"] &= bare
        found["hair"] &= behind
        found["background"] = (shown["hair"] < 1) & behind
        return {name: found[name] for name in FACE_REGIONS}


def _coverage(p: Mapping[str, Tensor], size: int, like: Tensor) -> dict[str, Tensor]:
    """Each layer, from back to front, to the share of every pixel (n, size, size) it covers."""
    at = parts.grid(size, like)
    whites, irises = parts.eyes(at, p)
    lips, gap = parts.mouth(at, p)
    return {
        "hair": parts.hair(at, p),
        "skin": parts.skin(at, p),
        "brows": parts.brows(at, p),
        "nose": parts.nose(at, p),
        "eyes": whites,
        "irises": irises,
        "mouth": lips,
        "gap": gap,
    }


def _checked(parameters: Any, size: int) -> Tensor:
    check_size(size)
    given = parameters if isinstance(parameters, Tensor) else torch.as_tensor(parameters)
    if given.ndim != 2 or given.shape[1] != len(FACE_PARAMETERS):
        raise ValueError(
            f"`parameters` must have axes (n, {len(FACE_PARAMETERS)} parameters); got shape "
            f"{tuple(given.shape)}."
        )
    if not given.is_floating_point():
        raise TypeError(f"`parameters` must be floating-point numbers; got {given.dtype}.")
    return given


def _named(parameters: Tensor) -> dict[str, Tensor]:
    """Each parameter as (n, 1, 1), so that it meets the pixels."""
    columns = parameters.unsqueeze(-1).unsqueeze(-1)
    return {name: columns[:, i] for i, name in enumerate(FACE_PARAMETERS)}


def _colour(rgb: tuple[float, ...], like: Tensor) -> Tensor:
    return torch.tensor(rgb, dtype=like.dtype, device=like.device).view(1, 3, 1, 1)


def _between(ends: tuple[tuple[float, ...], tuple[float, ...]], share: Tensor) -> Tensor:
    first, last = (_colour(rgb, share) for rgb in ends)
    return first + (last - first) * share.unsqueeze(1)


def _over(image: Tensor, colour: Tensor, coverage: Tensor) -> Tensor:
    share = coverage.unsqueeze(1)
    return image * (1 - share) + colour * share  # exact where all or nothing is covered
