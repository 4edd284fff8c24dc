from __future__ import annotations

import contextlib
import gc
import weakref
from collections.abc import Iterator

import pytest
import torch
from torch import nn

from probe.subjects.capture import capture
from tests.probe.subjects.capture_toys import (
    NAMED,
    Causal,
    CrossAttention,
    NamedAttention,
    Nested,
    Raises,
    Seq2Seq,
    X,
    hooks,
)


@pytest.mark.parametrize(
    ("model", "paths", "inputs", "queries_keys"),
    [
        (Nested(), "blocks.*.attn", (X,), [(2, 2)] * 3),  # sequence first: batch 5
        (CrossAttention(), "attn", (X, torch.ones(2, 3, 5), torch.ones(2, 3, 6)), [(5, 3)]),
        (Causal(), "attn", (X,), [(5, 5)]),
        (Seq2Seq(), "**.*attn", (X,), [(5, 5), (3, 3), (3, 5)]),
    ],
)
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("grad", [False, True])
def test_models_of_torch_attention_run_as_before(
    model, paths, inputs, queries_keys, training, grad
) -> None:
    model.train(training)
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        if isinstance(module, nn.MultiheadAttention):
            module.dropout = 0.0
    needs = [p.requires_grad for p in model.parameters()]
    with torch.set_grad_enabled(grad):
        expected = model(*inputs)
        with capture(model, paths) as acts:
            found = model(*inputs)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    assert [tuple(acts[p]["pattern"].shape[-2:]) for p in acts] == queries_keys
    assert set(acts.residuals) == set(acts)
    assert max(acts.residuals.values()) < 1e-5
    assert model.training is training
    assert [p.requires_grad for p in model.parameters()] == needs
    assert hooks(model) == 0


# torch's own word on its nested tensors, which its fast path makes
@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors:UserWarning")
@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("batch_first", [False, True])
def test_the_fused_encoder_is_opened_and_gives_the_same(nested: bool, batch_first: bool) -> None:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=batch_first)
    nested = nested and batch_first  # torch warns that it can be nested only then
    model = nn.TransformerEncoder(layer, 2, enable_nested_tensor=nested).eval()
    padded = torch.tensor([[False] * 5, [False] * 3 + [True] * 2])
    x = X if batch_first else X.transpose(0, 1)
    with torch.no_grad(), pytest.MonkeyPatch.context() as patch:
        seen = []
        original = torch._transformer_encoder_layer_fwd
        patch.setattr(
            torch, "_transformer_encoder_layer_fwd", lambda *a: seen.append(1) or original(*a)
        )
        fused = model(x, src_key_padding_mask=padded)
        assert bool(seen) is batch_first  # the fast path was taken without the capture
        seen.clear()
        with capture(model, "layers.*.self_attn") as acts:
            opened = model(x, src_key_padding_mask=padded)
        assert seen == []
    assert list(acts) == ["layers.0.self_attn", "layers.1.self_attn"]
    keep = ~padded if batch_first else ~padded.T
    torch.testing.assert_close(opened[keep], fused[keep], atol=1e-5, rtol=1e-5)
    assert acts["layers.1.self_attn"]["pattern"][1, :, :, 3:].abs().max() == 0


def test_a_fast_path_that_was_off_stays_off() -> None:
    model = Causal()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with capture(model, "attn", "output"):
            model(X)
        assert not torch.backends.mha.get_fastpath_enabled()
    finally:
        torch.backends.mha.set_fastpath_enabled(True)


def test_all_is_put_back_after_an_error_in_the_model_or_in_the_block() -> None:
    model = Raises()
    with (
        pytest.raises((RuntimeError, AssertionError)),
        capture(model, ["before", "attn"], "output"),
    ):
        model(X)
    assert hooks(model) == 0
    with pytest.raises(KeyError, match="mine"), capture(model, "attn"):
        raise KeyError("mine")
    assert hooks(model) == 0


def test_a_failed_call_is_not_recorded_and_does_not_spoil_the_next() -> None:
    model = Raises()
    with capture(model, ["before", "attn", ""], "output") as acts:
        with pytest.raises((RuntimeError, AssertionError)):
            model(X)
        assert list(acts) == ["before"]
        model.fail = False
        result = model(X)
    assert len(acts["before"].calls) == 2
    assert len(acts["attn"].calls) == 1
    assert torch.equal(acts[""]["output"], result)


def test_a_failed_call_leaves_nothing_in_memory() -> None:
    model = NamedAttention()
    alive: list[weakref.ref[torch.Tensor]] = []
    model.to_v.register_forward_hook(lambda m, args, output: alive.append(weakref.ref(output)))
    model.last.register_forward_hook(lambda m, args, output: 1 / 0)
    with capture(model, "to_v", "output"), capture(model, "", kinds=[NAMED]) as acts:
        for _ in range(3):
            with contextlib.suppress(ZeroDivisionError):
                model(X)
        gc.collect()
        assert [ref() for ref in alive] == [None] * 3
        model.last._forward_hooks.clear()
        model(X)
    assert len(acts[""].calls) == 1


def test_a_generator_that_is_left_early_puts_everything_back() -> None:
    model = Causal()

    def patterns() -> Iterator[torch.Tensor]:
        while True:
            with capture(model, "attn", "pattern") as acts:
                model(X)
                yield acts["attn"]["pattern"]

    running = patterns()
    assert next(running).shape == (2, 4, 5, 5)
    assert hooks(model) > 0
    running.close()
    assert hooks(model) == 0


def test_captures_nest_and_end_in_any_order() -> None:
    model = Causal().eval()
    expected = model(X)
    outer, inner = capture(model, "attn"), capture(model, "attn", ("pattern", "output"))
    a = outer.__enter__()
    b = inner.__enter__()
    torch.testing.assert_close(model(X), expected, atol=1e-6, rtol=1e-6)
    outer.__exit__(None, None, None)
    assert not torch.backends.mha.get_fastpath_enabled()  # still needed
    torch.testing.assert_close(model(X), expected, atol=1e-6, rtol=1e-6)
    inner.__exit__(None, None, None)
    assert len(a["attn"].calls) == 1
    assert len(b["attn"].calls) == 2
    assert torch.equal(a["attn"]["pattern"], b["attn"]["pattern"][0])
    assert torch.equal(b["attn"]["pattern"][0], b["attn"]["pattern"][1])
    assert hooks(model) == 0


def test_the_users_own_hooks_see_and_change_what_they_would_without() -> None:
    model = Causal()
    seen = []

    def halve(module: nn.Module, args: object, output: tuple) -> tuple:
        seen.append(output[1])
        return (output[0] / 2, output[1])

    before = model(X)
    model.attn.register_forward_hook(halve)
    with capture(model, "attn") as acts:  # the check is on what the module made, before the hook
        after = model(X)
    assert seen == [None]  # the caller asked for no weights
    torch.testing.assert_close(after, before / 2)
    assert torch.equal(acts["attn"]["output"], after)
