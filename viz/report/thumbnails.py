"""Small pictures of pages, made from a picture that the page holds; no browser is needed."""

from __future__ import annotations

import base64
import io
import re

SIZE = (640, 400)  # pixels; shown at half of that, so that it is sharp on fine screens
_DATA = re.compile(r"data:image/(png|jpeg);base64,([A-Za-z0-9+/=\s]+)")
_COLOURS = 96


def thumbnail(address: str) -> str:
    """A picture made small, on white, as the ``data:`` address of a PNG.

    Parameters
    ----------
    address
        A ``data:`` address of a PNG or a JPEG.

    Raises
    ------
    ValueError
        If it is no such picture.

    Examples
    --------
    >>> thumbnail("picture.png")
    Traceback (most recent call last):
    ...
    ValueError: `address` must hold a PNG or JPEG picture; got 'picture.png'.
    """
    from PIL import Image, ImageOps

    found = _DATA.fullmatch(address.strip())
    if not found:
        raise ValueError(f"`address` must hold a PNG or JPEG picture; got {address[:60]!r}.")
    try:
        with Image.open(io.BytesIO(base64.b64decode(found[2])), formats=("PNG", "JPEG")) as whole:
            seen = whole.convert("RGBA")
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"`address` must hold a PNG or JPEG picture: {error}") from error
    sheet = Image.new("RGBA", seen.size, "white")
    sheet.alpha_composite(seen)
    small = ImageOps.contain(sheet.convert("RGB"), SIZE, Image.Resampling.LANCZOS)
    # Few colours keep the lines of a plot crisp and its file small.
    few = small.quantize(_COLOURS, dither=Image.Dither.NONE)
    with io.BytesIO() as target:
        few.save(target, format="PNG", optimize=True)
        encoded = base64.b64encode(target.getvalue()).decode("ascii")
    return f"data:image/png;base64,{encoded}"
