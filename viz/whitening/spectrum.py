"""The variance along principal directions: by layer, and before and after a transform."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from .. import style
from .._reading import axis_label, chosen, listed, read, short
from .._series import depth_legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_ROUNDING = 1e-9  # share of the largest variance


def plot_spectrum(ds: xr.Dataset, ax: Any = None, *, layers: Sequence[Any] | None = None) -> Axes:
    """The spectrum of each layer on log axes, with the rank cut-off and null directions marked.

    A line ends in a ring at the numerical rank. Directions beyond it are triangles on the lower
    edge: their variance is rounding, many decades below, and would flatten everything else.

    Parameters
    ----------
    ds
        Result of `probe.whitening.anisotropy` (shares of variance are drawn) or of
        `whitening_effect` (variances).
    ax
        Axes to draw on; a new figure if None.
    layers
        Layers to draw, all if None; the colour runs with their order.

    Raises
    ------
    ValueError
        If the result holds no spectrum, or a layer is unknown.

    Examples
    --------
    >>> spectrum = xr.Dataset(
    ...     {"eigenvalues": (("layer", "component"), [[2.0, 1.0, 0.0]]), "rank": ("layer", [2])},
    ...     {"layer": [1]},
    ... )
    >>> ax = plot_spectrum(spectrum)
    >>> ax.get_lines()[0].get_ydata().tolist()
    [2.0, 1.0]
    >>> import matplotlib.pyplot
    >>> matplotlib.pyplot.close(ax.figure)
    """
    name = "explained_share" if "explained_share" in ds else "eigenvalues"
    cut = "numerical_rank" if "numerical_rank" in ds else "rank"
    made_by = "probe.whitening.anisotropy"
    ds = read(ds, [name, cut], ["layer"], made_by=made_by)
    labels = chosen(ds, "layer", layers, name="layers")
    values = ds[name].transpose("layer", "component").sel(layer=labels).values
    ranks = ds[cut].sel(layer=labels).values.astype(int)
    d = values.shape[1]
    with style.canvas(ax, size=(6.4, 4.2)) as (own,):
        colours = style.theme_of(own)
        ramp = style.ordered(len(labels), colours)
        for label, row, rank, colour in zip(labels, values, ranks, ramp, strict=True):
            at = np.arange(1, d + 1)
            own.plot(at[:rank], row[:rank], color=colour, label=style.plain(label))
            if rank:
                own.plot(rank, row[rank - 1], "o", mfc=colours.paper, mec=colour, ms=5, zorder=3)
            # x in numbers of the data, y as a part of the height: the lower edge.
            edge = own.get_xaxis_transform()
            beyond = at[rank:]
            own.plot(beyond, [0.015] * len(beyond), "v", color=colour, ms=4, transform=edge)
        own.set(xscale="log", yscale="log", xlim=(0.9, d * 1.12))
        own.set(xlabel="principal direction, by variance", ylabel=_share_label(ds[name]))
        own.set_ylim(*_limits([row[:rank] for row, rank in zip(values, ranks, strict=True)]))
        _plain_ticks(own, d)
        depth_legend(own, labels, loc="lower left", columns=2 if len(labels) > 4 else 1)
        about = _rank_note(labels, ranks, d)
        style.title(own, "Spectrum by layer", f"Ring: numerical rank, {about}")
        first = [f"{label}: {short(row[0])}" for label, row in zip(labels, values, strict=True)]
        style.say(
            own,
            f"Spectrum of {len(labels)} layers on log axes: {_share_label(ds[name])} along "
            f"{d} principal directions. Largest by layer: {', '.join(first)}. Rank: {about}",
        )
    return own


def plot_transformed_spectrum(
    ds: xr.Dataset,
    layer: Any = None,
    transforms: Sequence[str] | None = None,
    *,
    ax: Any = None,
) -> Axes:
    """The variances of one layer after each transform; a flat line is perfect isotropy.

    Variances below 1e-9 of the largest are rounding and left out.

    Parameters
    ----------
    ds
        Result of `probe.whitening.whitening_effect` or `effect_of`.
    layer
        Its layer; the middle one if None.
    transforms
        Those to draw; all if None.
    ax
        Axes to draw on; a new figure if None.

    Raises
    ------
    ValueError
        If the result holds no such spectra, or the layer or a transform is unknown.
    """
    made_by = "probe.whitening.whitening_effect"
    ds = read(ds, ["transformed_eigenvalues"], ["layer", "transform"], made_by=made_by)
    (label,) = chosen(ds, "layer", middle(ds) if layer is None else layer)
    names = chosen(ds, "transform", transforms, name="transforms")
    found = ds["transformed_eigenvalues"].sel(layer=label)
    with style.canvas(ax, size=(6.4, 4.0)) as (own,):
        colours = style.theme_of(own)
        said = []
        # Spectra can be equal (centring changes none): the first is wide, the last narrow.
        widths = np.linspace(max(1.6, min(len(names), 5)), 1.6, len(names))
        for i, name in enumerate(names):
            row = found.sel(transform=name).values
            kept = np.flatnonzero(row > _ROUNDING * row.max())
            own.plot(
                kept + 1,
                row[kept],
                color=(*colours.series, colours.other)[min(i, len(colours.series))],
                linewidth=widths[i],
                linestyle=style.DASHES[min(i, 8)],
                label=style.plain(name),
            )
            said.append(
                f"{name}: {short(row[0])} to {short(float(row[kept[-1]]) if len(kept) else 0.0)}"
            )
        own.set(xscale="log", yscale="log", xlim=(0.9, found.sizes["component"] * 1.12))
        own.set(xlabel="principal direction, by variance", ylabel=axis_label(found))
        _plain_ticks(own, found.sizes["component"])
        own.legend(labelcolor=colours.ink)
        style.title(own, f"Spectrum after each transform, layer {style.plain(label)}")
        style.say(own, f"Variances of layer {label} after transforms: {'; '.join(said)}.")
    return own


def middle(ds: xr.Dataset) -> Any:
    """The layer shown where none is asked for: the middle one, as in the explorer."""
    labels = ds["layer"].values.tolist()
    return labels[len(labels) // 2]


def _share_label(values: xr.DataArray) -> str:
    return "share of variance" if values.name == "explained_share" else axis_label(values)


def _limits(rows: Sequence[np.ndarray]) -> tuple[float, float]:
    """Low and high end of a log axis that leaves room for what lies beyond the rank."""
    drawn = np.concatenate(rows) if rows else np.array([])
    drawn = drawn[drawn > 0]
    if not len(drawn):
        return 1e-6, 1.0
    return float(drawn.min()) / 4, float(drawn.max()) * 1.6


def _plain_ticks(ax: Axes, d: int) -> None:
    """Ticks 1, 10, 100, ... and the last direction, as whole numbers."""
    at = [10**i for i in range(len(str(d))) if 10**i < d / 2]
    ax.set_xticks([*at, d], [str(each) for each in [*at, d]])
    ax.minorticks_off()


def _rank_note(labels: list[Any], ranks: np.ndarray, d: int) -> str:
    """Which layers have which rank, in one sentence."""
    parts = []
    for rank in sorted(set(ranks.tolist()), reverse=True):
        own = [label for label, each in zip(labels, ranks, strict=True) if each == rank]
        where = "every layer" if len(own) == len(labels) else f"layer {_runs(own)}"
        parts.append(f"{rank} of {d} in {where}")
    null = " Triangles: null directions, whose variance is rounding." if (ranks < d).any() else ""
    return f"{'; '.join(parts)}.{null}"


def _runs(labels: list[Any]) -> str:
    """Labels in a sentence, whole numbers that follow each other as a range."""
    if not all(isinstance(each, int) for each in labels):
        return listed([style.plain(each) for each in labels])
    runs: list[list[int]] = []
    for each in labels:
        if runs and each == runs[-1][-1] + 1:
            runs[-1].append(each)
        else:
            runs.append([each])
    texts = [f"{run[0]} to {run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs]
    return listed(texts)
