"""All per-head questions in one pass over a stream, in one result."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import xarray as xr

from data.records import Attended

from .._check import one_of, refuse
from ._prepared import prepared_stream
from ._sums import HeadProbe
from .crossing import CrossModal
from .grounding import Coreference
from .importance import ModalityImportance
from .relating import Relations

_PROBES: dict[str, type[HeadProbe]] = {
    "modality_importance": ModalityImportance,
    "cross_modal": CrossModal,
    "coreference": Coreference,
    "relations": Relations,
}
PROFILED = tuple(_PROBES)
_NEEDS = {"coreference": ("phrases", "regions", "links"), "relations": ("regions", "relation")}


def profile(
    stream: Attended | Iterable[Attended],
    *,
    questions: Sequence[str] | None = None,
    n_boot: int = 200,
    level: float = 0.95,
    seed: int = 0,
) -> xr.Dataset:
    """Everything that is measured head by head, in one pass: each attention is read once.

    Parameters
    ----------
    stream
        One `Attended`, or batches of them; only one batch is in memory at a time.
    questions
        Some of `PROFILED`; by default all that the first batch is annotated for.
    n_boot, level, seed
        As in the single measures.

    Returns
    -------
    xarray.Dataset
        The variables of `modality_importance`, `cross_modal`, `coreference` and `relations`, named
        ``<measure>.<variable>``, so that results of several models or steps can be put side by
        side (`xarray.concat`). `part_of` gives a measure's own result back.

    Raises
    ------
    TypeError
        If the stream holds something else than `Attended`.
    ValueError
        If a question is unknown, or as in the single measures.

    Examples
    --------
    >>> import numpy as np
    >>> n, p = 4, 5
    >>> batch = Attended(
    ...     attentions=np.full((n, 1, 2, p, p), 1 / p),
    ...     present=np.ones((1, 2, 2), bool),
    ...     modality=np.tile([0, 0, 1, 1, 1], (n, 1)),
    ...     special=np.tile([True, False, False, False, False], (n, 1)),
    ...     boxes=np.full((n, p, 4), np.nan),
    ...     pool=np.zeros(n, int),
    ...     attrs={"example": np.arange(n)},
    ... )
    >>> found = profile(batch)
    >>> part_of(found, "cross_modal").share.sel(layer=0, head=0).values.round(6).tolist()
    [0.75, 0.25]
    """
    for question in questions or ():
        one_of("questions", question, PROFILED)
    probes: dict[str, HeadProbe] = {}
    for batch in prepared_stream(stream):
        if not probes:
            asked = questions
            if asked is None:
                asked = [
                    name
                    for name in PROFILED
                    if all(getattr(batch.batch, need) is not None for need in _NEEDS.get(name, ()))
                ]
            probes = {name: _PROBES[name](n_boot=n_boot, level=level, seed=seed) for name in asked}
        for probe in probes.values():
            probe.update(batch)
    if not probes:
        refuse("questions", "name at least one measure", "none")
    return joined({name: probe.compute() for name, probe in probes.items()})


def joined(results: dict[str, xr.Dataset]) -> xr.Dataset:
    """Results of several measures as one, variables named ``<measure>.<variable>``."""
    first = next(iter(results.values()))
    found = xr.merge(
        [
            each.rename_vars({name: f"{question}.{name}" for name in each.data_vars})
            for question, each in results.items()
        ],
        compat="no_conflicts",
        join="exact",
        combine_attrs="drop",
    )
    notes = {question: each.attrs.get("notes", "") for question, each in results.items()}
    seconds = sum(each.attrs["seconds"] for each in results.values())
    return found.assign_attrs(
        first.attrs
        | {
            "probe": "value.profile",
            "questions": json.dumps(list(results)),
            "notes": json.dumps(notes),
            "seconds": seconds,
        }
    )


def part_of(profiled: xr.Dataset, question: str) -> xr.Dataset:
    """One measure's own result out of a `profile`, as that measure alone would give it.

    Raises
    ------
    ValueError
        If the profile does not hold it.

    Examples
    --------
    >>> held = xr.Dataset({"cross_modal.share": 0.5}, attrs={"questions": '["cross_modal"]'})
    >>> part = part_of(held.assign_attrs(notes='{"cross_modal": ""}'), "cross_modal")
    >>> float(part.share), part.attrs["probe"]
    (0.5, 'value.cross_modal')
    """
    held = json.loads(profiled.attrs.get("questions", "[]"))
    one_of("question", question, held)
    mark = f"{question}."
    names = {
        str(n): str(n).removeprefix(mark) for n in profiled.data_vars if str(n).startswith(mark)
    }
    part = profiled[list(names)].rename_vars(names)
    dims = {dim for each in part.data_vars.values() for dim in each.dims}
    part = part.drop_vars([name for name in part.coords if name not in dims])
    attrs = {key: value for key, value in profiled.attrs.items() if key != "questions"}
    notes = json.loads(profiled.attrs["notes"])[question]
    return part.assign_attrs(attrs | {"probe": f"value.{question}", "notes": notes})
