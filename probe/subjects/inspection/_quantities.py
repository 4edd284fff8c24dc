"""Times, sizes and counts as people read them."""

from __future__ import annotations

import math


def duration(seconds: float) -> str:
    """Seconds in words for people, "-" where not known.

    Examples
    --------
    >>> [duration(s) for s in (0.0002, 0.02, 3.21, 400.0, 9000.0, float("nan"))]
    ['0.2 ms', '20 ms', '3.2 s', '7 min', '2.5 h', '-']
    """
    if math.isnan(seconds):
        return "-"
    if seconds < 0.995:
        return f"{seconds * 1000:.{0 if seconds >= 0.01 else 1}f} ms"
    if seconds < 99.5:
        return f"{seconds:.2g} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:,.1f} h"


def size(count: float) -> str:
    """Bytes for people, "-" where not known.

    Examples
    --------
    >>> [size(b) for b in (800, 4.2e6, 1.5e9, 3.1e11, float("nan"))]
    ['1 kB', '4.2 MB', '1.5 GB', '310 GB', '-']
    """
    if math.isnan(count):
        return "-"
    for unit, one in (("GB", 1e9), ("MB", 1e6)):
        if count >= one:
            return f"{count / one:,.{0 if count >= 100 * one else 1}f} {unit}"
    return f"{max(count / 1e3, 1):.0f} kB"


def several(count: int, word: str) -> str:
    """A count with its noun.

    Examples
    --------
    >>> several(1, "module"), several(1200, "module")
    ('1 module', '1,200 modules')
    """
    return f"{count:,} {word}{'' if count == 1 else 's'}"
