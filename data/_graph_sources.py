"""Where the graphs come from, what is known of their files, and the numbers that were published.

The address of Planetoid names no commit, so each of its files is known by its own hash.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from ._gnn_benchmark import from_gnn_benchmark
from ._graph_npz import check_counts
from ._ogb import from_ogb_zip
from ._planetoid import KEYS, from_planetoid
from ._source import Part, Source

_RAW = "https://raw.githubusercontent.com"
_PLANETOID = f"{_RAW}/kimiyoung/planetoid/master/data"
_SHCHUR = f"{_RAW}/shchur/gnn-benchmark/master/data/npz"
_ARXIV = "https://snap.stanford.edu/ogb/data/nodeproppred/arxiv.zip"

_YANG = "Yang et al. 2016, Revisiting semi-supervised learning with graph embeddings, "
_SEN = "arXiv:1603.08861; Sen et al. 2008, Collective classification in network data, AI Magazine"
_NAMATA = "arXiv:1603.08861; Namata et al. 2012, Query-driven active surveying, MLG"
_PITFALLS = (
    "Shchur et al. 2018, Pitfalls of graph neural network evaluation, arXiv:1811.05868; "
    "McAuley et al. 2015, arXiv:1506.04757"
)
_OGB = "Hu et al. 2020, Open Graph Benchmark, arXiv:2005.00687; Wang et al. 2020, QSS 1(1)"

# The files hold no names. Sen et al.'s classes are of seven (six) different sizes, the same as the
# classes here, which tells which is which: 351, 217, 418, 818, 426, 298, 180 papers ...
_CORA_LABELS = (
    "Theory",
    "Reinforcement_Learning",
    "Genetic_Algorithms",
    "Neural_Networks",
    "Probabilistic_Methods",
    "Case_Based",
    "Rule_Learning",
)
# ... and 249, 590, 668, 701, 596, 508.
_CITESEER_LABELS = ("AI", "ML", "IR", "DB", "Agents", "HCI")
# PubMed's diabetes papers: sources disagree on which type is which, so its labels keep numbers.
_PUBMED_LABELS = ("0", "1", "2")

_LABELS = {"cora": _CORA_LABELS, "citeseer": _CITESEER_LABELS, "pubmed": _PUBMED_LABELS}
_CITATION = {"cora": _YANG + _SEN, "citeseer": _YANG + _SEN, "pubmed": _YANG + _NAMATA}
_CONVERTED = {
    "cora": ("58b9ade4a01f9bf5743ac096421291624ea2a8e6789f041371223ac09ac80b7b", 505084),
    "citeseer": ("d7d260b43e6e7781cf94ab0d05bd9936eff6bd44a60a33e0263c499c34d48a87", 946159),
    # Nobody has told the hash of `ind.pubmed.allx`, so that of the whole is not known either.
    "pubmed": ("", 0),
}
# In the order of KEYS.
_HASHES = {
    "cora": (
        "23cfa55d91c6f624233f5eb7b6e3f141f1bd2b2ae39608a63cf5d084bb27baab",
        "b9afbaa4a400df991f6f02ef677e1e44da55ffc04801fd02f9e673987829226a",
        "9419ba2f26f5c35243db64aba110e0f35a04851609e0dc5433450676ca6b8543",
        "94465c14eb53e04ca262198dcbb2521ee8af60fb3f3d546cd6ca24a511b0e7d1",
        "41f5ac76596a1699cc33f53084a2419e92961c42bb75f36fc38e616d348532ad",
        "2b998f5cc7fedc86e7f97ca2498f47a1ffc1462c29e2d578b23bf3f62b6e7d71",
        "58f13302f39dde8852dad6fe6d15b89b077b6d7f837626bce671ef80344b383d",
        "297ce89af2b51a6a194181c7dbe1796c6a1cf9cd9349a88383b1b1e227867875",
    ),
    "citeseer": (
        "d20de19150741e555de0ed037195630fc194114ebc7fd72ced62810148aa22f6",
        "539a8906a2da97628d212f2fdd668c109a8b3f0d36574b59e5d3fd5b5303da21",
        "2ac30345d95c9ec933a817ee0bdd6a5f077f8c184a20e696910192d534414668",
        "8ba87e515d8e3ee3cf52f6d2c5b86aa73f11ecad825a808455209ec26cd54924",
        "55e5bd1ba1e733a04598753ad1a8d57957f4b8f89e74519f41f4f4938767e4ce",
        "f704b2d986dde6c2669934de1f3ae5696a6cf9455c0f6b2646a2d135ea0a1c95",
        "d79a4ef9d3e7169aee8946145f6b7306e35bc79bffad26346cfb94e10e9912a7",
        "2af990671580b6b2df5d158d1038f8292e30c9cd821b5453f399659b25b723d4",
    ),
    "pubmed": (
        "fbe9cb5c47200d1b7769a26e579be3b7130b556831f9d850e77c4c74f2599b33",
        "4eb5f5d0f30f26497eb0ac6ac9719d09c67e284f1ed0385c93f3ef27a671da3d",
        "",  # allx
        "e6c807633307a07ed659249006536a147c7999c797f11a2560752990181b41b3",
        "ee2e0d4819d9fbcc403689c3bf2e49face401b605932f093bc58ab6461130fdd",
        "0c37bbe3b5014ec365e9d393cf4791925e5ed94fb194305d74f064a8d7b50f0e",
        "5b89f0036ca22909471f1e6558eb42fa06e0c730a577bde5b058b40638f81dc9",
        "b101d421688bbaecbd82e8a18f1e282378d6830f3a37666f28ebc47f844341b5",
    ),
}
# Nodes, directed edges without self-loops and duplicates, features and labels: PyTorch Geometric's
# tables for the undirected graphs, OGB's for the directed one.
_COUNTS = {
    "cora": (2708, 10556, 1433, 7),
    "citeseer": (3327, 9104, 3703, 6),
    "pubmed": (19717, 88648, 500, 3),
    "amazon-photo": (7650, 238162, 745, 8),
    "amazon-computers": (13752, 491722, 767, 10),
    "ogbn-arxiv": (169343, 1166243, 128, 40),
}


def graph_sources() -> list[Source]:
    """Every graph that is downloaded."""
    found = [_planetoid(name) for name in _LABELS]
    found += [
        Source(
            name=f"amazon-{name}",
            filename=f"graphs/amazon-{name}.npz",
            sha256="",
            size=0,
            parts=(
                Part(
                    f"{_SHCHUR}/amazon_electronics_{name}.npz",
                    name,
                    local=f"gnn-benchmark/amazon_electronics_{name}.npz",
                ),
            ),
            convert=from_gnn_benchmark,
            licence="MIT (the files; made from reviews on Amazon)",
            citation=_PITFALLS,
            check=_check(f"amazon-{name}"),
        )
        for name in ("photo", "computers")
    ]
    found.append(
        Source(
            name="ogbn-arxiv",
            filename="graphs/ogbn-arxiv.npz",
            sha256="",
            size=0,
            parts=(Part(_ARXIV, "arxiv", local="ogb/arxiv.zip"),),
            convert=from_ogb_zip,
            licence="ODC-BY",
            citation=_OGB,
            check=_check("ogbn-arxiv"),
        )
    )
    return found


def _planetoid(name: str) -> Source:
    sha256, size = _CONVERTED[name]
    return Source(
        name=name,
        filename=f"graphs/{name}.npz",
        sha256=sha256,
        size=size,
        parts=tuple(
            Part(f"{_PLANETOID}/ind.{name}.{key}", key, known, f"planetoid/ind.{name}.{key}")
            for key, known in zip(KEYS, _HASHES[name], strict=True)
        ),
        convert=partial(from_planetoid, label_names=_LABELS[name]),
        licence="MIT (the files)",
        citation=_CITATION[name],
        check=None if sha256 else _check(name),
    )


def _check(name: str) -> Callable[[Path], None]:
    nodes, edges, features, labels = _COUNTS[name]
    return partial(check_counts, nodes=nodes, edges=edges, features=features, labels=labels)
