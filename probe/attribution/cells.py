"""Attributions of a task by several methods at several layers, and how far to trust each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import xarray as xr

from .._check import refuse
from ._captum import Options
from ._explain import Custom
from ._grid import measured
from ._measure import Checks
from ._sizes import BatchSize
from .methods import INPUT
from .task import AttributionTask


def attribute(
    task: AttributionTask,
    *,
    method: str | Custom,
    target: str | int | None = None,
    layer: str = INPUT,
    examples: Sequence[int] | None = None,
    internal_batch_size: BatchSize = "auto",
    memory_budget: int = 2**29,
    n_steps: int = 50,
    n_samples: int = 10,
    noise: float = 0.05,
    max_rows: int = 20_000,
    draws: int = 100,
    normalise: bool = True,
    sensitivity_draws: int = 8,
    radius: float = 0.05,
    depths: int = 0,
    level: float = 0.95,
    n_boot: int = 500,
    seed: int = 0,
) -> xr.Dataset:
    """What the score of one target is owed to, by one method: a `grid` of one cell.

    Parameters
    ----------
    task, method, layer
        As of `grid`; one of each.
    target
        Its name or place; None where the task has one alone.
    depths
        As of `grid`; none by default, since the check takes as many attributions again.
    examples, internal_batch_size, memory_budget, n_steps, n_samples, noise, max_rows, draws
        As of `grid`.
    normalise, sensitivity_draws, radius, level, n_boot, seed
        As of `grid`.

    Returns
    -------
    xr.Dataset
        As of `grid`, with one method and one layer.

    Raises
    ------
    TypeError, ValueError, RuntimeError
        As of `grid`; and a ValueError if the method cannot be had at that layer.

    Examples
    --------
    >>> import torch
    >>> weights = torch.nn.Linear(2, 1, bias=False)
    >>> _ = weights.weight.data.copy_(torch.tensor([[3.0, -1.0]]))
    >>> task = AttributionTask(
    ...     weights,
    ...     lambda x: weights(x[..., 0]),
    ...     {"x": torch.ones(1, 2, 1)},
    ...     {"x": torch.zeros(1, 2, 1)},
    ...     {"x": "token"},
    ...     ["score"],
    ... )
    >>> attribute(task, method="integrated_gradients").attribution_x.values.squeeze().round(5)
    array([ 3., -1.], dtype=float32)
    """
    if target is None and len(task.targets) > 1:
        refuse("target", f"be one of {len(task.targets)} targets", None, "Give its name.")
    ds = measured(
        task,
        methods=[method],
        layers=(layer,),
        targets=[0 if target is None else target],
        examples=examples,
        size=internal_batch_size,
        budget=memory_budget,
        options=Options(n_steps, n_samples, noise, seed),
        checks=Checks(draws, normalise, sensitivity_draws, radius, depths, level, n_boot),
        max_rows=max_rows,
        progress=False,
        probe="attribution.attribution",
    )
    why = str(ds.why.values.item())
    if why:
        raise ValueError(f"`method` cannot be had here: {why}.")
    return ds


def grid(
    task: AttributionTask,
    *,
    methods: Sequence[str] | Mapping[str, str | Custom],
    layers: Sequence[str] = (INPUT,),
    targets: Sequence[str | int] | None = None,
    examples: Sequence[int] | None = None,
    internal_batch_size: BatchSize = "auto",
    memory_budget: int = 2**29,
    n_steps: int = 50,
    n_samples: int = 10,
    noise: float = 0.05,
    max_rows: int = 20_000,
    draws: int = 100,
    normalise: bool = True,
    sensitivity_draws: int = 8,
    radius: float = 0.05,
    depths: int = 5,
    level: float = 0.95,
    n_boot: int = 500,
    seed: int = 0,
    progress: bool = False,
) -> xr.Dataset:
    """What scores are owed to, by each method at each layer, and how far each can be trusted.

    Parameters
    ----------
    task
        What is explained; made by hand or by `probe.subjects.attributable`.
    methods
        Names of `METHODS`; or by name a method, or a function ``(task, part, target)`` that gives
        attributions (row, *units) by input name, such as an edge detector to compare with.
    layers
        "input", or module paths of the task's model.
    targets
        Names or places; None takes all up to ten, of more those that are highest for an example.
    examples
        Places of examples; None takes all.
    internal_batch_size
        Rows that are evaluated at once. "auto": what one row keeps for its backward pass, measured,
        against `memory_budget`; half as many each time that memory runs out. It changes results by
        rounding alone.
    memory_budget
        Bytes.
    n_steps
        Points on the way of integrated gradients.
    n_samples
        Samples of gradient_shap and permutations of shapley_sampling.
    noise
        Of gradient_shap: standard deviation, as a share of the input's distance to the baseline.
    max_rows
        More model evaluations than this for an example are refused, with a `why`.
    draws
        Random removals for the infidelity; 2 at least.
    normalise
        Whether attributions are scaled to fit best before their infidelity is taken.
    sensitivity_draws
        Points nearby at which attributions are made again; 0 leaves sensitivity out.
    radius
        How far those are, as a share of the root mean square distance to the baseline.
    depths
        Steps of the randomisation check; 0 leaves it out.
    level, n_boot, seed
        Of the intervals, and of all that is random.
    progress
        Whether a bar is shown, one step for each combination.

    Returns
    -------
    xr.Dataset
        Dims algorithm (the method's name; `method` is an option of xarray's own `sel`), layer,
        target, example and those of the units. ``attribution_<input>``: per token, (row, column),
        region, node or edge; NaN at padding and where ``why (algorithm, layer)`` says why there is
        none. Positive speaks for the target, by the sum over features (`saliency`: sum of
        magnitudes, no sign). ``score, baseline_score, change (target, example)``. ``infidelity``,
        its ``_interval``, ``_null`` and ``_scale``; ``sensitivity`` and ``_interval``;
        ``completeness_gap`` (NaN where a method is not in units of the score). ``randomised
        (algorithm, layer, depth)`` with ``_interval``; ``depth_name`` says down to which module
        weights are new. ``internal_batch_size, seconds (algorithm, layer)``; what a view draws.

    Raises
    ------
    TypeError, ValueError
        If an argument or the task is not as said, or no combination can be had.
    RuntimeError
        If attributions are not finite, or memory runs out with one row.

    Notes
    -----
    Methods: captum's. Infidelity: E[(b I.phi - (f(x) - f(x without I)))^2] over random sets I of
    groups that are replaced by the baseline (Yeh et al. 2019, arXiv:1901.09392; I is binary, as
    phi counts whole changes, not slopes; a group is a token, region, node, edge or square of
    pixels, and of each draw's groups a share goes that is drawn from (0, 1)). With `normalise` b
    fits best, as in captum's ``normalize=True`` and the authors' code; its sign is free, so look
    at ``infidelity_scale``: below 0, attributions point the wrong way. ``change`` is the
    infidelity of attributions of 0, so ``infidelity / change`` is in [0, 1] then. A layer that
    belongs to some inputs alone is judged by removals from those. ``infidelity_null``: the same
    attributions shuffled among the groups. The method ``random`` is a control of its own.

    Sensitivity: the largest relative shift over draws (there, max-sensitivity; captum's
    `sensitivity_max` on the same draws): a lower bound of the maximum over the ball. A method that
    ignores its input has sensitivity 0, so read it beside the infidelity.

    Randomisation: Adebayo et al. 2018 (arXiv:1810.03292), cascading; Spearman's rank correlation
    of attributions as they are, with their signs, over the units; depth 0 are the trained weights.
    What stays near 1 does not depend on what was learned.

    Cost: for each combination and target, 1 + `sensitivity_draws` + `depths` attributions of all
    examples; ``seconds`` is the time of the first of them. gradient_shap evaluates five rows at
    once whatever the batch size, so that its draws do not depend on it.

    Examples
    --------
    >>> import torch
    >>> layer = torch.nn.Linear(3, 1)
    >>> task = AttributionTask(
    ...     layer,
    ...     lambda x: layer(x[..., 0]),
    ...     {"x": torch.ones(2, 3, 1)},
    ...     {"x": torch.zeros(1, 3, 1)},
    ...     {"x": "token"},
    ...     ["score"],
    ... )
    >>> found = grid(task, methods=["integrated_gradients", "random"], depths=0, draws=20)
    >>> bool(found.infidelity.sel(algorithm="integrated_gradients").values.max() < 1e-9)
    True
    """
    return measured(
        task,
        methods=methods,
        layers=layers,
        targets=targets,
        examples=examples,
        size=internal_batch_size,
        budget=memory_budget,
        options=Options(n_steps, n_samples, noise, seed),
        checks=Checks(draws, normalise, sensitivity_draws, radius, depths, level, n_boot),
        max_rows=max_rows,
        progress=progress,
        probe="attribution.grid",
    )
