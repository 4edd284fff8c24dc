"""What every text encoder can do once it can tokenise and run: stream its states and pool them."""

from __future__ import annotations

import json
import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple, final

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn
from tqdm import tqdm

from .activations import ActivationStore
from .batching import batch_plan, checked_texts, digest, evaluating
from .pooling import layer_labels, needed_layers, pool_states
from .tensor_files import weights_hash


class Tokens(NamedTuple):
    """Token ids of every text, and how many texts were cut to the longest allowed length."""

    ids: list[np.ndarray]
    truncated: int


class TokenBatch(NamedTuple):
    """One batch of token states: which texts, layer -> (batch, seq, d_model), mask (batch, seq)."""

    index: np.ndarray
    states: Mapping[int, Tensor]
    mask: Tensor


class TextEncoder(ABC):
    """A model of text whose states can be looked into, layer by layer.

    A concrete encoder says how texts become ids and ids become states; `stream` and `encode` are
    written here once.
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """What results call the model."""

    @property
    @abstractmethod
    def network(self) -> nn.Module:
        """The module that holds all the weights."""

    @property
    @abstractmethod
    def n_layers(self) -> int:
        """Number of blocks; layers run from 0 (embedding output) to this."""

    @property
    @abstractmethod
    def d_model(self) -> int:
        """Width of a state."""

    @property
    @abstractmethod
    def max_length(self) -> int:
        """Most tokens of a text that are read, special ones included."""

    @property
    @abstractmethod
    def recipe(self) -> str:
        """Everything besides weights and ids that the states depend on, as text."""

    @abstractmethod
    def tokenise(self, texts: Sequence[str]) -> Tokens:
        """Ids of every text, each at most `max_length` long."""

    @abstractmethod
    def run(self, ids: Sequence[np.ndarray]) -> tuple[Sequence[Tensor], Tensor]:
        """States of layers 0..n_layers, each (batch, seq, d_model), and the mask (batch, seq)."""

    @final
    def stream(
        self,
        texts: Sequence[str],
        *,
        layers: Sequence[int] | None = None,
        batch_size: int = 64,
        progress: bool = False,
    ) -> Iterator[TokenBatch]:
        """Token states, batch by batch, longest texts first.

        Parameters
        ----------
        texts
            n texts, none of them empty.
        layers
            The wanted layers; None for all.
        batch_size
            Texts in a batch.
        progress
            Whether a progress bar is shown.

        Returns
        -------
        Iterator of TokenBatch
            ``index`` (batch,) are positions in `texts`; ``states`` maps a layer to
            (batch, seq, d_model) on the model's device and in its type; ``mask`` (batch, seq) is
            True where a token counts. Every text comes once.

        Raises
        ------
        TypeError, ValueError
            If texts, layers or the batch size are not as said (before the first batch is run).
        """
        tokens = self._tokens(checked_texts(texts))
        wanted = needed_layers(layer_labels("mean", layers, self.n_layers), self.n_layers)
        return self._batches(tokens.ids, wanted, batch_plan(tokens.ids, batch_size), progress)

    @final
    def encode(
        self,
        texts: Sequence[str],
        *,
        pooling: str = "mean",
        layers: Sequence[int] | None = None,
        batch_size: int = 64,
        progress: bool = True,
        store: str | Path | None = None,
    ) -> xr.DataArray:
        """One vector per text and layer; the token states of one batch at a time are held.

        Parameters
        ----------
        texts
            n texts, none of them empty. Longer ones than `max_length` tokens are cut, which warns
            and is counted in ``attrs["truncated"]``.
        pooling
            ``"mean"`` over the tokens, ``"cls"`` the first token, ``"first_last"`` or ``"last2"``:
            mean-pooled blocks 1 and last, or the last two, averaged (arXiv:2103.15316).
        layers
            The wanted layers with ``"mean"`` and ``"cls"``; None for all. 0 is the embedding
            layer's output, i that of block i.
        batch_size
            Texts in a batch; changes the result by rounding only.
        progress
            Whether a progress bar is shown.
        store
            A folder that keeps every finished batch, so that an interrupted call goes on where it
            stopped; see `probe.subjects.activations`.

        Returns
        -------
        xr.DataArray
            (layer, example, feature) float32, in the order of `texts`; attrs say which model,
            weights, texts, pooling and type it came from.

        Raises
        ------
        TypeError, ValueError
            If an argument is not as said, or the store holds something else.
        RuntimeError
            If the model gives a value that is not finite.
        """
        started = time.perf_counter()
        texts = checked_texts(texts)
        tokens = self._tokens(texts)
        labels = layer_labels(pooling, layers, self.n_layers)
        wanted = needed_layers(labels, self.n_layers)
        plan = batch_plan(tokens.ids, batch_size)
        origin = self._origin(texts, tokens, pooling)
        shards = None
        if store is not None:
            layout = {"layers": list(labels), "batch_size": batch_size}
            shards = ActivationStore(store, {**origin, **layout, "recipe": digest([self.recipe])})
        out = np.empty((len(labels), len(tokens.ids), self.d_model), np.float32)
        missing = []
        for number, index in enumerate(plan):
            shape = (len(labels), len(index), self.d_model)
            block = None if shards is None else shards.read(number, shape=shape)
            if block is None:
                missing.append(number)
            else:
                out[:, index] = block
        rest = self._batches(tokens.ids, wanted, [plan[i] for i in missing], progress)
        with closing(rest) as batches:
            for number in missing:
                index, states, mask = next(batches)
                block = pool_states(
                    states, mask, pooling=pooling, labels=labels, n_layers=self.n_layers
                )
                del states, mask  # before the next batch is run
                out[:, index] = self._finite(block.cpu().numpy(), labels)
                if shards is not None:
                    shards.write(number, out[:, index])
        attrs: dict[str, Any] = {"long_name": "state of the text", "units": "1", **origin}
        attrs |= {"model": self.name, "seconds": round(time.perf_counter() - started, 4)}
        coords = {"layer": list(labels)}
        return xr.DataArray(out, dims=("layer", "example", "feature"), coords=coords, attrs=attrs)

    @final
    def _tokens(self, texts: Sequence[str]) -> Tokens:
        tokens = self.tokenise(texts)
        if tokens.truncated:
            warnings.warn(
                f"{tokens.truncated} of {len(texts)} texts are longer than {self.max_length} tokens"
                " and were cut; raise `max_length` where the model allows it.",
                stacklevel=3,
            )
        return tokens

    @final
    def _origin(self, texts: Sequence[str], tokens: Tokens, pooling: str) -> dict[str, Any]:
        """What the result depends on, as attrs and as the store's fingerprint."""
        parameter = next(self.network.parameters())
        return {
            "weights_hash": weights_hash(self.network),
            "texts_hash": digest(texts),
            "tokens_hash": digest(json.dumps(ids.tolist()) for ids in tokens.ids),
            "pooling": pooling,
            "dtype": str(parameter.dtype).removeprefix("torch."),
            "max_length": self.max_length,
            "truncated": tokens.truncated,
        }

    @final
    def _batches(
        self,
        ids: Sequence[np.ndarray],
        wanted: Sequence[int],
        plan: Sequence[np.ndarray],
        progress: bool,
    ) -> Generator[TokenBatch]:
        total = sum(len(index) for index in plan)
        with tqdm(total=total, unit="text", disable=not progress, leave=False) as bar:
            for index in plan:
                # Entered per batch: a mode held over a yield would be the caller's mode as well.
                # no_grad, not inference_mode: callers may train on the states they are given.
                with evaluating(self.network), torch.no_grad():
                    states, mask = self.run([ids[i] for i in index])
                batch = TokenBatch(index, {layer: states[layer] for layer in wanted}, mask)
                del states, mask
                yield batch
                del batch  # so that only the caller's batch is alive while the next one is run
                bar.update(len(index))

    @final
    def _finite(self, block: np.ndarray, labels: Sequence[int] | Sequence[str]) -> np.ndarray:
        bad = ~np.isfinite(block).all((1, 2))
        if bad.any():
            layer = labels[int(bad.argmax())]
            raise RuntimeError(
                f"{self.name} gave NaN or infinite states at layer {layer}; "
                "check its weights, or load it with dtype=torch.float32."
            )
        return block
