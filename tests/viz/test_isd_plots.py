"""Pictures of relation consistency: what holds for all of them."""

import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot as plt

import viz
from tests.viz import isd_results as results
from tests.viz.drawn import (
    assert_keeps_to_axes,
    assert_speaks_and_cuts_no_text,
    no_figure_is_left,  # noqa: F401 (a fixture)
)
from viz import isd, style
from viz._registry import plot_function


def entropy(ds, ax=None):
    return isd.plot_isd_heads(ds, "entropy", ax, modality="visual")


def two_results(ds, ax=None):
    return isd.plot_before_after(ds, results.after(), ax, names=("none", "singular"))


def second_pair(ds, ax=None):
    return isd.plot_relation_pair(ds, ax, example=1)


def one_head(ds, ax=None):
    return isd.plot_relation_pair(ds, ax, layer=2, head=1)


# Each picture, the result that it draws, and its number of Axes.
ALL = [
    (isd.plot_isd, results.measured, 3),
    (isd.plot_isd, results.measured_of_two_streams, 3),
    (isd.plot_isd_heads, results.measured, 1),
    (isd.plot_isd_heads, results.measured_of_two_streams, 1),
    (entropy, results.measured, 1),
    (two_results, results.measured, 4),
    (isd.plot_contrast, results.contrasted, 2),
    (isd.plot_iais_study, results.study, 4),
    (isd.plot_relation_pair, results.related, 4),
    (second_pair, results.related_of_two_streams, 4),
    (one_head, results.related, 4),
]
IDS = [f"{function.__name__}-{result.__name__}" for function, result, _ in ALL]
every = pytest.mark.parametrize(("plot", "result", "panels"), ALL, ids=IDS)
single = pytest.mark.parametrize(
    ("plot", "result", "panels"),
    [each for each in ALL if each[0] is not two_results],
    ids=[each for each in IDS if not each.startswith("two_results")],
)


@every
def test_every_picture_draws_speaks_and_cuts_no_text(plot, result, panels) -> None:
    # Places of texts do not depend on the theme.
    with style.theme("dark"):
        axes = np.ravel(plot(result()))
    assert_speaks_and_cuts_no_text(axes, panels)


@every
def test_every_picture_keeps_to_the_axes_given(plot, result, panels) -> None:
    assert_keeps_to_axes(plot, result, panels)


@every
def test_every_picture_names_what_is_missing(plot, result, panels) -> None:
    empty = xr.Dataset({"other": ("node", [1.0])}, {dim: ["a"] for dim in ("layer", "head")})
    with pytest.raises(ValueError, match=r"`(ds|before)` must hold .*; got other\. probe\.\w+"):
        plot(empty)
    with pytest.raises(TypeError, match=r"`(ds|before)` must be an xarray.Dataset"):
        plot([1, 2])
    assert plt.get_fignums() == []


@single
def test_every_result_finds_its_picture(plot, result, panels) -> None:
    assert viz.has_plot(result())
    assert plot_function(result()).__name__ in isd.__all__


def test_all_names_are_there() -> None:
    assert dir(isd) == isd.__all__
    assert all(callable(getattr(isd, name)) for name in isd.__all__)
    with pytest.raises(AttributeError, match=r"'viz\.isd' has no attribute 'plot_nothing'"):
        _ = isd.plot_nothing
