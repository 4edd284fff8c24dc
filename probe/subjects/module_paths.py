"""Which modules of a model a selector names: exact paths, globs by segment, predicates."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import NamedTuple

from torch import nn

from .._check import refuse, refuse_type

Selector = str | Callable[[str, nn.Module], bool]


class Selected(NamedTuple):
    """What one selector chose: its text for messages, and path -> module in the model's order."""

    selector: str
    modules: dict[str, nn.Module]


def select_modules(model: nn.Module, paths: Selector | Iterable[Selector]) -> list[Selected]:
    """The modules that each selector names, over `model.named_modules()`.

    Parameters
    ----------
    model : torch.nn.Module
    paths : str, callable, or iterable of these
        An exact path (``"encoder.layers.0"``; ``""`` is the model itself); a glob, segment by
        segment (``*``, ``?`` and ``[01]`` stay within one segment between dots, ``**`` stands for
        any number of segments); or ``(path, module) -> bool``. A module registered under two names
        is found by globs and callables under its first name only, as torch lists it, and by either
        of its exact names.

    Raises
    ------
    TypeError
        If a selector is neither text nor callable.
    ValueError
        If `paths` is empty or a selector names nothing; the message lists near paths.

    Examples
    --------
    >>> model = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 2), nn.ReLU()))
    >>> [list(s.modules) for s in select_modules(model, ["0", "*.0", "**.0"])]
    [['0'], ['1.0'], ['0', '1.0']]
    >>> select_modules(model, lambda path, module: isinstance(module, nn.ReLU))[0].modules
    {'1.1': ReLU()}
    """
    if not isinstance(model, nn.Module):
        refuse_type("model", "be a torch.nn.Module", model)
    if isinstance(paths, str) or callable(paths):
        paths = [paths]
    if not isinstance(paths, Iterable):
        refuse_type("paths", "be a path, a glob, a callable, or several of these", paths)
    chosen = [_select(model, selector) for selector in paths]
    if not chosen:
        refuse("paths", "name at least one module", "none")
    return chosen


def matches_path(pattern: str, path: str) -> bool:
    """Whether a dotted path matches a glob, segment by segment.

    Examples
    --------
    >>> matches_path("layers.*.attn", "layers.3.attn"), matches_path("layers.*", "layers.3.attn")
    (True, False)
    >>> matches_path("**.attn", "attn"), matches_path("layers.**", "layers.3.attn")
    (True, True)
    """
    return _segments_match(pattern.split("."), path.split("."))


def _segments_match(pattern: list[str], path: list[str]) -> bool:
    if not pattern:
        return not path
    if pattern[0] == "**":
        return any(_segments_match(pattern[1:], path[i:]) for i in range(len(path) + 1))
    if not path or not fnmatchcase(path[0], pattern[0]):
        return False
    return _segments_match(pattern[1:], path[1:])


def _select(model: nn.Module, selector: Selector) -> Selected:
    if isinstance(selector, str):
        every = dict(model.named_modules(remove_duplicate=False))
        if selector in every:
            return Selected(repr(selector), {selector: every[selector]})
        found = {
            path: module
            for path, module in model.named_modules()
            if path and matches_path(selector, path)
        }
        text = repr(selector)
    elif callable(selector):
        found = {path: module for path, module in model.named_modules() if selector(path, module)}
        text = f"the callable {getattr(selector, '__name__', repr(selector))}"
    else:
        refuse_type("paths", "hold paths, globs or callables", selector)
    if not found:
        refuse("paths", f"name modules of {type(model).__name__}", text, _known(model, selector))
    return Selected(text, found)


def _known(model: nn.Module, selector: Selector) -> str:
    """The paths nearest to what was asked, else the first ones."""
    every = [path for path, _ in model.named_modules(remove_duplicate=False) if path]
    if not every:
        return 'The model has no submodules: its own path is "".'
    near = difflib.get_close_matches(selector, every, n=6) if isinstance(selector, str) else []
    listed = ", ".join(repr(path) for path in near or every[:6])
    count = f"`model.named_modules()` lists all {len(every)}."
    return f"{'Near' if near else 'There are'}: {listed}. {count}"
