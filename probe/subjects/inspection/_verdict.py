"""What is said of one probe, and the wordings that several kinds of subjects share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

PROBES = ("whitening", "value", "isd", "totoro", "lowrank", "attribution")
YES, NOT_YET, NO = "yes", "not yet", "no"


class Verdict(NamedTuple):
    """Whether a probe applies, what is missing, the code to write, and what a run will take.

    Attributes
    ----------
    applies
        ``"yes"``, ``"not yet"`` (something can be added) or ``"no"``.
    missing
        What has to be added, in words; why not, for ``"no"``.
    next_step
        The lines of code to write.
    seconds, bytes
        Of a run; NaN where not known. Bytes are beside the weights.
    basis
        What the two rest on.
    """

    applies: str
    missing: str = ""
    next_step: str = ""
    seconds: float = math.nan
    bytes: float = math.nan
    basis: str = ""


_WANTS = {
    "whitening": "vectors (example, feature)",
    "value": "a model of images with text",
    "isd": "a model of images with text",
    "totoro": "a graph with labels",
    "lowrank": "a generator of images",
    "attribution": "a model and its inputs",
}


def completed(found: Mapping[str, Verdict]) -> dict[str, Verdict]:
    """A verdict for each of `PROBES`: those not in `found` are "no", with what they would want.

    Examples
    --------
    >>> completed({"whitening": Verdict("yes")})["totoro"]
    Verdict(applies='no', missing='wants a graph with labels', next_step='', seconds=nan,
            bytes=nan, basis='')
    """
    return {name: found.get(name, Verdict(NO, missing=f"wants {_WANTS[name]}")) for name in PROBES}


def first_sentence(error: BaseException, *, limit: int = 200) -> str:
    """The kind of an error and the first line of what it says.

    Examples
    --------
    >>> first_sentence(KeyError("input_ids"))
    "KeyError: 'input_ids'"
    """
    lines = str(error).strip().splitlines()
    said = lines[0].strip() if lines else ""
    if len(said) > limit:
        said = said[: limit - 3].rstrip() + "..."
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
