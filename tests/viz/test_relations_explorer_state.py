"""The relation explorer's state: read and set from Python, impossible values refused."""

from __future__ import annotations

from typing import Any

import pytest
import traitlets
import xarray as xr

from tests.viz.isd_results import related, related_of_two_streams
from viz.explorers import RelationExplorer


@pytest.fixture(scope="module")
def result() -> xr.Dataset:
    return related()


@pytest.fixture
def view(result: xr.Dataset) -> RelationExplorer:
    return RelationExplorer(result)


def test_state_is_read_and_set_by_name(view: RelationExplorer) -> None:
    first = {"example": 0, "layer": 3, "head": -1, "object": 0, "show": "isd"}
    assert view.state() == first
    view.example, view.layer, view.head, view.object, view.show = 1, 0, 5, 3, "matrices"
    assert view.state() == {"example": 1, "layer": 0, "head": 5, "object": 3, "show": "matrices"}


def test_the_last_layer_with_relations_comes_first() -> None:
    ds = related_of_two_streams()
    assert RelationExplorer(ds).layer == 3
    known = ds.assign(visual_mean=ds.visual_mean.where(ds.layer < 2))
    assert RelationExplorer(known).layer == 1
    nothing = ds.assign(visual_mean=ds.visual_mean.where(ds.layer < 0))
    assert RelationExplorer(nothing).layer == 0
    assert RelationExplorer(ds, layer=2).layer == 2


def test_an_object_that_another_example_lacks_gives_way_to_its_last(view: RelationExplorer) -> None:
    view.example, view.object = 1, 3
    view.example = 2
    assert view.object == 1
    view.example = 1
    assert view.object == 1


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"example": 3}, r"`example` must be between 0 and 2; got 3"),
        ({"layer": -1}, r"`layer` must be between 0 and 3; got -1"),
        ({"head": 6}, r"`head` must be between -1 and 5; got 6"),
        ({"head": -2}, r"`head` must be between -1 and 5; got -2"),
        ({"object": 3}, r"`object` must be between 0 and 2; got 3"),
        ({"show": "all"}, r"`show` must be one of 'isd', 'gap', 'matrices'; got 'all'"),
    ],
)
def test_impossible_settings_are_refused_and_leave_the_state(
    result: xr.Dataset, view: RelationExplorer, changes: dict[str, Any], why: str
) -> None:
    before = view.state()
    ((name, value),) = changes.items()
    with pytest.raises(ValueError, match=why):
        setattr(view, name, value)
    assert view.state() == before
    with pytest.raises(ValueError, match=why):
        RelationExplorer(result, **changes)


def test_settings_of_another_type_are_refused(view: RelationExplorer) -> None:
    with pytest.raises(traitlets.TraitError):
        view.layer = "top"  # type: ignore[assignment]
    with pytest.raises(TypeError, match=r"`example` must be an integer; got str"):
        RelationExplorer(view.result, example="1")  # type: ignore[arg-type]


def test_a_front_end_that_sends_everything_at_once_is_understood(view: RelationExplorer) -> None:
    view.set_state({**view.state(), "example": 1, "object": 3})
    assert (view.example, view.object) == (1, 3)
    view.set_state({**view.state(), "example": 2, "object": 1})
    assert (view.example, view.object) == (2, 1)


def test_without_permuted_links_there_is_no_gap(result: xr.Dataset) -> None:
    view = RelationExplorer(result.drop_vars(["permuted", "permuted_head"]))
    assert view.payload(whole=True)["shows"] == ["isd", "matrices"]
    with pytest.raises(ValueError, match=r"`show` must be one of 'isd', 'matrices'; got 'gap'"):
        view.show = "gap"


def test_a_result_that_lacks_something_is_refused(
    result: xr.Dataset, view: RelationExplorer
) -> None:
    with pytest.raises(ValueError, match=r"must hold the variable 'box'.*relation_examples"):
        RelationExplorer(result.drop_vars("box"))
    with pytest.raises(ValueError, match=r"must hold 'isd' with dims \('example', 'layer'\)"):
        RelationExplorer(result.assign(isd=result.isd_head))
    with pytest.raises(ValueError, match=r"`result` must hold at least one example; got none"):
        RelationExplorer(result.isel(example=[]))
    with pytest.raises(
        ValueError, match=r"`question` must not be asked of this view; got \{'x': 1"
    ):
        view.answer({"x": 1})


def test_axes_in_another_order_are_the_same_result(result: xr.Dataset) -> None:
    turned = result.transpose(*reversed(list(result.dims)))
    expected = RelationExplorer(result).payload(whole=True)
    assert RelationExplorer(turned).payload(whole=True) == expected
