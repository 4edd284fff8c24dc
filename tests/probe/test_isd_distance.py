"""The matrix KL: closed forms, laws for any matrices, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.isd import relation_distance

from .isd_truth import distance, relations

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(2, 7)
ways = st.sampled_from(["sum", "softmax", "none"])
quick = settings(max_examples=40, deadline=None)


def drawn(seed: int, k: int, count: int = 2) -> np.ndarray:
    return relations(np.random.default_rng(seed), count, k, k)


def test_two_objects_by_hand() -> None:
    a, b = np.array([[0.75, 0.25], [0.5, 0.5]]), np.array([[0.5, 0.5], [0.5, 0.5]])
    # (3/4 - 1/2)(log 3/4 - log 1/2) + (1/4 - 1/2)(log 1/4 - log 1/2) = (log 3) / 4
    assert float(relation_distance(a, b)) == pytest.approx(np.log(3) / 4, abs=1e-15)


def test_three_objects_by_hand() -> None:
    half = np.array([[1 / 2, 1 / 4, 1 / 4], [1 / 4, 1 / 2, 1 / 4], [1 / 4, 1 / 4, 1 / 2]])
    moved = half[[1, 2, 0]]
    # each row exchanges 1/2 and 1/4 in two places: 2 x (1/4)(log 2), three rows
    assert float(relation_distance(half, moved)) == pytest.approx(1.5 * np.log(2), abs=1e-14)
    # off the diagonal: half is even, moved has rows (1/3, 2/3) in some order
    off = 3 * (1 / 6) * np.log(2)
    found = float(relation_distance(half, moved, diagonal=False))
    assert found == pytest.approx(off, abs=1e-14)
    softmax = np.exp([0.5, 0.25, 0.25]) / np.exp([0.5, 0.25, 0.25]).sum()
    by_hand = 3 * 2 * (softmax[0] - softmax[1]) * 0.25
    found = float(relation_distance(half, moved, renormalise="softmax"))
    assert found == pytest.approx(by_hand, abs=1e-14)
    found = float(relation_distance(4 * half, 4 * moved, renormalise="none"))
    assert found == pytest.approx(6 * np.log(2), abs=1e-13)


@quick
@given(seeds, st.integers(3, 6), st.booleans())
def test_equal_to_the_papers_form_row_by_row(seed: int, k: int, diagonal: bool) -> None:
    a, b = drawn(seed, k)
    found = float(relation_distance(a, b, diagonal=diagonal))
    assert found == pytest.approx(distance(a, b, diagonal=diagonal), rel=1e-10)


@quick
@given(seeds, sizes, ways)
def test_nothing_between_identical_relations(seed: int, k: int, way: str) -> None:
    a = drawn(seed, k)
    assert relation_distance(a, a.copy(), renormalise=way).tolist() == [0.0, 0.0]


@quick
@given(seeds, sizes, ways)
def test_symmetric_and_positive(seed: int, k: int, way: str) -> None:
    a, b = drawn(seed, k)
    there, back = (float(relation_distance(*p, renormalise=way)) for p in ((a, b), (b, a)))
    assert there == pytest.approx(back, rel=1e-12)
    assert there > 0


@quick
@given(seeds, st.integers(3, 7), ways, st.booleans())
def test_a_joint_permutation_changes_nothing(seed: int, k: int, way: str, diagonal: bool) -> None:
    a, b = drawn(seed, k)
    at = np.ix_(*[np.random.default_rng(seed).permutation(k)] * 2)
    options = {"renormalise": way, "diagonal": diagonal}
    plain, moved = (relation_distance(*p, **options) for p in ((a, b), (a[at], b[at])))
    assert float(plain) == pytest.approx(float(moved), rel=1e-10)


@quick
@given(seeds, st.integers(3, 6), st.sampled_from(["sum", "none"]), st.booleans())
def test_grows_on_the_way_from_one_to_the_other(
    seed: int, k: int, way: str, diagonal: bool
) -> None:
    a, b = drawn(seed, k)
    steps = np.linspace(0, 1, 9)[:, None, None]
    if not diagonal:  # rows off the diagonal sum to different amounts: the way is that of shares
        for m in (a, b):
            np.fill_diagonal(m, 0)
            m /= m.sum(1, keepdims=True)
    mixed = (1 - steps) * a + steps * b
    from_a = relation_distance(
        np.broadcast_to(a, mixed.shape), mixed, renormalise=way, diagonal=diagonal
    )
    assert from_a[0] == 0
    assert (np.diff(from_a) > -1e-12).all()
    assert from_a[-1] == pytest.approx(
        float(relation_distance(a, b, renormalise=way, diagonal=diagonal))
    )


@quick
@given(seeds, sizes, st.floats(0.1, 100))
def test_scale_does_not_count_with_sums(seed: int, k: int, scale: float) -> None:
    a, b = drawn(seed, k)
    assert float(relation_distance(a * scale, b)) == pytest.approx(
        float(relation_distance(a, b)), rel=1e-9
    )


def test_whole_batches_at_once_in_numpy_and_torch() -> None:
    a, b = drawn(0, 4, 6), drawn(1, 4, 6)
    each = [distance(x, y) for x, y in zip(a, b, strict=True)]
    shaped = (x.reshape(2, 3, 4, 4) for x in (a, b))
    np.testing.assert_allclose(relation_distance(*shaped), np.reshape(each, (2, 3)), rtol=1e-12)
    tensors = [torch.tensor(x, dtype=torch.float32) for x in (a, b)]
    found = relation_distance(*tensors)
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found, each, rtol=1e-4)
    half = relation_distance(*[x.half() for x in tensors])
    assert half.dtype == torch.float32


@pytest.mark.parametrize("way", ["sum", "softmax", "none"])
def test_what_is_given_stays_as_it_is(way: str) -> None:
    a, b = drawn(2, 3)
    kept = a.copy(), b.copy()
    relation_distance(a, b, renormalise=way, diagonal=False)
    relation_distance(torch.from_numpy(a), torch.from_numpy(b), renormalise=way)
    np.testing.assert_array_equal(a, kept[0])
    np.testing.assert_array_equal(b, kept[1])


@pytest.mark.parametrize("way", ["sum", "softmax", "none"])
def test_gradients_are_those_of_the_value(way: str) -> None:
    a, b = (torch.tensor(x, requires_grad=True) for x in drawn(3, 4))
    assert torch.autograd.gradcheck(lambda x, y: relation_distance(x, y, renormalise=way), (a, b))


def test_zeros_are_far_not_infinite_and_have_a_gradient() -> None:
    a = torch.eye(3, dtype=torch.float64, requires_grad=True)
    b = torch.full((3, 3), 1 / 3, dtype=torch.float64)
    found = relation_distance(a, b)
    by_hand = 3 * (2 / 3 * np.log(3) + 2 / 3 * np.log(1 / 3 / 1e-6))
    assert float(found.detach()) == pytest.approx(by_hand)
    found.backward()
    assert a.grad is not None
    assert torch.isfinite(a.grad).all()
    nothing = torch.zeros(3, 3, dtype=torch.float64)  # rows of nothing are even
    assert float(relation_distance(nothing, b)) == pytest.approx(0, abs=1e-30)


@pytest.mark.parametrize(
    ("a", "b", "options", "text"),
    [
        (np.ones((2, 3, 3)), np.ones((2, 4, 4)), {}, r"have one shape .* got shapes \(2, 3, 3\)"),
        (np.ones((3, 2)), np.ones((3, 2)), {}, "be square over its last axes"),
        (np.ones(3), np.ones(3), {}, "be square over its last axes"),
        (np.ones((1, 1)), np.ones((1, 1)), {}, "relate at least 2 objects; got 1. A single object"),
        (
            np.ones((2, 2)),
            np.ones((2, 2)),
            {"diagonal": False},
            "relate at least 3 objects; got 2. Without the diagonal",
        ),
        (np.ones((2, 2)), np.full((2, 2), np.nan), {}, "`visual` must be finite everywhere"),
        (np.full((2, 2), -1.0), np.ones((2, 2)), {}, "`linguistic` must be at least 0; got -1"),
        (np.ones((2, 2)), np.ones((2, 2)), {"renormalise": "max"}, "`renormalise` must be one of"),
    ],
)
def test_refused(a, b, options, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        relation_distance(a, b, **options)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (np.ones((2, 2)), torch.ones(2, 2)),
        (torch.ones(2, 2), [[1.0, 0.0], [0.0, 1.0]]),
        (np.array([["a", "b"], ["c", "d"]]), np.ones((2, 2))),
    ],
)
def test_refused_types(a, b) -> None:
    with pytest.raises(TypeError, match="linguistic and visual"):
        relation_distance(a, b)
