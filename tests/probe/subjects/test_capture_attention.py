from __future__ import annotations

import itertools
import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from probe.subjects.attention_check import TOLERANCE
from probe.subjects.attention_kinds import (
    AttentionKind,
    attention_kind,
    forget_attention,
    is_attention,
    projected_attention,
    register_attention,
)
from probe.subjects.capture import capture
from probe.subjects.projected_attention import unpack_values
from tests.probe.subjects.capture_toys import (
    NAMED,
    PARAMETER,
    Fused,
    GroupedAttention,
    NamedAttention,
    ParameterAttention,
)

X = torch.linspace(-1, 1, 2 * 5 * 8).reshape(2, 5, 8).sin()


@pytest.mark.parametrize(
    ("model", "kinds"),
    [(ParameterAttention(), [PARAMETER]), (NamedAttention(), [NAMED]), (GroupedAttention(), [])],
    ids=["parameter", "named", "grouped"],
)
def test_weights_and_values_of_hand_made_attention(model: nn.Module, kinds) -> None:
    with capture(model, "", kinds=kinds) as acts:
        model(X)
    captured = acts[""]
    if isinstance(model, ParameterAttention):
        w_q, w_k, w_v = (w.T for w in model.qkv.chunk(3, 1))
        b_q = b_k = b_v = torch.zeros(8)
    elif isinstance(model, NamedAttention):
        w_q, w_k, w_v = model.to_q.weight, model.to_k.weight, model.to_v.weight
        b_q, b_k, b_v = model.to_q.bias, model.to_k.bias, model.to_v.bias
    else:
        groups = [0, 1, 0, 1, 2, 3, 2, 3]  # two heads of width 2, each used twice
        w_q, w_k, w_v = (
            model.q_proj.weight,
            model.k_proj.weight[groups],
            model.v_proj.weight[groups],
        )
        b_q = b_k = b_v = torch.zeros(8)
    heads = captured["pattern"].shape[1]
    d = 8 // heads
    for n, h in itertools.product(range(2), range(heads)):
        part = slice(h * d, (h + 1) * d)
        q, k, v = (X[n] @ w[part].T + b[part] for w, b in ((w_q, b_q), (w_k, b_k), (w_v, b_v)))
        weights = torch.exp(q @ k.T / math.sqrt(d))
        weights = weights / weights.sum(1, keepdim=True)
        torch.testing.assert_close(captured["pattern"][n, h], weights, atol=1e-6, rtol=1e-5)
        torch.testing.assert_close(captured["value"][n, h], v, atol=1e-6, rtol=1e-5)
    assert acts.residuals[""] < TOLERANCE


def test_a_lying_module_is_named_with_the_size_of_the_lie() -> None:
    model = nn.Sequential(nn.Identity(), NamedAttention(factor=1.25))
    nn.init.zeros_(model[1].mix.bias)  # then the output is proportional to the weights
    with (
        pytest.raises(
            RuntimeError,
            match=r"`1` \(NamedAttention\): captured weights times values do not reproduce its "
            r"output: relative difference 0\.25, allowed 1e-05 \(kind 'named attention'\)",
        ),
        capture(model, "1", kinds=[NAMED]),
    ):
        model(X)
    with capture(model, "1", kinds=[NAMED], verify=False) as acts:  # unproven, and only if asked
        model(X)
    assert acts.residuals == {}
    with capture(model, "1", kinds=[NAMED], tolerance=0.3) as acts:
        model(X)
    assert acts.residuals["1"] == pytest.approx(0.25, abs=1e-5)


@pytest.mark.parametrize("what", ["pattern", "value"])
def test_a_lie_is_found_whichever_part_is_asked_for(what: str) -> None:
    model = NamedAttention(factor=0.9)
    with (
        pytest.raises(RuntimeError, match="do not reproduce its output"),
        capture(model, "", what, kinds=[NAMED]),
    ):
        model(X)


@given(size=st.floats(1e-4, 10.0))
@settings(max_examples=20, deadline=None)
def test_no_lie_above_the_tolerance_passes(size: float) -> None:
    torch.manual_seed(0)
    model = NamedAttention(factor=1 + size)
    nn.init.zeros_(model.mix.bias)
    with pytest.raises(RuntimeError) as caught, capture(model, "", kinds=[NAMED]):
        model(X)
    said = float(str(caught.value).split("relative difference ")[1].split(",")[0])
    assert said == pytest.approx(size, rel=0.02)


def test_a_lie_under_dropout_is_found_at_the_projection() -> None:
    model = NamedAttention(p=0.5, factor=2.0).train()
    with (
        pytest.raises(RuntimeError, match="do not reproduce its output"),
        capture(model, "", kinds=[NAMED]),
    ):
        model(X)


@pytest.mark.parametrize(
    ("weights", "match"),
    [
        (None, r"`` \(Fused\) returned no attention weights \(got NoneType\), as a fused kernel"),
        (torch.ones(0), r"returned no attention weights \(got shape \(0,\)\)"),
        (torch.ones(2, 5, 5), r"stands in the place of its weights is shape \(2, 5, 5\), not"),
        (torch.ones(2, 1, 5, 5).long(), "stands in the place of its weights"),
        (
            torch.ones(2, 1, 5, 9),
            r"\(batch, head, key\) \(2, 1, 9\) and values shape \(2, 1, 5, 4\).*use_cache=False",
        ),
    ],
)
def test_weights_that_are_not_there_are_an_error(weights, match: str) -> None:
    model = Fused(weights)
    with pytest.raises(RuntimeError, match=match), capture(model, ""):
        model(X[..., :4])


def test_values_that_were_not_computed_are_an_error() -> None:
    class Cached(Fused):
        def forward(self, x: Tensor) -> tuple[Tensor, object]:
            return self.o_proj(x), self.weights

    model = Cached(torch.ones(2, 1, 5, 5))
    with pytest.raises(RuntimeError, match=r"did not call its `v_proj`"), capture(model, ""):
        model(X[..., :4])


def test_an_output_of_another_shape_is_an_error() -> None:
    class Pooled(Fused):
        def forward(self, x: Tensor) -> tuple[Tensor, object]:
            return super().forward(x)[0].mean(1), self.weights

    model = Pooled(torch.ones(2, 1, 5, 5) / 5)
    message = r"returned shape \(2, 4\), while its weights and values compose to shape \(2, 5, 4\)"
    with pytest.raises(RuntimeError, match=message), capture(model, ""):
        model(X[..., :4])


def test_what_cannot_be_proven_says_so() -> None:
    bare = AttentionKind(
        name="bare",
        matches=PARAMETER.matches,
        pattern=PARAMETER.pattern,
    )
    model = ParameterAttention()
    with (
        pytest.raises(ValueError, match=r"have `value` and `project`.*'bare'.*verify=False"),
        capture(model, "", "pattern", kinds=[bare]),
    ):
        pass
    with (
        pytest.raises(ValueError, match="`kinds` must say what `value` is where values are asked"),
        capture(model, "", kinds=[bare], verify=False),
    ):
        pass
    with capture(model, "", "pattern", kinds=[bare], verify=False) as acts:
        model(X)
    assert acts[""]["pattern"].shape == (2, 2, 5, 5)
    watching = projected_attention("x", classes=("ParameterAttention",), value="nowhere")
    with (
        pytest.raises(ValueError, match="`kinds` must watch submodules that exist; got 'x': 'now"),
        capture(model, "", kinds=[watching]),
    ):
        pass


def test_composing_with_calls_cannot_prove_itself() -> None:
    # `project` calls the projection, whose watched output is what the module is compared with
    circular = AttentionKind(
        name="circular",
        matches=NAMED.matches,
        pattern=lambda call: call.output[1],
        value=NAMED.value,
        project=lambda call, context: call.module.mix(context.transpose(1, 2).flatten(2)),
        own=lambda call: call.inner["mix"],
        watch=("to_v", "mix"),
    )
    model = NamedAttention(factor=3.0)
    with (
        pytest.raises(RuntimeError, match="do not reproduce"),
        capture(model, "", kinds=[circular]),
    ):
        model(X)
    model.factor = 1.0
    with capture(model, ["", "mix"], "output", kinds=[circular]) as acts:
        model(X)
    assert len(acts["mix"].calls) == 1


def test_one_entry_makes_a_kind_known_everywhere() -> None:
    model = nn.Sequential(ParameterAttention(), NamedAttention())
    assert not is_attention("0", model[0])
    register_attention(PARAMETER)
    try:
        assert attention_kind(model[0]) is PARAMETER
        later = register_attention(replace(PARAMETER, name="later"))
        assert attention_kind(model[0]) is later  # the latest is tried first
        assert attention_kind(model[0], [PARAMETER]) is PARAMETER  # but for a capture's own
        forget_attention(later)
        with capture(model, is_attention) as acts:
            model(X)
        assert list(acts) == ["0"]
    finally:
        forget_attention(PARAMETER)
    assert attention_kind(model[0]) is None
    with pytest.raises(TypeError, match="`kind` must be an AttentionKind; got str"):
        register_attention("kind")  # pyright: ignore


@pytest.mark.parametrize("packing", ["alone", "blocks", "key_value", "heads"])
def test_every_packing_gives_the_same_values(packing) -> None:
    value = torch.randn(2, 5, 3, 4)  # batch, key, head, d_head
    other = torch.zeros(2, 5, 3, 4)
    packed = {
        "alone": value.flatten(2),
        "blocks": torch.cat([other, other, value], 2).flatten(2),
        "key_value": torch.cat([other, value], 2).flatten(2),
        "heads": torch.stack([other, other, value], 3).flatten(2),
    }[packing]
    assert torch.equal(unpack_values(packed, 3, 4, packing), value.transpose(1, 2))
    with pytest.raises(ValueError, match="`packing` must be one of 'alone', 'blocks'"):
        projected_attention("x", value="v", packing="sideways")  # pyright: ignore


def test_grouped_heads_beside_the_query_are_found_by_width() -> None:
    value = torch.randn(2, 5, 2, 4)
    packed = torch.cat([torch.zeros(2, 5, 4 * 4), torch.zeros(2, 5, 2 * 4), value.flatten(2)], 2)
    found = unpack_values(packed, 4, 4, "blocks")
    assert torch.equal(found, value.transpose(1, 2)[:, [0, 0, 1, 1]])
