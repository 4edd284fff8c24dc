"""All that is measured of one method at one layer."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import numpy as np
import torch

from ..statistics import bootstrap_interval
from ._cascade import randomise, rank_agreement, steps_down, weights_kept
from ._draws import Removed, by_group, infidelity_cell, largest, removals, shifts
from ._explain import Custom, Explainer
from ._units import Values, at_layer
from .methods import INPUT, METHODS, why_not


class Checks(NamedTuple):
    """How faithfulness is measured: as of `grid`."""

    draws: int
    normalise: bool
    sensitivity_draws: int
    radius: float
    depths: int
    level: float
    n_boot: int


class Scene(NamedTuple):
    """What all cells share: targets, scores (example, target), steps of randomisation, removals."""

    explainer: Explainer
    targets: list[int]
    scores: np.ndarray
    baseline_scores: np.ndarray
    steps: list[list[str]]
    removed: dict[tuple[str, ...], list[Removed]]
    checks: Checks


def scene(explainer: Explainer, targets: list[int], checks: Checks) -> Scene:
    """Scores, what is randomised in which order, and what is taken away for the infidelity."""
    whole = explainer.whole
    everywhere = tuple(explainer.names)
    return Scene(
        explainer,
        targets,
        explainer.scores(whole),
        explainer.scores(whole._replace(inputs=whole.baselines)),
        steps_down(explainer, checks.depths) if checks.depths else [],
        {everywhere: removals(explainer, everywhere, checks.draws)},
        checks,
    )


def reason(
    explainer: Explainer, method: str | Custom, layer: str, *, n_samples: int, max_rows: int
) -> str:
    """Why a method cannot be had at a layer, empty if it can."""
    if not isinstance(method, str):
        return "" if layer == INPUT else "a function of one's own is asked for the input"
    groups = max(explainer.groups(int(example))[1] for example in explainer.examples)
    task = explainer.task
    why = why_not(task, method, layer, groups=groups, n_samples=n_samples, max_rows=max_rows)
    if why or layer == INPUT or method == "random":
        return why
    return _layer_reason(explainer, layer, method)


def _layer_reason(explainer: Explainer, layer: str, method: str) -> str:
    """Whether a layer gives one tensor whose values belong to units."""
    given: list[Any] = []
    module = explainer.modules[layer]
    hook = module.register_forward_hook(lambda _, __, output: given.append(output))
    try:
        with torch.no_grad():
            explainer.scored(*explainer.first())
    finally:
        hook.remove()
    if len(given) != 1:
        return f"{layer} is called {len(given)} times in a pass; its values would be mixed up"
    values = given[0][0] if isinstance(given[0], tuple) else given[0]
    if not isinstance(values, torch.Tensor):
        return f"{layer} gives {type(values).__name__}, not a tensor"
    if method == "grad_cam" and values.ndim != 4:
        return f"grad_cam reads (row, channel, y, x); {layer} gives {values.ndim} axes"
    try:
        at_layer(explainer.task, layer, explainer.rows(values, 1))
    except ValueError as error:
        return f"{layer}: {error}"
    return ""


class Measured(NamedTuple):
    """Of one cell: by variable an array (target, example, ...), and what it took."""

    values: list[Values]
    variables: dict[str, np.ndarray]
    randomised: np.ndarray
    randomised_interval: np.ndarray
    size: int
    seconds: float


def measure(scene: Scene, method: str | Custom, layer: str) -> Measured:
    """Attributions of all targets, and their checks."""
    explainer, checks = scene.explainer, scene.checks
    started = time.perf_counter()
    found: list[Values] = []
    size = explainer.size
    for target in scene.targets:
        values, size = explainer.explain(method, layer, target, explainer.whole)
        found.append(values)
    seconds = time.perf_counter() - started
    names = tuple(n for n in explainer.names if n in found[0])
    if names not in scene.removed:
        scene.removed[names] = removals(explainer, names, checks.draws)
    shape = (len(scene.targets), len(explainer.examples))
    variables = {
        name: np.full((*shape, *more), np.nan)
        for name, more in {
            "infidelity": (),
            "infidelity_interval": (2,),
            "infidelity_null": (),
            "infidelity_scale": (),
            "sensitivity": (),
            "sensitivity_interval": (2,),
            "completeness_gap": (),
        }.items()
    }
    counted = isinstance(method, str) and METHODS[method].score
    for t, (target, values) in enumerate(zip(scene.targets, found, strict=True)):
        for e, example in enumerate(explainer.examples.tolist()):
            owed = by_group(explainer, values, e, example)
            value, ends, null, scale = infidelity_cell(
                owed,
                scene.removed[names][e],
                target,
                normalise=checks.normalise,
                level=checks.level,
                n_boot=checks.n_boot,
                seed=explainer.options.seed,
            )
            variables["infidelity"][t, e], variables["infidelity_interval"][t, e] = value, ends
            variables["infidelity_null"][t, e] = null
            variables["infidelity_scale"][t, e] = scale
            if counted:
                moved = scene.scores[e, target] - scene.baseline_scores[e, target]
                variables["completeness_gap"][t, e] = owed.sum() - moved
        if checks.sensitivity_draws:
            shifted = shifts(
                explainer,
                method,
                layer,
                target,
                values,
                radius=checks.radius,
                draws=checks.sensitivity_draws,
            )
            variables["sensitivity"][t], variables["sensitivity_interval"][t] = largest(
                shifted, level=checks.level, n_boot=checks.n_boot, seed=explainer.options.seed
            )
    randomised, ends = _randomised(scene, method, layer, found)
    return Measured(found, variables, randomised, ends, size, seconds)


def _randomised(
    scene: Scene, method: str | Custom, layer: str, trained: list[Values]
) -> tuple[np.ndarray, np.ndarray]:
    """Mean rank correlation (depth,) over targets and examples, and its interval (depth, 2)."""
    explainer, checks = scene.explainer, scene.checks
    rows = [np.ones(len(explainer.examples))]
    with weights_kept(explainer.task.model):
        for number, step in enumerate(scene.steps):
            modules = [explainer.modules[path] for path in step]
            randomise(modules, explainer.options.seed, number)
            agreed = []
            for target, values in zip(scene.targets, trained, strict=True):
                other, _ = explainer.explain(method, layer, target, explainer.whole)
                agreed.append(rank_agreement(values, other))
            rows.append(np.mean(agreed, axis=0))
    table = np.stack(rows)
    ends = np.full((len(table), 2), np.nan)
    if table.shape[1] > 1:
        found = bootstrap_interval(
            table.T,
            method="percentile",
            level=checks.level,
            n_boot=checks.n_boot,
            seed=explainer.options.seed,
        )
        ends = np.stack([found.low, found.high], axis=-1)
    return table.mean(1), ends
