"""The edit explorer: a region of an image, the directions that edit it, and what else changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import traitlets
import xarray as xr

from probe._check import integer, number, one_of, refuse, refuse_type

from . import _edits_payload as packing
from . import _twin
from ._base import Explorer, need

MADE_BY = "probe.lowrank.EditSource"
DRAWN = "drawn"
AUTOMATIC = 0
MOST = 12  # directions that a user can ask for
_PIXELS = ("channel", "row", "column")
_NEED = {
    "image": ("example", *_PIXELS),
    "frames": ("edit", "step", *_PIXELS),
    "outside": ("edit", "step"),
    "transfer_frames": ("edit", "other", "way", *_PIXELS),
    "transfer_outside": ("edit", "other", "way"),
    "kept_effect": ("edit",),
    "ratio_linear": ("edit",),
    "near_empty": ("edit",),
    "region": ("mask", "row", "column"),
    "n_directions": ("mask", "kind"),
    "spectrum_inside": ("mask", "kind", "component"),
    "spectrum_outside": ("mask", "kind", "component"),
}


class EditExplorer(Explorer):
    """One image, a region of it, and a slider for each latent direction that edits the region.

    Sliders are in units of the change inside the region, so that all edits of one position change
    it as much; heat maps show where else the image changes. With `recompute` a notebook's user
    draws regions and asks for other ranks, and the kernel answers; an exported page moves within
    the regions that the result holds.

    Parameters
    ----------
    result
        Result of an `EditSource` for one region or more.
    recompute
        Called as ``recompute({name: mask}, rank=..., spaces=[...])`` for other regions and ranks;
        gives a result like `result`. The `EditSource` itself. None: only what `result` holds.
    mask
        Which region, by its name; "drawn" for that of `drawn`. At first the result's first.
    drawn
        A region drawn by hand: starts and lengths of runs of pixels, row by row.
    rank
        Directions that are shown; 0 for as many as the method gives.
    kind
        Which latents are moved, ``"w"`` or ``"w+"``.
    direction
        Which slider was moved last, counted from 0.
    step
        Where it stands: root mean square change inside, by way; at first the farthest that the
        first direction reaches. All of these can be read and set
        later, and follow what the user does.

    Raises
    ------
    TypeError
        If `recompute` cannot be called.
    ValueError
        If the result lacks a variable, or a setting is not possible.

    Examples
    --------
    >>> import torch
    >>> from probe.lowrank.frames import EditSource
    >>> scale = torch.tensor([0.3, 0.2, 0.1, 0.1])
    >>> source = EditSource(lambda z: (z * scale).reshape(-1, 1, 2, 2), torch.zeros(2, 4))
    >>> view = EditExplorer(source({"top": [[1, 1], [0, 0]]}), recompute=source)
    >>> view.step = 0.1
    >>> view.state()
    {'mask': 'top', 'drawn': [], 'rank': 0, 'kind': 'w', 'direction': 0, 'step': 0.1}
    """

    views: ClassVar = (
        *("attention_marks.js", "edits_style.js", "edits_data.js", "edits_region.js"),
        *("edits_spectra.js", "edits_pictures.js", "edits_sliders.js", "edits.js"),
    )
    state_names: ClassVar = ("mask", "drawn", "rank", "kind", "direction", "step")
    title: ClassVar = "Edit explorer"
    height: ClassVar = 1100
    _esm = _twin.script(views, "_live.js")

    mask = traitlets.Unicode().tag(sync=True)
    drawn = traitlets.List(traitlets.Int()).tag(sync=True)
    rank = traitlets.Int(AUTOMATIC).tag(sync=True)
    kind = traitlets.Unicode().tag(sync=True)
    direction = traitlets.Int(0).tag(sync=True)
    step = traitlets.Float().tag(sync=True)

    def __init__(
        self,
        result: xr.Dataset,
        *,
        recompute: Callable[..., xr.Dataset] | None = None,
        mask: str | None = None,
        drawn: list[int] | tuple[int, ...] = (),
        rank: int = AUTOMATIC,
        kind: str | None = None,
        direction: int = 0,
        step: float | None = None,
    ) -> None:
        need(result, _NEED, made_by=MADE_BY)
        if recompute is not None and not callable(recompute):
            refuse_type("recompute", "be a callable or None", recompute)
        if DRAWN in result["mask"].values and recompute is not None:
            hint = "Name the regions: EditSource(...)({'mouth': mask})."
            refuse("result", f"hold no region named {DRAWN!r} beside `recompute`", DRAWN, hint)
        self.result, self.recompute = result, recompute
        self._made: dict[tuple[Any, ...], xr.Dataset] = {}  # what was recomputed last
        super().__init__(
            result,
            drawn=list(drawn),
            mask=str(result["mask"].values[0]) if mask is None else mask,
            rank=rank,
            kind=str(result["kind"].values[0]) if kind is None else kind,
            direction=direction,
            step=self._farthest() if step is None else float(step),
        )

    def payload(self, *, whole: bool) -> dict[str, Any]:
        """What the view draws: all regions of the result, and that drawn by hand once it is known.

        Pictures are without losses where they fit into about three megabytes.
        """
        result = self.result
        names, kinds = (result[dim].values.astype(str).tolist() for dim in ("mask", "kind"))
        sets = self._sets(names, kinds)
        masks = [
            {"name": name, "runs": packing.runs_of(result["region"].sel(mask=name).values)}
            for name in names
        ]
        if whole and self._key() in self._made:  # what only a kernel can make, as it is shown
            sets[f"{self.mask}|{self.kind}"] = packing.packed_set(
                self._made[self._key()], self.mask, self.kind
            )
            if self.mask == DRAWN:
                masks.append({"name": DRAWN, "runs": list(self.drawn)})
        rows, columns = (result.sizes[dim] for dim in ("row", "column"))
        images = result["image"].transpose("example", "row", "column", "channel").values
        return {
            "title": self.title,
            "name": str(result.attrs.get("generator", "")),
            "rows": rows,
            "columns": columns,
            "kinds": kinds,
            "masks": masks,
            "steps": [float(step) for step in result["step"].values],
            "transfer": float(result.attrs.get("transfer", np.nan_to_num(result["step"][-1]))),
            "span": float(result.attrs.get("span", 2.0)),
            "images": packing.sheet(images[None]),
            "sets": sets,
            "live": {"most": MOST} if self.recompute is not None and not whole else None,
        }

    def answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Edits of `{mask, drawn, rank, kind}`, made anew."""
        name, kind = str(question["mask"]), self._kind(question["kind"])
        rank = integer("rank", question["rank"], low=AUTOMATIC, high=MOST)
        runs = [integer("drawn", each, low=0) for each in question["drawn"]]
        return packing.packed_set(self._remade(name, runs, rank, kind), name, kind)

    def current(self) -> xr.Dataset:
        """The edits of the region, the rank and the latents that are shown, as a result.

        Raises
        ------
        ValueError
            If they have to be made and there is no `recompute`.
        """
        result = self.result
        if self.mask != DRAWN:
            own = result["name"] == self.mask
            held = result.isel(edit=np.flatnonzero(own & (result["space"] == self.kind)))
            first = held["method"].values[0]
            keep = (held["method"] != first) | (held["direction"] < (self.rank or MOST))
            found = held.isel(edit=np.flatnonzero(keep)).sel(mask=[self.mask], kind=[self.kind])
            if int((found["method"] == first).sum()) >= self.rank:
                return found
        return self._remade(self.mask, list(self.drawn), self.rank, self.kind)

    def _farthest(self) -> float:
        """The largest step forth that the first direction reaches, else the largest of all."""
        steps = self.result["step"].values
        reached = steps[np.isfinite(self.result["outside"].values[0])]
        return float(reached.max() if len(reached) and reached.max() > 0 else steps.max())

    def _remade(self, name: str, runs: list[int], rank: int, kind: str) -> xr.Dataset:
        if self.recompute is None:
            hint = "Give the EditSource as `recompute`."
            refuse("recompute", "be given to make other edits", None, hint)
        key = (name, tuple(runs) if name == DRAWN else (), rank, kind)
        if key not in self._made:
            shape = (self.result.sizes["row"], self.result.sizes["column"])
            if name == DRAWN:
                mask = packing.mask_of(runs, shape)
            else:
                mask = self.result["region"].sel(mask=self._mask(name)).values
            found = self.recompute({name: mask}, rank=rank or None, spaces=[kind])
            need(found, _NEED, made_by=MADE_BY)
            while len(self._made) > 8:  # each is a megabyte or so
                self._made.pop(next(iter(self._made)))
            self._made[key] = found
        return self._made[key]

    def _key(self) -> tuple[Any, ...]:
        return (self.mask, tuple(self.drawn) if self.mask == DRAWN else (), self.rank, self.kind)

    def _sets(self, names: list[str], kinds: list[str]) -> dict[str, Any]:
        """All sets of the result, with losses only where they would not fit without."""
        for lossy in (False, True):
            found = {
                f"{name}|{kind}": packing.packed_set(self.result, name, kind, lossy=lossy)
                for name in names
                for kind in kinds
            }
            if sum(len(one["sheet"]["b64"]) for one in found.values()) <= packing.BUDGET:
                break
        return found

    def _mask(self, name: Any) -> str:
        held = self.result["mask"].values.astype(str).tolist()
        return one_of("mask", name, [*held, DRAWN] if self.recompute is not None else held)

    def _kind(self, kind: Any) -> str:
        return one_of("kind", kind, self.result["kind"].values.astype(str).tolist())

    @traitlets.validate("mask")
    def _known_mask(self, proposal: Any) -> Any:
        return self._mask(proposal["value"])

    @traitlets.validate("drawn")
    def _known_runs(self, proposal: Any) -> Any:
        shape = (self.result.sizes["row"], self.result.sizes["column"])
        packing.mask_of(proposal["value"], shape)
        return proposal["value"]

    @traitlets.validate("kind")
    def _known_kind(self, proposal: Any) -> Any:
        return self._kind(proposal["value"])

    @traitlets.validate("rank", "direction")
    def _known_count(self, proposal: Any) -> Any:
        name = proposal["trait"].name
        high = MOST if name == "rank" else MOST - 1
        return integer(name, proposal["value"], low=0, high=high)

    @traitlets.validate("step")
    def _known_step(self, proposal: Any) -> Any:
        value = number("step", proposal["value"])
        return one_of("step", value, self.result["step"].values.tolist())
