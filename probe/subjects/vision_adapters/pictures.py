"""Images on their way into a model: which part of the picture each patch of its input shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from data.records import GroundedPair

from ..._check import refuse, refuse_type
from ..alignment import patch_grid

_SIDES = ("height", "width")


def checked_image_processor(processor: Any) -> Any:
    """The image processor, if it is one.

    Raises
    ------
    TypeError, ValueError
        If there is none, or it does not process images.
    """
    if processor is None:
        refuse("image_processor", "be given, alone or in a processor", None)
    if not callable(processor) or not hasattr(processor, "do_resize"):
        refuse_type("image_processor", "be an image processor of transformers", processor)
    return processor


def read_images(processor: Any, pairs: Sequence[GroundedPair], model: Any) -> dict[str, Tensor]:
    """What an image processor makes of the images, on the model's device and in its dtype."""
    from PIL import Image

    images = [Image.fromarray(np.array(pair.image)) for pair in pairs]
    made = processor(images=images, return_tensors="pt")
    weight = next(model.parameters())
    return {
        key: value.to(weight.device, weight.dtype if value.is_floating_point() else None)
        for key, value in made.items()
    }


def checked_size(pixels: Tensor, size: Any) -> None:
    """Refuse images of another size than the model's positions are for.

    Raises
    ------
    ValueError
        If height or width differ.
    """
    height, width = size if isinstance(size, Sequence) else (size, size)
    if tuple(pixels.shape[-2:]) != (height, width):
        refuse(
            "image_processor",
            f"make images of {height} x {width} for this model",
            f"{pixels.shape[-2]} x {pixels.shape[-1]}",
            "This image processor belongs to another model.",
        )


def seen_boxes(processor: Any, pair: GroundedPair, rows: int, columns: int) -> np.ndarray:
    """Boxes of the patches of the model's input, in the image as it was: (patch, 4) float32.

    Resizing, centre cropping and padding to a square are undone; what of a patch shows padding is
    cut off its box, and a patch that shows nothing else has NaN.
    """
    x0, y0, x1, y1 = _seen_part(processor, *pair.image.shape[:2])
    grid = patch_grid(rows, columns).astype(np.float64)
    boxes = grid * [x1 - x0, y1 - y0, x1 - x0, y1 - y0] + [x0, y0, x0, y0]
    boxes = np.clip(boxes, 0.0, 1.0)
    boxes[(boxes[:, 2:] - boxes[:, :2] <= 1e-9).any(axis=1)] = np.nan
    return boxes.astype(np.float32)


def with_marks(boxes: np.ndarray, marks: int) -> np.ndarray:
    """Boxes of patches after `marks` positions that have none."""
    return np.concatenate([np.full((marks, 4), np.nan, np.float32), boxes])


def _seen_part(processor: Any, height: int, width: int) -> tuple[float, float, float, float]:
    """Corners of the model's input in the image's own coordinates, beyond [0, 1] at padding."""
    top, left, tall, wide = 0.0, 0.0, float(height), float(width)  # in pixels of the image
    if getattr(processor, "do_pad", False) and hasattr(processor, "pad_to_square"):
        side = max(height, width)
        top, left = -float((side - height) // 2), -float((side - width) // 2)
        tall = wide = float(side)
    if getattr(processor, "do_center_crop", False):
        rows, columns = _resized(processor, round(tall), round(wide))
        crop = processor.crop_size
        tall_crop, wide_crop = (crop.get(side) or crop["shortest_edge"] for side in _SIDES)
        crop_top, crop_left = (rows - tall_crop) // 2, (columns - wide_crop) // 2
        top, left = top + crop_top * tall / rows, left + crop_left * wide / columns
        tall, wide = tall_crop * tall / rows, wide_crop * wide / columns
    return left / width, top / height, (left + wide) / width, (top + tall) / height


def _resized(processor: Any, height: int, width: int) -> tuple[int, int]:
    """Height and width of an image after the processor's resizing."""
    if not getattr(processor, "do_resize", False):
        return height, width
    size = processor.size
    if size.get("height") and size.get("width"):
        return size["height"], size["width"]
    if not size.get("shortest_edge") or size.get("longest_edge"):
        refuse(
            "image_processor",
            "resize to a height and width or by the shortest edge alone before it crops",
            f"{dict(size)}",
        )
    short, divisor = size["shortest_edge"], getattr(processor, "size_divisor", None)
    if divisor:
        return _divisible(height, width, short, divisor)
    if height <= width:
        return short, int(short * width / height)
    return int(short * height / width), short


def _divisible(height: int, width: int, short: int, divisor: int) -> tuple[int, int]:
    """Sizes of the resizing that ViLT and BridgeTower share: at most 1333 for 800, then floored."""
    scale = short / min(height, width)
    sides = [scale * height, scale * width]
    longest = int(1333 / 800 * short)
    if max(sides) > longest:
        sides = [side * longest / max(sides) for side in sides]
    rows, columns = (int(side + 0.5) // divisor * divisor for side in sides)
    return rows, columns
