"""What pooled states know of a caption: linear probes of every label, layer by layer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, final

import numpy as np
import torch
import xarray as xr

from data.records import Attended

from .._check import integer, refuse
from ..whitening._describe import describe
from ._keys import as_numpy
from ._linear import WORDING, Probing, Rows, probe_scores, stacked
from ._prepared import Prepared, prepared_stream
from ._sample import Sample, SampleProbe
from ._states import hidden_of, unit_states
from ._sums import BOUND

_TEXT = 32  # bytes kept of a label's text


@final
class Linguistic(SampleProbe):
    """`linguistic` over batches: any batching and order of merging draw the same examples.

    Parameters
    ----------
    tasks, max_classes, sample, n_boot, level, seed
        As in `linguistic`.
    """

    def __init__(
        self,
        *,
        tasks: Sequence[str] | None = None,
        max_classes: int = 30,
        sample: int = 2000,
        n_boot: int = 200,
        level: float = 0.95,
        seed: int = 0,
    ) -> None:
        super().__init__(sample=sample, n_boot=n_boot, level=level, seed=seed)
        self.tasks = None if tasks is None else list(tasks)
        self.max_classes = integer("max_classes", max_classes, low=2)

    def rows(self, batch: Prepared) -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, Any]]:
        """The pooled state of every example at every layer, and its labels as text."""
        hidden = hidden_of(batch)
        attrs = {name: each for name, each in batch.batch.attrs.items() if name != "example"}
        tasks = sorted(attrs) if self.tasks is None else self.tasks
        unknown = [name for name in tasks if name not in attrs]
        if unknown or not tasks:
            refuse("tasks", f"be among the labels {sorted(attrs)} of the batch", unknown or "none")
        pool = torch.as_tensor(batch.batch.pool, device=hidden.device).long()
        units = torch.nn.functional.one_hot(pool.clamp_min(0), hidden.shape[2]).bool()
        units = torch.where((pool >= 0)[:, None], units, batch.text)
        states = unit_states(hidden, units[:, None])[:, 0]
        rows = {"states": states.float().cpu().numpy(), "owner": batch.keys}
        for name in tasks:
            rows[f"label_{name}"] = _texts(name, attrs[name], batch.n)
        return batch.keys, rows, {"tasks": tasks, "features": int(hidden.shape[-1])}

    def finish(self, state: Sample) -> xr.Dataset:
        """The result: variables as in `linguistic`."""
        tasks = state.labels()["tasks"]
        attrs = self.provenance("linguistic", state, tasks=tasks, max_classes=self.max_classes)
        kept, notes, scores = state.kept.rows, [], []
        n_states = kept["states"].shape[1]
        how = Probing(self.n_boot, self.level, self.seed)
        codes = {}
        for task in tasks:
            names, code = np.unique(kept[f"label_{task}"], axis=0, return_inverse=True)
            codes[task] = code.reshape(len(kept["owner"]))
            if not 2 <= len(names) <= self.max_classes:
                notes.append(f"{task}: {len(names)} different labels: not applicable")
                codes[task] = np.zeros_like(codes[task])
        for layer in range(n_states):
            for task in tasks:
                features = kept["states"][:, layer].astype(np.float64)
                whole = np.flatnonzero(np.isfinite(features).all(axis=1))
                rows = Rows(codes[task], kept["owner"], kept["owner"]).at(whole)
                found = probe_scores(features[whole], rows, how, place=f"layer {layer}, {task}")[0]
                scores.append({k: v for k, v in found.items() if not k.startswith("alone")})
        variables = stacked(scores, ("layer", "task"), (n_states, len(tasks)))
        coords = {"layer": np.arange(n_states), "task": tasks, "bound": BOUND}
        result = xr.Dataset(variables, coords=coords, attrs=attrs | {"notes": "; ".join(notes)})
        return describe(result, WORDING)


def _texts(name: str, labels: Any, n: int) -> np.ndarray:
    """(n, 32) uint8: each label's text; of a longer one a hash."""
    if len(labels) != n:
        refuse(f"attrs[{name!r}]", f"have one label for each of {n} examples", len(labels))
    found = np.zeros((n, _TEXT), dtype=np.uint8)
    for i, label in enumerate(as_numpy(labels).tolist()):
        content = str(label).encode()
        if len(content) > _TEXT:
            content = hashlib.blake2b(content, digest_size=_TEXT).digest()
        found[i, : len(content)] = np.frombuffer(content, dtype=np.uint8)
    return found


def linguistic(
    stream: Attended | Iterable[Attended],
    *,
    tasks: Sequence[str] | None = None,
    max_classes: int = 30,
    sample: int = 2000,
    n_boot: int = 200,
    level: float = 0.95,
    seed: int = 0,
) -> xr.Dataset:
    """How well linear probes read labels of the caption from the pooled state, layer by layer.

    Parameters
    ----------
    stream
        One `Attended` with hidden states and labels in ``attrs``, or batches of them.
    tasks
        Which labels; all but ``"example"`` if None.
    max_classes
        A task with more labels than this is not applicable.
    sample
        Examples to keep: (layers + 1) x features float32 each.
    n_boot, level, seed
        Bootstrap samples over examples, coverage of the intervals, and the seed.

    Returns
    -------
    xarray.Dataset
        Over ``layer`` (0 is what enters the first layer) and ``task``: ``accuracy`` on the half of
        the examples that the probe has not seen, ``majority``, ``control`` (random labels, one for
        each example) and ``selectivity``, each with an ``x_interval``; ``n_train, n_test``. The
        state is that of the pool position, or the mean over text where there is none
        (arXiv:2005.07310 probes SentEval's tasks so). NaN where not applicable
        (``attrs["notes"]``).

    Raises
    ------
    TypeError
        If the stream holds something else than `Attended`.
    ValueError
        If batches differ in form, or one has no hidden states or not the labels.
    RuntimeError
        If the solver has not converged.

    Examples
    --------
    >>> from data.records import Attended
    >>> rng = np.random.default_rng(0)
    >>> n, p = 8, 5
    >>> modality = np.tile([0, 0, 1, 1, 1], (n, 1))
    >>> batch = Attended(
    ...     attentions=np.full((n, 1, 2, p, p), 1 / p),
    ...     present=np.ones((1, 2, 2), bool),
    ...     modality=modality,
    ...     special=np.zeros((n, p), bool),
    ...     boxes=np.full((n, p, 4), np.nan),
    ...     pool=np.zeros(n, int),
    ...     hidden_states=np.zeros((n, 2, p, 3)) + (np.arange(n) % 2)[:, None, None, None],
    ...     attrs={"example": np.arange(n), "tense": np.array(["past", "present"] * 4)},
    ... )
    >>> linguistic(batch).accuracy.sel(task="tense").values.tolist()
    [1.0, 1.0]
    """
    probe = Linguistic(
        tasks=tasks,
        max_classes=max_classes,
        sample=sample,
        n_boot=n_boot,
        level=level,
        seed=seed,
    )
    for batch in prepared_stream(stream):
        probe.update(batch)
    return probe.compute()
