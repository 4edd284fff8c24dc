"""What applies to a model that reads images and text together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from data.records import Attended, GroundedPair
from data.scenes import render_scenes

from ...isd import isd
from ...value import profile
from ..vision_adapters import adapt
from ..vision_language import VisionLanguageModel, attended
from ._attention import proven
from ._geometry import geometry_cost
from ._measuring import timed
from ._subject import Subject, family_of
from ._texts import attribution_basis, attribution_time
from ._verdict import NOT_YET, YES, Verdict, first_sentence

BATCH = 8
_ASKED = ("whitening", "value", "isd", "attribution")
_UNPAIRED = "pairs of image and caption"
_LINKED = "pairs of image and caption, phrases linked to boxes"
_PAIRS = """\
from data.records import GroundedPair, Phrase
pairs = [GroundedPair(image, words, boxes, phrases=[Phrase(start, end, kind)], links=[(0, 0)])]
"""
_ADAPT = """\
from probe.subjects.vision_adapters import adapt
adapter = adapt(model, processor)
"""
_OURS = "from probe.subjects.vision_language import attended\n"
_POOLED = """\
from probe.whitening import anisotropy
batch = {batch}
states = batch.hidden_states[range(len(pairs)), :, batch.pool]  # (example, layer, feature)
geometry = anisotropy(dict(enumerate(states.unbind(1))))"""
_TOWER = """\
from probe.whitening import anisotropy
batch = {batch}
states = batch.hidden_states[..., batch.modality[0] == 1, :].mean(2)  # over the image
geometry = anisotropy(dict(enumerate(states.unbind(1))))"""
_TASK = """\
from probe.attribution import attribute
from probe.subjects.attributable import vision_language_task
task = vision_language_task(model, pairs{processor})
found = attribute(task, method="integrated_gradients")"""


class _Running(NamedTuple):
    """How the model is run on pairs, and how a user writes that.

    Attributes
    ----------
    stream
        Pairs to batches.
    first
        Lines that come first.
    batch, batches
        One batch, and all of them, in code.
    """

    stream: Callable[[Sequence[GroundedPair]], Iterator[Attended]]
    first: str
    batch: str
    batches: str


class _Cost(NamedTuple):
    """Seconds and what they rest on."""

    seconds: float = math.nan
    basis: str = "not measured"


def pair_findings(
    subject: Subject, examples: int, *, measure: bool
) -> tuple[dict[str, Verdict], dict[str, Any]]:
    """Verdicts and facts of a vision-and-language model; run on its pairs or on scenes."""
    family = family_of(subject.model) if subject.model is not None else ""
    facts: dict[str, Any] = {"family": family} if family else {}
    try:
        running = _running(subject)
    except Exception as error:  # the model's tools may fail in any way
        return dict.fromkeys(_ASKED, _unready(subject, family, error)), facts
    given = bool(subject.pairs)
    pairs = list(subject.pairs) or render_scenes(24, seed=0)
    costs, one = dict.fromkeys(_ASKED, _Cost()), None
    if measure:
        try:
            one = next(running.stream(pairs[:2]))
            facts |= _facts(one)
            if subject.model is not None:
                facts["capture"] = proven(subject.model, lambda: next(running.stream(pairs[:2])))
            costs = _costs(running, pairs, examples, one)
        except Exception as error:
            said = first_sentence(error)
            if given:
                return dict.fromkeys(_ASKED, Verdict(NOT_YET, f"pairs it can read: {said}")), facts
            costs = dict.fromkeys(_ASKED, _Cost(basis=f"not measured: on rendered scenes {said}"))
    pooled = one is None or int(one.pool.min()) >= 0
    linked = _lacks(pairs) if given else _LINKED
    tool = "" if subject.tool is None else ", processor=processor"
    code = {
        "whitening": (_POOLED if pooled else _TOWER).format(batch=running.batch),
        "value": f"from probe import value\nheads = value.profile({running.batches})",
        "isd": f"from probe import isd\nfound = isd.isd({running.batches})",
        "attribution": _TASK.format(processor=tool),
    }
    lines = ("" if given else _PAIRS) + running.first
    facts["run on"] = (
        "your pairs" if given else "rendered scenes (yours: (model, processor, pairs))"
    )
    verdicts = {}
    for name in _ASKED:
        missing = linked if name in ("value", "isd") else "" if given else _UNPAIRED
        # VALUE asks some of its questions without links; ISD asks nothing without them.
        ready = given and not (name == "isd" and missing)
        basis = costs[name].basis
        memory = _memory(one, examples) if name != "attribution" else math.nan
        verdicts[name] = Verdict(
            YES if ready else NOT_YET,
            f"for all questions {missing}" if ready and missing else missing,
            lines + code[name],
            costs[name].seconds,
            memory,
            basis if math.isnan(memory) else f"{basis}; memory: two batches of {BATCH}",
        )
    return verdicts, facts


def _running(subject: Subject) -> _Running:
    """The adapter of the model, checked.

    Raises
    ------
    TypeError, ValueError
        As `adapt` does.
    """
    model = subject.model
    if isinstance(model, VisionLanguageModel):
        return _Running(
            lambda pairs: attended(model, pairs, batch_size=BATCH),
            _OURS,
            "next(attended(model, pairs, batch_size=len(pairs)))",
            "attended(model, pairs)",
        )
    ready = subject.data is not None
    adapter = subject.data if ready else _adapted(model, subject.tool)
    return _Running(
        lambda pairs: adapter.stream(pairs, batch_size=BATCH),
        "" if ready else _ADAPT,
        "adapter(pairs)",
        "adapter.stream(pairs)",
    )


def _adapted(model: Any, tool: Any) -> Any:
    if tool is not None and not hasattr(tool, "tokenizer") and hasattr(tool, "pad_token_id"):
        return adapt(model, tokenizer=tool)
    return adapt(model, tool)


def _costs(
    running: _Running, pairs: Sequence[GroundedPair], examples: int, one: Attended
) -> dict[str, _Cost]:
    """Seconds of each probe: passes of the model, and what comes after them."""

    def passes(n: int) -> None:
        for _ in running.stream(_several(pairs, n)):
            pass

    forward = timed(passes, to=examples, sizes=(4, 16), unit="pair")
    batches = list(running.stream(_several(pairs, 2 * BATCH)))
    basis = f"the model: {forward.basis}"
    found = {
        "attribution": _Cost(
            attribution_time(forward.each) * examples, attribution_basis(forward.each, "pair")
        )
    }
    if one.hidden_states is not None:
        shape = one.hidden_states.shape
        then = geometry_cost(examples, int(shape[-1]), int(shape[1]))
        found["whitening"] = _Cost(forward.seconds + then.seconds, f"{basis}; {then.basis}")
    for name, probe in (("value", profile), ("isd", isd)):

        def run(n: int, probe: Callable[[Any], Any] = probe) -> None:
            probe(batches[: n // BATCH])

        try:
            after = timed(run, to=examples, sizes=(BATCH, 2 * BATCH), unit="pair")
        except ValueError as error:  # these pairs do not have what the probe needs
            found[name] = _Cost(forward.seconds, f"{basis}; not the probe: {first_sentence(error)}")
        else:
            found[name] = _Cost(
                forward.seconds + after.seconds, f"{basis}; the probe: {after.basis}"
            )
    return dict.fromkeys(_ASKED, _Cost()) | found


def _several(pairs: Sequence[GroundedPair], n: int) -> list[GroundedPair]:
    return [pairs[i % len(pairs)] for i in range(n)]


def _facts(one: Attended) -> dict[str, Any]:
    shape = one.attentions.shape
    found = {"layers": int(shape[1]), "heads": int(shape[2])}
    if one.hidden_states is not None:
        found["width"] = int(one.hidden_states.shape[-1])
    counts = [int((one.modality[0] == side).sum()) for side in (0, 1)]
    return found | {"reads": f"{counts[0]} positions of text and {counts[1]} of image in the run"}


def _memory(one: Attended | None, examples: int) -> float:
    """Bytes of two batches: the one that is measured, and the one that is being made."""
    if one is None:
        return float("nan")
    arrays = [one.attentions] + ([] if one.hidden_states is None else [one.hidden_states])
    each = sum(int(a.nbytes) for a in arrays) / len(one.attentions)
    return 2 * each * min(BATCH, examples)


def _lacks(pairs: Sequence[GroundedPair]) -> str:
    """What pairs lack for all questions of VALUE and ISD, in words."""
    objects = [len({region for _, region in pair.links.tolist()}) for pair in pairs]
    if not any(objects):
        return "links of phrases and boxes: GroundedPair(..., phrases=..., links=...)"
    if sum(n >= 2 for n in objects) < 2:
        return "at least two pairs with two linked objects each"
    return ""


def _unready(subject: Subject, family: str, error: Exception) -> Verdict:
    """Why a model cannot be adapted yet, with the line that does it."""
    said = first_sentence(error)
    line = _ADAPT.strip()
    if family in ("VisualBertModel", "LxmertModel") and "region_features" in said:
        line = line.replace("processor)", "processor, region_features=lambda pair: ...)")
        return Verdict(NOT_YET, f"a detector's features of the regions ({said})", line)
    if not family:
        line = (
            "from data.records import Attended\n"
            "batch = Attended(attentions=..., present=..., modality=..., special=..., "
            "boxes=..., pool=...)"
        )
        return Verdict(NOT_YET, f"an adapter for this family of models: {said}", line)
    if subject.tool is None:
        return Verdict(NOT_YET, "its processor", line)
    return Verdict(NOT_YET, f"a processor that goes with the model: {said}", line)
