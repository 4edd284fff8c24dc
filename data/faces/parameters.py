"""What can be changed in a schematic face, and which part of the picture each change belongs to."""

from __future__ import annotations

import numpy as np

# Name of a parameter, from 0 to 1 each, to the region of the picture that it acts on.
FACE_PARAMETERS: dict[str, str] = {
    "eye_size": "eyes",
    "eye_spacing": "eyes",
    "eye_openness": "eyes",
    "eye_gaze": "eyes",
    "eye_colour": "eyes",
    "brow_height": "brows",
    "brow_angle": "brows",
    "brow_thickness": "brows",
    "mouth_width": "mouth",
    "mouth_height": "mouth",
    "mouth_curvature": "mouth",
    "mouth_openness": "mouth",
    "nose_length": "nose",
    "nose_width": "nose",
    "hair_length": "hair",
    "hair_fringe": "hair",
    "hair_colour": "hair",
    "skin_tone": "skin",
    "background_hue": "background",
    "background_light": "background",
}
FACE_REGIONS: tuple[str, ...] = tuple(dict.fromkeys(FACE_PARAMETERS.values()))
FACE_SIZES = (32, 64)


def random_parameters(n: int, *, seed: int = 0) -> np.ndarray:
    """Parameters of `n` faces, independent and uniform; those of a smaller `n` come first.

    Parameters
    ----------
    n
        How many faces, at least 1.
    seed
        Which faces, not negative.

    Returns
    -------
    numpy.ndarray
        (n, parameter) float64 in [0, 1), in the order of FACE_PARAMETERS.

    Raises
    ------
    TypeError
        If a number is not whole.
    ValueError
        If a number is too small.

    Examples
    --------
    >>> bool((random_parameters(2)[0] == random_parameters(1)[0]).all())
    True
    """
    check_whole("n", n, 1)
    check_whole("seed", seed, 0)
    return np.random.default_rng(seed).random((n, len(FACE_PARAMETERS)))


def check_whole(name: str, value: object, least: int) -> None:
    """Raise unless `value` is a whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"`{name}` must be a whole number; got {type(value).__name__}.")
    if value < least:
        raise ValueError(f"`{name}` must be at least {least}; got {value}.")


def check_size(size: object) -> None:
    """Raise unless faces can be drawn at that `size`."""
    check_whole("size", size, FACE_SIZES[0])
