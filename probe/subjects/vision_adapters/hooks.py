"""What hooks see while a model runs, for models that do not return it themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import Tensor, nn

from ..captured import Activations


@contextmanager
def outputs_of(**modules: nn.Module) -> Iterator[dict[str, Tensor]]:
    """The output of each module by the name given, filled while the model runs.

    Examples
    --------
    >>> import torch
    >>> layer = nn.Identity()
    >>> with outputs_of(mine=layer) as found:
    ...     _ = layer(torch.ones(1))
    >>> found
    {'mine': tensor([1.])}
    """
    found: dict[str, Tensor] = {}

    def keep(name: str) -> Any:
        def hook(_module: Any, _inputs: Any, output: Tensor) -> None:
            found[name] = output

        return hook

    with ExitStack() as stack:
        for name, module in modules.items():
            stack.callback(module.register_forward_hook(keep(name)).remove)
        yield found


def patterns(seen: Activations | Mapping[str, Any], path: str, *, call: int = 0) -> list[Tensor]:
    """Captured attention of all layers, in order: `path` with the layer's number for its ``*``.

    Where a module ran more than once, `call` says which run.
    """
    found: list[Tensor] = []
    while (at := path.replace("*", str(len(found)))) in seen:
        weights = seen[at]["pattern"]
        found.append(weights[call] if isinstance(weights, list) else weights)
    return found
