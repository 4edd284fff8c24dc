"""What the small vision-and-language models share: embeddings, heads, and what they give."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from .._check import integer, number, one_of, refuse
from .vocabulary import PAD, Vocabulary

SEP, MASK = 3, 4  # ids beside vocabulary's PAD, UNKNOWN and CLS
MARKS = ("[SEP]", "[MASK]")
POSITIONS = ("regions", "patches")


class Inputs(NamedTuple):
    """A batch of captions and images.

    ids (batch, text) int64, begun by [CLS] and ended by [SEP]; mask (batch, text), True = keep;
    features (batch, position, feature); boxes (batch, position, 4), x0, y0, x1, y1 in [0, 1];
    image_mask (batch, position), True = keep.
    """

    ids: Tensor
    mask: Tensor
    features: Tensor
    boxes: Tensor
    image_mask: Tensor

    def to(self, device: torch.device | str) -> Inputs:
        """The same on a device."""
        return Inputs(*(tensor.to(device) for tensor in self))


class Output(NamedTuple):
    """What a model makes of a batch.

    match (batch,): log-odds that the caption is the image's; text (batch, text, d_model) and image
    (batch, position, d_model): last states. Only where asked for: attentions (batch, layer, head,
    query, key) over text and image side by side, zero where a layer has no such block; hidden
    (batch, layer + 1, text + position, d_model), NaN where a stream has no such state.
    """

    match: Tensor
    text: Tensor
    image: Tensor
    attentions: Tensor | None = None
    hidden: Tensor | None = None


def caption_vocabulary(words: Any) -> Vocabulary:
    """A vocabulary of captions: the marks [SEP] and [MASK], then the words, lower case, sorted.

    Examples
    --------
    >>> len(caption_vocabulary({"red", "a"}))
    7
    """
    return Vocabulary((*MARKS, *sorted({str(word).lower() for word in words})))


class VisionLanguageModel(nn.Module, ABC):
    """A model of pairs of caption and image. Derived classes give `forward` and `present`."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        n_features: int,
        *,
        settings: Mapping[str, Any],
        type_embedding: bool,
    ) -> None:
        super().__init__()
        if vocabulary.words[: len(MARKS)] != MARKS:
            hint = "Make it with caption_vocabulary(words)."
            refuse("vocabulary", f"begin with {' and '.join(MARKS)}", vocabulary.words[:2], hint)
        d_model, max_words = settings["d_model"], settings["max_words"]
        for name in ("d_model", "n_heads", "max_words"):
            integer(name, settings[name], low=1)
        integer("n_features", n_features, low=1)
        number("dropout", settings["dropout"], low=0.0, high=1.0)
        one_of("positions", settings["positions"], POSITIONS)
        self.vocabulary, self.n_features = vocabulary, n_features
        self.max_words, self.n_heads = max_words, settings["n_heads"]
        self.positions: str = settings["positions"]
        self._settings = dict(settings)
        norm = settings["norm"]
        self.words = nn.Embedding(len(vocabulary), d_model, padding_idx=PAD)
        self.places = nn.Embedding(max_words + 2, d_model)
        self.types = nn.Embedding(2, d_model) if type_embedding else None
        for table in (self.words, self.places, self.types):
            if table is not None:
                nn.init.normal_(table.weight, std=0.02)
        self.look, self.place = nn.Linear(n_features, d_model), nn.Linear(7, d_model)
        self.text_norm, self.look_norm, self.place_norm = (norm(d_model) for _ in range(3))
        self.dropout = nn.Dropout(settings["dropout"])
        self.pool = nn.Linear(d_model, d_model)
        self.match = nn.Linear(d_model, 1)
        self.word_head = nn.Sequential(nn.Linear(d_model, d_model), nn.GELU(), norm(d_model))
        self.word_bias = nn.Parameter(torch.zeros(len(vocabulary)))
        self.look_head = nn.Sequential(
            nn.Linear(d_model, d_model), nn.GELU(), norm(d_model), nn.Linear(d_model, n_features)
        )

    @abstractmethod
    def forward(
        self, inputs: Inputs, *, head_mask: Tensor | None = None, detail: bool = False
    ) -> Output:
        """What the model makes of a batch.

        Parameters
        ----------
        inputs
            The batch.
        head_mask
            (layer, head) or (batch, layer, head) in [0, 1]: what is left of each head; the rest is
            its resting output, see `rest_heads`. A head of a layer with several blocks is that
            head of all of them.
        detail
            Whether `attentions` and `hidden` are filled, by attention spelled out in place of the
            fused kernel.
        """

    @property
    @abstractmethod
    def present(self) -> Tensor:
        """(layer, 2, 2) bool: which blocks (text, image) by (text, image) each layer has."""

    @property
    def n_layers(self) -> int:
        """Number of layers of the joint square."""
        return len(self.present)

    @property
    def d_model(self) -> int:
        """Width of a state."""
        return self.words.embedding_dim

    @property
    def name(self) -> str:
        """What results call the model."""
        return f"{type(self).__name__}-{self.n_layers}x{self.d_model}"

    @property
    def recipe(self) -> str:
        """Everything the model is made with but its vocabulary, as text."""
        return f"{sorted((k, _named(v)) for k, v in self._settings.items())} {self!r}"

    def twin(self, seed: int) -> VisionLanguageModel:
        """The same architecture with other initial weights, not trained."""
        given = {**self._settings, "seed": seed}
        return type(self)(self.vocabulary, self.n_features, **given)

    def word_logits(self, states: Tensor) -> Tensor:
        """Which word stands at each of the states (..., d_model): (..., word) logits."""
        return functional.linear(self.word_head(states), self.words.weight, self.word_bias)

    def guessed_features(self, states: Tensor) -> Tensor:
        """What each of the states (..., d_model) says the image shows there: (..., feature)."""
        return self.look_head(states)

    def _embedded(self, inputs: Inputs) -> tuple[Tensor, Tensor]:
        """Text (batch, text, d_model) and image (batch, position, d_model)."""
        if inputs.ids.shape[1] > self.max_words + 2:
            refuse("ids", f"hold at most {self.max_words} words", inputs.ids.shape[1] - 2)
        if inputs.features.shape[-1] != self.n_features:
            got = inputs.features.shape[-1]
            refuse("features", f"have {self.n_features} columns, as those of this model", got)
        text = self.words(inputs.ids) + self.places.weight[: inputs.ids.shape[1]]
        # Each with a norm of its own, so that neither is louder by its units.
        image = self.look_norm(self.look(inputs.features))
        image = image + self.place_norm(self.place(_box_features(inputs.boxes)))
        if self.types is not None:
            text, image = text + self.types.weight[0], image + self.types.weight[1]
        return self.dropout(self.text_norm(text)), self.dropout(image)

    def _matched(self, first: Tensor) -> Tensor:
        return self.match(torch.tanh(self.pool(first))).squeeze(-1)

    def _gates(self, head_mask: Tensor | None) -> list[Tensor | None]:
        """One gate for each layer."""
        if head_mask is None:
            return [None] * self.n_layers
        if tuple(head_mask.shape[-2:]) != (self.n_layers, self.n_heads) or head_mask.ndim > 3:
            wanted = f"have axes (layer {self.n_layers}, head {self.n_heads}), or (batch, those)"
            refuse("head_mask", wanted, f"shape {tuple(head_mask.shape)}")
        return list(head_mask.unbind(-2))


def _named(part: Any) -> str:
    """A setting as text that is the same in every process, and another one for another maker."""
    if not callable(part):
        return str(part)
    module = getattr(part, "__module__", "")
    name = f"{module}.{getattr(part, '__qualname__', repr(part))}"
    if module.partition(".")[0] in ("torch", "probe"):
        return name
    try:
        # Lambdas and notebooks' classes share names: what they do is what counts.
        return f"{name} {inspect.getsource(part)}"
    except (OSError, TypeError):
        return name


def _box_features(boxes: Tensor) -> Tensor:
    """Corners, width, height and area, (..., 7), as in UNITER (arXiv:1909.11740)."""
    size = boxes[..., 2:] - boxes[..., :2]
    return torch.cat([boxes, size, size.prod(dim=-1, keepdim=True)], dim=-1)
