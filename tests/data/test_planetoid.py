"""Planetoid's files as one graph: a hand-made one, the real ones, and the published results."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import pickle
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from data import load_planetoid, public_split, registry
from data._inert_pickle import read_pickle
from data._planetoid import KEYS, from_planetoid
from data.registry import Part
from tests.conftest import TEST_DATA, missing

SIZES = {"cora": (2708, 10556, 1433, 7), "citeseer": (3327, 9104, 3703, 6)}
# Places that CiteSeer's test.index leaves out: PyTorch Geometric gives those nodes label 0.
UNKNOWN = [2407, 2489, 2553, 2682, 2781, 2953, 3042, 3063, 3212, 3214, 3250, 3292, 3305, 3306, 3309]


def tiny(**changes: object) -> list[tuple[Part, bytes]]:
    """Five known nodes, of which two are labelled; test nodes 7 and 5; nobody is node 6."""
    one_hot = np.eye(2, dtype=np.int32)
    allx = sp.csr_matrix(np.arange(15, dtype=np.float32).reshape(5, 3))
    held = {
        "x": allx[:2],
        "allx": allx,
        "tx": sp.csr_matrix(np.array([[70, 71, 72], [50, 51, 52]], dtype=np.float32)),
        "y": one_hot[[0, 1]],
        "ally": one_hot[[0, 1, 1, 0, 1]],
        "ty": one_hot[[1, 0]],
        "graph": {0: [1, 1, 0], 1: [0], 2: [7], 3: [], 4: [5], 5: [4], 6: [], 7: []},
        "test.index": b"7\n5\n",
    } | changes
    content = {
        key: value if isinstance(value, bytes) else pickle.dumps(value, protocol=4)
        for key, value in held.items()
        if value is not None
    }
    return [(Part(f"https://example.org/ind.t.{key}", key), content[key]) for key in content]


def converted(**changes: object) -> dict[str, np.ndarray]:
    archive = from_planetoid(tiny(**changes), label_names=("no", "yes"))
    with np.load(io.BytesIO(archive), allow_pickle=False) as arrays:
        return dict(arrays)


def test_a_graph_made_by_hand() -> None:
    arrays = converted()
    np.testing.assert_array_equal(arrays["labels"], [0, 1, 1, 0, 1, 0, -1, 1])
    # One way only (2, 7), twice (0, 1) and a self-loop (0, 0) upstream.
    edges = [(0, 1), (1, 0), (2, 7), (4, 5), (5, 4), (7, 2)]
    assert list(map(tuple, arrays["edge_index"].T.tolist())) == edges
    parts = tuple(arrays[f"features_{part}"] for part in ("data", "indices", "indptr"))
    features = sp.csr_array(parts, shape=tuple(arrays["features_shape"])).toarray()
    np.testing.assert_array_equal(features[:5], np.arange(15).reshape(5, 3))
    np.testing.assert_array_equal(features[5:], [[50, 51, 52], [0, 0, 0], [70, 71, 72]])
    # The nodes after the labelled ones validate, as far as they go; these are fewer than 500.
    np.testing.assert_array_equal(arrays["public"], [1, 1, 2, 2, 2, 3, 2, 3])
    assert arrays["label_names"].tolist() == ["no", "yes"]


def test_equal_files_give_equal_bytes() -> None:
    first = from_planetoid(tiny(), label_names=("no", "yes"))
    assert from_planetoid(tiny()[::-1], label_names=("no", "yes")) == first


TWO = np.eye(2, dtype=np.int32)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"graph": None, "ty": None}, "the parts ty, graph are missing"),
        ({"x": {}}, "ind.t.x must hold a CSR matrix; got a dict"),
        ({"tx": sp.csr_matrix([[np.nan], [1]])}, "ind.t.tx must hold finite features"),
        ({"y": {}}, r"ind.t.y must hold an array \(node, 2\)"),
        ({"y": np.eye(3)}, r"ind.t.y must hold an array \(node, 2\)"),
        ({"ty": np.ones((2, 2))}, "ind.t.ty must hold a single 1 in each row"),
        ({"ty": np.array([[0.5, 0.5]] * 2)}, "ind.t.ty must hold a single 1 in each row"),
        ({"ally": TWO}, "ally holds 2 nodes, but allx holds 5"),
        ({"ty": TWO[[0]]}, "ty holds 1 nodes, but tx holds 2"),
        ({"test.index": b"5"}, "test.index holds 1 nodes, but tx holds 2"),
        ({"test.index": b"5\n4"}, "ind.t.test.index must hold distinct nodes from 5 on"),
        ({"test.index": b"5\n5"}, "ind.t.test.index must hold distinct nodes from 5 on"),
        ({"test.index": b"5\nsix"}, "ind.t.test.index must hold one whole number a line"),
        ({"test.index": b""}, "test.index must hold at least one node, none of them negative"),
        ({"test.index": b"5\n-6"}, "test.index must hold at least one node, none of them negative"),
        ({"y": TWO[[1, 1]]}, "the labelled nodes x, y are not the first ones of allx, ally"),
        ({"x": sp.csr_matrix(np.ones((2, 3)))}, "the labelled nodes x, y are not the first ones"),
        ({"graph": [1]}, "ind.t.graph must hold a dictionary of lists"),
        ({"graph": {0: 1}}, "ind.t.graph must hold a dictionary of lists"),
        ({"graph": {0: [8]}}, "ind.t.graph must hold nodes from 0 to 7 only"),
        ({"graph": {-1: [0]}}, "ind.t.graph must hold nodes from 0 to 7 only"),
        ({"graph": {0: [True]}}, "ind.t.graph must hold nodes from 0 to 7 only"),
        ({"graph": b"cos\nsystem\n."}, "ind.t.graph asks for the global 'os.system'"),
    ],
)
def test_files_that_do_not_fit_are_named(changes: dict[str, object], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        converted(**changes)


@pytest.mark.parametrize("name", SIZES)
def test_the_real_graphs_are_those_of_the_published_results(
    name: str, planetoid_cache: Path
) -> None:
    graph = load_planetoid(name, progress=False)
    nodes, edges, features, labels = SIZES[name]
    assert (graph.num_nodes, graph.num_edges, graph.n_labels) == (nodes, edges, labels)
    assert graph.features.shape == (nodes, features)
    assert graph.features.dtype == np.float32
    assert graph.name == name
    assert graph.attrs["sha256"] == registry.SOURCES[name].sha256
    unknown = UNKNOWN if name == "citeseer" else []
    np.testing.assert_array_equal(np.flatnonzero(graph.labels < 0), unknown)
    degree = np.bincount(graph.edge_index[0], minlength=nodes)
    assert sorted(set(degree[unknown])) == ([1, 2] if unknown else [])
    assert np.count_nonzero(degree == 0) == (48 if unknown else 0)
    assert graph.features[unknown].nnz == 0
    for i in range(3):
        path = Path(TEST_DATA).parent / "golden" / f"totoro_{name}_{i}.npz"
        if not path.is_file():
            missing(f"the published results are not here: {path.name}")
        with np.load(path) as golden:
            theirs = set(map(tuple, golden["edge_index"].T.tolist()))
            assert theirs == set(map(tuple, graph.edge_index.T.tolist()))
            np.testing.assert_array_equal(np.maximum(graph.labels, 0), golden["labels"])


def test_the_names_of_the_labels_have_the_published_sizes(planetoid_cache: Path) -> None:
    # Papers of each class, Sen et al. 2008.
    sizes = {
        "cora": {
            "Case_Based": 298,
            "Genetic_Algorithms": 418,
            "Neural_Networks": 818,
            "Probabilistic_Methods": 426,
            "Reinforcement_Learning": 217,
            "Rule_Learning": 180,
            "Theory": 351,
        },
        "citeseer": {"Agents": 596, "AI": 249, "DB": 701, "HCI": 508, "IR": 668, "ML": 590},
    }
    for name, wanted in sizes.items():
        graph = load_planetoid(name, progress=False)
        counts = np.bincount(graph.labels[graph.labels >= 0])
        assert dict(zip(graph.label_names, counts.tolist(), strict=True)) == wanted


@pytest.mark.parametrize("name", SIZES)
def test_the_published_split(name: str, planetoid_cache: Path) -> None:
    split = public_split(name, progress=False)
    labelled = 20 * SIZES[name][3]
    assert np.flatnonzero(split.train).tolist() == list(range(labelled))
    assert np.flatnonzero(split.valid).tolist() == list(range(labelled, labelled + 500))
    index = planetoid_cache / "planetoid" / f"ind.{name}.test.index"
    wanted = sorted(int(line) for line in index.read_text().split())
    assert np.flatnonzero(split.test).tolist() == wanted
    labels = load_planetoid(name).labels
    assert np.bincount(labels[split.train]).tolist() == [20] * SIZES[name][3]


def without_network(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    source = registry.SOURCES[name]
    parts = tuple(
        dataclasses.replace(part, url=f"http://127.0.0.1:9/{part.url.rpartition('/')[2]}")
        for part in source.parts
    )
    monkeypatch.setitem(registry.SOURCES, name, dataclasses.replace(source, parts=parts))
    for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)


def test_a_file_that_is_missing_is_named_with_its_place(
    planetoid_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_network(monkeypatch, "pubmed")
    with pytest.raises(ConnectionError, match="'pubmed' cannot be downloaded from") as caught:
        load_planetoid("pubmed", progress=False)
    message = str(caught.value)
    place = planetoid_cache / "planetoid" / "ind.pubmed.allx"
    assert f"Or put http://127.0.0.1:9/ind.pubmed.allx into {place}." in message
    assert f"{planetoid_cache / 'graphs' / 'pubmed.npz'} is missing" in message
    assert "no hash of it is published, so its structure is checked" in message
    assert registry.status("pubmed") == "missing"


def test_pubmed_once_its_missing_file_is_there(
    planetoid_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_network(monkeypatch, "pubmed")
    folder = planetoid_cache / "planetoid"
    x = read_pickle((folder / "ind.pubmed.x").read_bytes(), "x")
    rest = sp.csr_matrix((18717 - 60, 500), dtype=np.float32)
    place = folder / "ind.pubmed.allx"
    # Features of the right shape, most of them made up: all that is checked is that they fit.
    place.write_bytes(pickle.dumps(sp.csr_matrix(sp.vstack([x, rest])), protocol=4))
    graph = load_planetoid("pubmed", progress=False)
    assert (graph.num_nodes, graph.num_edges, graph.n_labels) == (19717, 88648, 3)
    assert np.bincount(graph.labels).tolist() == [4103, 7739, 7875]
    assert graph.label_names == ("0", "1", "2")
    assert graph.attrs["sha256"] == "not known"
    assert registry.status("pubmed") == "present"
    path = planetoid_cache / "graphs" / "pubmed.npz"
    path.write_bytes(path.read_bytes()[:-100])
    assert registry.status("pubmed") == "corrupt"
    path.unlink()
    place.write_bytes(pickle.dumps(sp.csr_matrix(sp.vstack([2 * x, rest])), protocol=4))
    with pytest.raises(ValueError, match=r"'pubmed' is not what it is .*the labelled nodes x, y"):
        load_planetoid("pubmed", progress=False)
    assert not path.exists()


def test_a_changed_file_is_named_and_nothing_is_stored(planetoid_cache: Path) -> None:
    changed = planetoid_cache / "planetoid" / "ind.cora.y"
    changed.write_bytes(b"changed")
    found = hashlib.sha256(b"changed").hexdigest()
    with pytest.raises(ValueError, match=r"expected ind\.cora\.y with sha256 94465c14") as caught:
        load_planetoid("cora", progress=False)
    message = str(caught.value)
    assert message.startswith(f"what lies in {planetoid_cache / 'planetoid'} for dataset 'cora'")
    assert f"found 7 bytes with sha256 {found}. Nothing was stored. Remove the files" in message
    assert not (planetoid_cache / "graphs" / "cora.npz").exists()


def test_a_refresh_does_not_use_what_lies_there(
    planetoid_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_network(monkeypatch, "cora")
    path = registry.fetch("cora", progress=False)
    before = path.read_bytes()
    with pytest.raises(ConnectionError, match="stays as it was"):
        registry.fetch("cora", refresh=True, progress=False)
    assert path.read_bytes() == before


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"`name` must be one of 'cora', .*; got 'Cora'"):
        load_planetoid("Cora")
    assert set(KEYS) == {part.subset for part in registry.SOURCES["cora"].parts}
