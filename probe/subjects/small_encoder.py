"""A small transformer encoder of words whose parts can be exchanged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import final

import numpy as np
import torch
from torch import Tensor, nn

from .._check import integer, number, refuse
from .batching import pad_ids
from .text_encoder import TextEncoder, Tokens
from .vocabulary import CLS, PAD, Vocabulary

Norm = Callable[[int], nn.Module]
Attention = Callable[[int, int, float], nn.Module]
FeedForward = Callable[[int, float], nn.Module]


class SelfAttention(nn.Module):
    """Multi-head self-attention: states (batch, seq, d_model), mask (batch, seq) to such states.

    What stands here instead takes ``(d_model, n_heads, dropout)`` and is called in the same way.
    """

    def __init__(self, d_model: int, n_heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = nn.MultiheadAttention(d_model, n_heads, dropout=dropout, batch_first=True)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Each token's mix of the kept tokens' values."""
        return self.heads(states, states, states, key_padding_mask=~mask, need_weights=False)[0]


class FeedForwardNetwork(nn.Sequential):
    """Two linear layers with GELU between, four times as wide inside."""

    def __init__(self, d_model: int, dropout: float) -> None:
        wide = 4 * d_model
        # As in BERT, nothing is dropped inside: `dropout` is for what stands in this one's place.
        super().__init__(nn.Linear(d_model, wide), nn.GELU(), nn.Linear(wide, d_model))


class Block(nn.Module):
    """Attention and feed-forward network, each with residual, dropout and a norm.

    Post-norm is the original transformer's x = norm(x + f(x)); pre-norm is x = x + f(norm(x)).
    """

    def __init__(
        self,
        attention: nn.Module,
        feed_forward: nn.Module,
        norms: tuple[nn.Module, nn.Module],
        *,
        dropout: float,
        norm_first: bool,
    ) -> None:
        super().__init__()
        self.attention, self.feed_forward = attention, feed_forward
        self.attention_norm, self.feed_forward_norm = norms
        self.dropout = nn.Dropout(dropout)
        self.norm_first = norm_first

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """(batch, seq, d_model) and mask (batch, seq) to (batch, seq, d_model)."""
        if self.norm_first:
            states = states + self.dropout(self.attention(self.attention_norm(states), mask))
            return states + self.dropout(self.feed_forward(self.feed_forward_norm(states)))
        states = self.attention_norm(states + self.dropout(self.attention(states, mask)))
        return self.feed_forward_norm(states + self.dropout(self.feed_forward(states)))


@final
class SmallEncoder(nn.Module, TextEncoder):
    """A transformer encoder over a word vocabulary, small enough to train on one core.

    Parameters
    ----------
    vocabulary
        The words it reads; others are unknown words.
    d_model, n_heads, n_layers
        Width, attention heads and blocks.
    max_length
        Most tokens of a text that are read, the beginning mark included.
    dropout
        Probability that a feature is dropped while training.
    word_dropout
        Probability that a word is hidden from a text while training, each time anew. With it, two
        readings of one text share only some of their words.
    norm_first
        Pre-norm blocks with one more norm after the last; else post-norm blocks.
    norm, attention, feed_forward
        Makers of the parts: ``norm(d_model)``, ``attention(d_model, n_heads, dropout)`` called
        with states and mask, ``feed_forward(d_model, dropout)``.
    seed
        Of the initial weights; torch's global random state is left as it was.

    Raises
    ------
    TypeError, ValueError
        If a size is no positive integer, or `n_heads` does not divide `d_model`.

    Notes
    -----
    Layer 0 is the (normalised) embedding output, layer i the output of block i; with `norm_first`
    the last layer includes the last norm. Positions are learned.

    Examples
    --------
    >>> encoder = SmallEncoder(Vocabulary(["a", "list"]), d_model=8, n_heads=2, n_layers=2)
    >>> encoder.encode(["a list", "a"], progress=False).shape
    (3, 2, 8)
    >>> without = SmallEncoder(Vocabulary(["a"]), norm=lambda d_model: nn.Identity())
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        *,
        d_model: int = 128,
        n_heads: int = 4,
        n_layers: int = 3,
        max_length: int = 128,
        dropout: float = 0.1,
        word_dropout: float = 0.0,
        norm_first: bool = False,
        norm: Norm = nn.LayerNorm,
        attention: Attention = SelfAttention,
        feed_forward: FeedForward = FeedForwardNetwork,
        seed: int = 0,
    ) -> None:
        super().__init__()
        sizes = {"d_model": d_model, "n_heads": n_heads, "n_layers": n_layers}
        for size, value in sizes.items():
            integer(size, value, low=1)
        if d_model % n_heads:
            refuse("n_heads", f"divide `d_model` {d_model}", n_heads)
        integer("max_length", max_length, low=2)
        number("dropout", dropout, low=0.0, high=1.0)
        number("word_dropout", word_dropout, low=0.0, high=1.0)
        self.vocabulary = vocabulary
        self.word_dropout = word_dropout
        self._max_length, self._n_heads = max_length, n_heads
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.words = nn.Embedding(len(vocabulary), d_model, padding_idx=PAD)
            self.positions = nn.Embedding(max_length, d_model)
            for table in (self.words, self.positions):
                nn.init.normal_(table.weight, std=0.02)
            self.embedding_norm = norm(d_model)
            self.dropout = nn.Dropout(dropout)
            self.blocks = nn.ModuleList(
                Block(
                    attention(d_model, n_heads, dropout),
                    feed_forward(d_model, dropout),
                    (norm(d_model), norm(d_model)),
                    dropout=dropout,
                    norm_first=norm_first,
                )
                for _ in range(n_layers)
            )
            self.last_norm = norm(d_model) if norm_first else nn.Identity()

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[list[Tensor], Tensor]:
        """States of layers 0..n_layers, and their mask, of the words that word dropout left.

        Parameters
        ----------
        ids, mask
            (batch, seq) int64; (batch, seq), True = keep.

        Returns
        -------
        list of Tensor, Tensor
            Each (batch, seq, d_model); (batch, seq). With word dropout, seq is that of the text
            with the most words left; a word keeps its position.
        """
        positions = torch.arange(ids.shape[1], device=ids.device).expand_as(ids)
        if self.training and self.word_dropout:
            drawn = torch.rand(mask.shape, device=mask.device) >= self.word_dropout
            # The mark at the beginning stays, so that no text is ever without a token.
            kept = mask & (drawn | (ids == CLS))
            # Hidden words are taken out, not only masked: what is left costs less to compute.
            positions = (~kept).int().argsort(dim=1, stable=True)[:, : int(kept.sum(1).max())]
            ids, mask = ids.gather(1, positions), kept.gather(1, positions)
        states = [self.dropout(self.embedding_norm(self.words(ids) + self.positions(positions)))]
        for block in self.blocks:
            states.append(block(states[-1], mask))
        states[-1] = self.last_norm(states[-1])
        return states, mask

    @property
    def name(self) -> str:
        """What results call the model."""
        return f"SmallEncoder-{self.n_layers}x{self.d_model}"

    @property
    def network(self) -> nn.Module:
        """The module that holds all the weights: itself."""
        return self

    @property
    def n_layers(self) -> int:
        """Number of blocks."""
        return len(self.blocks)

    @property
    def d_model(self) -> int:
        """Width of a state."""
        return self.words.embedding_dim

    @property
    def max_length(self) -> int:
        """Most tokens of a text that are read, the beginning mark included."""
        return self._max_length

    @property
    def recipe(self) -> str:
        """The parts and their settings, as torch writes a module."""
        return f"{self!r} with {self._n_heads} heads"

    def tokenise(self, texts: Sequence[str]) -> Tokens:
        """Ids of every text, each at most `max_length` long."""
        whole = [self.vocabulary.ids(text) for text in texts]
        cut = [row[: self._max_length] for row in whole]
        return Tokens(cut, sum(len(row) > self._max_length for row in whole))

    def run(self, ids: Sequence[np.ndarray]) -> tuple[Sequence[Tensor], Tensor]:
        """States of layers 0..n_layers, each (batch, seq, d_model), and the mask (batch, seq)."""
        return self(*pad_ids(ids, pad=PAD, device=self.words.weight.device))
