"""Retrieval by scoring every pair: against a loop, in closed form, with ties and other truths."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import xarray as xr

from data.scenes import caption_holds, render_scenes
from probe.statistics import bootstrap_interval
from probe.subjects import retrieval as module
from probe.subjects._iais_truth import Truth
from probe.subjects.pair_tensors import pair_tensors
from probe.subjects.retrieval import match_scores, recalled, retrieval, retrieval_ranks
from probe.subjects.vision_language import scene_model
from tests.probe.subjects.vision_language_toys import model_of, squares


@pytest.mark.parametrize("kind", ["single", "dual"])
def test_scores_are_those_of_each_caption_with_each_image_alone(kind: str) -> None:
    model, pairs = model_of(kind).train(), squares(7, seed=3)
    tensors = pair_tensors(pairs, model)
    found = match_scores(model, pairs, batch_size=5)
    for caption in range(7):
        given = tensors.ids[[caption]], tensors.mask[[caption]]
        for image in range(7):
            with torch.no_grad():
                alone = model(tensors.inputs([image], given)).match.item()
            assert found[caption, image] == pytest.approx(alone, abs=1e-5)
    assert model.training
    for size in (1, 49, 1000):
        np.testing.assert_allclose(match_scores(model, tensors, batch_size=size), found, atol=1e-5)


def test_never_more_than_a_batch_is_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model, sizes = model_of("single"), []
    tensors = pair_tensors(squares(30), model)
    true = type(tensors).inputs

    def watched(self, rows, captions=None):
        sizes.append(len(rows))
        return true(self, rows, captions)

    monkeypatch.setattr(type(tensors), "inputs", watched)
    match_scores(model, tensors, batch_size=40)
    assert max(sizes) <= 40
    assert sum(sizes) == 900


def naive_rank(scores: np.ndarray, true: np.ndarray, query: int, by_image: bool) -> float:
    """Mean place of the own partner over both ends of its ties, rivals one by one."""
    above = level = 0
    for other in range(len(scores)):
        at = (other, query) if by_image else (query, other)
        if other == query or true[at]:
            continue
        above += scores[at] > scores[query, query]
        level += scores[at] == scores[query, query]
    return ((1 + above) + (1 + above + level)) / 2


def test_ranks_are_those_of_a_naive_loop() -> None:
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 4, size=(12, 12)).astype(float)
    true = rng.random((12, 12)) < 0.2
    for given in (true, np.zeros((12, 12), bool)):
        found = retrieval_ranks(scores, given if given.any() else None)
        for query in range(12):
            assert found[0, query] == naive_rank(scores, given, query, True)
            assert found[1, query] == naive_rank(scores, given, query, False)


def test_recall_in_closed_form() -> None:
    n = 20
    perfect = retrieval_ranks(np.eye(n))
    assert (perfect == 1).all()
    alike = retrieval_ranks(np.zeros((n, n)))
    assert (alike == (n + 1) / 2).all()  # everything ties: nothing is found
    assert not recalled(alike, (1, 5, 10)).any()
    worst = retrieval_ranks(-np.eye(n))
    assert (worst == n).all()
    # Caption c scores image i by c - |c - i|: every caption finds its own, image i is beaten by
    # every later caption, whose c is larger by as much as the distance takes away: a tie.
    c, i = np.indices((n, n))
    slanted = retrieval_ranks((c - np.abs(c - i)).astype(float))
    np.testing.assert_array_equal(slanted[1], np.ones(n))
    np.testing.assert_array_equal(slanted[0], 1 + (n - 1 - np.arange(n)) / 2)
    hits = recalled(slanted, (1, 5, 10)).mean(axis=1)
    np.testing.assert_allclose(hits, [[1 / n, 9 / n, 19 / n], [1, 1, 1]])


def test_other_right_answers_are_set_aside() -> None:
    scores = np.array([[0.5, 0.9, 0.1], [0.0, 0.2, 0.4], [0.0, 0.0, 0.9]])
    true = np.eye(3, dtype=bool)
    assert retrieval_ranks(scores, true)[1].tolist() == [2, 2, 1]
    true[0, 1] = True  # caption 0 is true of image 1 too
    assert retrieval_ranks(scores, true)[1].tolist() == [1, 2, 1]
    assert retrieval_ranks(scores, true)[0].tolist() == [1, 1, 1]
    assert retrieval_ranks(scores)[0].tolist() == [1, 2, 1]


def test_which_captions_are_true_of_which_scenes() -> None:
    pairs = render_scenes(25, seed=4)
    found = Truth(pairs).of(range(25), range(0, 25, 2))
    expected = [[caption_holds(i, caption=c) for i in pairs[::2]] for c in pairs]
    np.testing.assert_array_equal(found, expected)
    toys = squares(20, seed=1)
    same = [[a.words == b.words for b in toys] for a in toys]
    np.testing.assert_array_equal(Truth(toys).of(range(20), range(20)), same)
    assert np.sum(same) > 20


@pytest.fixture(scope="module")
def found() -> xr.Dataset:
    model = scene_model(parts={"d_model": 8, "n_heads": 2, "n_layers": 1})
    return retrieval(model, render_scenes(30, seed=4), ks=(1, 3, 30), n_boot=50, seed=1)


def test_what_is_given(found: xr.Dataset) -> None:
    assert found.attrs["probe"] == "isd.retrieval"
    assert dict(found.sizes) == {"direction": 2, "k": 3, "bound": 2, "query": 30}
    assert (found.recall.sel(k=30) == 1).all()
    np.testing.assert_allclose(found.recall.sel(k=3), (found["rank"] <= 3).mean("query"))
    np.testing.assert_allclose(found.recall_strict.sel(k=3), (found.rank_strict <= 3).mean("query"))
    assert (found["rank"] <= found.rank_strict).all()
    hits = (found["rank"][0].values <= 3).astype(float)
    expected = bootstrap_interval(hits, method="percentile", n_boot=50, seed=1)
    np.testing.assert_allclose(found.recall_interval[0, 1], [expected.low, expected.high])
    assert found.other_true.sum("query").values[0] == found.other_true.sum("query").values[1]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"ks": (5, 1)}, r"`ks` must be cut-offs in ascending order; got \(5, 1\)"),
        ({"ks": ()}, "`ks` must be cut-offs in ascending order"),
        ({"ks": (0,)}, "`ks` must be at least 1; got 0"),
        ({"pairs": squares(1)}, "`pairs` must be at least two, so that there is something"),
        ({"true": np.eye(3)}, r"`true` must have shape \(4, 4\) as the scores; got shape \(3, 3\)"),
        ({"batch_size": 0}, "`batch_size` must be at least 1"),
    ],
)
def test_what_does_not_suit_is_refused(options, text) -> None:
    given = {"pairs": squares(4), **options}
    with pytest.raises(ValueError, match=text):
        retrieval(model_of("single"), given.pop("pairs"), **given)


def test_scores_must_be_a_finite_square() -> None:
    with pytest.raises(ValueError, match=r"`scores` must have axes \(caption, image\) of one"):
        retrieval_ranks(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="`scores` must be finite everywhere"):
        retrieval_ranks(np.full((2, 2), np.nan))
    model = model_of("single")
    torch.nn.init.constant_(model.match.bias, torch.nan)
    with pytest.raises(RuntimeError, match="a matching score is not finite"):
        module.match_scores(model, squares(2))
