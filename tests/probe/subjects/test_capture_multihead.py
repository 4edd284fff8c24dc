from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from probe.subjects.attention_check import TOLERANCE
from probe.subjects.capture import capture
from tests.probe.subjects.capture_toys import (
    by_hand,
)

X = torch.linspace(-1, 1, 2 * 5 * 8).reshape(2, 5, 8).sin()
OPTIONS = list(itertools.product([False, True], [False, True], [False, True], [False, True]))


def random_mha(seed: int, **options) -> nn.MultiheadAttention:
    torch.manual_seed(seed)
    mha = nn.MultiheadAttention(8, 2, **options).eval()
    for parameter in mha.parameters():  # biases start at zero and would hide a lost one
        nn.init.normal_(parameter, std=0.5)
    return mha


@pytest.mark.parametrize(("bias", "bias_kv", "zero", "other_widths"), OPTIONS)
def test_torch_attention_is_what_the_formula_says(bias, bias_kv, zero, other_widths) -> None:
    options = {"kdim": 5, "vdim": 6} if other_widths else {}
    mha = random_mha(
        0, bias=bias, add_bias_kv=bias_kv, add_zero_attn=zero, batch_first=True, **options
    )
    key = torch.randn(2, 4, mha.kdim)
    value = torch.randn(2, 4, mha.vdim)
    with capture(mha, "") as acts:
        output, weights = mha(X, key, value)
    for found, expected in zip(
        (acts[""]["pattern"], acts[""]["value"], acts[""]["output"]),
        by_hand(mha, X, key, value),
        strict=True,
    ):
        torch.testing.assert_close(found.double(), expected, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(weights, acts[""]["pattern"].mean(1))
    assert torch.equal(output, acts[""]["output"])
    assert acts.residuals[""] < TOLERANCE


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 99),
    batch_first=st.booleans(),
    unbatched=st.booleans(),
    self_attention=st.booleans(),
    need=st.sampled_from([True, False, None]),
    average=st.sampled_from([True, False, None]),
    padding=st.sampled_from([None, "bool", "float"]),
    mask=st.sampled_from([None, "bool", "float", "by head", "causal"]),
    extra=st.booleans(),
    positional=st.booleans(),
    grad=st.booleans(),
)
def test_any_call_gives_the_caller_what_it_asked_for(
    seed,
    batch_first,
    unbatched,
    self_attention,
    need,
    average,
    padding,
    mask,
    extra,
    positional,
    grad,
) -> None:
    # with a hint torch's fused kernel hides the appended keys: refused, see below
    assume(not (extra and mask == "causal" and need is False and padding is None))
    mha = random_mha(seed, batch_first=batch_first, add_bias_kv=extra, add_zero_attn=extra)
    batch, n_q, n_k = (1 if unbatched else 3), 4, (4 if self_attention or mask == "causal" else 5)
    query = torch.randn(batch, n_q, 8)
    key = query if self_attention else torch.randn(batch, n_k, 8)
    blocked = torch.zeros(batch, 2, n_q, n_k, dtype=torch.bool)
    options: dict[str, object] = {}
    if padding:
        hidden = torch.rand(batch, n_k) < 0.4
        hidden[:, 0] = False  # a key for every query
        blocked |= hidden[:, None, None]
        options["key_padding_mask"] = as_mask(hidden[0] if unbatched else hidden, padding)
    if mask:
        shape = (batch, 2, n_q, n_k) if mask == "by head" else (n_q, n_k)
        hidden = torch.rand(shape) < 0.4
        if mask == "causal":
            hidden = torch.ones(n_q, n_k, dtype=torch.bool).triu(1)
            options["is_causal"] = True
        hidden[..., 0] = False
        blocked |= hidden
        flat = hidden.flatten(0, 1) if mask == "by head" else hidden
        # torch deprecates masks of two types in one call
        options["attn_mask"] = as_mask(flat, padding or ("float" if mask == "float" else "bool"))
    options |= {
        name: flag
        for name, flag in (("need_weights", need), ("average_attn_weights", average))
        if flag is not None
    }

    def arranged(x: Tensor) -> Tensor:
        return x[0] if unbatched else x if batch_first else x.transpose(0, 1)

    q = arranged(query)
    k = q if self_attention else arranged(key)
    args: tuple = (q, k, k)
    if positional:
        names = ("key_padding_mask", "need_weights", "attn_mask", "average_attn_weights")
        defaults = (None, True, None, True)
        args += tuple(options.pop(n, d) for n, d in zip(names, defaults, strict=True))
    with torch.set_grad_enabled(grad):
        expected = mha(*args, **options)
        with capture(mha, "") as acts:
            found = mha(*args, **options)
    torch.testing.assert_close(found[0], expected[0], atol=1e-5, rtol=1e-5)
    if need is False:
        assert found[1] is None
        assert expected[1] is None
    else:
        torch.testing.assert_close(found[1], expected[1], atol=1e-6, rtol=1e-5)
    pattern, value, output = by_hand(mha, query, key, key, blocked)
    torch.testing.assert_close(acts[""]["pattern"].double(), pattern, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(acts[""]["value"].double(), value, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found[0].double(), arranged(output), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("extra", ["add_bias_kv", "add_zero_attn"])
def test_a_causal_hint_that_hides_appended_keys_is_refused(extra: str) -> None:
    mha = random_mha(0, batch_first=True, **{extra: True})
    mask = torch.ones(5, 5, dtype=torch.bool).triu(1)
    with torch.enable_grad():
        fused = mha(X, X, X, attn_mask=mask, is_causal=True, need_weights=False)[0]
        plain = mha(X, X, X, attn_mask=mask, is_causal=True)[0]
        assert (fused - plain).abs().max() > 0.01  # why: torch's two paths disagree
        with (
            pytest.raises(ValueError, match="`is_causal` must be False in a capture of Multihead"),
            capture(mha, ""),
        ):
            mha(X, X, X, attn_mask=mask, is_causal=True, need_weights=False)
        expected = mha(X, X, X, attn_mask=mask, need_weights=False)[0]
        with capture(mha, ""):
            found = mha(X, X, X, attn_mask=mask, need_weights=False)[0]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def as_mask(hidden: Tensor, form: str) -> Tensor:
    """A mask as torch takes it: True, or minus infinity, where a key may not be seen."""
    return hidden if form == "bool" else torch.zeros(hidden.shape).masked_fill(hidden, -math.inf)


@pytest.mark.parametrize("grad", [False, True])
def test_a_query_without_any_key_gives_what_the_fused_kernel_gives(grad: bool) -> None:
    mha = random_mha(0, batch_first=True)
    nothing = torch.tensor([[True] * 5, [False] * 5])
    torch.backends.mha.set_fastpath_enabled(False)  # where masked rows are NaN on any account
    try:
        with torch.set_grad_enabled(grad):
            expected = mha(X, X, X, key_padding_mask=nothing, need_weights=False)[0]
            with capture(mha, "") as acts:
                found = mha(X, X, X, key_padding_mask=nothing, need_weights=False)[0]
    finally:
        torch.backends.mha.set_fastpath_enabled(True)
    assert torch.equal(found, expected)
    assert found.isfinite().all()
    assert (acts[""]["pattern"][0] == 0).all()
    assert acts.residuals[""] < TOLERANCE
    with capture(mha, "") as acts:  # the caller's own path has NaN, and so has the capture
        output, _ = mha(X, X, X, key_padding_mask=nothing)
    assert output[0].isnan().all()
    assert acts[""]["pattern"][0].isnan().all()
    assert acts[""]["pattern"][1].isfinite().all()


def test_nan_that_no_mask_made_stays() -> None:
    mha = random_mha(0, batch_first=True)
    broken = X.clone()
    broken[0, 2, 0] = math.nan
    mask = torch.zeros(2, 5, dtype=torch.bool)
    with capture(mha, "") as acts:
        output, _ = mha(broken, broken, broken, key_padding_mask=mask, need_weights=False)
    assert output[0].isnan().all()
    assert acts[""]["pattern"][0].isnan().all()


def test_a_query_without_any_key_under_dropout_is_refused() -> None:
    mha = random_mha(0, batch_first=True, dropout=0.5).train()
    nothing = torch.ones(2, 5, dtype=torch.bool)
    with (
        pytest.raises(RuntimeError, match="masks every key of some query while dropout is active"),
        capture(mha, ""),
    ):
        mha(X, X, X, key_padding_mask=nothing, need_weights=False)
