"""All combinations of methods, layers and targets, measured and put together."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from tqdm import tqdm

from .._check import integer, number, one_of, refuse, refuse_type
from .._provenance import data_hash, provenance
from ._assemble import blank, carried, described, unit_dims
from ._captum import Options
from ._cascade import TRAINED
from ._explain import Custom, Explainer
from ._measure import Checks, Measured, measure, reason, scene
from ._sizes import BatchSize
from ._state import at_rest
from .methods import INPUT, METHODS
from .task import AttributionTask

PAPERS = "arXiv:1901.09392, arXiv:1810.03292"
_MANY_TARGETS = 10


def measured(
    task: AttributionTask,
    *,
    methods: Sequence[str | Custom] | Mapping[str, str | Custom],
    layers: Sequence[str],
    targets: Sequence[str | int] | None,
    examples: Sequence[int] | None,
    size: BatchSize,
    budget: int,
    options: Options,
    checks: Checks,
    max_rows: int,
    progress: bool,
    probe: str,
) -> xr.Dataset:
    """What `grid` gives."""
    started = time.perf_counter()
    if not isinstance(task, AttributionTask):
        hint = "Make one with probe.subjects.attributable."
        refuse_type("task", "be an AttributionTask", task, hint)
    chosen = _methods(methods)
    where = _layers(task, layers)
    rows = _examples(task, examples)
    _options(options, checks, max_rows)
    cells: dict[tuple[int, int], Measured] = {}
    why = np.full((len(chosen), len(where)), "", dtype=object)
    with at_rest(task.model):
        explainer = Explainer(task, rows, options=options, size=size, budget=budget)
        scores = explainer.scores(explainer.whole)
        numbers = _targets(task, targets, scores)
        setting = scene(explainer, numbers, checks)
        every = [(m, k) for m in range(len(chosen)) for k in range(len(where))]
        for m, k in tqdm(every, unit="cell", disable=not progress, leave=False):
            method, layer = list(chosen.values())[m], where[k]
            why[m, k] = reason(
                explainer, method, layer, n_samples=options.n_samples, max_rows=max_rows
            )
            if not why[m, k]:
                cells[m, k] = measure(setting, method, layer)
    if not cells and probe.endswith("grid"):
        listed = "; ".join(dict.fromkeys(str(each) for each in why.ravel()))
        refuse("methods", "be possible at one of the layers at least", f"none: {listed}")
    shape = (len(chosen), len(where))
    sizes = (*shape, len(numbers), len(rows))
    over = ("algorithm", "layer", "target", "example")
    found: dict[str, Any] = {
        f"attribution_{name}": ((*over, *unit_dims(task, name)), blank(task, name, sizes))
        for name in task.inputs
    }
    depths = [
        "trained" if not i else step[-1] for i, step in enumerate([[TRAINED], *setting.steps])
    ]
    found |= {
        "randomised": (("algorithm", "layer", "depth"), np.full((*shape, len(depths)), np.nan)),
        "randomised_interval": (
            ("algorithm", "layer", "depth", "bound"),
            np.full((*shape, len(depths), 2), np.nan),
        ),
        "internal_batch_size": (("algorithm", "layer"), np.zeros(shape, np.int64)),
        "seconds": (("algorithm", "layer"), np.full(shape, np.nan)),
    }
    for (m, k), cell in cells.items():
        for t, values in enumerate(cell.values):
            for name, each in values.items():
                found[f"attribution_{name}"][1][m, k, t] = each.numpy()
        for name, each in cell.variables.items():
            dims = (*over, "bound")[: each.ndim + 2]
            empty = (dims, np.full((*shape, *each.shape), np.nan))
            found.setdefault(name, empty)[1][m, k] = each
        found["randomised"][1][m, k] = cell.randomised
        found["randomised_interval"][1][m, k] = cell.randomised_interval
        found["internal_batch_size"][1][m, k] = cell.size
        found["seconds"][1][m, k] = cell.seconds
    change = np.stack([(r.change**2).mean(0) for r in setting.removed[tuple(explainer.names)]])
    for name, table in {
        "score": setting.scores,
        "baseline_score": setting.baseline_scores,
        "change": change,
    }.items():
        found[name] = (("target", "example"), table[:, numbers].T)
    found["why"] = (("algorithm", "layer"), why.astype(np.str_))
    signed = [bool(METHODS[m].signed) if isinstance(m, str) else True for m in chosen.values()]
    coords = {
        "algorithm": list(chosen),
        "layer": where,
        "target": [str(task.targets[i]) for i in numbers],
        "example": rows,
        "depth_name": ("depth", np.array(depths)),
        "bound": ["low", "high"],
        "signed": ("algorithm", np.array(signed)),
    }
    ds = xr.Dataset(found | carried(task, rows), coords)
    ds.attrs = provenance(
        probe,
        paper=PAPERS,
        parameters={"task": task.name, **options._asdict(), **checks._asdict()},
        data=data_hash([each.cpu().numpy() for each in explainer.whole.inputs]),
        seed=options.seed,
        started=started,
    ) | {
        "task": task.name,
        "inputs": ",".join(task.inputs),
        "units": ",".join(task.units[name] for name in task.inputs),
        "memory_budget": int(budget),
    }
    return described(ds, dict(task.units))


def _methods(methods: Any) -> dict[str, str | Custom]:
    given = methods
    if isinstance(methods, str) or not isinstance(methods, Mapping | Sequence):
        refuse_type("methods", "be a sequence of methods, or methods by name", methods)
    if not isinstance(methods, Mapping):
        given = {m if isinstance(m, str) else getattr(m, "__name__", "own"): m for m in methods}
    if not given or len(given) < len(methods):
        refuse("methods", "hold at least one method, each once", f"{list(methods)}")
    for method in given.values():
        if isinstance(method, str):
            one_of("method", method, tuple(METHODS))
        elif not callable(method):
            refuse_type("method", "be a name or a function", method)
    return dict(given)


def _layers(task: AttributionTask, layers: Sequence[str]) -> list[str]:
    where = list(layers)
    if not where or len(set(where)) < len(where):
        refuse("layers", "hold at least one layer, each once", f"{where}")
    known = {path for path, _ in task.model.named_modules() if path}
    for layer in where:
        if layer != INPUT and layer not in known:
            offered = ", ".join(map(repr, (INPUT, *task.layers)))
            refuse("layer", "be a path of the model's modules", repr(layer), f"Such as {offered}.")
    return where


def _examples(task: AttributionTask, examples: Sequence[int] | None) -> np.ndarray:
    if examples is None:
        return np.arange(task.n_examples)
    rows = [integer("examples", e, low=0, high=task.n_examples - 1) for e in examples]
    if not rows or len(set(rows)) < len(rows):
        refuse("examples", "hold at least one example, each once", f"{rows}")
    return np.array(rows)


def _targets(
    task: AttributionTask, targets: Sequence[str | int] | None, scores: np.ndarray
) -> list[int]:
    if targets is None:
        if len(task.targets) <= _MANY_TARGETS:
            return list(range(len(task.targets)))
        return sorted({int(each) for each in scores.argmax(1)})
    if isinstance(targets, str) or not len(targets):
        refuse("targets", "be a sequence of targets, or None", repr(targets))
    numbers = [task.target_number(each) for each in targets]
    if len(set(numbers)) < len(numbers):
        refuse("targets", "hold each target once", f"{list(targets)}")
    return numbers


def _options(options: Options, checks: Checks, max_rows: int) -> None:
    integer("n_steps", options.n_steps, low=1)
    integer("n_samples", options.n_samples, low=1)
    number("noise", options.noise, low=0.0)
    integer("seed", options.seed, low=0)
    integer("max_rows", max_rows, low=1)
    integer("draws", checks.draws, low=2)
    integer("sensitivity_draws", checks.sensitivity_draws, low=0)
    integer("depths", checks.depths, low=0)
    integer("n_boot", checks.n_boot, low=1)
    if number("radius", checks.radius) <= 0:
        refuse("radius", "be above 0", checks.radius)
    if not 0 < number("level", checks.level) < 1:
        refuse("level", "be in (0, 1)", checks.level)
