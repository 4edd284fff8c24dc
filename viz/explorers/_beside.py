"""Pictures of other results that stand beside a view: by name, one for all examples or one each."""

from __future__ import annotations

import base64
import inspect
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import xarray as xr

from probe._check import refuse, refuse_type

from .. import style

_WANTED = "be a Dataset that has a plot, a figure or Axes, or several of them by name"


def pictures_beside(beside: Any, examples: int) -> list[dict[str, Any]]:
    """Title, address and alternative of each picture, for light and dark pages.

    Parameters
    ----------
    beside
        A result, a figure or Axes; a list of them; or a mapping of titles to them, in which a list
        holds one for each example. A result that has as many examples, and whose plot can show
        one of them, is drawn for each.
    examples
        How many there are.

    Returns
    -------
    list of dict
        ``title`` and ``pictures``: one for all or one for each example, each a list of
        ``{src, alt}``, light and (of results) dark.

    Raises
    ------
    TypeError
        If something in it can be no picture.
    ValueError
        If a list has another length than there are examples, or a result has no plot.
    """
    if beside is None:
        return []
    # A Dataset is a Mapping too: of variables.
    several = isinstance(beside, Mapping) and not isinstance(beside, xr.Dataset)
    named = beside if several else dict(_titled(beside))
    return [
        {"title": str(title), "pictures": _each(title, one, examples)}
        for title, one in named.items()
    ]


def _titled(beside: Any) -> Any:
    several = list(beside) if isinstance(beside, Sequence) else [beside]
    for i, one in enumerate(several):
        probe = one.attrs.get("probe", "") if isinstance(one, xr.Dataset) else ""
        room, _, name = str(probe).partition(".")
        title = f"{room.capitalize()}: {name.replace('_', ' ')}" if name else "Beside it"
        yield (title if len(several) == 1 else f"{title} ({i + 1})"), one


def _each(title: Any, one: Any, examples: int) -> list[list[dict[str, str]]]:
    if isinstance(one, Sequence):
        if len(one) != examples:
            refuse(
                f"beside[{title!r}]", f"hold one picture for each of {examples} examples", len(one)
            )
        return [_both(each, {}) for each in one]
    if isinstance(one, xr.Dataset) and one.sizes.get("example") == examples and _shows_one(one):
        return [_both(one, {"example": i}) for i in range(examples)]
    return [_both(one, {})]


def _shows_one(ds: xr.Dataset) -> bool:
    from .._registry import PLOTS, plot_function

    known = ds.attrs.get("probe") in PLOTS
    return known and "example" in inspect.signature(plot_function(ds)).parameters


def _both(one: Any, options: dict[str, Any]) -> list[dict[str, str]]:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    if isinstance(one, xr.Dataset):
        return [_drawn(one, options, name) for name in ("light", "dark")]
    if isinstance(one, Axes):
        return [_shot(style.figure_of(one))]
    if not isinstance(one, Figure):
        refuse_type("beside", _WANTED, one)
    return [_shot(one)]


def _drawn(ds: xr.Dataset, options: dict[str, Any], name: str) -> dict[str, str]:
    import matplotlib.pyplot as plt
    import numpy as np

    from .._registry import draw

    with style.theme(name):
        axes = np.ravel(np.asarray(draw(ds, None, options), dtype=object))
        figure = style.figure_of(axes[0])
        try:
            return _shot(figure)
        finally:
            plt.close(figure)


def _shot(figure: Any) -> dict[str, str]:
    from PIL import Image

    from ..report.pictures import picture

    src, alt = picture(figure, dpi=90)
    # The same pixels in half the bytes.
    with Image.open(BytesIO(base64.b64decode(src.partition(",")[2]))) as image, BytesIO() as file:
        image.convert("RGB").save(file, "WEBP", lossless=True, method=4)
        encoded = base64.b64encode(file.getvalue()).decode("ascii")
    return {"src": f"data:image/webp;base64,{encoded}", "alt": alt}
