"""What the heads of a vision-and-language model do while it trains, every so many steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np
import xarray as xr

from data.records import Attended, GroundedPair

from .._check import integer, refuse
from .._provenance import provenance
from .batching import digest
from .training import Step
from .vision_language_attended import attended
from .vision_language_model import VisionLanguageModel

Measure = Callable[[Iterable[Attended]], xr.Dataset]


def watch_heads(
    model: VisionLanguageModel,
    training: Iterator[Step],
    pairs: Sequence[GroundedPair],
    *,
    probes: Mapping[str, Measure],
    every: int = 100,
    batch_size: int = 64,
) -> xr.Dataset:
    """Run a training to its end and measure the model before it, every `every` steps, and after.

    Parameters
    ----------
    model
        What is trained.
    training
        Its steps, such as `pair_training` gives; nothing has been taken from it yet.
    pairs
        To measure on, best none that it trains on.
    probes
        By name, measures of a stream of `Attended`. Variables of two probes that share a name must
        be equal; else give each measure's result its own names.
    every
        Updates between two measurements.
    batch_size
        Pairs in each record of the stream.

    Returns
    -------
    xr.Dataset
        All that the probes give along ``step`` (0 before the training), named
        ``<probe>_<variable>``. Along ``step_update`` (1, 2, ...): ``loss`` and the metrics of the
        training.

    Raises
    ------
    RuntimeError
        If the training has no step, or as its loss says.
    ValueError, TypeError
        If `every` is no positive integer, there is no probe, or as the probes say.

    Notes
    -----
    Measures do not change the training, as long as they draw from generators of their own.
    """
    started = time.perf_counter()
    integer("every", every, low=1)
    if not probes:
        refuse("probes", "hold at least one measure by name", "none")
    found = {0: _measured(model, pairs, probes, batch_size)}
    updates: list[Step] = []
    for done in training:
        updates.append(done)
        if done.step % every == 0:
            found[done.step] = _measured(model, pairs, probes, batch_size)
    if not updates:
        raise RuntimeError("`training` gave no step; make a new one, it can be run once only.")
    last = updates[-1].step
    if last not in found:
        found[last] = _measured(model, pairs, probes, batch_size)
    steps = xr.Variable("step", list(found), {"long_name": "updates made", "units": "1"})
    result = xr.concat(
        list(found.values()),
        steps,
        data_vars="all",
        coords="minimal",
        compat="override",
        join="outer",
        combine_attrs="override",
    )
    numbers = [step.step for step in updates]
    result = result.assign_coords(step_update=("step_update", numbers))
    curves = {"loss": [step.loss for step in updates]}
    curves |= {name: [step.metrics[name] for step in updates] for name in updates[0].metrics}
    for name, values in curves.items():
        result[name] = ("step_update", np.asarray(values), {"long_name": name, "units": "1"})
    result.attrs = provenance(
        "value.training",
        paper="arXiv:2005.07310",
        parameters={"every": every, "probes": sorted(probes)},
        data=digest([pair.caption for pair in pairs]),
        started=started,
    )
    result.attrs["model"] = model.name
    return result


def _measured(
    model: VisionLanguageModel,
    pairs: Sequence[GroundedPair],
    probes: Mapping[str, Measure],
    batch_size: int,
) -> xr.Dataset:
    parts: list[xr.Dataset] = []
    for name, probe in probes.items():
        part = probe(attended(model, pairs, batch_size=batch_size))
        parts.append(part.rename({old: f"{name}_{old}" for old in part.data_vars}))
    return xr.merge(parts, compat="override", join="outer", combine_attrs="override")
