from __future__ import annotations

import gc
import weakref

import pytest
import torch
from torch import nn

from probe.subjects.capture import capture
from probe.subjects.captured import NotCaptured
from tests.probe.subjects.capture_toys import (
    NAMED,
    Causal,
    ManyOutputs,
    Mlp,
    NamedAttention,
    Nested,
    Twice,
    X,
    hooks,
)


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


def test_what_is_asked_for_twice_is_kept_once_in_one_order() -> None:
    model = Causal()
    with capture(model, "attn", ["output", "pattern", "output"]) as acts:
        model(X)
    assert list(acts["attn"]) == ["pattern", "output"]


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


def test_causal_weights_see_nothing_ahead() -> None:
    model = Causal()
    with capture(model, "attn", "pattern") as acts:
        model(X)
    pattern = acts["attn"]["pattern"]
    assert pattern.triu(1).abs().max() == 0
    torch.testing.assert_close(pattern.sum(-1), torch.ones(2, 4, 5))


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
        with pytest.raises(NotCaptured, match=r"^'first' has not run inside the capture"):
            acts["first"]
        model(torch.ones(1, 4))
    with pytest.raises(
        KeyError, match="'third' was not among the captured modules: 'first', 'act'"
    ):
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


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
def test_compiled_and_scripted_models_are_refused() -> None:
    message = "`model` must run eagerly; got a compiled or scripted module"
    scripted = torch.jit.script(nn.Linear(4, 3))
    with pytest.raises(ValueError, match=message), capture(scripted, "", "output"):
        pass
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
