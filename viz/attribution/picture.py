"""A picture under the attributions of its pixels and regions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import style
from ..value.scale import Scale
from .reading import Cell, Part, boxes_in, image_in, signed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Over a grey picture, which does not follow the page's theme: against, and for the target.
OVER = ("#0a5fb4", "#e8590c")
_OPAQUE = 0.85  # of the strongest colour over the picture


def draw_picture(ax: Axes, cell: Cell, parts: list[Part], scales: list[Scale]) -> None:
    """The picture in grey, its pixels and regions coloured as strongly as they matter."""
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Rectangle

    colours = style.theme_of(ax)
    grey = grey_of(cell)
    pixels = next((part for part in parts if part.kind == "pixel"), None)
    shape = grey.shape if grey is not None else pixels.values.shape if pixels else (1, 1)
    if grey is None:
        ax.set_facecolor(colours.grid)
    else:
        veil = np.repeat(0.6 + 0.38 * grey[..., None], 3, axis=-1)
        ax.imshow(veil, interpolation="nearest", extent=(0, 1, 1, 0), aspect="auto")
    ax.set_box_aspect(shape[0] / shape[1])
    ax.set_anchor("NW")
    ax.set(xlim=(0, 1), ylim=(1, 0))
    for part, scale in zip(parts, scales, strict=True):
        share = np.nan_to_num(part.values / float(scale.norm.vmax or 1.0))
        rgb = np.array([to_rgb(OVER[0]), to_rgb(OVER[1])])[(share > 0).astype(int)]
        if part.kind == "pixel":
            layer = np.concatenate([rgb, _OPAQUE * np.abs(share)[..., None]], axis=-1)
            image = ax.imshow(
                layer, interpolation="nearest", extent=(0, 1, 1, 0), aspect="auto", zorder=2
            )
            image.set_gid("attribution")
            continue
        boxes = boxes_in(cell.result)
        for k in np.argsort(np.abs(share), kind="stable"):
            if boxes is None or not np.isfinite([*boxes[k], part.values[k]]).all():
                continue
            x0, y0, x1, y1 = boxes[k]
            face = (*rgb[k], 0.6 * _OPAQUE * abs(share[k]))
            for edge, thick in (("white", 3.0), (tuple(rgb[k]), 1.6)):
                box = Rectangle((x0, y0), x1 - x0, y1 - y0, fc="none", ec=edge, lw=thick, zorder=3)
                ax.add_patch(box)
            fill = Rectangle((x0, y0), x1 - x0, y1 - y0, fc=face, ec="none", zorder=2)
            fill.set_gid(f"region {k}")
            ax.add_patch(fill)
            ax.text(
                *(x0, y0, f"{k + 1}: {signed(float(part.values[k]))}"),
                fontsize=7.5,
                color="#ffffff",
                va="center",
                zorder=4,
                bbox={"boxstyle": "round,pad=0.15", "facecolor": "#1a2130", "edgecolor": "none"},
            )


def grey_of(cell: Cell) -> np.ndarray | None:
    """(row, column) lightness in [0, 1] of the cell's picture; None if it has none."""
    image = image_in(cell.result)
    if image is None:
        return None
    weights = [0.2126, 0.7152, 0.0722] if image.shape[2] >= 3 else [1.0]
    return image[..., : len(weights)] @ weights
