"""Text alternatives of pictures: what a figure says about itself, kept beside it."""

from __future__ import annotations

import base64
import io
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from nbformat import NotebookNode

_IMAGES = ("image/png", "image/svg+xml", "image/jpeg")
_HOOK = "_loupe_alt"


def describe(figure: Figure) -> str:
    """What a figure shows, in words: titles, axis labels and named series.

    A label set by hand (``figure.set_label("...")``) is taken instead.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = Figure().subplots()
    >>> _ = ax.set(title="Spectrum", xlabel="component", ylabel="share of variance")
    >>> describe(ax.figure)
    'Figure: Spectrum; share of variance against component.'
    """
    if figure.get_label():
        return _one_line(str(figure.get_label()))
    whole = figure.get_suptitle()
    parts = [_axes_words(ax) for ax in figure.axes if ax.get_label() != "<colorbar>"]
    found = list(dict.fromkeys(part for part in [whole, *parts] if part))
    return _one_line(f"Figure: {'. '.join(found)}.") if found else "Figure without a title."


def picture(figure: Figure, *, dpi: int = 110) -> tuple[str, str]:
    """A figure as a ``data:`` address (PNG) and its text alternative."""
    with io.BytesIO() as target:
        figure.savefig(target, format="png", dpi=dpi, bbox_inches="tight")
        encoded = base64.b64encode(target.getvalue()).decode("ascii")
    return f"data:image/png;base64,{encoded}", describe(figure)


def describe_in_kernel() -> None:
    """In a kernel: from now on every figure shown carries its `describe` as metadata ``alt``.

    The notebook executor runs this before the first cell. The inline backend installs its own
    formatter whenever it is set up, so ours is put around it after each cell, just before the
    figures of that cell are shown.
    """
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    if shell is not None:
        shell.events.register("post_execute", _wrap_formatter)


def set_alternatives(notebook: NotebookNode) -> None:
    """Give every image output of an executed notebook a metadata ``alt``.

    In this order: the cell's metadata ``alt`` (a text, or a list with one for each image), what
    the figure said about itself, the first sentence of the markdown cell that follows, and a
    plain note of where the image came from.
    """
    cells = notebook.cells
    for at, cell in enumerate(cells):
        if cell.cell_type != "code":
            continue
        images = [out for out in cell.outputs if set(_IMAGES) & set(out.get("data", {}))]
        given = cell.metadata.get("alt", [])
        given = [given] * len(images) if isinstance(given, str) else list(given)
        for i, output in enumerate(images):
            said = output.get("metadata", {}).get("alt") or _first_metadata(output)
            follows = cells[at + 1] if at + 1 < len(cells) else None
            after = _first_sentence(follows) if follows else ""
            plain = f"Picture made by cell {at + 1} of the notebook."
            output.setdefault("metadata", {})["alt"] = next(
                text for text in [*given[i : i + 1], said, after, plain] if text
            )


def _wrap_formatter() -> None:
    import sys

    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    if shell is None or "matplotlib.figure" not in sys.modules:
        return
    from matplotlib.figure import Figure

    formatters: Any = getattr(shell.display_formatter, "formatters", {})
    for kind in set(_IMAGES) & set(formatters):
        formatter = formatters[kind]
        try:
            inner = formatter.lookup_by_type(Figure)
        except KeyError:
            continue
        if not getattr(inner, _HOOK, False):
            formatter.for_type(Figure, _described(inner))


def _described(inner: Any) -> Any:
    """`inner`, whose image also carries the alternative."""

    def shown(figure: Figure) -> Any:
        image = inner(figure)
        data, metadata = image if isinstance(image, tuple) else (image, {})
        return data if data is None else (data, {**metadata, "alt": describe(figure)})

    setattr(shown, _HOOK, True)
    return shown


def _axes_words(ax: Any) -> str:
    title = next((t for t in (ax.get_title(loc=side) for side in ("center", "left")) if t), "")
    labels = [ax.get_ylabel(), ax.get_xlabel()]
    against = " against ".join(label for label in labels if label)
    named = [t for t in ax.get_legend_handles_labels()[1] if not t.startswith("_")]
    series = f"({', '.join(dict.fromkeys(named))})" if 0 < len(named) <= 12 else ""
    return "; ".join(part for part in [title, " ".join(filter(None, [against, series]))] if part)


def _first_metadata(output: Any) -> str:
    for kind in _IMAGES:
        alt = output.get("metadata", {}).get(kind, {}).get("alt")
        if alt:
            return str(alt)
    return ""


def _first_sentence(cell: NotebookNode) -> str:
    if cell.cell_type != "markdown":
        return ""
    prose = [line for line in cell.source.splitlines() if line.strip() and line[0] not in "#|>$"]
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", prose[0]) if prose else ""
    return re.split(r"(?<=[.!?])\s", re.sub(r"[*_`$]", "", plain))[0].strip()


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"[$\\]", "", text)).replace("..", ".").strip()
