"""Text classifiers and sentence encoders as tasks of attribution: what is owed to which token?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .._check import one_of, refuse, refuse_type
from ..attribution import AttributionTask
from ._swapping import embedding_of, giving
from .attributable_images import class_names
from .batching import checked_texts, evaluating, pad_ids
from .small_encoder import SmallEncoder
from .text_encoder import TextEncoder
from .vocabulary import Vocabulary

BASELINES = ("pad", "zero", "mean")
POOLINGS = ("mean", "cls")
_MARKS = ("[PAD]", "[UNK]", "[CLS]")  # the ids before a vocabulary's words


def text_task(
    model: nn.Module | TextEncoder,
    tokenizer: Any,
    texts: Sequence[str],
    *,
    references: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    score: Callable[[Any, Tensor], Tensor] | None = None,
    pooling: str = "mean",
    baseline: str = "pad",
    embedding: str | None = None,
    layers: Sequence[str] | None = None,
    name: str = "",
) -> AttributionTask:
    """What a classifier or an encoder makes of texts, to be attributed to their tokens.

    Parameters
    ----------
    model
        A transformers model with a head of classes (``logits``), one without
        (``last_hidden_state``), any module called with ``input_ids`` and ``attention_mask``; or
        one of our encoders (`SentenceEncoder`, `SmallEncoder`).
    tokenizer
        The transformers tokenizer; None for our encoders, which have their own.
    texts
        n texts.
    references
        For encoders: the score of each is the cosine of the two texts' pooled states, and it is a
        target.
    labels
        For classifiers: names of the classes; None takes those of the model's config.
    score
        ``score(output, mask)`` to (n, target), where the model gives something else; `labels`
        names its columns then.
    pooling
        Of an encoder's last states: ``"mean"`` over tokens or ``"cls"``, the first.
    baseline
        What a token is replaced by: the embedding of padding, zero, or the mean of all tokens
        here. Marks such as [CLS] stay as they are.
    embedding
        Path of the token embedding; None finds it.
    layers
        Module paths that are offered; None takes the blocks.
    name
        What the task is called; None takes the model's class.

    Returns
    -------
    AttributionTask
        Input ``text`` of kind token: the embeddings (text, token, feature), before positions are
        added.

    Raises
    ------
    TypeError, ValueError
        If an argument or what the model gives is not as said.

    Examples
    --------
    >>> from probe.subjects.small_encoder import SmallEncoder
    >>> from probe.subjects.vocabulary import Vocabulary
    >>> encoder = SmallEncoder(Vocabulary(["a", "list"]), d_model=8, n_heads=2, n_layers=2)
    >>> task = text_task(encoder, None, ["a list", "a"], references=["list"])
    >>> task.tokens[1], task.targets
    (['[CLS]', 'a'], ['list'])
    """
    texts = checked_texts(texts)
    one_of("baseline", baseline, BASELINES)
    one_of("pooling", pooling, POOLINGS)
    network = model.network if isinstance(model, TextEncoder) else model
    if not isinstance(network, nn.Module):
        refuse_type("model", "be a torch module or a text encoder", model)
    own = "words" if isinstance(network, SmallEncoder) else None
    path, table = embedding_of(network, embedding or own)
    device = next(network.parameters()).device
    read = _reader(model, tokenizer, device)
    ids, mask, tokens, marks = read(texts)

    def run(given: Tensor, given_mask: Tensor) -> Any:
        if isinstance(network, TextEncoder):
            return network(given, given_mask)[0][-1]
        return network(input_ids=given, attention_mask=given_mask.long())

    with evaluating(network), torch.no_grad():
        embedded = table(ids).detach()
        first = run(ids, mask)
        pad = table(torch.full((1, 1), _pad_id(model, tokenizer), device=device))
        vectors, targets = None, _names(network, first, labels, references, score, mask)
        if references is not None:
            other = read(checked_texts(references))
            vectors = functional.normalize(_pooled(run(*other[:2]), other[1], pooling), dim=-1)

    def forward(embeds: Tensor, given: Tensor, given_mask: Tensor) -> Tensor:
        with giving(table, embeds):
            found = run(given, given_mask)
        if score is not None:
            return score(found, given_mask)
        if vectors is None:
            return found.logits
        pooled = _pooled(found, given_mask, pooling)
        return functional.normalize(pooled, dim=-1) @ vectors.T

    with evaluating(network), torch.no_grad():
        scores = forward(embedded, ids, mask)
    if scores.ndim != 2 or len(scores) != len(texts):
        refuse("score", f"give scores ({len(texts)}, target)", f"shape {tuple(scores.shape)}")
    if score is not None:
        targets = class_names(network, labels, scores.shape[1])
    base = _baseline(baseline, embedded, mask, pad)
    stays = marks | ~mask
    return AttributionTask(
        network,
        forward,
        {"text": embedded},
        {"text": torch.where(stays[..., None], embedded, base)},
        {"text": "token"},
        targets,
        layers=blocks(network) if layers is None else list(layers),
        context=(ids, mask),
        valid={"text": mask.cpu()},
        made_by=(path,),
        tokens=tokens,
        prediction=[targets[i] for i in scores.argmax(1).tolist()],
        name=name or type(network).__name__,
    )


def blocks(network: nn.Module) -> list[str]:
    """Paths of the members of the longest list of modules: a transformer's blocks."""
    lists = {p: m for p, m in network.named_modules() if isinstance(m, nn.ModuleList)}
    if not lists:
        return []
    longest = lists[max(lists, key=lambda each: (len(lists[each]), -each.count(".")))]
    first = {id(module): path for path, module in network.named_modules()}  # of one held twice
    return list(dict.fromkeys(first[id(module)] for module in longest))


def word_of(vocabulary: Vocabulary, number: int) -> str:
    """What stands behind an id of a vocabulary.

    Examples
    --------
    >>> [word_of(Vocabulary(["list"]), i) for i in (1, 2, 3)]
    ['[UNK]', '[CLS]', 'list']
    """
    return _MARKS[number] if number < len(_MARKS) else vocabulary.words[number - len(_MARKS)]


def _reader(model: Any, tokenizer: Any, device: torch.device) -> Any:
    """From texts to ids (n, token), mask, tokens of each, and (n, token) bool: marks."""
    if isinstance(model, TextEncoder):
        if tokenizer is not None:
            refuse("tokenizer", "be None: the encoder has its own", type(tokenizer).__name__)
        tokenizer = getattr(model, "tokenizer", None)
    elif not callable(tokenizer):
        refuse_type("tokenizer", "be a tokenizer of transformers", tokenizer)

    written: Any = tokenizer

    def read(texts: Sequence[str]) -> tuple[Tensor, Tensor, list[list[str]], Tensor]:
        if isinstance(model, SmallEncoder):
            rows = model.tokenise(texts).ids
            words = [[word_of(model.vocabulary, int(i)) for i in row] for row in rows]
            ids, mask = pad_ids(rows, pad=_pad_id(model, None), device=device)
            special = torch.zeros_like(mask)
            special[:, 0] = True
            return ids, mask, words, special
        limit = {"max_length": model.max_length} if isinstance(model, TextEncoder) else {}
        found = written(
            list(texts),
            padding=True,
            truncation=bool(limit),
            padding_side="right",
            return_special_tokens_mask=True,
            return_tensors="pt",
            **limit,
        )
        ids, mask = found["input_ids"].to(device), found["attention_mask"].bool().to(device)
        names = [
            written.convert_ids_to_tokens(row[keep].tolist())
            for row, keep in zip(ids, mask, strict=True)
        ]
        return ids, mask, names, found["special_tokens_mask"].bool().to(device)

    return read


def _names(
    network: nn.Module,
    first: Any,
    labels: Sequence[str] | None,
    references: Sequence[str] | None,
    score: Any,
    mask: Tensor,
) -> list[str]:
    if score is not None:
        return ["score"]
    logits = getattr(first, "logits", None)
    if references is not None:
        if logits is not None:
            refuse("references", "be None for a model of classes", list(references))
        if labels is not None:
            refuse("labels", "be None beside references", list(labels))
        return list(dict.fromkeys(map(str, references)))
    if logits is None:
        refuse("references", "be given for an encoder: texts to compare with", None)
    if logits.ndim != 2:
        hint = "Give score=, a function of output and mask."
        refuse("model", "give log-odds (text, class)", f"shape {tuple(logits.shape)}", hint)
    return class_names(network, labels, logits.shape[1])


def _pooled(found: Any, mask: Tensor, pooling: str) -> Tensor:
    states = found if isinstance(found, Tensor) else found.last_hidden_state
    if pooling == "cls":
        return states[:, 0]
    keep = mask[..., None].to(states)
    return (states * keep).sum(1) / keep.sum(1)


def _pad_id(model: Any, tokenizer: Any) -> int:
    tokenizer = getattr(model, "tokenizer", None) if tokenizer is None else tokenizer
    number = getattr(tokenizer, "pad_token_id", None)
    return 0 if number is None else int(number)


def _baseline(kind: str, embedded: Tensor, mask: Tensor, pad: Tensor) -> Tensor:
    if kind == "zero":
        return torch.zeros_like(embedded)
    if kind == "mean":
        return embedded[mask].mean(0).expand_as(embedded)
    return pad.expand_as(embedded)
