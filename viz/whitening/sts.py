"""How well cosines follow human similarity scores, by layer and transform, as a heat map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from .. import style
from .._reading import chosen, read

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_sts(
    ds: xr.Dataset,
    ax: Any = None,
    *,
    protocol: str | None = None,
    datasets: Sequence[str] | None = None,
) -> Axes:
    r"""Spearman correlation x 100 and its interval in each cell; rows are layers of data sets.

    The best transform of a row is framed only where its paired gain over the raw embeddings has
    an interval above 0: intervals of single cells overlap even where a gain is certain.

    Parameters
    ----------
    ds
        Result of `probe.whitening.sts_evaluation`.
    ax
        Axes to draw on; a new figure if None.
    protocol
        ``"all"`` or ``"wmean"``, see there; the first of the result if None.
    datasets
        Those to draw; all if None.

    Raises
    ------
    ValueError
        If the result holds no correlations, or a protocol or data set is unknown.

    Examples
    --------
    >>> dims = ("dataset", "layer", "transform", "protocol")
    >>> ds = xr.Dataset(
    ...     {
    ...         "spearman": (dims, np.array([[[[0.5], [0.6]]]])),
    ...         "spearman_interval": ((*dims, "bound"), np.array([[[[[0.4, 0.6]], [[0.5, 0.7]]]]])),
    ...     },
    ...     {
    ...         "dataset": ["toy"],
    ...         "layer": [1],
    ...         "transform": ["raw", "whiten"],
    ...         "protocol": ["all"],
    ...         "bound": ["low", "high"],
    ...     },
    ... )
    >>> ax = plot_sts(ds)
    >>> [text.get_text() for text in ax.texts[:2]]
    ['50.0\n[40.0, 60.0]', '60.0\n[50.0, 70.0]']
    >>> import matplotlib.pyplot
    >>> matplotlib.pyplot.close(ax.figure)
    """
    made_by = "probe.whitening.sts_evaluation"
    dims = ["dataset", "layer", "transform", "protocol"]
    ds = read(ds, ["spearman", "spearman_interval"], dims, made_by=made_by)
    first = ds["protocol"].values[0] if protocol is None else protocol
    (rule,) = chosen(ds, "protocol", first)
    sets = chosen(ds, "dataset", datasets, name="datasets")
    ds = ds.sel(protocol=rule, dataset=sets).transpose("dataset", "layer", "transform", ...)
    layers, transforms = ds["layer"].values.tolist(), ds["transform"].values.tolist()
    shape = (len(sets) * len(layers), len(transforms))
    score = 100 * ds["spearman"].values.reshape(shape)
    bounds = 100 * ds["spearman_interval"].sel(bound=["low", "high"]).values.reshape(*shape, 2)
    best = _certain_best(ds, shape)
    size = (1.6 + 1.06 * shape[1], 1.5 + 0.46 * shape[0])
    with style.canvas(ax, size=size) as (own,):
        _draw(own, score, bounds)
        own.set_xticks(np.arange(shape[1]) + 0.5, [style.plain(name) for name in transforms])
        own.set_yticks(
            np.arange(shape[0]) + 0.5, [style.plain(each) for _ in sets for each in layers]
        )
        own.set(xlabel="", ylabel="layer")
        _part_datasets(own, sets, len(layers))
        _frame(own, best)
        where = f" on {style.plain(sets[0])}" if len(sets) == 1 else ""
        framed = "Framed: best of a row, its paired gain over raw above 0."
        fit = f"Fitted on {style.plain(ds.attrs['fit_on'])}. " if ds.attrs.get("fit_on") else ""
        style.title(
            own,
            f"Semantic similarity{where}, Spearman × 100",
            f"Protocol {rule}. {fit}{framed if 'gain_interval' in ds else ''}",
        )
        said = []
        for row in range(shape[0]):
            cells = [
                f"{name} {value:.1f}" for name, value in zip(transforms, score[row], strict=True)
            ]
            said.append(
                f"{sets[row // len(layers)]} layer {layers[row % len(layers)]}: {', '.join(cells)}"
            )
        style.say(own, f"Spearman correlation times 100, protocol {rule}. {'; '.join(said)}.")
    return own


def _draw(ax: Axes, score: np.ndarray, bounds: np.ndarray) -> None:
    import seaborn

    colours = style.theme_of(ax)
    texts = [
        [f"{value:.1f}\n[{low:.1f}, {high:.1f}]" for value, (low, high) in zip(*row, strict=True)]
        for row in zip(score, bounds, strict=True)
    ]
    cmap = style.ramp(colours.heat)
    low, high = float(np.nanmin(score)), float(np.nanmax(score))
    # Equal scores would leave no scale.
    high = high if high > low else low + 1
    seaborn.heatmap(
        score,
        ax=ax,
        cmap=cmap,
        vmin=low,
        vmax=high,
        annot=np.array(texts),
        fmt="",
        annot_kws={"fontsize": 8, "linespacing": 1.25},
        cbar=False,
        linewidths=1.5,
        linecolor=colours.paper,
    )
    # seaborn picks white text at a lightness where black has the higher contrast.
    for text, value in zip(ax.texts, score.ravel(), strict=True):
        text.set_color(style.ink_on(cmap((value - low) / (high - low))))
    ax.tick_params(axis="both", length=0)
    ax.tick_params(axis="y", labelrotation=0)
    ax.grid(visible=False)
    for spine in ax.spines.values():
        spine.set_visible(False)


def _certain_best(ds: xr.Dataset, shape: tuple[int, int]) -> list[tuple[int, int]]:
    """Row and column of the best cell of each row whose gain is certain."""
    if "gain_interval" not in ds:
        return []
    low = ds["gain_interval"].sel(bound="low").values.reshape(shape)
    best = ds["spearman"].values.reshape(shape).argmax(axis=1)
    return [(row, int(column)) for row, column in enumerate(best) if low[row, column] > 0]


def _frame(ax: Axes, cells: list[tuple[int, int]]) -> None:
    from matplotlib.patches import Rectangle

    colour = style.theme_of(ax).series[1]
    for row, column in cells:
        corner = (column + 0.03, row + 0.05)
        ax.add_patch(Rectangle(corner, 0.94, 0.9, fill=False, edgecolor=colour, linewidth=2))
        ax.texts[row * round(ax.get_xlim()[1]) + column].set_fontweight("bold")


def _part_datasets(ax: Axes, sets: list[str], n_layers: int) -> None:
    """The name of each data set beside its rows, and a line between two of them."""
    if len(sets) == 1:
        return
    colours = style.theme_of(ax)
    for i, name in enumerate(sets):
        ax.annotate(
            style.plain(name),
            xy=(1.015, (i + 0.5) * n_layers),
            xycoords=ax.get_yaxis_transform(),
            va="center",
            color=colours.ink,
            annotation_clip=False,
        )
        if i:
            ax.axhline(i * n_layers, color=colours.edge, linewidth=1.5)
