"""How long a step must be for a given change inside the region, and what changes outside then."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ._reading import Generator

# A step may be this many times as long as the linear gain predicts, no longer.
REACH = 8.0
_HALVINGS = 10


class Steps(NamedTuple):
    """Over (direction, sign, step); NaN where the change inside is never reached."""

    length: np.ndarray
    inside: np.ndarray
    outside: np.ndarray


def steps_to(
    generator: Generator,
    latent: Tensor,
    vectors: Tensor,
    gains: np.ndarray,
    inside: Tensor,
    targets: np.ndarray,
    *,
    chunk: int,
) -> Steps:
    """Steps along each direction, both ways, whose change inside is each of `targets`.

    Doubling from half the length that the linear gain (direction,) predicts, then halving.
    """
    shape = (len(vectors), 2, len(targets))
    ways = np.stack([np.arange(len(vectors))] * 2, axis=1)[..., None].repeat(len(targets), axis=2)
    which = torch.as_tensor(ways.ravel(), device=latent.device)
    sign = np.broadcast_to(np.array([1.0, -1.0])[:, None], shape).ravel()
    target = np.broadcast_to(targets, shape).ravel()
    with np.errstate(divide="ignore"):
        guess = target / gains[ways.ravel()]
    possible = np.isfinite(guess)
    guess = np.where(possible, guess, 0.0)

    with torch.no_grad():
        start = generator.images(latent[None])[0].double()

        def changes(length: np.ndarray) -> np.ndarray:
            found = []
            for at in range(0, len(length), chunk):
                part = slice(at, at + chunk)
                step = torch.as_tensor(length[part] * sign[part]).to(latent)
                images = generator.images(latent + step[:, None] * vectors[which[part]])
                moved = (images.double() - start).square()
                found.append(
                    torch.stack([moved[:, :, keep].mean((1, 2)) for keep in (inside, ~inside)])
                )
            return torch.cat(found, dim=1).sqrt().cpu().numpy()

        low, high = np.zeros_like(guess), guess / 2
        now = changes(high)
        while ((now[0] < target) & (high < REACH * guess)).any():
            short = (now[0] < target) & (high < REACH * guess)
            low, high = np.where(short, high, low), np.where(short, 2 * high, high)
            now = changes(high)
        reached = possible & (now[0] >= target) & np.isfinite(now).all(0)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            enough = changes(middle)[0] >= target
            low, high = np.where(enough, low, middle), np.where(enough, middle, high)
        now = changes(high)
    blank = [np.where(reached, each, np.nan).reshape(shape) for each in (high, *now)]
    return Steps(*blank)
