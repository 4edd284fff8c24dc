"""Attributions of units for any rows of a task: batches, layers, sums over features, checks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from ._captum import Options, Part, Scored, by_input, by_layer
from ._sizes import BatchSize, batch_size, halving, saved_bytes
from ._state import quiet
from ._units import Values, at_layer, groups_of, per_unit, spread
from .methods import INPUT
from .task import AttributionTask

# Attributions by a function of one's own: (task, part, target) to values (row, *units) by input.
Custom = Callable[[AttributionTask, Part, int], "dict[str, Tensor]"]


@final
class Explainer:
    """A task with all that its attributions have in common; use it within `at_rest`."""

    def __init__(
        self,
        task: AttributionTask,
        examples: np.ndarray,
        *,
        options: Options,
        size: BatchSize,
        budget: int,
    ) -> None:
        import captum.attr  # noqa: F401 (its seconds of loading belong to no method)

        self.task, self.options = task, options
        self.names = list(task.inputs)
        self.scored = Scored(task)
        self.modules = dict(task.model.named_modules())
        self.examples = examples
        self._groups: dict[int, tuple[Values, int]] = {}
        self.whole = self.part(examples)
        given = tuple(each[:1].clone().requires_grad_() for each in self.whole.inputs)
        weights = (*task.model.parameters(), *task.model.buffers())
        each = saved_bytes(self.scored, (*given, *self.first()[len(given) :]), weights)
        self.size = batch_size(size, each, budget)
        self.auto = size == "auto"

    def first(self) -> tuple[Tensor, ...]:
        """Inputs and context of the first row alone."""
        return tuple(each[:1] for each in (*self.whole.inputs, *self.whole.context))

    def groups(self, example: int) -> tuple[Values, int]:
        """As of `groups_of`, once for each example."""
        if example not in self._groups:
            self._groups[example] = groups_of(self.task, example)
        return self._groups[example]

    def part(self, examples: np.ndarray) -> Part:
        """Rows of the task; padding is its own baseline, so that taking it away changes nothing."""
        at = torch.as_tensor(examples)
        task, inputs, baselines = self.task, [], []
        for name in self.names:
            given = task.inputs[name].detach()[at.to(task.device)]
            base = task.baselines[name].detach().to(given)
            base = base[at.to(base.device)] if len(base) > 1 else base.expand_as(given)
            valid = spread(task, name, task.valid_units(name)[at].to(given.device))
            inputs.append(given)
            baselines.append(torch.where(valid, base, given))
        context = tuple(each[at.to(each.device)] for each in task.context)
        return Part(tuple(inputs), tuple(baselines), context, at)

    def scores(self, part: Part) -> np.ndarray:
        """(row, target) float64.

        Raises
        ------
        ValueError
            If `forward` gives no such scores, or one is not finite.
        """

        def run(size: int) -> Tensor:
            with torch.no_grad():
                parts = _split(part, size)
                rows = [self.scored(*some.inputs, *some.context) for some in parts]
            return torch.cat([row.double().cpu() for row in rows])

        scores = halving(run, self.size, may_halve=self.auto)[0].numpy()
        wanted = (len(part.examples), len(self.task.targets))
        if scores.shape != wanted:
            raise ValueError(
                f"`forward` must give scores of shape (row, target) {wanted}; got {scores.shape}."
            )
        if not np.isfinite(scores).all():
            raise ValueError(
                "`forward` must give finite scores; got NaN or infinite ones. Check the weights."
            )
        return scores

    def explain(
        self, method: str | Custom, layer: str, target: int, part: Part
    ) -> tuple[Values, int]:
        """Attributions (row, *units) float64 by input, NaN at padding; and the rows at once.

        Raises
        ------
        RuntimeError
            If an attribution is not finite, or memory runs out.
        ValueError
            If a layer's values belong to no unit.
        """

        def run(size: int) -> Values:
            step = size if method != "deep_lift" else max(size // 2, 1)
            with quiet():
                rows = [
                    self._some(method, layer, target, some, size) for some in _split(part, step)
                ]
            return {name: torch.cat([row[name] for row in rows]) for name in rows[0]}

        found, size = halving(run, self.size, may_halve=self.auto)
        called = method if isinstance(method, str) else getattr(method, "__name__", "method")
        for name, values in found.items():
            valid = self.task.valid_units(name)[part.examples].cpu()
            if not bool(torch.isfinite(values[valid]).all()):
                raise RuntimeError(
                    f"{called} gave NaN or infinite attributions of {name!r} at {layer!r}; "
                    "check the weights and inputs."
                )
            found[name] = torch.where(valid, values, torch.nan)
        return found, size

    def _some(self, method: str | Custom, layer: str, target: int, part: Part, size: int) -> Values:
        if method == "random":
            return self._random(part)
        if not isinstance(method, str):
            return {
                k: v.detach().double().cpu() for k, v in method(self.task, part, target).items()
            }
        if layer != INPUT:
            module = self.modules[layer]
            values = by_layer(
                method, self.scored, module, part, target, batch=size, options=self.options
            )
            found = at_layer(self.task, layer, self.rows(values.detach(), len(part.examples)))
            return {name: each.cpu() for name, each in found.items()}
        groups = [self._masks(int(row), part) for row in part.examples]
        found = by_input(
            method, self.scored, part, target, groups, batch=size, options=self.options
        )
        named = zip(self.names, found, strict=True)
        return {name: per_unit(self.task, name, each.detach()).cpu() for name, each in named}

    def rows(self, values: Tensor, rows: int) -> Tensor:
        """A graph's layer gives the nodes of all rows one after another: (row, node, feature)."""
        if "node" in self.task.units.values() and values.ndim == 2:
            return values.unflatten(0, (rows, -1))
        return values

    def _masks(self, example: int, part: Part) -> tuple[Tensor, ...]:
        """Groups as captum wants them: (1, ...) as large as each input, padding one group more."""
        groups, count = self.groups(example)
        masks = []
        for name, given in zip(self.names, part.inputs, strict=True):
            group = torch.where(groups[name] < 0, torch.tensor(count), groups[name])
            wide = spread(self.task, name, group[None]).expand(1, *given.shape[1:])
            masks.append(wide.contiguous().to(given.device))
        return tuple(masks)

    def _random(self, part: Part) -> Values:
        """Standard normal numbers that depend on seed and example alone."""
        rows = []
        for example in part.examples.tolist():
            rng = np.random.default_rng([abs(self.options.seed), example, 7])
            drawn = [rng.standard_normal(self.task.shape(name)) for name in self.names]
            rows.append([torch.from_numpy(each) for each in drawn])
        columns = zip(*rows, strict=True)
        return {n: torch.stack(list(c)) for n, c in zip(self.names, columns, strict=True)}


def _split(part: Part, size: int) -> list[Part]:
    """The rows in parts of at most `size`."""
    found: list[Any] = []
    for start in range(0, len(part.examples), size):
        some = slice(start, start + size)
        cut = [tuple(each[some] for each in tensors) for tensors in part[:3]]
        found.append(Part(cut[0], cut[1], cut[2], part.examples[some]))
    return found
