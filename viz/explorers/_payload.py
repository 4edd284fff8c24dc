"""Arrays as compact text: base64 of little-endian numbers, quantised where nobody sees it."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

_PLAIN = {"u8": "<u1", "u16": "<u2", "i32": "<i4", "f32": "<f4"}


def pack(array: np.ndarray, kind: str) -> dict[str, Any]:
    """An array as `{kind, b64}`, its numbers unchanged but for the type.

    Parameters
    ----------
    array
        Any shape; packed in C order, the shape is the reader's to know.
    kind
        ``u8``, ``u16``, ``i32`` or ``f32``.

    Raises
    ------
    ValueError
        If a number does not fit in the type.

    Examples
    --------
    >>> pack(np.array([1, 2, 258]), "u16")
    {'kind': 'u16', 'b64': 'AQACAAIB'}
    """
    flat = np.ascontiguousarray(array).ravel()
    out = flat.astype(_PLAIN[kind])
    if kind != "f32" and not np.array_equal(out, flat):
        raise ValueError(f"`array` must fit in {kind}; got values {flat.min()} to {flat.max()}.")
    return {"kind": kind, "b64": base64.b64encode(out.tobytes()).decode("ascii")}


def quantise(array: np.ndarray, kind: str = "u16") -> dict[str, Any]:
    """An array of reals as codes between its smallest and largest finite value.

    Accuracy: half a step, (hi - lo) / 131068 for ``u16`` and (hi - lo) / 508 for ``u8``.
    The largest code stands for "no value": whatever is not finite.

    Examples
    --------
    >>> packed = quantise(np.array([0.0, 0.5, np.nan, 1.0]), "u8")
    >>> packed["lo"], packed["hi"], list(base64.b64decode(packed["b64"]))
    (0.0, 1.0, [0, 127, 255, 254])
    """
    flat = np.asarray(array, dtype=np.float64).ravel()
    gap = np.iinfo(np.dtype(_PLAIN[kind])).max
    known = np.isfinite(flat)
    low, high = (flat[known].min(), flat[known].max()) if known.any() else (0.0, 0.0)
    codes = np.full(flat.shape, gap)
    span = high - low
    codes[known] = np.rint((flat[known] - low) / span * (gap - 1)) if span > 0 else 0
    return pack(codes, kind) | {"lo": float(low), "hi": float(high)}


def unpack(packed: dict[str, Any]) -> np.ndarray:
    """What a view sees of a packed array: the inverse of `pack` and `quantise`.

    Examples
    --------
    >>> unpack(quantise(np.array([-1.0, 1.0])))
    array([-1.,  1.])
    """
    codes = np.frombuffer(base64.b64decode(packed["b64"]), dtype=_PLAIN[packed["kind"]])
    if "hi" not in packed:
        return codes
    gap = np.iinfo(codes.dtype).max
    values = packed["lo"] + codes.astype(np.float64) * (packed["hi"] - packed["lo"]) / (gap - 1)
    return np.where(codes == gap, np.nan, values)
