"""Small results about one graph: of the real measures, and made-up trainings of known numbers."""

from functools import cache

import numpy as np
import xarray as xr

from data.records import Graph
from probe.totoro import conflict_map, scan_splits, topology_imbalance

N, CLASSES = 63, 3
NAMES = ("Neural_Networks", "Costs $", "Theory")
ALONE = 62  # an isolated node
ARMS = ["plain", "renode", "shuffled"]
METRICS = ["weighted_f1", "macro_f1"]


@cache
def graph() -> Graph:
    """Three groups of twenty in one component, a pair, and a node without neighbours."""
    rng = np.random.default_rng(0)
    labels = np.r_[np.arange(60) % CLASSES, 0, 0, 1]
    ends = rng.integers(60, size=(2, 600))
    near = (labels[ends[0]] == labels[ends[1]]) | (rng.random(600) < 0.15)
    pairs = np.c_[ends[:, near & (ends[0] != ends[1])], np.c_[np.arange(59), np.arange(1, 60)].T]
    pairs = np.unique(np.sort(np.c_[pairs, [60, 61]], axis=0), axis=1)
    return Graph(np.c_[pairs, pairs[::-1]], labels, label_names=NAMES, name="toy")


def trained() -> np.ndarray:
    """The labelled nodes: five of each class, and one of the pair that meets no other class."""
    return np.r_[np.arange(15), 60]


@cache
def imbalance() -> xr.Dataset:
    return topology_imbalance(graph(), train_mask=trained())


@cache
def many_classes() -> xr.Dataset:
    """As many classes as a large catalogue has."""
    rng = np.random.default_rng(1)
    labels = np.arange(188) % 47
    ends = rng.integers(188, size=(2, 900))
    ends = ends[:, ends[0] != ends[1]]
    names = tuple(f"category {i}" for i in range(47))
    return topology_imbalance(
        Graph(np.c_[ends, ends[::-1]], labels, label_names=names), train_mask=np.arange(94)
    )


@cache
def conflicts() -> xr.Dataset:
    return conflict_map(graph(), alphas=(0.15, 0.5), per_class=(2, 4), seeds=(3,))


@cache
def scan() -> xr.Dataset:
    return scan_splits(graph(), splits=40, per_class=3, valid_per_class=2, progress=False)


@cache
def study() -> xr.Dataset:
    """Three arms on six splits with two seeds: +1, and half a point less than plain."""
    rng = np.random.default_rng(2)
    base = rng.normal(0.8, 0.01, size=(1, 6, 1, 1))
    gain = np.array([0.0, 0.01, -0.005])[:, None, None, None]
    score = base + gain + rng.normal(0, 0.001, size=(len(ARMS), 6, 2, 2))
    paired = (score - score[:1]).mean(axis=2)
    difference = paired.mean(axis=1)
    ahead = difference[1] - difference
    ends, ahead_ends = (
        np.stack([each - 0.002, each + 0.002], axis=-1) for each in (difference, ahead)
    )
    p = np.array([[np.nan] * 2, [0.0002] * 2, [0.034] * 2])
    return xr.Dataset(
        {
            "score": (("arm", "split", "seed", "metric"), score),
            "difference": (("arm", "metric"), difference),
            "difference_interval": (("arm", "metric", "bound"), ends),
            "renode_difference": (("arm", "metric"), ahead),
            "renode_difference_interval": (("arm", "metric", "bound"), ahead_ends),
            "renode_p_corrected": (("arm", "metric"), p[[1, 0, 2]]),
            "p_value": (("arm", "metric"), p / 2),
            "p_corrected": (("arm", "metric"), p),
            "wins": (("arm", "metric"), (paired > 0).sum(axis=1)),
        },
        {"arm": ARMS, "split": np.arange(6), "metric": METRICS, "bound": ["low", "high"]},
        {"probe": "totoro.study"},
    )


@cache
def training() -> xr.Dataset:
    steps = np.arange(1, 31)
    curves = {
        "loss": 2 / steps,
        "valid_loss": 2.5 / steps,
        "valid_weighted_f1": 1 - 0.9 / steps,
        "valid_macro_f1": 1 - 0.95 / steps,
        "test_weighted_f1": 0.98 - 0.9 / steps,
        "test_macro_f1": 0.97 - 0.95 / steps,
    }
    return xr.Dataset(
        {name: ("step", values) for name, values in curves.items()} | {"best_step": 20},
        {"step": steps},
        {"probe": "totoro.training"},
    )
