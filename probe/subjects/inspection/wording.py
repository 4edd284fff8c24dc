"""An inspection as text for a terminal of any width."""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Iterator, Sequence

import xarray as xr

from ..._check import integer, refuse
from ._attention import patterns
from ._quantities import duration, several, size
from ._verdict import NO, PROBES

_COLUMNS = ("probe", "applies", "time", "memory", "missing")
_ABOUT = ("name", "kind", "class", "variables", "examples", "parameters_held", "bytes_held")
_ABOUT = (*_ABOUT, "dtype", "device")
_ATTENTION = ("attention", "attention_unseen")
_SHOWN = 6  # patterns of attention modules that are listed


def inspection_text(found: xr.Dataset, *, width: int = 80) -> str:
    """A result of `inspect_model` as lines: what it is, a table of probes, next code, estimates.

    Parameters
    ----------
    found
        Result of `inspect_model`.
    width
        Columns of the terminal, at least 40. Code is never wrapped.

    Raises
    ------
    TypeError
        If `width` is no integer.
    ValueError
        If `width` is below 40, or `found` is no inspection.

    Examples
    --------
    >>> import numpy as np
    >>> from probe.subjects.inspection import inspect_model
    >>> text = inspection_text(inspect_model(np.eye(4), measure=False))
    >>> text.splitlines()[0]
    'ndarray: embeddings'
    """
    integer("width", width, low=40)
    _require_inspection(found)
    blocks = [_head(found, width), _table(found, width), _next(found), _basis(found, width)]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def inspection_json(found: xr.Dataset) -> str:
    """A result of `inspect_model` as JSON: what it is, and one object for each probe.

    Raises
    ------
    ValueError
        If `found` is no inspection.

    Examples
    --------
    >>> import numpy as np
    >>> from probe.subjects.inspection import inspect_model
    >>> made = json.loads(inspection_json(inspect_model(np.eye(4), measure=False)))
    >>> made["kind"], made["probes"]["whitening"]["applies"], made["probes"]["totoro"]["seconds"]
    ('embeddings', 'yes', None)
    """
    _require_inspection(found)
    about = {key: found.attrs[key] for key in _ABOUT}
    about |= {key: json.loads(found.attrs[key]) for key in ("facts", *_ATTENTION)}
    about["probes"] = {
        name: {
            str(variable): _plain(found[variable].sel(probe=name).item())
            for variable in found.data_vars
        }
        for name in PROBES
    }
    return json.dumps(about, indent=2)


def _plain(value: object) -> object:
    """JSON knows no NaN."""
    return None if isinstance(value, float) and math.isnan(value) else value


def _require_inspection(found: object) -> None:
    if not isinstance(found, xr.Dataset) or found.attrs.get("probe") != "subjects.inspection":
        refuse("found", "be a result of inspect_model", type(found).__name__)


def _head(found: xr.Dataset, width: int) -> list[str]:
    attrs = found.attrs
    kind = f"{attrs['name']}: {attrs['kind']}"
    lines = [kind if attrs["name"] == attrs["class"] else f"{kind}, {attrs['class']}"]
    about = []
    if attrs["parameters_held"]:
        held = f"{attrs['parameters_held']:,} parameters ({size(attrs['bytes_held'])})"
        about.append(("weights", f"{held}, {attrs['dtype']} on {attrs['device']}"))
    facts = json.loads(attrs["facts"])
    capture = facts.pop("capture", "")
    numbers = [f"{name} {_grouped(value)}" for name, value in facts.items()]
    if numbers:
        about.append(("found", ", ".join(numbers)))
    about += _attention(found, capture)
    return [*lines, *_pairs(about, width)]


def _attention(found: xr.Dataset, capture: str) -> Iterator[tuple[str, str]]:
    seen, unseen = (json.loads(found.attrs[key]) for key in _ATTENTION)
    if seen:
        kinds = ", ".join(sorted(set(seen.values())))
        yield "attention", f"{several(len(seen), 'module')} ({kinds}): {_listed(list(seen))}"
        yield "capture", capture or "sees them; not run here"
    elif found.attrs["parameters_held"]:
        yield "attention", "no module of a known kind"
    if unseen:
        titles = ", ".join(sorted(set(unseen.values())))
        how = "describe them: capture(..., kinds=[projected_attention(...)])"
        count = several(len(unseen), "module")
        yield "not seen", f"{count} ({titles}): {_listed(list(unseen))}; {how}"


def _listed(paths: list[str]) -> str:
    starred = patterns(paths)
    more = f" and {len(starred) - _SHOWN} more" if len(starred) > _SHOWN else ""
    return ", ".join(path or "the model itself" for path in starred[:_SHOWN]) + more


def _table(found: xr.Dataset, width: int) -> list[str]:
    rows: list[tuple[str, ...]] = [_COLUMNS]
    for name in PROBES:
        one = found.sel(probe=name)
        time, memory = duration(float(one.seconds)), size(float(one.bytes))
        rows.append((name, str(one.applies.item()), time, memory, str(one.missing.item()) or "-"))
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    left = sum(widths) + 2 * 4
    lines = []
    for row in rows:
        cells = [cell.ljust(w) for cell, w in zip(row[:4], widths, strict=True)]
        lines += _wrapped("  ".join(cells) + "  ", row[4], width, left)
    return [lines[0], "-" * min(width, left + 30), *lines[1:]]


def _next(found: xr.Dataset) -> list[str]:
    """The code of all probes to run from top to bottom: a line that stands above is left out."""
    lines: list[str] = []
    for names, code in _grouped_by(found, "next_step", PROBES):
        lines += [f"  # {', '.join(names)}"]
        lines += [f"  {line}" for line in code.splitlines() if f"  {line}" not in lines]
    given = f"  # {found.attrs['variables']}: what {found.attrs['name']} gives"
    return ["Next, in Python:", given, *lines] if lines else []


def _basis(found: xr.Dataset, width: int) -> list[str]:
    asked = [name for name in PROBES if found.applies.sel(probe=name).item() != NO]
    said = [(", ".join(names), text) for names, text in _grouped_by(found, "basis", asked)]
    if not said:
        return []
    n = found.attrs["examples"]
    first = f"Estimates for {n:,} examples on this machine; memory beside the weights:"
    return [*textwrap.wrap(first, width), *_pairs(said, width)]


def _grouped_by(
    found: xr.Dataset, variable: str, names: Sequence[str]
) -> list[tuple[list[str], str]]:
    """The texts of a variable that are not empty, each once, with the probes that they are of."""
    groups: dict[str, list[str]] = {}
    for name in names:
        text = str(found[variable].sel(probe=name).item())
        if text:
            groups.setdefault(text, []).append(name)
    return [(several_names, text) for text, several_names in groups.items()]


def _pairs(items: list[tuple[str, str]], width: int) -> list[str]:
    widest = max((len(name) for name, _ in items), default=0)
    lines = []
    for name, text in items:
        lines += _wrapped(f"  {name.ljust(widest)}  ", text, width, widest + 4)
    return lines


def _wrapped(start: str, text: str, width: int, indent: int) -> list[str]:
    if width - indent < 24:  # too narrow to stand beside: below, indented a little
        return [
            start.rstrip(),
            *textwrap.wrap(text, width, initial_indent=" " * 4, subsequent_indent=" " * 4),
        ]
    lines = textwrap.wrap(text, width, initial_indent=start, subsequent_indent=" " * indent)
    return [line.rstrip() for line in lines] or [start.rstrip()]


def _grouped(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
