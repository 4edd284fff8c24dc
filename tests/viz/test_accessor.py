"""The accessor `.viz`: every result has its faces, and importing it is cheap and quiet."""

import importlib
import subprocess
import sys
import warnings

import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import viz
from tests.viz import whitening_results as results
from viz._registry import PLOTS, plot_function


@pytest.mark.parametrize("result", ["geometry", "effect", "sts", "topics", "classes", "training"])
def test_plot_dispatches_on_the_probe(result) -> None:
    ds = getattr(results, result)()
    axes = np.ravel(ds.viz.plot())
    assert all(ax.figure is axes[0].figure for ax in axes)
    assert viz.has_plot(ds)
    plt.close(axes[0].figure)


@pytest.mark.parametrize("probe", PLOTS)
def test_every_registered_picture_exists(probe) -> None:
    function = plot_function(xr.Dataset(attrs={"probe": probe}))
    assert function.__name__ == PLOTS[probe].partition(":")[2]


def test_plot_takes_axes_and_the_options_of_its_function() -> None:
    given = Figure().subplots()
    (ax,) = results.geometry().viz.plot(given, panels=["isoscore"])
    assert ax is given
    with pytest.raises(TypeError, match=r"`pannels` is no option of plot_anisotropy; .*: panels"):
        results.geometry().viz.plot(pannels=["isoscore"])


@pytest.mark.parametrize(
    ("attrs", "told"),
    [
        ({"probe": "novel"}, "must be one of 'whitening.anisotropy', .*; got 'novel'"),
        ({}, "must be one of 'whitening.anisotropy', .*; got none. Arithmetic drops attrs"),
    ],
)
def test_an_unknown_probe_is_refused_with_those_known(attrs, told) -> None:
    ds = xr.Dataset(attrs=attrs)
    with pytest.raises(ValueError, match=told):
        ds.viz.plot()
    assert not viz.has_plot(ds)
    with pytest.raises(ValueError, match="probe"):
        ds.viz.explore()
    with pytest.raises(ValueError, match=r"probe|results"):
        xr.Dataset().viz.to_html()


def test_explore_gives_the_explorer_of_the_result() -> None:
    from viz.explorers import WhiteningExplorer

    assert isinstance(results.effect().viz.explore(), WhiteningExplorer)


def test_to_html_gives_a_page_or_writes_it(tmp_path) -> None:
    ds = results.topics()
    page = ds.viz.to_html()
    assert isinstance(page, str)
    assert page.lstrip().lower().startswith("<!doctype html")
    # The picture's own words are its text alternative.
    assert "Neighbours that share the topic: precision at 3" in page
    path = ds.viz.to_html(tmp_path / "topics.html")
    assert path == tmp_path / "topics.html"
    assert path.stat().st_size > 10_000
    assert plt.get_fignums() == []


def test_a_second_import_is_quiet() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = importlib.reload(viz)
    assert isinstance(xr.Dataset().viz, again.Viz)


def test_another_accessor_of_the_name_is_not_replaced_unheard() -> None:
    ours = xr.Dataset.viz
    xr.Dataset.viz = xr.core.extensions._CachedAccessor("viz", int)
    try:
        with pytest.warns(xr.core.extensions.AccessorRegistrationWarning, match="viz"):
            viz._register()
    finally:
        xr.Dataset.viz = xr.core.extensions._CachedAccessor("viz", ours)


def test_importing_viz_is_cheap_and_warns_of_nothing() -> None:
    code = (
        "import viz, viz.whitening, viz.style, sys, xarray\n"
        "assert hasattr(xarray.Dataset, 'viz')\n"
        "sys.stdout.write(' '.join(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    heavy = {"matplotlib", "seaborn", "umap", "ipywidgets", "anywidget", "torch", "sklearn"}
    assert not heavy & set(done.stdout.split())
