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

    `rows` (n, layer, head, unit, key): attention of each unit, the mean over its positions, zero
    outside of the keys; `total` (n, layer, head, unit): their sums, 0 where not applicable; `span`:
    the positions that the keys are, from the first to the last that is one in any example.
    """

    rows: torch.Tensor
    total: torch.Tensor
    span: slice

    def on(self, members: torch.Tensor) -> torch.Tensor:
        """(n, layer, head, unit, member): summed over members of (n, member, position)."""
        return summed_on(self.rows, members[..., self.span])


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
        groups = torch.stack([self.text, self.image, self.special], dim=-1)
        return summed_on(self.attentions, as_float(groups, self.attentions.dtype).mT.contiguous())

    @cached_property
    def phrases(self) -> torch.Tensor:
        """(n, phrase, position) float: 1 at each word of a phrase; no phrases if none are known."""
        if self.batch.phrases is None:
            return self.attentions.new_zeros(self.n, 0, self.attentions.shape[-1])
        found = self._tensor(self.batch.phrases).bool() & self.text[:, None]
        return as_float(found, self.attentions.dtype)

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
    def phrase_to_image(self) -> Block:
        """Rows of the phrases over image positions."""
        keys = _span(self.image)
        return self._block(self._rows(self.phrases, _span(self.text), keys), keys, (0, 1))

    @cached_property
    def region_to_text(self) -> Block:
        """Rows of the regions over text positions."""
        keys = _span(self.text)
        return self._block(self._region_rows[..., keys], keys, (1, 0))

    @cached_property
    def region_to_image(self) -> Block:
        """Rows of the regions over image positions."""
        keys = _span(self.image)
        return self._block(self._region_rows[..., keys], keys, (1, 1))

    @cached_property
    def _region_rows(self) -> torch.Tensor:
        return self._rows(self.regions, _span(self.image), slice(None))

    def _rows(self, units: torch.Tensor, queries: slice, keys: slice) -> torch.Tensor:
        """(n, layer, head, unit, key): mean over the positions of each unit, all in `queries`."""
        n, layers, heads, p, _ = self.attentions.shape
        units = units[..., queries]
        units = units / units.sum(-1, keepdim=True).clamp_min(1e-12)
        # Every head's own product: a view of the attentions, of which only the units are copied.
        each = units[:, None].expand(-1, layers * heads, -1, -1).flatten(0, 1)
        found = torch.bmm(each, self.attentions.reshape(-1, p, p)[:, queries, keys])
        return found.view(n, layers, heads, units.shape[1], -1)

    def _block(self, rows: torch.Tensor, keys: slice, which: tuple[int, int]) -> Block:
        """`which`: modality of the units and of the keys."""
        mask = (self.text, self.image)[which[1]][:, keys]
        rows = rows * as_float(mask, rows.dtype)[:, None, None, None]
        here = torch.as_tensor(self.present[:, which[0], which[1]], device=self.device)
        return Block(rows, rows.sum(-1) * here[None, :, None, None], keys)

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
    """1 where the largest attention of a row lies and what is tied with it, (n, ..., position).

    Rows are zero outside of their keys, so that only a row of zeros has its peaks there.
    """
    # Down the columns: a maximum along short rows takes three times as long.
    top = rows.flatten(1, -2).mT.contiguous().amax(1).view(*rows.shape[:-1], 1)
    return as_float(rows >= top * TIED, rows.dtype)


def summed_on(rows: torch.Tensor, members: torch.Tensor) -> torch.Tensor:
    """Rows (n, ..., key) summed over the keys of each member (n, member, key): (n, ..., member)."""
    # Few rows times many columns: the other way round takes four times as long.
    found = torch.bmm(members, rows.reshape(len(rows), -1, rows.shape[-1]).mT)
    return found.view(len(rows), members.shape[1], *rows.shape[1:-1]).movedim(1, -1)


def as_float(mask: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """1 where a mask is true, else 0; torch converts bytes six times as fast as booleans."""
    return mask.view(torch.uint8).to(dtype)


def _span(keys: torch.Tensor) -> slice:
    """From the first position that is a key in any example (n, position) to the last."""
    found = keys.any(0).nonzero()
    return slice(int(found[0]), int(found[-1]) + 1) if len(found) else slice(0, 1)


def host(value: torch.Tensor) -> np.ndarray:
    """A tensor as float64 in numpy: everything is accumulated so."""
    return value.detach().cpu().numpy().astype(np.float64)


def _float(value: torch.Tensor) -> torch.Tensor:
    """Half precisions are widened; float64 stays."""
    value = value.detach()
    return value if value.dtype in (torch.float32, torch.float64) else value.float()
