from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest
import torch
from torch import nn

from probe.subjects.attention_visibility import _HELD
from probe.subjects.capture import capture
from probe.subjects.captured import NotCaptured
from tests.probe.subjects.capture_toys import (
    NAMED,
    Causal,
    CrossAttention,
    ManyOutputs,
    Mlp,
    NamedAttention,
    Nested,
    Raises,
    Seq2Seq,
    Twice,
)

X = torch.linspace(-1, 1, 2 * 5 * 8).reshape(2, 5, 8)


def hooks(model: nn.Module) -> int:
    return sum(
        len(getattr(module, name))
        for module in model.modules()
        for name in (
            "_forward_hooks",
            "_forward_pre_hooks",
            "_forward_hooks_with_kwargs",
            "_forward_pre_hooks_with_kwargs",
            "_forward_hooks_always_called",
            "_backward_hooks",
        )
    )


@pytest.fixture(autouse=True)
def everything_is_put_back() -> Iterator[None]:
    assert torch.backends.mha.get_fastpath_enabled()
    yield
    assert torch.backends.mha.get_fastpath_enabled()
    assert _HELD == {}


def test_outputs_are_those_of_the_modules_and_nothing_else_is_kept() -> None:
    model = Mlp()
    x = torch.randn(2, 4, generator=torch.Generator().manual_seed(0))
    with capture(model, ["first", "second"], "output") as acts:
        result = model(x)
    # the ReLU has written into the first layer's output since
    assert torch.equal(acts["first"]["output"], x @ model.first.weight.T + model.first.bias)
    assert torch.equal(acts["second"]["output"], result)
    assert list(acts) == ["first", "second"]
    assert list(acts["first"]) == ["output"]
    assert len(acts) == 2
    assert "act" not in acts
    assert not acts["first"]["output"].requires_grad
    assert hooks(model) == 0


def test_it_can_be_read_while_it_fills_and_its_repr_says_what_it_holds() -> None:
    model = Mlp()
    with capture(model, "*", "output") as acts:
        assert repr(acts) == "Activations of 0 modules\n  not run: first, act, second"
        model(torch.ones(2, 4))
        assert acts["second"]["output"].shape == (2, 3)
        model(torch.ones(7, 4))
    assert "  first  output [(2, 6), (7, 6)]  [2 calls]" in repr(acts)


def test_several_calls_give_a_list_in_their_order() -> None:
    model = Twice(nn.Linear(4, 4))
    with capture(model, "encode", "output") as acts:
        result = model(torch.ones(1, 4))
    first, second = acts["encode"]["output"]
    assert torch.equal(second, result)
    assert torch.equal(model.encode(first), second)
    assert [list(call) for call in acts["encode"].calls] == [["output"], ["output"]]


def test_tuples_and_dicts_are_kept_as_they_were_returned() -> None:
    model = ManyOutputs()
    with capture(model, ["", "pair"], "output", to=torch.float64) as acts:
        model(torch.ones(2))
    first, (second, third), number = acts["pair"]["output"]
    assert (first.dtype, second.dtype, third.dtype) == (torch.float64, torch.float64, torch.int64)
    assert number == 7
    assert set(acts[""]["output"]) == {"first", "second"}
    assert "(the model)  output {first: (2,), second: (2,)}" in repr(acts)
    assert "pair  output [(2,), [(2,), (2,)], int]" in repr(acts)


def test_detach_false_gives_the_graph() -> None:
    model = Mlp()
    with capture(model, "second", "output", detach=False) as acts:
        model(torch.ones(2, 4)).sum()
    acts["second"]["output"].sum().backward()
    assert model.first.weight.grad is not None


def test_patterns_carry_gradients_to_the_weights() -> None:
    model = Causal()
    with capture(model, "attn", "pattern", detach=False) as acts:
        model(X)
    acts["attn"]["pattern"].square().sum().backward()
    assert model.attn.in_proj_weight.grad is not None
    assert model.attn.in_proj_weight.grad.abs().sum() > 0


def test_to_moves_what_is_kept() -> None:
    model = Causal()
    with capture(model, "attn", to=("cpu", torch.float16)) as acts:
        assert model(X).dtype == torch.float32
    assert {acts["attn"][what].dtype for what in acts["attn"]} == {torch.float16}


def test_no_tensor_of_the_model_is_held_after_a_detached_capture() -> None:
    model = Causal()
    alive: list[weakref.ref[torch.Tensor]] = []
    handle = model.attn.register_forward_hook(
        lambda module, args, output: alive.append(weakref.ref(output[0]))
    )
    with capture(model, "attn") as acts:
        model(X.clone())
    handle.remove()
    gc.collect()
    assert alive[0]() is None
    assert acts["attn"]["output"].shape == X.shape


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


def test_causal_weights_see_nothing_ahead() -> None:
    model = Causal()
    with capture(model, "attn", "pattern") as acts:
        model(X)
    pattern = acts["attn"]["pattern"]
    assert pattern.triu(1).abs().max() == 0
    torch.testing.assert_close(pattern.sum(-1), torch.ones(2, 4, 5))


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("batch_first", [False, True])
def test_the_fused_encoder_is_opened_and_gives_the_same(nested: bool, batch_first: bool) -> None:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=batch_first)
    nested = nested and batch_first  # torch warns that it can be nested only then
    model = nn.TransformerEncoder(layer, 2, enable_nested_tensor=nested).eval()
    padded = torch.tensor([[False] * 5, [False] * 3 + [True] * 2])
    x = X if batch_first else X.transpose(0, 1)
    ran = []
    handle = model.layers[0].self_attn.register_forward_hook(lambda *_: ran.append(1))
    handle.remove()
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


def test_the_fast_path_comes_back_also_if_it_was_off() -> None:
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with capture(Causal(), "attn", "output") as _, pytest.raises(ZeroDivisionError):
            1 / 0  # noqa: B018
    except RuntimeError:
        assert not torch.backends.mha.get_fastpath_enabled()
    finally:
        torch.backends.mha.set_fastpath_enabled(True)


def test_all_is_put_back_after_an_error_in_the_model_or_in_the_block() -> None:
    model = Raises()
    with pytest.raises((RuntimeError, AssertionError)), capture(model, ["before", "attn"], "output"):
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


def test_autocast_inference_mode_and_half_precision() -> None:
    model = Causal().eval()
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16), capture(model, "attn") as a:
        model(X)
    assert a["attn"]["value"].dtype == torch.bfloat16
    layer = nn.MultiheadAttention(8, 2, dtype=torch.float64)
    with capture(layer, "") as acts:
        layer(X.double(), X.double(), X.double())
    assert acts.residuals[""] < 1e-12


def test_plain_modules_have_no_pattern_and_say_what_to_do() -> None:
    with (
        pytest.raises(
            ValueError,
            match=r"name attention that can be seen, for its pattern and value; got 'first' "
            r"\(Linear\)\. For other modules capture 'output' alone; .*projected_attention",
        ),
        capture(Mlp(), "first"),
    ):
        pass
    with (
        pytest.raises(ValueError, match=r"Attention inside it: 'blocks.0.attn', 'blocks.1.attn'"),
        capture(Nested(), "blocks", "pattern"),
    ):
        pass


def test_reading_what_is_not_there_says_why() -> None:
    model = Mlp()
    with capture(model, "*", "output") as acts:
        with pytest.raises(NotCaptured, match="^'first' has not run inside the capture"):
            acts["first"]
        model(torch.ones(1, 4))
    with pytest.raises(KeyError, match="'third' was not among the captured modules: 'first', 'act'"):
        acts["third"]
    with pytest.raises(KeyError, match="'value' of 'first' was not captured; asked were 'output'"):
        acts["first"]["value"]


def test_an_empty_capture_is_an_error() -> None:
    model = Nested()
    with (
        pytest.raises(RuntimeError, match=r"nothing was captured for 'blocks.0.attn.out_proj'"),
        capture(model, ["blocks.1.ff", "blocks.0.attn.out_proj"], "output"),
    ):
        model(X)  # attention uses out_proj's weights without calling it
    assert hooks(model) == 0


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"what": "weights"}, ValueError, "`what` must be one of 'pattern', 'value', 'output'"),
        ({"what": ()}, ValueError, "`what` must name at least one of pattern, value, output"),
        ({"tolerance": -1.0}, ValueError, "`tolerance` must be at least 0.0; got -1.0"),
        ({"to": 3}, TypeError, "`to` must be a device, a floating dtype"),
        ({"to": torch.int8}, TypeError, "`to` must be a device, a floating dtype"),
    ],
)
def test_arguments_are_checked(options, error, match) -> None:
    with pytest.raises(error, match=match), capture(Causal(), "attn", **options):
        pass


def test_compiled_and_scripted_models_are_refused() -> None:
    message = "`model` must run eagerly; got a compiled or scripted module"
    with pytest.raises(ValueError, match=message), capture(torch.compile(Mlp()), "**", "output"):
        pass
    model = Mlp()
    model.first.compile()
    with pytest.raises(ValueError, match=r"at 'first'.*_orig_mod"), capture(model, "*", "output"):
        pass


def test_dropout_in_training_shows_the_weights_in_use() -> None:
    torch.manual_seed(0)
    model = NamedAttention(p=0.5).train()
    with capture(model, "", kinds=[NAMED]) as acts:
        model(X)
    assert (acts[""]["pattern"] == 0).any()
    assert acts.residuals[""] < 1e-5
    mha = nn.MultiheadAttention(8, 2, dropout=0.5, batch_first=True).train()
    with capture(mha, "") as acts:
        mha(X, X, X, need_weights=False)
    assert (acts[""]["pattern"] == 0).any()
