from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from probe.subjects.capture import capture
from probe.subjects.module_paths import matches_path, select_modules
from tests.probe.subjects.capture_toys import Mlp, Nested, Twice

segments = st.lists(st.text("abc01", min_size=1, max_size=3), min_size=1, max_size=5)


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("a.*.c", "a.b.c", True),
        ("a.*.c", "a.b.b.c", False),
        ("a.*", "a", False),
        ("a.**", "a", True),
        ("**.c", "a.b.c", True),
        ("a.**.c", "a.c", True),
        ("a.[01].c", "a.1.c", True),
        ("a.[01].c", "a.2.c", False),
        ("a.?", "a.10", False),
        ("A.b", "a.b", False),
    ],
)
def test_globs_go_by_segment(pattern: str, path: str, expected: bool) -> None:
    assert matches_path(pattern, path) is expected


@given(path=segments, data=st.data())
def test_stars_in_place_of_segments_still_match(path: list[str], data: st.DataObject) -> None:
    stars = data.draw(st.lists(st.booleans(), min_size=len(path), max_size=len(path)))
    pattern = ["*" if star else part for part, star in zip(path, stars, strict=True)]
    assert matches_path(".".join(pattern), ".".join(path))
    assert not matches_path(".".join([*pattern, "*"]), ".".join(path))
    cut = data.draw(st.integers(0, len(path)))
    assert matches_path(".".join([*path[:cut], "**"]), ".".join(path))


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ("blocks.1.attn", ["blocks.1.attn"]),
        ("blocks.*.attn", ["blocks.0.attn", "blocks.1.attn", "blocks.2.attn"]),
        (["blocks.0.ff", "blocks.[12].ff"], ["blocks.0.ff", "blocks.1.ff", "blocks.2.ff"]),
        (lambda path, module: isinstance(module, nn.Linear) and "1" in path, ["blocks.1.ff.0"]),
        ("", [""]),
    ],
)
def test_every_form_of_selector(paths, expected) -> None:
    model = Nested()
    found = [path for each in select_modules(model, paths) for path in each.modules]
    # out_proj of MultiheadAttention is a Linear too
    assert [p for p in found if not p.endswith("out_proj")] == expected
    named = dict(model.named_modules())
    for each in select_modules(model, paths):
        assert all(module is named[path] for path, module in each.modules.items())


def test_a_glob_does_not_take_the_model_itself() -> None:
    assert "" not in select_modules(Mlp(), "**")[0].modules


def test_a_module_of_two_names_is_found_by_either() -> None:
    model = Twice(nn.Linear(4, 4))
    assert list(select_modules(model, "*")[0].modules) == ["encode"]
    with capture(model, ["encode", "again"], "output") as acts:
        result = model(torch.ones(1, 4))
    assert [len(acts[path].calls) for path in ("encode", "again")] == [2, 2]
    assert torch.equal(acts["again"]["output"][1], result)


def test_a_module_chosen_twice_is_captured_once() -> None:
    model = Mlp()
    with capture(model, ["first", "f*", lambda path, _: path == "first"], "output") as acts:
        model(torch.ones(1, 4))
    assert list(acts) == ["first"]
    assert len(acts["first"].calls) == 1


def test_unknown_paths_name_the_near_ones() -> None:
    with pytest.raises(
        ValueError, match=r"`paths` must name modules of Nested; got 'blocks.0.atn'"
    ):
        select_modules(Nested(), "blocks.0.atn")
    with pytest.raises(ValueError, match=r"Near: 'blocks.0.attn', .*lists all 16"):
        select_modules(Nested(), "blocks.0.atn")
    with pytest.raises(ValueError, match=r"There are: 'first', 'act', 'second'.* all 3"):
        select_modules(Mlp(), "zzzzzzzz*")
    with pytest.raises(ValueError, match=r"got the callable <lambda>"):
        select_modules(Mlp(), lambda path, module: False)
    with pytest.raises(ValueError, match=r"no submodules: its own path is \"\""):
        select_modules(nn.Linear(1, 1), "weight")


def test_what_is_no_selector_is_refused() -> None:
    with pytest.raises(ValueError, match="`paths` must name at least one module; got none"):
        select_modules(Mlp(), [])
    with pytest.raises(TypeError, match="`paths` must be a path, a glob, a callable, or several"):
        select_modules(Mlp(), 3)  # pyright: ignore
    with pytest.raises(TypeError, match="`paths` must hold paths, globs or callables; got int"):
        select_modules(Mlp(), ["first", 3])  # pyright: ignore
    with pytest.raises(TypeError, match=r"`model` must be a torch.nn.Module; got str"):
        select_modules("model", "first")  # pyright: ignore
