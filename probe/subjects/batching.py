"""Texts and token ids on their way into a model: checked, sorted by length, padded."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .._check import integer, refuse, refuse_type


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Evaluation mode inside; every module's own mode again outside.

    Examples
    --------
    >>> layer = nn.Dropout()
    >>> with evaluating(layer):
    ...     layer.training
    False
    >>> layer.training
    True
    """
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def pad_ids(ids: Sequence[np.ndarray], *, pad: int, device: Any) -> tuple[Tensor, Tensor]:
    """Ids padded on the right, (batch, seq) int64, and their mask (batch, seq), True = keep.

    Examples
    --------
    >>> pad_ids([np.array([5, 6]), np.array([7])], pad=0, device="cpu")[0]
    tensor([[5, 6],
            [7, 0]])
    """
    longest = max(len(row) for row in ids)
    padded = np.full((len(ids), longest), pad, np.int64)
    mask = np.zeros((len(ids), longest), bool)
    for number, row in enumerate(ids):
        padded[number, : len(row)] = row
        mask[number, : len(row)] = True
    return torch.from_numpy(padded).to(device), torch.from_numpy(mask).to(device)


def batch_plan(ids: Sequence[np.ndarray], batch_size: int) -> list[np.ndarray]:
    """Positions of the texts of each batch, longest first: too little memory shows at once.

    Raises
    ------
    TypeError, ValueError
        If `batch_size` is no positive integer.

    Examples
    --------
    >>> batch_plan([np.zeros(1), np.zeros(3), np.zeros(2)], 2)
    [array([1, 2]), array([0])]
    """
    integer("batch_size", batch_size, low=1)
    order = np.argsort([-len(row) for row in ids], kind="stable")
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


def checked_texts(texts: Sequence[str]) -> list[str]:
    """The texts as a list.

    Raises
    ------
    TypeError
        If it is one text, or an entry is none.
    ValueError
        If there is no text, or an entry is empty.

    Examples
    --------
    >>> checked_texts(("one", "two"))
    ['one', 'two']
    """
    if isinstance(texts, str):
        refuse_type("texts", "be a sequence of texts", texts, "Write [text] for one text.")
    texts = list(texts)
    if not texts:
        refuse("texts", "hold at least one text", "none")
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            refuse_type(f"texts[{number}]", "be a str", text)
        if not text.strip():
            refuse(f"texts[{number}]", "hold text", repr(text), "Drop empty texts first.")
    return texts


def digest(parts: Iterable[str]) -> str:
    """First 16 hex digits of the SHA-256 over texts in order, each with its length.

    Examples
    --------
    >>> digest(["ab", "c"]) == digest(["a", "bc"])
    False
    """
    sha = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        sha.update(f"{len(raw)}:".encode())
        sha.update(raw)
    return sha.hexdigest()[:16]
