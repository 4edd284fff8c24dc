"""Frozen records of pictures: with labels, or with the parameters that they were drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Faces:
    """Drawn faces, the parameters of each, and which pixels show which part.

    Attributes
    ----------
    images
        (n, 3, height, width) float32 in [-1, 1], read-only.
    parameters
        (n, parameter) float32 in [0, 1].
    names
        What each parameter is called.
    regions
        Name of a part to (n, height, width) bool: the pixels that show it.
    name
        What the faces are called in results.
    attrs
        Where they come from, as text or numbers.

    Raises
    ------
    TypeError
        If masks hold no booleans.
    ValueError
        If shapes disagree, or values leave their range.

    Examples
    --------
    >>> masks = {"nose": np.ones((1, 8, 8), bool)}
    >>> Faces(np.zeros((1, 3, 8, 8)), [[0.5]], ("width",), masks, name="one")
    Faces('one', 1 faces, 8 x 8 pixels)
    """

    images: np.ndarray
    parameters: Any
    names: tuple[str, ...]
    regions: Mapping[str, np.ndarray]
    name: str = ""
    attrs: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        images = _pictures(self.images, (3,))
        parameters = np.asarray(self.parameters, np.float32)
        names = tuple(self.names)
        if parameters.shape != (len(images), len(names)):
            raise ValueError(
                f"`parameters` must hold {len(names)} values for each of {len(images)} faces; got "
                f"shape {parameters.shape}."
            )
        _within("parameters", parameters, 0.0, 1.0)
        wanted = (len(images), *images.shape[2:])
        regions = {}
        for part, mask in self.regions.items():
            mask = np.asarray(mask)
            if mask.dtype != bool:
                raise TypeError(f"`regions` must hold booleans; got {mask.dtype} for {part!r}.")
            if mask.shape != wanted:
                raise ValueError(
                    f"`regions` must hold masks of shape {wanted}; got {mask.shape} for {part!r}."
                )
            regions[part] = _frozen(mask)
        for key, value in (
            ("images", images),
            ("parameters", _frozen(parameters)),
            ("names", names),
            ("regions", regions),
            ("attrs", dict(self.attrs)),
        ):
            object.__setattr__(self, key, value)

    def __repr__(self) -> str:
        high, wide = self.images.shape[2:]
        return f"Faces({self.name!r}, {len(self)} faces, {high} x {wide} pixels)"

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Pictures with one label each.

    Attributes
    ----------
    images
        (n, channel, height, width) float32 in [-1, 1], read-only; one channel or three.
    labels
        (n,) int64: positions in `label_names`.
    label_names
        What the labels mean.
    name
        What the pictures are called in results.
    attrs
        Where they come from, as text or numbers.

    Raises
    ------
    ValueError
        If shapes disagree, values leave their range, or a label does not exist.

    Examples
    --------
    >>> LabelledImages(np.zeros((2, 1, 8, 8)), [0, 1], ("no", "yes"), name="tiny")
    LabelledImages('tiny', 2 images, 8 x 8 pixels, 2 labels)
    """

    images: np.ndarray
    labels: Any
    label_names: tuple[str, ...]
    name: str = ""
    attrs: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        images = _pictures(self.images, (1, 3))
        labels = np.asarray(self.labels, np.int64)
        names = tuple(self.label_names)
        if labels.shape != (len(images),):
            raise ValueError(
                f"`labels` must hold one for each of {len(images)} images; got shape "
                f"{labels.shape}."
            )
        if len(labels) and not 0 <= labels.min() <= labels.max() < len(names):
            raise ValueError(
                f"`labels` must be from 0 to {len(names) - 1}; got {labels.min()} to "
                f"{labels.max()}."
            )
        for key, value in (
            ("images", images),
            ("labels", _frozen(labels)),
            ("label_names", names),
            ("attrs", dict(self.attrs)),
        ):
            object.__setattr__(self, key, value)

    def __repr__(self) -> str:
        high, wide = self.images.shape[2:]
        return (
            f"LabelledImages({self.name!r}, {len(self)} images, {high} x {wide} pixels, "
            f"{len(self.label_names)} labels)"
        )

    def __len__(self) -> int:
        return len(self.images)


def _pictures(values: Any, channels: tuple[int, ...]) -> np.ndarray:
    images = np.asarray(values, np.float32)
    if images.ndim != 4 or images.shape[1] not in channels:
        allowed = " or ".join(map(str, channels))
        raise ValueError(
            f"`images` must have axes (n, {allowed} channels, height, width); got shape "
            f"{images.shape}."
        )
    _within("images", images, -1.0, 1.0)
    return _frozen(images)


def _within(name: str, values: np.ndarray, low: float, high: float) -> None:
    # The comparison is also false for NaN.
    if values.size and not (values.min() >= low and values.max() <= high):
        raise ValueError(
            f"`{name}` must lie in [{low:g}, {high:g}]; got {values.min():g} to {values.max():g}."
        )


def _frozen(array: np.ndarray) -> np.ndarray:
    # A view of its own: the caller's array stays writeable.
    view = array.view()
    view.flags.writeable = False
    return view
