"""A batch of what a model attended to, made ready once for every question asked of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch

from data.records import Attended

from .._check import refuse, refuse_type
from ._keys import as_numpy, example_keys, half_of, poisson_weights

# Attention at least this share of a row's largest is tied with it: rounding of a mean is no choice.
TIED = 1 - 1e-6


class Block(NamedTuple):
    """Attention of units of one modality to the positions of the other or the same.

    `rows` (n, layer, head, unit, position): attention of each unit, the mean over its positions,
    zero outside of the keys; `total` (n, layer, head, unit): their sums, 0 where not applicable.
    """

    rows: torch.Tensor
    total: torch.Tensor


class Prepared:
    """Tensors of one `Attended` on the device it lives on, and what several measures share."""

    def __init__(self, batch: Attended) -> None:
        self.batch = batch
        self.keys = example_keys(batch)
        self._weights: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = {}
        self.attentions = _float(torch.as_tensor(batch.attentions))
        self.device = self.attentions.device
        self.modality = self._tensor(batch.modality)
        special = self._tensor(batch.special).bool()
        self.special = special & (self.modality >= 0)
        self.text = (self.modality == 0) & ~special
        self.image = (self.modality == 1) & ~special
        self.present = as_numpy(batch.present).astype(bool)

    def _tensor(self, value: Any) -> torch.Tensor:
        return torch.as_tensor(value, device=self.device)

    @property
    def n(self) -> int:
        """Examples of this batch."""
        return len(self.batch)

    @cached_property
    def group_mass(self) -> torch.Tensor:
        """(n, layer, head, query, 3): what each position attends to text, image and marks."""
        n, layers, heads, p, _ = self.attentions.shape
        groups = torch.stack([self.text, self.image, self.special], dim=-1)
        flat = self.attentions.reshape(n, layers * heads * p, p)
        # Few rows times many columns: the other way round takes three times as long.
        mass = torch.bmm(groups.to(flat.dtype).mT.contiguous(), flat.mT)
        return mass.view(n, 3, layers, heads, p).movedim(1, -1)

    @cached_property
    def phrases(self) -> torch.Tensor:
        """(n, phrase, position) float: 1 at each word of a phrase; no phrases if none are known."""
        if self.batch.phrases is None:
            return self.attentions.new_zeros(self.n, 0, self.attentions.shape[-1])
        found = self._tensor(self.batch.phrases).bool() & self.text[:, None]
        return found.to(self.attentions.dtype)

    @cached_property
    def regions(self) -> torch.Tensor:
        """(n, region, position) float: how much of an image position is a region's."""
        self.need("regions")
        found = self._tensor(self.batch.regions).to(self.attentions.dtype)
        return torch.nan_to_num(found) * self.image[:, None]

    @cached_property
    def links(self) -> torch.Tensor:
        """(n, phrase, region) bool."""
        self.need("links")
        return self._tensor(self.batch.links).bool()

    @cached_property
    def phrase_kinds(self) -> torch.Tensor:
        """(n, phrase, 1 + kind) float: any kind, then each of the record's kinds."""
        first = torch.ones_like(self.phrases[..., :1])
        if not self.batch.kinds or self.batch.phrase_kind is None:
            return first
        codes = torch.arange(len(self.batch.kinds), device=self.device)
        own = self._tensor(self.batch.phrase_kind)[..., None] == codes
        return torch.cat([first, own.to(first.dtype)], dim=-1)

    @cached_property
    def _unit_rows(self) -> torch.Tensor:
        """(n, layer, head, phrase + region, position): mean over the positions of each unit."""
        n, layers, heads, p, _ = self.attentions.shape
        units = torch.cat([self.phrases, self.regions], dim=1)
        units = units / units.sum(-1, keepdim=True).clamp_min(1e-12)
        flat = self.attentions.reshape(n, layers * heads, p, p)
        return torch.matmul(units[:, None], flat).view(n, layers, heads, units.shape[1], p)

    @cached_property
    def phrase_to_image(self) -> Block:
        """Rows of the phrases over image positions."""
        rows = self._unit_rows[..., : self.phrases.shape[1], :]
        return self._block(rows, self.image, (0, 1))

    @cached_property
    def region_to_text(self) -> Block:
        """Rows of the regions over text positions."""
        rows = self._unit_rows[..., self.phrases.shape[1] :, :]
        return self._block(rows, self.text, (1, 0))

    @cached_property
    def region_to_image(self) -> Block:
        """Rows of the regions over image positions."""
        rows = self._unit_rows[..., self.phrases.shape[1] :, :]
        return self._block(rows, self.image, (1, 1))

    def _block(self, rows: torch.Tensor, keys: torch.Tensor, which: tuple[int, int]) -> Block:
        rows = rows * keys[:, None, None, None].to(rows.dtype)
        here = torch.as_tensor(self.present[:, which[0], which[1]], device=self.device)
        return Block(rows, rows.sum(-1) * here[None, :, None, None])

    def weights(self, n_boot: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Each example's half (n,), and its weight in each bootstrap sample (n_boot + 1, n)."""
        if (n_boot, seed) not in self._weights:
            drawn = poisson_weights(self.keys, n_boot, seed)
            self._weights[n_boot, seed] = half_of(self.keys, seed), drawn
        return self._weights[n_boot, seed]

    def need(self, name: str) -> None:
        """Refuse a batch without what a measure is about."""
        if getattr(self.batch, name) is None:
            refuse("batch", f"hold `{name}` for this measure", "none")

    def form(self) -> dict[str, Any]:
        """What every batch of a stream must share, as plain values."""
        return {
            "model": self.batch.name,
            "layers": int(self.attentions.shape[1]),
            "heads": int(self.attentions.shape[2]),
            "present": self.present.astype(int).tolist(),
            "derived": list(self.batch.derived),
        }


def prepared(batch: Any) -> Prepared:
    """A batch made ready, or as it is where it is so already.

    Raises
    ------
    TypeError
        If it is no `Attended`.
    """
    if isinstance(batch, Prepared):
        return batch
    if not isinstance(batch, Attended):
        refuse_type("batch", "be a data.records.Attended", batch)
    if len(batch) == 0:
        refuse("batch", "hold at least one example", "none")
    return Prepared(batch)


def prepared_stream(stream: Attended | Iterable[Attended]) -> Iterator[Prepared]:
    """Every batch of a stream made ready; a single batch is a stream of one.

    Raises
    ------
    ValueError
        If there is no batch.
    """
    empty = True
    for batch in [stream] if isinstance(stream, Attended) else stream:
        empty = False
        yield prepared(batch)
    if empty:
        refuse("stream", "hold at least one batch", "none")


def peaks(rows: torch.Tensor) -> torch.Tensor:
    """1 where the largest attention of a row lies and what is tied with it, (..., position).

    Rows are zero outside of their keys, so that only a row of zeros has its peaks there.
    """
    return (rows >= rows.amax(-1, keepdim=True) * TIED).to(rows.dtype)


def host(value: torch.Tensor) -> np.ndarray:
    """A tensor as float64 in numpy: everything is accumulated so."""
    return value.detach().cpu().numpy().astype(np.float64)


def _float(value: torch.Tensor) -> torch.Tensor:
    """Half precisions are widened; float64 stays."""
    value = value.detach()
    return value if value.dtype in (torch.float32, torch.float64) else value.float()
