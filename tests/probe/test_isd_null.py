"""The permutation null of ISD: every permutation alike, calibrated p, correction, refusals."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest

from probe.isd import Isd, _permuted, isd
from probe.isd._permuted import drawn_permutations, smaller_p, stepped_p
from probe.value._prepared import prepared

from .isd_truth import batch_of, distance, examples, matrices


@pytest.mark.parametrize("k", [2, 3, 4, 6])
def test_drawn_permutations_are_uniform(k: int) -> None:
    orders, drawn = drawn_permutations(k, np.uint64(5), 4000, 0)
    taken = orders[drawn]
    assert (np.sort(taken, axis=1) == np.arange(k)).all()
    share = (taken[:, :, None] == np.arange(k)).mean(0)
    np.testing.assert_allclose(share, 1 / k, atol=0.03)
    if k < 5:
        seen = {tuple(order) for order in taken}
        assert seen == set(permutations(range(k)))
    other, again = drawn_permutations(k, np.uint64(6), 4000, 0)
    assert (other[again] != taken).any()
    fewer, some = drawn_permutations(k, np.uint64(5), 10, 0)
    assert (fewer[some] == taken[:10]).all()


@pytest.mark.parametrize("k", [3, 6])
def test_sums_under_drawn_permutations_by_hand(k: int) -> None:
    rows = examples(4, seed=k, objects=(k,), layers=1, heads=2)
    batch = batch_of(rows)
    probe = Isd(n_permutations=7)
    null = probe.measure(batch).null.sum(0)
    keys = prepared(batch).keys
    for head in (0, 1):
        for r in range(7):
            total = 0.0
            for row, key in zip(rows, keys, strict=True):
                orders, drawn = drawn_permutations(k, key, 7, 0)
                a, b = matrices(row, 0, head)
                at = orders[drawn[r]]
                total += distance(a, b[np.ix_(at, at)])
            assert null[r, 0, head] == pytest.approx(total, rel=1e-6)


def test_blocks_of_permutations_change_nothing(monkeypatch) -> None:
    batch = batch_of(examples(3, seed=43, objects=(6,)))
    whole = Isd(n_permutations=30).measure(batch).null
    monkeypatch.setattr(_permuted, "_BLOCK", 2000)
    np.testing.assert_allclose(Isd(n_permutations=30).measure(batch).null, whole, rtol=1e-12)


def test_p_counts_ties_and_never_is_zero() -> None:
    null = np.array([[1.0], [2.0], [3.0]])
    assert smaller_p(np.array([0.5]), null, np.array([1])).tolist() == [0.25]
    assert smaller_p(np.array([2.0]), null, np.array([1])).tolist() == [0.75]
    assert smaller_p(np.array([2.0 - 1e-12]), null, np.array([1])).tolist() == [0.75]


def test_stepping_down_by_hand() -> None:
    rng = np.random.default_rng(0)
    null = rng.normal(size=(199, 3))
    observed = np.array([-9.0, 0.0, -8.0])
    found = stepped_p(observed, null, np.ones(3))
    assert found[0] == found[2] == pytest.approx(1 / 200)
    assert found[1] > 0.2
    flat = stepped_p(np.zeros(2), np.zeros((50, 2)), np.ones(2))
    assert flat.tolist() == [1.0, 1.0]
    alone = stepped_p(np.array([-1.0]), null[:, :1], np.ones(1))
    assert alone == pytest.approx(smaller_p(np.array([-1.0]), null[:, :1], np.ones(1)))


def test_correction_bounds_each_head() -> None:
    found = isd(batch_of(examples(12, seed=30, planted=[(0, 0)])))
    assert (found.p_head_corrected >= found.p_head - 1e-12).all()


def null_rates(sets: int, pairs: int) -> tuple[float, float]:
    """How often links that mean nothing get p <= 0.05, and any head is called."""
    small, called = [], []
    for seed in range(sets):
        rows = examples(pairs, seed=1000 + seed, objects=(3, 4), layers=1, heads=3)
        found = isd(batch_of(rows), n_boot=20, n_permutations=99, seed=seed)
        small.append(float(found.p[0]) <= 0.05)
        called.append(bool(found.called_head.any()))
    return float(np.mean(small)), float(np.mean(called))


@pytest.mark.slow
def test_false_positives_keep_to_the_level() -> None:
    small, called = null_rates(200, 6)
    # 0.05 and three standard errors of 200 draws of it
    assert small <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)
    assert called <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)


def changed(n: int = 3, **values: Any) -> Any:
    return batch_of(examples(n, seed=40), **values)


def broken(value: float, at: tuple[Any, ...]) -> Any:
    batch = batch_of(examples(3, seed=41))
    batch.attentions[at] = value
    return batch


REFUSED = {
    "no links": (lambda: changed(links=None), "`batch` must hold `links` for this measure"),
    "no regions": (
        lambda: changed(regions=None, region_boxes=None, links=None),
        "`batch` must hold `regions`",
    ),
    "no phrases": (
        lambda: changed(phrases=None, links=None),
        "`batch` must hold `phrases`",
    ),
    "nothing linked": (
        lambda: changed(links=np.zeros((3, 6, 6), bool)),
        "hold a pair with at least 2 linked objects; got none among 3 pairs",
    ),
    "empty text": (
        lambda: changed(phrases=np.zeros_like(changed().phrases)),
        "hold a pair with at least 2 linked objects; got none among 3 pairs",
    ),
    "NaN": (
        lambda: broken(np.nan, (1, 0, 1, 2, 3)),
        "`attentions` must be finite everywhere; got NaN or infinite values in layer 0, head 1",
    ),
    "all NaN": (lambda: broken(np.nan, (slice(None), 1)), "be finite everywhere.*layer 1"),
    "infinite": (lambda: broken(np.inf, (1, 0, 1, 2, 3)), "be finite everywhere"),
    "negative": (lambda: broken(-5.0, (1, 0, 1, 2, 3)), "`attentions` must be at least 0; got -"),
    "one pair": (lambda: changed(1), "hold at least 2 pairs; got 1"),
    "no batch": (list, "`stream` must hold at least one batch"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    make, text = REFUSED[case]
    with pytest.raises(ValueError, match=text):
        isd(make())


def test_one_object_only_is_refused() -> None:
    rows = examples(3, seed=42, objects=(1,))
    with pytest.raises(ValueError, match="A single object has no relations"):
        isd(batch_of(rows))
    rows = examples(3, seed=42, objects=(2,))
    with pytest.raises(ValueError, match="at least 3 linked objects"):
        isd(batch_of(rows), diagonal=False)


def test_refused_shapes_models_and_kinds() -> None:
    with pytest.raises(ValueError, match="`links` must have shape"):
        changed(links=np.zeros((3, 2, 2), bool))
    with pytest.raises(ValueError, match="keep one `heads` over its batches"):
        isd([changed(), batch_of(examples(3, heads=2))])
    with pytest.raises(TypeError, match=r"data\.records\.Attended"):
        isd([np.zeros(3)])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"links": "guess"}, "`links` must be one of 'annotation', 'attention', 'order'"),
        ({"renormalise": "max"}, "`renormalise` must be one of"),
        ({"reduce": "max"}, "`reduce` must be one of 'sum', 'mean'"),
        ({"n_permutations": -1}, "`n_permutations` must be at least 0"),
        ({"sample": 1}, "`sample` must be at least 2"),
        ({"n_boot": 1}, "`n_boot` must be at least 20"),
        ({"level": 1.5}, r"`level` must be in \(0, 1\)"),
        ({"seed": -1}, "`seed` must be at least 0"),
    ],
)
def test_refused_options(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        isd(changed(), **options)
