"""Gradients of the IAIS losses: right, finite at an attention of 0, safe in half precision."""

from __future__ import annotations

import pytest
import torch

from probe.isd.regulariser import iais_loss

from .iais_truth import CASES, FORMS, drawn


@pytest.mark.parametrize(("kind", "anchor", "parity"), FORMS)
def test_gradcheck(kind, anchor, parity):
    # Entry by entry for one pair without heads; along random directions for the rest.
    for batch, heads, scattered in ((1, 0, True), (2, 2, True), (2, 2, False)):
        attention, text, image = drawn(7, batch=batch, heads=heads, n=8, scattered=scattered)

        def loss(a, text=text, image=image):
            return iais_loss(a, text, image, kind=kind, anchor=anchor, parity=parity)

        leaf = attention.requires_grad_()
        assert torch.autograd.gradcheck(loss, leaf, eps=1e-7, atol=1e-5, fast_mode=heads > 0)


@pytest.mark.parametrize("heads", [0, 2])
@pytest.mark.parametrize(("kind", "anchor", "parity"), FORMS)
def test_only_what_the_masks_name_is_read(kind, anchor, parity, heads):
    for scattered in (True, False):
        attention, text, image = drawn(8, heads=heads, scattered=scattered)
        named = text | image
        square = named[:, :, None] & named[:, None, :]
        square = square[:, None].expand_as(attention) if heads else square
        spoilt = torch.where(square, attention, torch.nan).requires_grad_()
        clean = torch.where(square, attention, 0.25).requires_grad_()
        losses = [
            iais_loss(a, text, image, kind=kind, anchor=anchor, parity=parity)
            for a in (spoilt, clean)
        ]
        torch.testing.assert_close(*losses, rtol=1e-12, atol=0)
        for a, loss in zip((spoilt, clean), losses, strict=True):
            loss.backward()
            assert a.grad is not None
            assert not a.grad[~square].any()
        torch.testing.assert_close(spoilt.grad, clean.grad)


@pytest.mark.parametrize(
    "dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16], ids=str
)
@pytest.mark.parametrize("heads", [0, 2])
@pytest.mark.parametrize(("kind", "anchor"), CASES)
def test_finite_at_an_attention_of_zero(kind, anchor, heads, dtype):
    attention, text, image = drawn(9, heads=heads)
    one_hot = torch.zeros_like(attention).scatter(-1, attention.argmax(-1, keepdim=True), 1.0)
    smallest = torch.full_like(attention, torch.finfo(dtype).smallest_normal)
    for given in (torch.zeros_like(attention), one_hot, smallest):
        leaf = given.to(dtype).requires_grad_()
        loss = iais_loss(leaf, text, image, kind=kind, anchor=anchor)
        loss.backward()
        assert loss.isfinite()
        assert leaf.grad is not None
        assert leaf.grad.isfinite().all()
        assert leaf.grad.dtype == dtype
    # Nothing anywhere is even everywhere: no disagreement.
    assert abs(iais_loss(0 * attention, text, image, kind=kind, anchor=anchor).item()) < 1e-12


@pytest.mark.parametrize("kind", ["distributed", "congruence"])
def test_official_distributed_forms_are_finite_at_zero_too(kind):
    attention, text, image = drawn(10)
    leaf = torch.where(attention > 0.05, attention, 0.0).requires_grad_()
    loss = iais_loss(leaf, text, image, kind=kind, parity=True)
    loss.backward()
    assert leaf.grad is not None
    assert loss.isfinite()
    assert leaf.grad.isfinite().all()


def test_the_official_singular_form_is_infinite_at_zero():
    attention, text, image = drawn(11)
    assert iais_loss(0 * attention, text, image, parity=True).isinf()


@pytest.mark.parametrize(
    ("dtype", "close"),
    [(torch.float32, 2e-6), (torch.float16, 5e-3), (torch.bfloat16, 4e-2)],
    ids=str,
)
@pytest.mark.parametrize(("kind", "anchor"), CASES)
def test_how_far_lower_precisions_are_off(kind, anchor, dtype, close):
    attention, text, image = drawn(12, batch=8, heads=4, n=40)
    exact = iais_loss(attention, text, image, kind=kind, anchor=anchor).item()
    found = iais_loss(attention.to(dtype), text, image, kind=kind, anchor=anchor)
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(exact, rel=close)
    # Half precision is widened before anything is added up: only the input's rounding is left.
    assert found.item() == pytest.approx(
        iais_loss(attention.to(dtype).float(), text, image, kind=kind, anchor=anchor).item(),
        rel=1e-6,
    )


@pytest.mark.parametrize(("kind", "anchor"), CASES)
def test_autocast_leaves_the_loss_as_it_is(kind, anchor):
    attention, text, image = drawn(13, heads=2)
    options = {"kind": kind, "anchor": anchor}
    leaf, twin = (attention.bfloat16().requires_grad_() for _ in range(2))
    with torch.autocast("cpu", torch.bfloat16):
        loss = iais_loss(leaf, text, image, **options)
    plain = iais_loss(twin, text, image, **options)
    loss.backward()
    plain.backward()
    assert loss.dtype == torch.float32
    assert loss.item() == plain.item()
    torch.testing.assert_close(leaf.grad, twin.grad, rtol=0, atol=0)


@pytest.mark.parametrize(("kind", "anchor"), CASES)
def test_descent_makes_relations_agree(kind, anchor):
    from probe.isd.distance import relation_distance

    random = torch.Generator().manual_seed(14)
    text = torch.arange(8)[None] < 4
    # Word k and region k hold on to each other; relations inside are free.
    held = 8 * torch.eye(8).roll(4, dims=1)
    logits = torch.randn(1, 8, 8, generator=random).mul(2).requires_grad_()
    step = torch.optim.Adam([logits], lr=0.1)

    def disagreement() -> float:
        joint = (logits.detach() + held).softmax(dim=-1)[0].double()
        return float(relation_distance(joint[:4, :4], joint[4:, 4:]))

    before, first, loss = disagreement(), 0.0, torch.zeros(())
    for k in range(80):
        loss = iais_loss((logits + held).softmax(dim=-1), text, ~text, kind=kind, anchor=anchor)
        first = first if k else loss.item()
        step.zero_grad()
        loss.backward()
        step.step()
    assert loss.item() < 0.2 * first
    if kind != "distributed":  # its told relations do not use the other modality's own
        assert disagreement() < 0.5 * before


def test_differentiable_once_and_says_so():
    attention, text, image = drawn(15)
    leaf = attention.requires_grad_()
    loss = iais_loss(leaf, text, image)
    (slope,) = torch.autograd.grad(loss, leaf, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        slope.sum().backward()
