"""Where a report's numbers come from: versions, seeds and data hashes of its results."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import xarray as xr

_KEPT = ("probe", "paper", "parameters", "seed", "data_hash", "versions", "fit_on")


def source(result: xr.Dataset) -> dict[str, str]:
    """The provenance attrs of one result, as texts.

    Examples
    --------
    >>> source(xr.Dataset(attrs={"probe": "whitening.anisotropy", "seed": 0, "notes": "..."}))
    {'probe': 'whitening.anisotropy', 'seed': '0'}
    """
    return {name: str(result.attrs[name]) for name in _KEPT if name in result.attrs}


def sources_json(namespace: Mapping[str, Any]) -> str:
    """The sources of every result among a notebook's variables, each once, as JSON."""
    found = [source(value) for value in list(namespace.values()) if _is_result(value)]
    return json.dumps(_each_once(found))


def all_versions(sources: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Versions of the packages behind some sources, and of this process.

    Examples
    --------
    >>> all_versions([{"versions": '{"novel": "2.3"}'}])["novel"]
    '2.3'
    """
    from probe._provenance import provenance

    found: dict[str, list[str]] = {}
    here = str(provenance("report")["versions"])
    # Those of the results come first: they made the numbers.
    for text in [*(each.get("versions", "{}") for each in sources), here]:
        for name, version in json.loads(text).items():
            if version not in found.setdefault(name, []):
                found[name].append(version)
    return {name: ", ".join(versions) for name, versions in found.items()}


def _is_result(value: object) -> bool:
    return isinstance(value, xr.Dataset) and "probe" in value.attrs


def _each_once(found: list[dict[str, str]]) -> list[dict[str, str]]:
    return [one for at, one in enumerate(found) if one not in found[:at]]
