"""The film explorer's payload is the film, and its state is checked."""

from __future__ import annotations

import numpy as np
import pytest
import traitlets

from tests.viz import comparison_results as results
from viz.explorers import FilmExplorer, explorable, explore
from viz.explorers._payload import unpack


def test_the_payload_holds_the_film_on_one_scale() -> None:
    ds = results.film()
    payload = FilmExplorer(ds).payload(whole=True)
    assert payload["frames"] == [0, 100, 200, 300, 400]
    assert payload["texts"] == ds.text.values.tolist()
    assert [
        payload["labels"][code] for code in unpack(payload["codes"])
    ] == ds.label.values.tolist()
    np.testing.assert_allclose(unpack(payload["kept"]), ds.kept_neighbours, rtol=1e-6)
    for one, kind in zip(payload["maps"], ("pca", "umap"), strict=True):
        assert one["name"] == kind
        own = ds["map"].sel(projection=kind).values
        shown = unpack(one["points"]).reshape(own.shape)
        low, high = own.min((0, 1)), own.max((0, 1))
        wanted = (own - (low + high) / 2) / (high - low).max()
        np.testing.assert_allclose(shown, wanted, atol=2e-5)
        np.testing.assert_allclose(one["span"], (high - low) / (high - low).max(), atol=1e-4)
        np.testing.assert_allclose(
            unpack(one["trust"]), ds.trustworthiness.sel(projection=kind), rtol=1e-6
        )


def test_its_state_is_read_back_and_checked() -> None:
    view = explore(results.film())
    assert isinstance(view, FilmExplorer)
    assert explorable(results.film())
    assert view.state() == {"frame": 0, "selected": -1, "speed": "normal"}
    view.frame, view.selected, view.speed = 300, 4, "fast"
    assert view.state() == {"frame": 300, "selected": 4, "speed": "fast"}
    with pytest.raises(ValueError, match="`frame` must be one of 0, 100"):
        view.frame = 7
    with pytest.raises(ValueError, match="`selected` must be between -1 and 44"):
        view.selected = 45
    with pytest.raises(ValueError, match="`speed` must be one of 'slow'"):
        view.speed = "warp"
    with pytest.raises((ValueError, traitlets.TraitError), match="`frame` must be one of"):
        FilmExplorer(results.film(), frame="x")
    with pytest.raises(ValueError, match="`question` must not be asked"):
        view.answer({})
    with pytest.raises(ValueError, match="`result` must hold the variable 'map'"):
        FilmExplorer(results.film().drop_vars("map"))


def test_hostile_texts_stay_data_in_the_twin() -> None:
    assert results.HOSTILE not in FilmExplorer(results.film()).twin()
