"""Transforms by name, such as "whiten-64": one grammar for measures, tables and sliders."""

from __future__ import annotations

import re
from typing import Any

from .._check import refuse, refuse_type
from .naive import NaiveWhitening
from .scaling import Centre, Raw, ZScore
from .transform import AllButTheTop, Whitening

GRAMMAR = (
    "raw, centre, zscore, abtt-D, whiten, whiten-K, power-P, power-P-K, shrunk or naive "
    "(D and K whole numbers of directions, P a power above 0, such as power-0.5-64)"
)
_PLAIN = {
    "raw": Raw,
    "centre": Centre,
    "zscore": ZScore,
    "shrunk": lambda: Whitening(shrinkage="ledoit-wolf"),
    "naive": NaiveWhitening,
}
_SPEC = re.compile(
    r"(?P<plain>raw|centre|zscore|shrunk|naive)"
    r"|abtt-(?P<removed>[1-9]\d*)"
    r"|whiten(-(?P<white>[1-9]\d*))?"
    r"|(?P<family>power-(?P<power>\d+(\.\d+)?))(-(?P<partial>[1-9]\d*))?"
)


def make_transform(spec: str) -> Any:
    """An unfitted scikit-learn transformer by its name.

    "raw" changes nothing, "centre" subtracts the mean, "zscore" also scales every feature,
    "abtt-D" removes the D leading directions, "whiten" whitens the whole rank and "whiten-K" its
    K leading directions, "power-P" and "power-P-K" scale by variance^(-P/2) instead, "shrunk"
    whitens a Ledoit-Wolf covariance, "naive" is the papers' recipe without a rank (to show what
    it does). All but "naive" have `fit_moments`. ZCA and Cholesky whitening have no name here:
    at full rank their cosines are those of "whiten".

    Raises
    ------
    ValueError
        If the name is not in the grammar, which the error lists.

    Examples
    --------
    >>> make_transform("power-0.5-64")
    Whitening(n_components=64, power=0.5)
    """
    found = _match(spec)
    if found["plain"]:
        return _PLAIN[found["plain"]]()
    if found["removed"]:
        return AllButTheTop(int(found["removed"]))
    k = found["white"] or found["partial"]
    power = float(found["power"] or 1.0)
    return Whitening(int(k) if k else None, power=power)


def transform_family(spec: str) -> tuple[str, int | None]:
    """Family of a named transform and its number of directions, None where it names none.

    Raises
    ------
    ValueError
        If the name is not in the grammar.

    Examples
    --------
    >>> transform_family("whiten-64"), transform_family("power-0.5"), transform_family("abtt-3")
    (('whiten', 64), ('power-0.5', None), ('abtt', 3))
    """
    found = _match(spec)
    family = found["plain"] or found["family"] or ("abtt" if found["removed"] else "whiten")
    k = found["removed"] or found["white"] or found["partial"]
    return family, int(k) if k else None


def _match(spec: str) -> re.Match[str]:
    if not isinstance(spec, str):
        refuse_type("spec", "be a string", spec)
    found = _SPEC.fullmatch(spec)
    if found is None or (found["power"] and float(found["power"]) == 0):
        refuse("spec", f"be one of {GRAMMAR}", repr(spec))
    return found
