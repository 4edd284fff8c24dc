"""What is explained: a model's score, the inputs it is owed to, and what each of them is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .._check import one_of, refuse, refuse_type

# What a unit of an input is, and the axes of the result that count it. All further axes of the
# input are features, and their attributions are added up.
UNITS: Mapping[str, tuple[str, ...]] = {
    "token": ("token",),
    "pixel": ("row", "column"),
    "region": ("region",),
    "node": ("node",),
    "edge": ("edge",),
}

# Values of a layer (row, ...) to attributions of units: input name to (row, *units).
AtLayer = Callable[[str, Tensor], Mapping[str, Tensor]]


@dataclass(frozen=True, eq=False)
class AttributionTask:
    """A model's scores of some examples, and the inputs that they are to be attributed to.

    Attributes
    ----------
    model
        Holds the weights; its modules are the layers that may be asked for.
    forward
        ``forward(*inputs, *context)`` gives scores (row, target). Rows are examples or altered
        copies of them, and each is scored by itself.
    inputs
        By name, float tensors (example, ...). Each kind of unit may stand there once. Units are on
        the axes after the first: ``pixel`` inputs are (example, channel, row, column), ``edge``
        inputs (example, edge), all others (example, unit, feature).
    baselines
        By name, as `inputs`: what stands there when nothing is said. (1, ...) serves all examples.
    units
        By name, what a unit is: ``token, pixel, region, node`` or ``edge``.
    targets
        Name of each score.
    layers
        Module paths that are offered beside "input".
    context
        Tensors (example, ...) that `forward` needs and nothing is attributed to, such as masks.
    valid
        By name, (example, *units) bool: False at padding. All are valid where it is left out.
    at_layer
        ``at_layer(path, values)``: a layer's values (row, ...) to values (row, *units) by input
        name. Without it, values (row, n, feature) belong to the input with n units, and values
        (row, channel, row, column) are summed over channels and stretched over the pixels.
    made_by
        Modules whose outputs the inputs stand for: they are no part of the randomisation check.
    patch
        Side of the squares of pixels that are taken away together; None takes 1/8 of the shorter
        side.
    tokens, images, boxes, positions, edge_index, labels
        What a view draws: token texts for each example; images (example, row, column, channel);
        boxes (example, region, 4); (node, 2); (2, edge); (node,) texts.
    explained
        For graphs, the node whose score each example is.
    prediction
        What the model says of each example, as text.
    name
        What the task is called in results.

    Raises
    ------
    TypeError, ValueError
        If a part is not as said; NaN and infinite inputs are refused.

    Examples
    --------
    >>> layer = nn.Linear(3, 1)
    >>> task = AttributionTask(
    ...     layer,
    ...     lambda x: layer(x.squeeze(-1)),
    ...     {"x": torch.ones(2, 3, 1)},
    ...     {"x": torch.zeros(1, 3, 1)},
    ...     {"x": "token"},
    ...     ["score"],
    ... )
    >>> task.n_examples, task.shape("x")
    (2, (3,))
    """

    model: nn.Module
    forward: Callable[..., Tensor]
    inputs: Mapping[str, Tensor]
    baselines: Mapping[str, Tensor]
    units: Mapping[str, str]
    targets: Sequence[str]
    layers: Sequence[str] = ()
    context: tuple[Tensor, ...] = ()
    valid: Mapping[str, Tensor] = field(default_factory=dict)
    at_layer: AtLayer | None = None
    made_by: Sequence[str] = ()
    patch: int | None = None
    tokens: Sequence[Sequence[str]] | None = None
    images: np.ndarray | None = None
    boxes: np.ndarray | None = None
    positions: np.ndarray | None = None
    edge_index: np.ndarray | None = None
    labels: Sequence[str] | None = None
    explained: Sequence[int] | None = None
    prediction: Sequence[str] | None = None
    name: str = "task"

    def __post_init__(self) -> None:
        if not isinstance(self.model, nn.Module):
            refuse_type("model", "be a torch module", self.model)
        if not callable(self.forward):
            refuse_type("forward", "be callable", self.forward)
        if not self.inputs or not self.targets:
            missing = "inputs" if not self.inputs else "targets"
            refuse(missing, "hold at least one entry", "none")
        known = dict(self.model.named_modules())
        for path in (*self.layers, *self.made_by):
            if path not in known:
                refuse("layers", "be paths of the model's modules", repr(path))
        kinds = [self.units.get(name) for name in self.inputs]
        if len(set(kinds)) < len(kinds):
            refuse("units", "name each kind once", f"{kinds}")
        for name, tensor in self.inputs.items():
            _checked_input(self, name, tensor)
        for tensor in self.context:
            if not isinstance(tensor, Tensor) or len(tensor) != self.n_examples:
                refuse("context", f"hold tensors of {self.n_examples} examples", _shape(tensor))

    @property
    def n_examples(self) -> int:
        """Number of examples."""
        return len(next(iter(self.inputs.values())))

    @property
    def device(self) -> torch.device:
        """Where the inputs are."""
        return next(iter(self.inputs.values())).device

    def shape(self, name: str) -> tuple[int, ...]:
        """Numbers of units of an input along its axes of units."""
        sizes = tuple(self.inputs[name].shape)
        return sizes[2:] if self.units[name] == "pixel" else sizes[1:2]

    def valid_units(self, name: str) -> Tensor:
        """(example, *units) bool, True where a unit is no padding."""
        if name in self.valid:
            return self.valid[name].cpu()
        return torch.ones(self.n_examples, *self.shape(name), dtype=torch.bool)

    def target_number(self, target: str | int) -> int:
        """The place of a target, given by its name or place."""
        if isinstance(target, int | np.integer) and not isinstance(target, bool):
            if not 0 <= target < len(self.targets):
                refuse("target", f"be from 0 to {len(self.targets) - 1}", target)
            return int(target)
        return list(self.targets).index(one_of("target", target, list(self.targets)))


def _checked_input(task: AttributionTask, name: str, tensor: Any) -> None:
    kind = one_of(f"units[{name!r}]", task.units.get(name), tuple(UNITS))
    axes = {"pixel": 4, "edge": 2}.get(kind, 3)
    if not isinstance(tensor, Tensor) or not tensor.is_floating_point() or tensor.ndim != axes:
        wanted = f"be a float tensor of {axes} axes, as {kind} inputs are"
        refuse(f"inputs[{name!r}]", wanted, _shape(tensor))
    if not len(tensor) or len(tensor) != task.n_examples:
        refuse(f"inputs[{name!r}]", f"hold {max(task.n_examples, 1)} examples", len(tensor))
    base = task.baselines.get(name)
    fits = isinstance(base, Tensor) and base.shape[1:] == tensor.shape[1:]
    if base is None or not fits or len(base) not in (1, len(tensor)):
        refuse(f"baselines[{name!r}]", f"have shape {tuple(tensor.shape)}", _shape(base))
    for what, values in (("inputs", tensor), ("baselines", base)):
        if not bool(torch.isfinite(values).all()):
            refuse(f"{what}[{name!r}]", "be finite everywhere", "NaN or infinite values")
    held = task.valid.get(name)
    wanted = (len(tensor), *task.shape(name))
    if held is not None and (tuple(held.shape) != wanted or held.dtype != torch.bool):
        refuse(f"valid[{name!r}]", f"be bool of shape {wanted}", _shape(held))
    if held is not None and not bool(held.flatten(1).any(1).all()):
        refuse(f"valid[{name!r}]", "leave every example a unit", "an example without")


def _shape(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"{value.dtype} of shape {tuple(value.shape)}"
    return type(value).__name__
