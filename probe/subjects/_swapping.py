"""A module's output replaced while a model runs: how embeddings become the input."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from .._check import refuse


@contextmanager
def giving(module: nn.Module, output: Tensor) -> Iterator[None]:
    """Inside, `module` gives `output` whatever it is called with.

    Raises
    ------
    RuntimeError
        If the module was called with something of another shape in front, or not at all.

    Examples
    --------
    >>> import torch
    >>> table = nn.Embedding(3, 2)
    >>> with giving(table, torch.ones(1, 4, 2)):
    ...     table(torch.zeros(1, 4, dtype=torch.long)).sum().item()
    8.0
    """
    calls = []

    def replace(_: nn.Module, __: Any, made: Any) -> Tensor:
        if not isinstance(made, Tensor) or made.shape != output.shape:
            got = tuple(made.shape) if isinstance(made, Tensor) else type(made).__name__
            raise RuntimeError(
                f"The embedding gives {got} where {tuple(output.shape)} should stand; name the "
                "embedding of the tokens by `embedding`."
            )
        calls.append(1)
        return output.clone()  # some models add positions in place

    hook = module.register_forward_hook(replace)
    try:
        yield
    finally:
        hook.remove()
    if len(calls) != 1:
        raise RuntimeError(
            f"The embedding was called {len(calls)} times in one pass, not once; name the "
            "embedding of the tokens by `embedding`."
        )


def embedding_of(model: nn.Module, path: str | None) -> tuple[str, nn.Module]:
    """The token embedding and its path: the one named, the model's own answer, or the only one.

    Raises
    ------
    ValueError
        If it cannot be told.
    """
    named = dict(model.named_modules())
    if path is not None:
        if path not in named:
            refuse("embedding", "be a path of the model's modules", repr(path))
        return path, named[path]
    ask = getattr(model, "get_input_embeddings", None)
    found: Any = None
    if callable(ask):
        try:
            found = ask()
        except NotImplementedError:
            found = None
    for name, module in named.items():
        if module is found:
            return name, module
    tables = {name: module for name, module in named.items() if isinstance(module, nn.Embedding)}
    if len(tables) != 1:
        listed = f"{list(tables)}"
        refuse("embedding", "name the embedding of the tokens", f"None beside {listed}")
    return next(iter(tables.items()))
