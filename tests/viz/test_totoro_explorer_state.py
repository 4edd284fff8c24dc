"""The Totoro explorer's state: read and set from Python, impossible values refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import traitlets
import xarray as xr

from probe.totoro import conflict_map
from tests.viz.totoro_maps import question, small_map
from viz.explorers import TotoroExplorer


@pytest.fixture(scope="module")
def result() -> xr.Dataset:
    return small_map()


@pytest.fixture
def view(result: xr.Dataset) -> TotoroExplorer:
    return TotoroExplorer(result)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"alpha": 1.5}, r"`alpha` must be between 0.01 and 0.99; got 1.5"),
        ({"per_class": 13}, r"`per_class` must be between 1 and 12; got 13"),
        ({"seed": -1}, r"`seed` must be at least 0; got -1"),
        ({"toggled": [39]}, r"`toggled` must be between 0 and 38; got 39"),
        ({"toggled": [37]}, r"`toggled` must hold nodes whose class is known; got node 37 of no"),
    ],
)
def test_impossible_settings_are_refused_and_leave_the_state(
    result: xr.Dataset, view: TotoroExplorer, changes: dict[str, Any], why: str
) -> None:
    before = view.state()
    with pytest.raises(ValueError, match=why):
        view.answer(question(**changes))
    ((name, value),) = changes.items()
    with pytest.raises(ValueError, match=why):
        setattr(view, name, value)
    assert view.state() == before
    with pytest.raises(ValueError, match=why):
        TotoroExplorer(result, **changes)
    with pytest.raises(TypeError, match=r"`toggled` must be a list of nodes; got str"):
        view.answer(question(toggled="all"))


def test_state_is_read_and_set_by_name(view: TotoroExplorer) -> None:
    assert view.state() == {
        **{"alpha": 0.15, "per_class": 4, "seed": 0, "w_min": 0.5, "w_max": 1.5},
        **{"selected": -1, "toggled": [], "colouring": "class"},
    }
    view.alpha, view.per_class, view.seed = 0.42, 7, 12
    view.toggled = [9, 3, 9]
    assert view.toggled == [3, 9]
    view.w_min, view.w_max, view.selected, view.colouring = 0, 3, 38, "exposure"
    assert view.state()["alpha"] == 0.42


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("w_min", 1.2, r"`w_min` must be between 0.0 and 1.0; got 1.2"),
        ("w_max", 0.5, r"`w_max` must be between 1.0 and 5.0; got 0.5"),
        ("selected", 39, r"`selected` must be between -1 and 38; got 39"),
        ("colouring", "mood", r"`colouring` must be one of 'class', 'conflict', 'exposure'; got"),
    ],
)
def test_impossible_views_are_refused(
    result: xr.Dataset, view: TotoroExplorer, name: str, value: Any, why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        setattr(view, name, value)
    with pytest.raises(ValueError, match=why):
        TotoroExplorer(result, **{name: value})
    with pytest.raises(traitlets.TraitError):
        view.selected = "all"


def test_an_alpha_of_the_grid_is_possible_wherever_it_lies() -> None:
    ring = np.arange(12)
    edges = np.stack([np.r_[ring, (ring + 1) % 12], np.r_[(ring + 1) % 12, ring]])
    found = conflict_map(edges, ring // 6, alphas=(0.005, 0.3), per_class=(2,), seeds=(3,))
    found = found.assign(position=(("node", "axis"), np.zeros((12, 2))))
    view = TotoroExplorer(found)
    assert (view.alpha, view.per_class, view.seed) == (0.3, 2, 3)
    view.alpha = 0.005
    assert view._payload["live"]["alphas"][0] == 0.005


def test_a_result_that_lacks_something_is_refused(result: xr.Dataset) -> None:
    with pytest.raises(ValueError, match=r"must hold the variable 'degree'.*conflict_map"):
        TotoroExplorer(result.drop_vars("degree"))
