"""What applies to an encoder of text, with or without its tokenizer."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._check import refuse
from ..sentence import SentenceEncoder
from ..text_encoder import TextEncoder
from ._attention import proven
from ._geometry import geometry_cost
from ._measuring import timed
from ._quantities import duration
from ._subject import Subject
from ._verdict import NOT_YET, YES, Verdict, first_sentence

BATCH = 64
POINTS = 50  # of integrated gradients
# A backward pass costs about as much as two forward ones.
PASSES = 3
_SAMPLE = (
    "The river was low that summer, and the boats lay on their sides in the mud.",
    "A list keeps the order in which its items were added to it.",
    "Nobody at the station could say when the next train would come.",
    "The engine stops when the pressure falls below the mark on the dial.",
)
_ENCODE = """\
from probe.subjects.sentence import SentenceEncoder
from probe.whitening import anisotropy, whitening_effect
states = SentenceEncoder(model, tokenizer).encode(texts)  # (layer, example, feature)
geometry = anisotropy(states)"""
_OWN = """\
from probe.whitening import anisotropy, whitening_effect
geometry = anisotropy(encoder.encode(texts))"""
_TASK = """\
from probe.attribution import attribute
from probe.subjects.attributable import text_task
task = text_task({model}, {tokenizer}, texts{references})
found = attribute(task, method="integrated_gradients"{target})"""
# `attribute` repeats an attribution for the input and for this many perturbed ones.
REPEATED = 9


def text_findings(
    subject: Subject, examples: int, *, measure: bool
) -> tuple[dict[str, Verdict], dict[str, Any]]:
    """Verdicts and facts of an encoder of text; run on a few texts if it has its tokenizer."""
    if subject.data is None and subject.tool is None:
        return _without_tokenizer(subject.model)
    try:
        encoder: TextEncoder = subject.data or _encoder(subject)
    except Exception as error:  # a user's model and tokenizer may fail in any way
        return _broken(error, subject.model)
    texts = list(subject.texts) or list(_SAMPLE)
    facts: dict[str, Any] = {
        "layers": encoder.n_layers,
        "width": encoder.d_model,
        "reads": f"at most {encoder.max_length:,} tokens",
    }
    heads = getattr(getattr(encoder.network, "config", None), "num_attention_heads", None)
    if isinstance(heads, int):
        facts["heads"] = heads
    seconds = each = tokens = float("nan")
    basis = "not measured"
    if measure:
        try:
            seconds, each, tokens, basis = _encoding(encoder, texts, examples)
            facts["capture"] = proven(encoder.network, lambda: _encode(encoder, texts, 2))
        except Exception as error:
            return _broken(error, subject.model)
    size = next(encoder.network.parameters()).element_size()
    rows = encoder.n_layers + 1
    held = rows * encoder.d_model * (examples * 4 + min(BATCH, examples) * tokens * size)
    step = _ENCODE if subject.data is None else _OWN
    then = geometry_cost(examples, encoder.d_model, rows) if measure else None
    whitening = Verdict(
        YES,
        next_step=step,
        seconds=seconds + (then.seconds if then else 0.0),
        bytes=held + (then.bytes if then else 0.0),
        basis=f"{basis}; {then.basis}; memory: states of all layers and of one batch of {BATCH}"
        if then
        else basis,
    )
    attribution = Verdict(
        YES,
        next_step=_task(encoder if subject.data is not None else subject.model),
        seconds=attribution_time(each) * examples,
        basis=attribution_basis(each, "text") if measure else basis,
    )
    return {"whitening": whitening, "attribution": attribution}, facts


def _encoder(subject: Subject) -> TextEncoder:
    if subject.model is None:
        refuse("thing", "hold a model", "none")
    return SentenceEncoder(subject.model, subject.tool)


def _task(model: Any) -> str:
    """The code of a task: a classifier's classes, or likeness to a reference of an encoder."""
    if isinstance(model, TextEncoder):
        names = {"model": "encoder", "tokenizer": "None"}
    else:
        names = {"model": "model", "tokenizer": "tokenizer"}
    if "Classification" in type(model).__name__:
        return _TASK.format(**names, references="", target=", target=0")
    return _TASK.format(**names, references=", references=[query]", target="")


def attribution_time(each: float) -> float:
    """Seconds of `attribute` with integrated gradients for one example."""
    return each * PASSES * POINTS * REPEATED


def attribution_basis(each: float, unit: str) -> str:
    """What the time of integrated gradients rests on: `each` second of a forward pass."""
    return (
        f"a forward pass of one {unit}, {duration(each)}, x {PASSES} for forward and backward x "
        f"{POINTS} points of integrated gradients x {REPEATED} with the check of sensitivity"
    )


def _encode(encoder: TextEncoder, texts: list[str], n: int) -> None:
    several = [texts[i % len(texts)] for i in range(n)]
    encoder.encode(several, batch_size=BATCH, progress=False)


def _encoding(
    encoder: TextEncoder, texts: list[str], examples: int
) -> tuple[float, float, float, str]:
    several = [texts[i % len(texts)] for i in range(8)]
    tokens = float(np.mean([len(ids) for ids in encoder.tokenise(several).ids]))
    found = timed(lambda n: _encode(encoder, texts, n), to=examples, sizes=(8, 40), unit="text")
    return found.seconds, found.each, tokens, f"{found.basis} (of {tokens:.0f} tokens)"


def _without_tokenizer(model: Any) -> tuple[dict[str, Verdict], dict[str, Any]]:
    words = "its tokenizer"
    return {
        "whitening": Verdict(NOT_YET, words, _ENCODE, basis="not run: it has no tokenizer"),
        "attribution": Verdict(NOT_YET, words, _task(model), basis="not run: it has no tokenizer"),
    }, {}


def _broken(error: Exception, model: Any) -> tuple[dict[str, Verdict], dict[str, Any]]:
    words = f"model and tokenizer do not run together: {first_sentence(error)}"
    return {
        "whitening": Verdict(NOT_YET, words, _ENCODE, basis="not measured"),
        "attribution": Verdict(NOT_YET, words, _task(model), basis="not measured"),
    }, {}
