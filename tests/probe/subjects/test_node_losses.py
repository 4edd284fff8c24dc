from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from probe.subjects.node_losses import (
    NODE_LOSSES,
    class_balanced,
    class_weighted,
    cross_entropy,
    focal,
    node_loss,
    weighted_mean,
)
from probe.subjects.node_scores import f1_scores

LABELS = torch.tensor([0, 0, 0, 1, 1, 2])


def logits() -> torch.Tensor:
    return torch.randn(6, 3, generator=torch.Generator().manual_seed(0))


def test_cross_entropy_by_hand() -> None:
    p = logits().softmax(dim=1)[torch.arange(6), LABELS]
    torch.testing.assert_close(cross_entropy(logits(), LABELS), -p.log())


def test_class_weights_by_hand() -> None:
    factor = class_weighted(logits(), LABELS) / cross_entropy(logits(), LABELS)
    # n / (C n_c) with n = 6, C = 3 and n_c = 3, 2, 1
    torch.testing.assert_close(factor, torch.tensor([2 / 3, 2 / 3, 2 / 3, 1, 1, 2]))


def test_focal_by_hand() -> None:
    p = logits().softmax(dim=1)[torch.arange(6), LABELS]
    torch.testing.assert_close(focal(logits(), LABELS), -((1 - p) ** 2) * p.log())
    torch.testing.assert_close(focal(logits(), LABELS, gamma=0), cross_entropy(logits(), LABELS))
    # A certain node has no loss, and its gradient is a number.
    sure = torch.tensor([[200.0, 0.0]], requires_grad=True)
    focal(sure, torch.tensor([0])).sum().backward()
    assert sure.grad is not None
    assert torch.isfinite(sure.grad).all()


def test_class_balance_by_hand() -> None:
    factor = class_balanced(logits(), LABELS, beta=0.9) / cross_entropy(logits(), LABELS)
    effective = np.array([(1 - 0.9**n) / 0.1 for n in (3, 2, 1)])
    expected = (1 / effective)[LABELS.numpy()]
    np.testing.assert_allclose(factor, expected * 6 / expected.sum(), rtol=1e-5)


def test_class_balance_lies_between_no_weights_and_class_weights() -> None:
    plain, full = cross_entropy(logits(), LABELS), class_weighted(logits(), LABELS)
    torch.testing.assert_close(class_balanced(logits(), LABELS, beta=0.0), plain)
    close = class_balanced(logits(), LABELS, beta=1 - 1e-7)
    torch.testing.assert_close(close, full, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NODE_LOSSES)
def test_weights_multiply_and_the_mean_is_over_nodes(name: str) -> None:
    losses = node_loss(name)(logits(), LABELS)
    weights = torch.tensor([0.5, 1.5, 1.0, 0.0, 2.0, 1.0])
    by_hand = sum(float(w * x) for w, x in zip(weights, losses, strict=True)) / 6
    assert weighted_mean(losses, weights).item() == pytest.approx(by_hand)
    assert weighted_mean(losses, torch.ones(6)).item() == weighted_mean(losses).item()


@pytest.mark.parametrize("name", ["class_weighted", "class_balanced"])
def test_equal_classes_have_equal_factors(name: str) -> None:
    labels = torch.tensor([0, 0, 1, 1, 2, 2])
    torch.testing.assert_close(NODE_LOSSES[name](logits(), labels), cross_entropy(logits(), labels))


def test_bad_losses_are_refused() -> None:
    with pytest.raises(ValueError, match=r"`loss` must be one of 'cross_entropy', .*; got 'mse'"):
        node_loss("mse")
    assert node_loss(focal) is focal
    with pytest.raises(ValueError, match="`gamma` must be at least 0"):
        focal(logits(), LABELS, gamma=-1)
    with pytest.raises(ValueError, match=r"`beta` must be in \[0, 1\); got 1"):
        class_balanced(logits(), LABELS, beta=1)
    with pytest.raises(ValueError, match="`losses` and `weights` must have the same length"):
        weighted_mean(torch.ones(3), torch.ones(2))


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40))
def test_f1_is_scikit_learns(pairs: list[tuple[int, int]]) -> None:
    labels, predicted = np.array(pairs).T
    found = f1_scores(labels, predicted, 5)
    for name, value in found.items():
        average = name.removesuffix("_f1")
        theirs = f1_score(labels, predicted, average=average, zero_division=0.0)
        assert value == pytest.approx(theirs)


def test_f1_of_nothing_is_refused() -> None:
    none = np.zeros(0, dtype=int)
    with pytest.raises(ValueError, match="`labels` must hold at least one label; got none"):
        f1_scores(none, none, 2)
    with pytest.raises(ValueError, match="`labels` and `predicted` must have the same length"):
        f1_scores(np.zeros(2, dtype=int), np.zeros(3, dtype=int), 2)
