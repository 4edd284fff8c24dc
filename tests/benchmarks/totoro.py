"""Totoro against the published recipe, and at a million nodes. Prints tables; nothing is asserted.

python tests/benchmarks/totoro.py            everything, about four minutes on two cores
python tests/benchmarks/totoro.py --quick    without the graph of a million nodes
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

REPEATS = 5
ALPHA = 0.15


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="leave the largest graph out")
    parser.add_argument("--graphs", default="cora,citeseer", help="names for data.load_planetoid")
    parser.add_argument("--child", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(child(json.loads(options.child))))
        return
    against_the_recipe(options.graphs.split(","))
    growth([10_000, 100_000] if options.quick else [10_000, 100_000, 1_000_000])


def against_the_recipe(names: list[str]) -> None:
    """CPU seconds and memory from edges to weights: published recipe, lean inverse, ours."""
    print(
        "| graph | published recipe | one dense inverse | ours | recipe / ours | inverse / ours "
        "| extra memory: recipe, ours | largest difference / max T |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for name in names:
        edges, labels, train = problem(name)
        arms: dict[str, Callable[[], np.ndarray]] = {
            "recipe": lambda e=edges, y=labels, t=train: published(e, y, t),
            "inverse": lambda e=edges, y=labels, t=train: one_inverse(e, y, t),
            "ours": lambda e=edges, y=labels, t=train: ours(e, y, t),
        }
        truth = arms["inverse"]()
        difference = np.abs(arms["ours"]() - truth).max() / truth.max()
        cpu = {
            "recipe": cpu_seconds(arms["recipe"], 2),
            "inverse": cpu_seconds(arms["inverse"], 2),
            "ours": cpu_seconds(arms["ours"], 20 * REPEATS),
        }
        recipe, own = memory("recipe", name), memory("ours", name)
        print(
            f"| {name} ({len(labels):,} nodes) | {cpu['recipe']:.2f} s | {cpu['inverse']:.2f} s "
            f"| {1e3 * cpu['ours']:.1f} ms | {cpu['recipe'] / cpu['ours']:,.0f} "
            f"| {cpu['inverse'] / cpu['ours']:,.0f} | {recipe:,.0f} MB, {own:.1f} MB "
            f"| {difference:.1e} |",
            flush=True,
        )


def growth(sizes: list[int]) -> None:
    """Simulated graphs, 12 directed edges a node, 47 classes, float32, from edges to weights."""
    print(
        "\n| nodes | directed edges | seconds | peak of the process | seconds per million edges |"
    )
    print("|---|---|---|---|---|")
    for n in sizes:
        found = in_a_child({"task": "simulated", "n": n})
        print(
            f"| {n:,} | {found['edges']:,} | {found['seconds']:.2f} | {found['peak_mb']:,.0f} MB "
            f"| {found['seconds'] / found['edges'] * 1e6:.2f} |",
            flush=True,
        )


def problem(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Edges, labels and the mask of one split of a graph of the cache."""
    from data import load_planetoid, random_split

    graph = load_planetoid(name)
    return graph.edge_index, graph.labels, random_split(graph.labels, seed=0).train


def published(edges: np.ndarray, labels: np.ndarray, train: np.ndarray) -> np.ndarray:
    """The steps of the authors' code: all of it dense, in float32.

    The degree matrix is inverted as a full matrix, two full products normalise the adjacency, and
    the PageRank matrix is one more full inverse.
    """
    import torch

    n = len(labels)
    adjacency = torch.zeros(n, n)
    adjacency[torch.from_numpy(edges[0].copy()), torch.from_numpy(edges[1].copy())] = 1.0
    adjacency += torch.eye(n)
    root = torch.linalg.inv(torch.diag(adjacency.sum(dim=1))).sqrt()
    normalised = root @ adjacency @ root
    pagerank = ALPHA * torch.linalg.inv(torch.eye(n) - (1 - ALPHA) * normalised)
    return conflict(pagerank.numpy(), labels, train)


def one_inverse(edges: np.ndarray, labels: np.ndarray, train: np.ndarray) -> np.ndarray:
    """The least that a dense method can do, in float64: scale the edges, invert once."""
    n = len(labels)
    adjacency = np.eye(n)
    adjacency[edges[0], edges[1]] = 1.0
    root = 1 / np.sqrt(adjacency.sum(axis=1))
    adjacency *= root[:, None] * (ALPHA - 1) * root[None, :]
    adjacency[np.arange(n), np.arange(n)] += 1.0
    return conflict(ALPHA * np.linalg.inv(adjacency), labels, train)


def conflict(pagerank: np.ndarray, labels: np.ndarray, train: np.ndarray) -> np.ndarray:
    """T of the labelled nodes from the whole PageRank matrix."""
    classes = range(labels.max() + 1)
    influence = np.stack([pagerank[train & (labels == c)].mean(axis=0) for c in classes], axis=1)
    met = pagerank[train] @ influence
    return met.sum(axis=1) - met[np.arange(len(met)), labels[train]]


def ours(edges: np.ndarray, labels: np.ndarray, train: np.ndarray) -> np.ndarray:
    from probe.totoro import topology_imbalance

    ds = topology_imbalance(edges, labels, train, num_nodes=len(labels), alpha=ALPHA)
    return ds.totoro.values[train]


def cpu_seconds(work: Callable[[], Any], repeats: int) -> float:
    """Median processor time of one run, all threads together, after one that warms up."""
    work()
    found = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return statistics.median(found)


def memory(arm: str, name: str) -> float:
    """MB that one arm adds to a process that has everything imported and the data loaded."""
    return in_a_child({"task": "memory", "arm": arm, "graph": name})["extra_mb"]


def in_a_child(task: dict[str, Any]) -> dict[str, Any]:
    """What a fresh process found: a peak of memory is that of one task only there."""
    command = [sys.executable, __file__, "--child", json.dumps(task)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)


def child(task: dict[str, Any]) -> dict[str, Any]:
    if task["task"] == "memory":
        edges, labels, train = problem(task["graph"])
        if task["arm"] == "ours":
            # Small: every allocation of Python and numpy is counted.
            ours(edges, labels, train)
            tracemalloc.start()
            ours(edges, labels, train)
            return {"extra_mb": tracemalloc.get_traced_memory()[1] / 1e6}
        import torch

        torch.linalg.inv(torch.eye(50))
        before = peak_mb()
        published(edges, labels, train)
        return {"extra_mb": peak_mb() - before}
    edges, labels, train = simulated(task["n"])
    from probe.totoro import topology_imbalance

    start = time.perf_counter()
    ds = topology_imbalance(
        edges, labels, train, num_nodes=task["n"], dtype="float32", progress=False
    )
    seconds = time.perf_counter() - start
    if not np.isfinite(ds.totoro.values[train]).all():
        raise RuntimeError("T is not finite")
    return {"seconds": seconds, "edges": int(edges.shape[1]), "peak_mb": peak_mb()}


def simulated(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """6 n undirected edges, half of them within a class; 47 classes, 5 % of the nodes labelled."""
    rng = np.random.default_rng(0)
    classes = 47
    labels = rng.integers(classes, size=n).astype(np.int32)
    start = rng.integers(n, size=6 * n, dtype=np.int32)
    end = rng.integers(n, size=6 * n, dtype=np.int32)
    # Within a class: the end is drawn among the nodes of the same class.
    order = np.argsort(labels, kind="stable").astype(np.int32)
    first = np.searchsorted(labels[order], np.arange(classes + 1))
    inner = slice(0, 3 * n)
    own = labels[start[inner]]
    size = (first[1:] - first[:-1])[own]
    end[inner] = order[first[own] + (rng.random(3 * n) * size).astype(np.int64)]
    edges = np.empty((2, 12 * n), dtype=np.int32)
    edges[0, : 6 * n], edges[0, 6 * n :] = start, end
    edges[1, : 6 * n], edges[1, 6 * n :] = end, start
    return edges, labels, rng.random(n) < 0.05


def peak_mb() -> float:
    """The most memory that this process ever held (ru_maxrss would count its parent's)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError("peaks of memory are read from /proc: run this on Linux")


if __name__ == "__main__":
    main()
