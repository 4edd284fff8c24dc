"""The attention explorer's state: read and set from Python, impossible values refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import traitlets
import xarray as xr

from tests.viz.attention_examples import PLANTED, planted_examples
from viz.explorers import AttentionExplorer


@pytest.fixture(scope="module")
def result() -> xr.Dataset:
    return planted_examples()


@pytest.fixture
def view(result: xr.Dataset) -> AttentionExplorer:
    return AttentionExplorer(result)


def test_state_is_read_and_set_by_name(view: AttentionExplorer) -> None:
    assert view.state() == {
        **{"example": 0, "layer": PLANTED[0], "head": PLANTED[1]},
        **{"query": 1, "direction": "from", "score": ""},
    }
    view.example, view.layer, view.head, view.query = 1, 0, 3, 48
    view.direction, view.score = "to", "importance"
    assert view.state()["query"] == 48


def test_the_head_that_the_first_score_ranks_highest_comes_first(result: xr.Dataset) -> None:
    plain = AttentionExplorer(planted_examples(scores=False))
    assert (plain.layer, plain.head) == (0, 0)
    unknown = result.assign(head_score=result.head_score * np.nan)
    assert (AttentionExplorer(unknown).layer, AttentionExplorer(unknown).head) == (0, 0)
    assert AttentionExplorer(result, layer=2).state()["head"] == 0
    assert AttentionExplorer(result, head=0).state()["layer"] == PLANTED[0]


def test_a_query_that_another_example_lacks_gives_way_to_its_first_phrase(
    view: AttentionExplorer,
) -> None:
    view.example, view.query = 1, 48
    view.example = 0
    assert view.query == 1
    view.query = 44
    view.example = 1
    assert view.query == 44


def test_the_first_query_is_a_linked_phrase_or_a_word_or_anything(result: xr.Dataset) -> None:
    link = result.link.copy()
    link[0, 0] = False
    assert AttentionExplorer(result.assign(link=link)).query == 5
    none = result.assign(link=result.link & False, special=result.special | True)
    assert AttentionExplorer(none).query == 0
    words = result.assign(link=result.link & False)
    assert AttentionExplorer(words).query == 1


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"example": 3}, r"`example` must be between 0 and 2; got 3"),
        ({"layer": -1}, r"`layer` must be between 0 and 2; got -1"),
        ({"head": 4}, r"`head` must be between 0 and 3; got 4"),
        ({"query": 45}, r"`query` must be between 0 and 44; got 45"),
        ({"direction": "up"}, r"`direction` must be one of 'from', 'to'; got 'up'"),
        ({"score": "hit"}, r"`score` must be one of '', 'hit, text->image', .* got 'hit'"),
    ],
)
def test_impossible_settings_are_refused_and_leave_the_state(
    result: xr.Dataset, view: AttentionExplorer, changes: dict[str, Any], why: str
) -> None:
    before = view.state()
    ((name, value),) = changes.items()
    with pytest.raises(ValueError, match=why):
        setattr(view, name, value)
    assert view.state() == before
    with pytest.raises(ValueError, match=why):
        AttentionExplorer(result, **changes)
    if name == "score":
        return
    asked = {"example": 0, "layer": 0, "head": 0, "query": 0, "direction": "from"}
    with pytest.raises(ValueError, match=why):
        view.answer(asked | changes)


def test_settings_of_another_type_are_refused(view: AttentionExplorer) -> None:
    with pytest.raises(traitlets.TraitError):
        view.layer = "top"  # type: ignore[assignment]
    with pytest.raises(TypeError, match=r"`layer` must be an integer; got str"):
        view.answer({"example": 0, "layer": "1", "head": 0, "query": 0, "direction": "to"})


def test_a_front_end_that_sends_everything_at_once_is_understood(view: AttentionExplorer) -> None:
    view.set_state({**view.state(), "example": 1, "query": 48})
    assert (view.example, view.query) == (1, 48)
    view.set_state({**view.state(), "example": 0, "query": 2})
    assert (view.example, view.query) == (0, 2)


def test_a_result_that_lacks_something_is_refused(result: xr.Dataset) -> None:
    with pytest.raises(ValueError, match=r"must hold the variable 'link'.*attention_examples"):
        AttentionExplorer(result.drop_vars("link"))
    empty = result.assign(modality=result.modality * 0 - 1)
    with pytest.raises(ValueError, match=r"`query` must be a position of the example; got 0"):
        AttentionExplorer(empty)


def test_axes_in_another_order_are_the_same_result(result: xr.Dataset) -> None:
    turned = result.transpose(*reversed(list(result.dims)))
    for whole in (True, False):
        expected = AttentionExplorer(result).payload(whole=whole)
        assert AttentionExplorer(turned).payload(whole=whole) == expected
