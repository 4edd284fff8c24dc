"""A user's own model as a task of `probe.attribution`: text, images, pairs of both, graphs."""

from __future__ import annotations

from .attributable_graphs import graph_task
from .attributable_images import image_task
from .attributable_pairs import vision_language_task
from .attributable_texts import text_task

__all__ = ["graph_task", "image_task", "text_task", "vision_language_task"]
