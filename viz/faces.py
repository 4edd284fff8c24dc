"""Sheets of small pictures, such as a generator's samples, and the regions of a drawn face."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from data.records import Faces, LabelledImages
from probe._check import integer, refuse

from .style import canvas, plain, say, theme_of, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_regions", "plot_sheet"]

_SIDE = 0.72  # inches of a picture in a new figure
_LINE = 0.16  # inches below it for a caption
_GAP = 0.06  # of a picture's side, between two
_FAINT = 0.25  # of a region's colour, over the picture


def plot_sheet(
    images: Any,
    ax: Any = None,
    *,
    columns: int = 8,
    captions: Sequence[str] | None = None,
    heading: str = "",
) -> Axes:
    """Pictures in rows, each pixel as it is, in the order in which they are given.

    Parameters
    ----------
    images
        (n, channel, height, width) in [-1, 1], one channel or three, as an array or a tensor; or a
        record of Faces or LabelledImages. Values outside are drawn as the nearest within.
    ax
        One Axes; a new figure if None.
    columns
        Pictures in a row.
    captions
        What is written below each; None writes the labels of a LabelledImages, else nothing.
    heading
        Title of the sheet.

    Returns
    -------
    Axes
        With one image for each picture.

    Raises
    ------
    TypeError
        If `columns` is no whole number.
    ValueError
        If there is no picture, it is not finite or of another shape, or there is not one caption
        for each.

    Examples
    --------
    >>> ax = plot_sheet(np.zeros((3, 1, 8, 8)), columns=2)
    >>> len(ax.images)
    3
    >>> import matplotlib.pyplot
    >>> matplotlib.pyplot.close(ax.figure)
    """
    if captions is None and isinstance(images, LabelledImages):
        captions = [images.label_names[label] for label in images.labels]
    shown = _pixels(images)
    count, high, wide = shown.shape[:3]
    columns = min(integer("columns", columns, low=1), count)
    rows = -(-count // columns)
    if captions is not None and len(captions) != count:
        refuse("captions", f"hold one for each of {count} pictures", len(captions))
    line = _LINE if captions is not None else 0.0
    step = (1 + _GAP, high / wide * (1 + _GAP) + line / _SIDE)
    size = (max(2.4, columns * step[0] * _SIDE), max(0.8, rows * step[1] * _SIDE + 0.4))
    with canvas(ax, size=size) as (panel,):
        colours = theme_of(panel)
        for i, picture in enumerate(shown):
            row, column = divmod(i, columns)
            left, top = column * step[0], row * step[1]
            panel.imshow(
                picture,
                interpolation="nearest",
                extent=(left, left + 1, top + high / wide, top),
                aspect="equal",
            )
            if captions is not None:
                panel.text(
                    *(left + 0.5, top + high / wide + 0.04, plain(captions[i])),
                    ha="center",
                    va="top",
                    fontsize=7,
                    color=colours.ink,
                )
        panel.set(xlim=(-_GAP, columns * step[0]), ylim=(rows * step[1], -_GAP))
        _bare(panel)
        if heading:
            title(panel, heading)
        say(
            panel,
            f"{heading or 'Pictures'}: {count} of {high} x {wide} pixels, {columns} in a row.",
        )
        return panel


def plot_regions(faces: Faces, ax: Any = None, *, index: int = 0) -> np.ndarray:
    """One drawn face, and which of its pixels show which part.

    Parameters
    ----------
    faces
        From `data.render_faces`.
    ax
        One Axes for the face and one for each region; a new figure if None.
    index
        Which face.

    Returns
    -------
    numpy.ndarray
        (1 + region,) the Axes.

    Raises
    ------
    TypeError, ValueError
        If there is no such face, or not one Axes for each panel.

    Examples
    --------
    >>> from data import render_faces
    >>> axes = plot_regions(render_faces(1, seed=0))
    >>> axes[0].get_title(loc="left")
    'face'
    >>> import matplotlib.pyplot
    >>> matplotlib.pyplot.close(axes[0].figure)
    """
    integer("index", index, low=0, high=len(faces) - 1)
    picture = _pixels(faces.images[index : index + 1])[0]
    count = 1 + len(faces.regions)
    with canvas(ax, panels=count, columns=count, size=(1.35 * count, 1.7)) as panels:
        panels[0].imshow(picture, interpolation="nearest")
        _bare(panels[0])
        title(panels[0], "face")
        say(panels[0], f"Face {index} of {plain(faces.name)}.")
        for panel, (name, masks) in zip(panels[1:], faces.regions.items(), strict=True):
            mask = masks[index][:, :, None]
            grey = picture.mean(2, keepdims=True)
            panel.imshow(
                np.where(mask, picture, _FAINT * grey + (1 - _FAINT)), interpolation="nearest"
            )
            _bare(panel)
            title(panel, plain(name))
            say(panel, f"{name}: {int(mask.sum())} of {mask.size} pixels.")
        made = np.empty(count, dtype=object)
        made[:] = panels
        return made


def _pixels(images: Any) -> np.ndarray:
    """(n, height, width, 3) in [0, 1]."""
    given = images.images if isinstance(images, Faces | LabelledImages) else images
    detach = getattr(given, "detach", None)
    array = np.asarray(detach().cpu() if detach is not None else given, dtype=np.float64)
    if array.ndim != 4 or array.shape[1] not in (1, 3) or not array.size:
        axes = "have axes (n, 1 or 3 channels, height, width), none empty"
        refuse("images", axes, f"shape {array.shape}")
    if not np.isfinite(array).all():
        refuse("images", "be finite", "NaN or infinite values")
    moved = np.clip((np.moveaxis(array, 1, 3) + 1) / 2, 0, 1)
    return np.repeat(moved, 3, axis=3) if moved.shape[3] == 1 else moved


def _bare(ax: Axes) -> None:
    ax.set(xticks=[], yticks=[])
    ax.grid(visible=False)
    for spine in ax.spines.values():
        spine.set_visible(False)
