"""Pictures along edits of regions: what a viewer of edits shows, for any region of one image."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, final

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from .._check import finite, integer, number, one_of, refuse, refuse_type
from .._provenance import provenance
from ..whitening._describe import describe
from ._pictures import Show, as_bytes, pictures_of
from ._reading import Generator, read_generator
from ._region import read_region
from .baselines import baseline_directions
from .derivative import PAPER, jacobian
from .directions import METHODS, EmptyEditWarning, region_directions
from .gram import region_gram

BASELINES = ("principal", "random")
PLAIN, LAYERED = "w", "w+"
_WORDING = {
    "image": ("the images that are edited", "1", "[0, 255]"),
    "frames": ("the first image along each edit", "1", "[0, 255]"),
    "change": ("root mean square change of a pixel", "image", "[0, inf)"),
    "outside": ("root mean square change outside the region", "image", "[0, inf)"),
    "length": ("length of the step", "latent", ""),
    "step": ("root mean square change inside the region, by way", "image", ""),
    "transfer_frames": ("the other images, edited both ways", "1", "[0, 255]"),
    "transfer_outside": ("root mean square change outside the region", "image", "[0, inf)"),
    "kept_effect": ("gain inside over the largest that any direction has", "1", "[0, 1]"),
    "ratio_linear": ("change inside over change outside, for a small step", "1", "[0, inf)"),
    "region": ("whether a pixel lies in the region", "1", "{0, 1}"),
    "n_directions": ("directions of the method", "1", "[1, inf)"),
    "spectrum_inside": ("eigenvalues of the region's Gram", "(image / latent)^2", ""),
    "spectrum_outside": ("eigenvalues of the rest's Gram", "(image / latent)^2", ""),
}


class _Space(NamedTuple):
    """Latents of one kind, flat (n, dim), with the Jacobian at the first."""

    generator: Generator
    flat: Tensor
    images: Tensor
    jacobian: xr.Dataset


@final
class EditSource:
    """Edits of any region of one image: the Jacobian is taken once, the rest is quick.

    Parameters
    ----------
    synthesize
        A generator, as in `jacobian`.
    latents
        (n, d): the first is edited, the others show whether its edits transfer.
    broadcast
        Latents (n, d) to w+ (n, layers, d), such as a style generator has; None for no w+.
    method
        Of `region_directions`.
    baselines
        Of ``"principal"``, ``"random"``: the first direction of each is shown beside.
    steps
        Root mean square changes inside the region, in the images' unit; both ways.
    transfer
        Which of `steps` the other images are edited by; None for the middle one.
    most
        Directions at most, where no rank is asked for.
    span
        The images' values that are shown as black and as white.
    chunk, seed
        As in `jacobian` and `baseline_directions`.

    Raises
    ------
    TypeError, ValueError
        If the generator, a latent or an option is not as said.

    Examples
    --------
    >>> source = EditSource(
    ...     lambda z: (z * torch.tensor([0.3, 0.2, 0.1, 0.1])).reshape(-1, 1, 2, 2),
    ...     torch.zeros(2, 4),
    ...     steps=(0.1, 0.2),
    ... )
    >>> ds = source({"top": [[1, 1], [0, 0]]})
    >>> ds.step.values.tolist(), ds.method.values.tolist()
    ([-0.2, -0.1, 0.0, 0.1, 0.2], ['generalised', 'generalised', 'principal', 'random'])
    """

    def __init__(
        self,
        synthesize: Any,
        latents: Any,
        *,
        broadcast: Callable[[Tensor], Tensor] | None = None,
        method: str = "generalised",
        baselines: Sequence[str] = BASELINES,
        steps: Sequence[float] = (0.05, 0.1, 0.2, 0.3),
        transfer: float | None = None,
        most: int = 4,
        span: tuple[float, float] = (-1.0, 1.0),
        chunk: int | None = None,
        seed: int = 0,
    ) -> None:
        self.method = one_of("method", method, METHODS)
        self.baselines = tuple(one_of("baselines", each, BASELINES) for each in baselines)
        self.steps = _rising(steps)
        middle = float(self.steps[len(self.steps) // 2]) if transfer is None else transfer
        self.transfer = one_of("transfer", middle, self.steps.tolist())
        self.most = integer("most", most, low=1)
        low, high = (number("span", each) for each in span)
        if not low < high:
            refuse("span", "be a lower and a higher number", span)
        self.span, self.chunk, self.seed = (low, high), chunk, integer("seed", seed, low=0)
        if broadcast is not None and not callable(broadcast):
            refuse_type("broadcast", "be a callable or None", broadcast)
        plain = torch.as_tensor(latents)
        self._given = {PLAIN: plain}
        if broadcast is not None:
            with torch.no_grad():
                self._given[LAYERED] = broadcast(plain)
        self._synthesize = synthesize
        self._kept: dict[str, _Space] = {}
        self._totals: dict[str, xr.Dataset] = {}
        self._space(PLAIN)

    @property
    def spaces(self) -> tuple[str, ...]:
        """``("w",)``, or with "w+" where layers may have latents of their own."""
        return tuple(self._given)

    def __call__(
        self,
        regions: Any,
        *,
        rank: int | None = None,
        spaces: Sequence[str] | None = None,
    ) -> xr.Dataset:
        """Edits of regions, with pictures along each.

        Parameters
        ----------
        regions
            Masks (row, column) by name; or one mask, named "drawn".
        rank
            Directions for each region; None for the method's own choice, at most `most`.
        spaces
            Of `spaces`; all if None.

        Returns
        -------
        xarray.Dataset
            Over ``edit``, one for each direction of a region in a space, baselines after the
            method's own: coordinates ``name``, ``space``, ``method``, ``direction``; ``vector
            (edit, layer, feature)`` of unit norm, equal layers for "w"; ``frames (edit, step,
            channel, row, column)`` uint8, ``change (edit, step, row, column)``, ``outside, length
            (edit, step)``: NaN where the region cannot be changed by so much, with the image as it
            is for a frame; ``transfer_frames (edit, example, way, channel, row, column)``,
            ``transfer_outside``; ``kept_effect, ratio_linear, near_empty``. Over ``mask``:
            ``region (mask, row, column)``, ``n_directions, rank_reason (mask, kind)``,
            ``spectrum_inside, spectrum_outside (mask, kind, component)``. ``image (example,
            channel, row, column)``. A direction that is near empty is marked, without a warning.

        Raises
        ------
        TypeError, ValueError
            If a mask, the rank or a space is not as said.
        RuntimeError
            If robust PCA does not converge.
        """
        started = time.perf_counter()
        masks = dict(regions) if isinstance(regions, Mapping) else {"drawn": regions}
        if not masks:
            refuse("regions", "hold at least one mask", "none")
        kinds = [one_of("spaces", each, self.spaces) for each in spaces or self.spaces]
        size = self._space(PLAIN).generator.image_shape[1:]
        masks = {str(name): read_region(mask, size) for name, mask in masks.items()}
        edits, tables = [], {}
        for name, mask in masks.items():
            for kind in kinds:
                found, table = self._edits(kind, mask, rank)
                tables[name, kind] = table
                edits.append(found.assign_coords(name=("edit", [name] * found.sizes["edit"])))
        ds = xr.concat(edits, "edit")
        longest = max(table.sizes["component"] for table in tables.values())
        rows = [
            xr.concat([_padded(tables[name, kind], longest) for kind in kinds], "kind")
            for name in masks
        ]
        ds = ds.merge(xr.concat(rows, "mask")).assign_coords(
            mask=list(masks), kind=kinds, component=np.arange(longest), way=[-1, 1]
        )
        ds["region"] = (("mask", "row", "column"), np.stack(list(masks.values())))
        first = self._space(PLAIN)
        ds["image"] = (("example", "channel", "row", "column"), as_bytes(first.images, self.span))
        parameters = {
            "method": self.method,
            "rank": rank,
            "most": self.most,
            "baselines": list(self.baselines),
            "transfer": self.transfer,
        }
        ds.attrs = provenance(
            "lowrank.edits",
            paper=PAPER,
            parameters=parameters,
            data=[first.flat.cpu().numpy(), *masks.values()],
            seed=self.seed,
            started=started,
        ) | {"transfer": self.transfer, "span": self.span[1] - self.span[0]}
        return describe(ds, _WORDING)

    def _space(self, kind: str) -> _Space:
        if kind not in self._kept:
            generator, flat, images = read_generator(self._synthesize, self._given[kind])
            latent = flat[0].reshape(generator.latent_shape)
            found = jacobian(self._synthesize, latent, chunk=self.chunk)
            self._kept[kind] = _Space(generator, flat, images, found)
        return self._kept[kind]

    def _edits(
        self, kind: str, mask: np.ndarray, rank: int | None
    ) -> tuple[xr.Dataset, xr.Dataset]:
        """All edits of one region in one space, and the table of its spectra."""
        space = self._space(kind)
        gram = region_gram(space.jacobian, None, mask, total=self._totals.get(kind))
        self._totals.setdefault(kind, gram)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", EmptyEditWarning)  # marked, and shown in words
            own = region_directions(gram, method=self.method, rank=rank)
        reason = own.attrs["rank_reason"]
        n = own.sizes["direction"]
        if rank is None and n > self.most:
            own = own.isel(direction=slice(self.most))
            reason = f"the first {self.most} of {n}: {reason}"
        several = [own] + [
            baseline_directions(gram, method=each, rank=1, seed=self.seed)
            for each in self.baselines
        ]
        table = own[["spectrum_inside", "spectrum_outside"]].assign(
            n_directions=own.sizes["direction"], rank_reason=reason
        )
        held = ("directions", "kept_effect", "ratio", "near_empty", "gain_inside")
        names = [each.attrs["method"] for each in several for _ in each.direction]
        found = xr.concat([each[list(held)] for each in several], "direction")
        layers = self._given[LAYERED].shape[1] if LAYERED in self._given else 1
        show = Show(self.steps, self.transfer, self.span, layers, self.chunk)
        pictured = pictures_of(space.generator, space.flat, space.images, mask, found, show)
        pictured = pictured.assign_coords(
            space=("edit", [kind] * len(names)),
            method=("edit", names),
            direction=("edit", found.direction.values),
        )
        return pictured, table.drop_vars("component", errors="ignore")


def _rising(steps: Sequence[float]) -> np.ndarray:
    found = np.atleast_1d(finite("steps", np.asarray(steps, dtype=np.float64)))
    if found.ndim != 1 or not found.size or (found <= 0).any() or (np.diff(found) <= 0).any():
        refuse("steps", "be rising numbers above 0", found.ravel().tolist())
    return found


def _padded(table: xr.Dataset, length: int) -> xr.Dataset:
    return table.pad(component=(0, length - table.sizes["component"]))
