"""What a task loses without a head: the causal check of every score of heads."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from scipy import stats

from .._check import integer, refuse, refuse_type
from .._provenance import data_hash, provenance
from ..statistics import bootstrap_interval, permutation_test
from ..whitening._describe import describe
from ._sums import BOUND, PAPER

_WORDING = {
    "effect": ("mean loss of the task's score without the head", "", ""),
    "effect_interval": ("bootstrap interval of effect, over examples", "", ""),
    "full": ("mean score with all heads", "", ""),
    "rank_correlation": ("Spearman's, of the heads' scores and effects", "1", "[-1, 1]"),
    "rank_correlation_interval": ("bootstrap interval over examples, heads fixed", "1", "[-1, 1]"),
    "rank_correlation_p": ("p-value with scores permuted over heads, one-sided", "1", "[0, 1]"),
}


def head_ablation(
    score: Callable[[Any], Any],
    n_layers: int,
    n_heads: int,
    *,
    against: xr.DataArray | None = None,
    n_boot: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> xr.Dataset:
    """How much of a task each head carries: the score with all heads less that without the one.

    Every head of the mask is ablated in turn by captum's FeatureAblation. What a 0 in the mask
    does is the model's: put the head's mean output over the data in place of its own (mean
    ablation), since a zero is nothing the rest of the model ever saw.

    Parameters
    ----------
    score
        From a mask (layer, head) of ones and zeros, a float tensor, to the task's score of each
        example, a tensor (example,); higher is better. The same examples in every call.
    n_layers, n_heads
        Shape of the mask.
    against
        (layer, head) scores of a probe, such as ``coreference(...).hit`` with direction and kind
        chosen; heads where it is NaN are left out of the correlation.
    n_boot, level, seed
        Bootstrap samples over examples, coverage, and the seed.

    Returns
    -------
    xarray.Dataset
        ``effect`` (layer, head) with ``effect_interval``; ``full``, the score with all heads;
        ``effects`` (example, layer, head); and with `against`: ``against`` (layer, head), those
        scores, whose attrs name the ``statistic`` and what was chosen of it (``chosen``);
        ``rank_correlation``, its interval (examples resampled, the probe's scores as given) and
        its p-value. n_layers x n_heads + 1 calls of `score`.

    Raises
    ------
    TypeError
        If `score` gives no tensor.
    ValueError
        If scores are not finite, fewer than 2, or differ in number between calls; or `against` has
        other dims or sizes, or fewer than 3 heads.

    Examples
    --------
    >>> import torch
    >>> gain = torch.tensor([[0.0, 1.0], [2.0, 3.0]])
    >>> found = head_ablation(lambda mask: (gain * mask).sum() + torch.zeros(8), 2, 2)
    >>> found.effect.values.tolist(), float(found.full)
    ([[0.0, 1.0], [2.0, 3.0]], 6.0)
    """
    started = time.perf_counter()
    integer("n_layers", n_layers, low=1)
    integer("n_heads", n_heads, low=1)
    given = None if against is None else _scores_of(against, n_layers, n_heads)
    kept = {} if against is None else _kept(against)
    whole, effects = _ablated(score, n_layers, n_heads)
    found = bootstrap_interval(effects, method="percentile", level=level, n_boot=n_boot, seed=seed)
    dims = ("layer", "head")
    variables: dict[str, Any] = {
        "effect": (dims, found.estimate),
        "effect_interval": ((*dims, "bound"), np.stack([found.low, found.high], axis=-1)),
        "effects": (("example", *dims), effects),
        "full": whole.mean(),
    }
    if given is not None:
        variables["against"] = (dims, given, kept)
        variables |= _correlated(given, effects, level, n_boot, seed)
    attrs = provenance(
        "value.head_ablation",
        paper=f"{PAPER}; arXiv:1905.10650",
        parameters={"n_boot": n_boot, "level": level},
        data=data_hash([effects]),
        seed=seed,
        started=started,
    )
    coords = {"layer": np.arange(n_layers), "head": np.arange(n_heads), "bound": BOUND}
    return describe(xr.Dataset(variables, coords=coords, attrs=attrs), _WORDING)


def _ablated(
    score: Callable[[Any], Any], n_layers: int, n_heads: int
) -> tuple[np.ndarray, np.ndarray]:
    """Scores with all heads (example,), and what each head's absence takes from them."""
    import torch
    from captum.attr import FeatureAblation

    first: list[torch.Tensor] = []

    def forward(masks: torch.Tensor) -> torch.Tensor:
        values = score(masks[0])
        if not isinstance(values, torch.Tensor):
            refuse_type("score", "give a torch tensor (example,)", values)
        values = values.detach().double().cpu()
        if values.ndim != 1 or len(values) < 2 or (first and len(values) != len(first[0])):
            refuse(
                "score",
                "give one number for each of the same 2 or more examples",
                tuple(values.shape),
            )
        if not torch.isfinite(values).all():
            refuse("score", "be finite", "NaN or infinity")
        first.append(values)
        return values

    with torch.no_grad():
        found = FeatureAblation(forward).attribute(
            torch.ones(1, n_layers, n_heads),
            baselines=0.0,
            feature_mask=torch.arange(n_layers * n_heads).view(1, n_layers, n_heads),
            perturbations_per_eval=1,
        )
    effects = found.reshape(len(first[0]), n_layers, n_heads).double().numpy()
    return first[0].numpy(), effects


def _scores_of(against: Any, n_layers: int, n_heads: int) -> np.ndarray:
    if not isinstance(against, xr.DataArray):
        refuse_type("against", "be a DataArray (layer, head)", against)
    if set(against.dims) != {"layer", "head"}:
        hint = "Choose one direction, kind or modality by .sel() first."
        refuse("against", "have dims (layer, head)", tuple(against.dims), hint)
    values = against.transpose("layer", "head").values.astype(np.float64)
    if values.shape != (n_layers, n_heads):
        refuse("against", f"have shape {(n_layers, n_heads)}", values.shape)
    if np.isfinite(values).sum() < 3:
        refuse("against", "score at least 3 heads", int(np.isfinite(values).sum()))
    return values


def _kept(against: xr.DataArray) -> dict[str, str]:
    """What the scores are: their wording, the statistic's name and the labels chosen of it."""
    said = {key: str(against.attrs[key]) for key in ("units", "range") if key in against.attrs}
    name = "score" if against.name is None else str(against.name)
    labels = {key: one.item() for key, one in against.coords.items() if one.ndim == 0}
    return {
        "long_name": str(against.attrs.get("long_name", name)),
        "units": "",
        **said,
        "statistic": name,
        "chosen": ", ".join(f"{key} {label}" for key, label in labels.items()),
    }


def _correlated(
    given: np.ndarray, effects: np.ndarray, level: float, n_boot: int, seed: int
) -> dict[str, Any]:
    heads = np.isfinite(given)
    wanted, own = stats.rankdata(given[heads]), effects[:, heads]

    def correlation(rows: np.ndarray) -> np.ndarray:
        ranks = stats.rankdata(rows.mean(axis=1), axis=-1)
        a, b = ranks - ranks.mean(axis=-1, keepdims=True), wanted - wanted.mean()
        below = np.sqrt((a**2).sum(axis=-1) * (b**2).sum())
        return np.where(below > 0, (a @ b) / np.where(below > 0, below, 1), 0.0)

    found = bootstrap_interval(
        own, statistic=correlation, method="percentile", level=level, n_boot=n_boot, seed=seed
    )
    ranks = stats.rankdata(own.mean(axis=0))
    test = permutation_test(lambda y: float(ranks @ y), wanted, n_permutations=n_boot, seed=seed)
    return {
        "rank_correlation": found.estimate,
        "rank_correlation_interval": ("bound", np.array([found.low, found.high])),
        "rank_correlation_p": test.p,
    }
