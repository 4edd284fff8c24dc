"""Infidelity and sensitivity of attributions over random draws, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from ._captum import Part
from ._explain import Custom, Explainer
from ._units import Values, spread

_SHUFFLES = 20


class Removed(NamedTuple):
    """For one example, what was taken away in each draw and what that changed.

    gone: (draw, group) bool; change: (draw, target), the score less the score without them.
    """

    gone: np.ndarray
    change: np.ndarray


def infidelity_of(
    owed: np.ndarray, change: np.ndarray, *, normalise: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Mean of (b owed - change)^2 over the last axis, and the b that was taken.

    b is 1, or with `normalise` the b that makes it least: sum(owed change) / sum(owed^2), as in
    the authors' code and captum's ``normalize=True``; 0 where nothing is owed.

    Examples
    --------
    >>> value, scale = infidelity_of(np.array([1.0, 2.0]), np.array([2.0, 4.0]), normalise=True)
    >>> value.item(), scale.item()
    (0.0, 2.0)
    """
    square = (owed**2).sum(-1)
    if normalise:
        scale = np.divide(
            (owed * change).sum(-1), square, out=np.zeros_like(square), where=square > 0
        )
    else:
        scale = np.ones_like(square)
    return ((scale[..., None] * owed - change) ** 2).mean(-1), scale


def removals(explainer: Explainer, names: Sequence[str], draws: int) -> list[Removed]:
    """For each example, groups of the named inputs taken away at random, and what that changes.

    In each draw a share is drawn from (0, 1), and each group goes with that probability; one at
    least goes. The draws depend on the seed and the example alone.
    """
    task, whole = explainer.task, explainer.whole
    base_scores = explainer.scores(whole)
    found = []
    for i, example in enumerate(explainer.examples.tolist()):
        groups, _ = explainer.groups(example)
        used = _used(groups, names)
        rng = np.random.default_rng([abs(explainer.options.seed), example, 11])
        gone = rng.random((draws, len(used))) < rng.random((draws, 1))
        empty = ~gone.any(1)
        gone[empty, rng.integers(len(used), size=draws)[empty]] = True
        without = []
        for name, x, b in zip(explainer.names, whole.inputs, whole.baselines, strict=True):
            if name not in names:
                without.append(x[[i]].expand(draws, *x.shape[1:]))
                continue
            away = torch.from_numpy(_on_units(gone, used, groups[name].numpy())).to(x.device)
            without.append(torch.where(spread(task, name, away), b[[i]], x[[i]]))
        context = tuple(each[[i]].expand(draws, *each.shape[1:]) for each in whole.context)
        rows = torch.full((draws,), example)
        part = Part(tuple(without), tuple(without), context, rows)
        found.append(Removed(gone, base_scores[i] - explainer.scores(part)))
    return found


def _used(groups: Values, names: Sequence[str]) -> np.ndarray:
    """Numbers of the groups of some inputs."""
    numbers = np.concatenate([groups[name].numpy().ravel() for name in names])
    return np.unique(numbers[numbers >= 0])


def _on_units(gone: np.ndarray, used: np.ndarray, group: np.ndarray) -> np.ndarray:
    """(draw, group) on the units (draw, *units): whether a unit's group is gone; padding never."""
    column = np.searchsorted(used, np.maximum(group, 0)).clip(max=len(used) - 1)
    return gone[:, column] & (group >= 0)


def by_group(explainer: Explainer, values: Values, row: int, example: int) -> np.ndarray:
    """Attributions of one example added up over its groups (group,), of all inputs in `values`."""
    groups, count = explainer.groups(example)
    total = np.zeros(count)
    for name, each in values.items():
        group = groups[name].numpy()
        kept = group >= 0
        np.add.at(total, group[kept], each[row].numpy()[kept])
    return total[_used(groups, list(values))]


def infidelity_cell(
    owed: np.ndarray,
    removed: Removed,
    target: int,
    *,
    normalise: bool,
    level: float,
    n_boot: int,
    seed: int,
) -> tuple[float, np.ndarray, float, float]:
    """Infidelity of attributions (group,), its interval over draws, its null, and the scale b.

    The null is the mean over shuffles of the attributions among the groups, with the same draws.
    """
    rng = np.random.default_rng([abs(seed), 13])
    change = removed.change[:, target]
    drawn = removed.gone @ owed
    value, scale = infidelity_of(drawn, change, normalise=normalise)
    again = rng.integers(len(change), size=(n_boot, len(change)))
    boot, _ = infidelity_of(drawn[again], change[again], normalise=normalise)
    ends = np.quantile(boot, [(1 - level) / 2, (1 + level) / 2])
    shuffled = np.stack([rng.permutation(owed) for _ in range(_SHUFFLES)])
    null, _ = infidelity_of(shuffled @ removed.gone.T, change, normalise=normalise)
    return float(value), ends, float(null.mean()), float(scale)


def nearby(explainer: Explainer, radius: float, draw: int) -> Part:
    """The examples, each number moved by up to `radius` times its input's distance to the baseline.

    The distance is the root mean square over the input's numbers that are no padding.
    """
    whole = explainer.whole
    moved = []
    for which, (name, x, b) in enumerate(
        zip(explainer.names, whole.inputs, whole.baselines, strict=True)
    ):
        rows = []
        valid = explainer.task.valid_units(name)[whole.examples]
        for i, example in enumerate(whole.examples.tolist()):
            keep = spread(explainer.task, name, valid[[i]]).to(x.device).expand_as(x[[i]])[0]
            far = (x[i] - b[i])[keep].double().square().mean().sqrt()
            generator = torch.Generator().manual_seed(
                int(
                    np.random.SeedSequence(
                        [abs(explainer.options.seed), example, draw, which]
                    ).generate_state(1)[0]
                )
            )
            noise = torch.empty(x[i].shape).uniform_(-1, 1, generator=generator).to(x)
            rows.append(x[i] + noise * (radius * far).to(x) * keep)
        moved.append(torch.stack(rows))
    return whole._replace(inputs=tuple(moved))


def shifts(
    explainer: Explainer,
    method: str | Custom,
    layer: str,
    target: int,
    values: Values,
    *,
    radius: float,
    draws: int,
) -> np.ndarray:
    """(example, draw): how far attributions move nearby, over their own size (Frobenius norms).

    As captum's `sensitivity_max` counts before it takes the maximum: attributions that are all 0
    have size 1.
    """
    size = _norm(values)
    size = np.where(size == 0, 1.0, size)
    found = np.empty((len(size), draws))
    for draw in range(draws):
        other, _ = explainer.explain(method, layer, target, nearby(explainer, radius, draw))
        found[:, draw] = _norm({name: values[name] - other[name] for name in values}) / size
    return found


def _norm(values: Values) -> np.ndarray:
    squares = [each.nan_to_num().square().flatten(1).sum(1) for each in values.values()]
    return torch.stack(squares).sum(0).sqrt().numpy()


def largest(
    shifted: np.ndarray, *, level: float, n_boot: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """The largest shift (example,) and its percentile interval (example, 2) over resampled draws.

    A maximum of draws is a lower bound of the maximum over the ball: the interval's high end is
    the largest shift that was seen.
    """
    rng = np.random.default_rng([abs(seed), 17])
    again = rng.integers(shifted.shape[1], size=(n_boot, shifted.shape[1]))
    boot = shifted[:, again].max(-1)
    ends = np.quantile(boot, [(1 - level) / 2, (1 + level) / 2], axis=1).T
    return shifted.max(1), ends
