"""What the edit explorer draws, packed: regions, and the pictures along their directions."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any

import numpy as np
import xarray as xr

from probe._check import refuse

from ._payload import pack

# Characters that the pictures of a page may take before they are compressed with losses.
BUDGET = 3_000_000
LONGEST = 128  # pixels of a picture's longer side; larger ones are averaged down
_QUALITY = 88  # of lossy pictures, of 100
_SHOWN = 48  # eigenvalues that a page carries


def runs_of(mask: np.ndarray) -> list[int]:
    """Pixels of a mask, row by row, as pairs of a start and a length.

    Examples
    --------
    >>> runs_of(np.array([[0, 1, 1], [1, 0, 1]], bool))
    [1, 3, 5, 1]
    """
    padded = np.concatenate([[False], np.asarray(mask, bool).ravel(), [False]])
    starts, ends = np.flatnonzero(np.diff(padded.astype(np.int8))).reshape(-1, 2).T
    return np.stack([starts, ends - starts], axis=1).ravel().tolist()


def mask_of(runs: list[int], shape: tuple[int, int]) -> np.ndarray:
    """The mask (row, column) of such pairs.

    Raises
    ------
    ValueError
        If they are no pairs, or leave the image.

    Examples
    --------
    >>> mask_of([1, 3, 5, 1], (2, 3)).astype(int).tolist()
    [[0, 1, 1], [1, 0, 1]]
    """
    found = np.zeros(shape[0] * shape[1], dtype=bool)
    if len(runs) % 2:
        refuse("drawn", "hold pairs of a start and a length", f"{len(runs)} numbers")
    for start, length in zip(runs[::2], runs[1::2], strict=True):
        if start < 0 or length < 1 or start + length > len(found):
            refuse("drawn", f"stay within {shape[0]} x {shape[1]} pixels", (start, length))
        found[start : start + length] = True
    return found.reshape(shape)


def packed_set(ds: xr.Dataset, name: str, kind: str, *, lossy: bool = False) -> dict[str, Any]:
    """Edits of one region in one space: a row of pictures for each, and its numbers."""
    own = ds.isel(edit=np.flatnonzero((ds["name"] == name) & (ds["space"] == kind)))
    table = ds.sel(mask=name, kind=kind)
    method = str(own["method"].values[0])
    edits = []
    for i in range(own.sizes["edit"]):
        one = own.isel(edit=i)
        edits.append(
            {
                "method": str(one["method"].item()),
                "own": str(one["method"].item()) == method,
                "direction": int(one["direction"]),
                "kept": float(one["kept_effect"]),
                "ratio": min(float(one["ratio_linear"]), 1e9),
                "empty": bool(one["near_empty"]),
                "outside": pack(one["outside"].values, "f32"),
                "beyond": pack(one["transfer_outside"].values, "f32"),
            }
        )
    frames = own["frames"].transpose("edit", "step", "row", "column", "channel").values
    others = own["transfer_frames"].transpose("edit", "other", "way", "row", "column", "channel")
    flat = others.values.reshape(len(frames), -1, *frames.shape[2:])
    spectra = {
        side: pack(table[f"spectrum_{side}"].values[:_SHOWN], "f32")
        for side in ("inside", "outside")
    }
    return {
        "method": method,
        "rank": int(table["n_directions"]),
        "reason": str(table["rank_reason"].item()),
        "edits": edits,
        "spectra": spectra,
        "sheet": sheet(np.concatenate([frames, flat], axis=1), lossy=lossy),
    }


def sheet(pictures: np.ndarray, *, lossy: bool = False) -> dict[str, Any]:
    """Pictures (line, place, row, column, channel) uint8 side by side in one WebP.

    ``width`` and ``height`` are those of one picture; ``error`` is the largest difference that
    losses make, of 255.
    """
    from PIL import Image

    pictures = smaller(pictures)
    lines, places, rows, columns, channels = pictures.shape
    whole = pictures.transpose(0, 2, 1, 3, 4).reshape(lines * rows, places * columns, channels)
    whole = np.ascontiguousarray(np.repeat(whole, 3, axis=2) if channels == 1 else whole)
    file = BytesIO()
    Image.fromarray(whole).save(file, "WEBP", lossless=not lossy, quality=_QUALITY, method=4)
    error = 0
    if lossy:
        with Image.open(file) as again:
            shown = np.asarray(again.convert("RGB"), dtype=np.int16)
        error = int(np.abs(shown - whole).max())
    return {
        "type": "image/webp",
        "b64": base64.b64encode(file.getvalue()).decode("ascii"),
        "width": columns,
        "height": rows,
        "error": error,
    }


def smaller(pictures: np.ndarray) -> np.ndarray:
    """Pictures (..., row, column, channel) of at most `LONGEST` pixels, by means of squares.

    Examples
    --------
    >>> smaller(np.zeros((256, 200, 3), np.uint8)).shape
    (128, 100, 3)
    """
    *more, rows, columns, channels = pictures.shape
    by = -(-max(rows, columns) // LONGEST)
    if by == 1:
        return pictures
    kept = pictures[..., : rows // by * by, : columns // by * by, :]
    squares = kept.reshape(*more, rows // by, by, columns // by, by, channels)
    return squares.mean(axis=(-4, -2)).round().astype(np.uint8)
