"""Schematic faces with known parameters, known regions, and a known way from a latent to both."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .drawing import draw_faces, face_regions
    from .oracle import FaceOracle, face_oracle
    from .parameters import FACE_PARAMETERS, FACE_REGIONS, random_parameters
    from .rendering import render_faces

_HOME = {
    "FACE_PARAMETERS": "parameters",
    "FACE_REGIONS": "parameters",
    "FaceOracle": "oracle",
    "draw_faces": "drawing",
    "face_oracle": "oracle",
    "face_regions": "drawing",
    "random_parameters": "parameters",
    "render_faces": "rendering",
}

__all__ = [
    "FACE_PARAMETERS",
    "FACE_REGIONS",
    "FaceOracle",
    "draw_faces",
    "face_oracle",
    "face_regions",
    "random_parameters",
    "render_faces",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
