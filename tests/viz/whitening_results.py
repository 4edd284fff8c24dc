"""Small results of the real measures, so that pictures cannot drift from what they draw."""

from functools import cache

import numpy as np
import xarray as xr

from data.records import SentencePairs
from probe.whitening import (
    anisotropy,
    classification_check,
    make_transform,
    sts_evaluation,
    topic_retrieval,
    whitening_effect,
)

N, D = 60, 6
TRANSFORMS = ["raw", "centre", "whiten"]
TOPICS = [f"topic {i % 10 if i % 2 else 0}" for i in range(N)]


def states() -> dict[int, np.ndarray]:
    """Three layers: a rogue feature, an exact null direction, and isotropic noise."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(10, D))[[int(topic[-1]) for topic in TOPICS]]
    rows = rng.normal(size=(3, N, D)) + centres
    rows[0, :, 2] += 9
    rows[1] -= rows[1].mean(axis=1, keepdims=True)
    rows[1, :, 0] += 4
    rows[1, :, 1] -= 4
    return dict(enumerate(rows))


@cache
def geometry() -> xr.Dataset:
    return anisotropy(states())


@cache
def effect() -> xr.Dataset:
    return whitening_effect(
        states(), labels=TOPICS, transforms=TRANSFORMS, sample=40, neighbours=3, bins=20
    )


@cache
def topics() -> xr.Dataset:
    return topic_retrieval(
        states(), TOPICS, transforms=TRANSFORMS, k=3, n_boot=50, n_permutations=19
    )


@cache
def classes() -> xr.Dataset:
    halves = ["early" if i < N // 2 else "late" for i in range(N)]
    return classification_check(states(), halves, transforms=TRANSFORMS, n_boot=50)


@cache
def sts() -> xr.Dataset:
    """Two sets of pairs: whitening helps for certain on the first layer of the first alone."""
    rows = {k: {str(i): row for i, row in enumerate(each)} for k, each in states().items()}
    half = N // 2
    white = make_transform("whiten").fit(states()[0]).transform(states()[0])
    unit = white / np.linalg.norm(white, axis=1, keepdims=True)
    truth = np.einsum("nd,nd->n", unit[:half], unit[half:])
    noise = np.random.default_rng(1).normal(size=half)
    pairs = [
        SentencePairs(
            sentence1=tuple(map(str, range(half))),
            sentence2=tuple(map(str, range(half, N))),
            score=score,
            subset=("a",) * half,
            name=name,
            attrs={},
        )
        for name, score in {"true": truth, "noise": noise}.items()
    ]
    return sts_evaluation(
        pairs,
        lambda texts: {k: np.stack([v[text] for text in texts]) for k, v in rows.items()},
        transforms=TRANSFORMS,
        fit_on="target",
        n_boot=100,
    )


@cache
def training() -> xr.Dataset:
    """The geometry at three steps, and a loss along its own steps."""
    rows = states()
    measured = [
        anisotropy({layer: each + shift for layer, each in rows.items()})
        for shift in (3.0, 1.0, 0.0)
    ]
    steps = xr.Variable("step", [0, 50, 100], {"long_name": "updates made", "units": "1"})
    found = xr.concat(measured, steps, data_vars="all", combine_attrs="override")
    found["loss"] = ("step_update", [2.0, 1.0, 0.5], {"long_name": "loss", "units": "nat"})
    precision = np.linspace(0.1, 0.6, 9).reshape(3, 3)
    found["precision_at_k"] = (("step", "layer"), precision)
    found["chance"] = (("step", "layer"), np.full((3, 3), 0.05))
    found = found.assign_coords(step_update=[1, 2, 3])
    return found.assign_attrs(probe="whitening.training")


@cache
def tokens() -> xr.Dataset:
    rng = np.random.default_rng(0)
    names = ["intra_sentence_similarity", "token_baseline", "adjusted_similarity"]
    found = xr.Dataset(coords={"layer": [0, 1, 2], "bound": ["low", "high"]})
    for name in names:
        value = rng.uniform(0.2, 0.8, size=3)
        found[name] = ("layer", value)
        found[f"{name}_interval"] = (("layer", "bound"), value[:, None] + [[-0.1, 0.1]])
    return found.assign_attrs(probe="whitening.contextuality")
