"""Archives of graphs: those of the cache, and tiny ones as gnn-benchmark and OGB have them."""

from __future__ import annotations

import dataclasses
import gzip
import io
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from data import load_amazon, load_graph, load_ogbn_arxiv, public_split, registry
from data._gnn_benchmark import from_gnn_benchmark
from data._graph_npz import both_ways, check_counts, features_of, graph_archive, read_arrays
from data._ogb import from_ogb_zip
from data.registry import Part

EDGES = np.array([[0, 2], [2, 0]])


def test_equal_graphs_give_the_same_plain_archive_whatever_their_layout() -> None:
    features = np.arange(6.0).reshape(3, 2)
    made = graph_archive(EDGES, np.array([0, 1, -1]), features, label_names=("a", "é"))
    turned = np.asfortranarray(features.astype(np.float32))
    assert made == graph_archive(
        EDGES.T.copy().T.astype(np.int16), [0, 1, -1], turned, label_names=["a", "é"]
    )
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert archive.namelist() == sorted(archive.namelist())
        for member in archive.infolist():
            assert (member.compress_type, member.create_system) == (zipfile.ZIP_STORED, 3)
            assert member.date_time == (1980, 1, 1, 0, 0, 0)
            content = archive.read(member)
            start = 10 + int.from_bytes(content[8:10], "little")
            assert start % 64 == 0
            assert content[start - 1 : start] == b"\n"


@pytest.mark.parametrize("sparse", [False, True, None])
def test_an_archive_gives_its_graph_back(sparse: bool | None, tmp_path: Path) -> None:
    dense = np.array([[0, 1.5], [2, 0], [0, 0]], dtype=np.float32)
    features = None if sparse is None else sp.csr_array(dense) if sparse else dense
    path = tmp_path / "graph.npz"
    public = np.array([1, 0, 3])
    path.write_bytes(
        graph_archive(EDGES, np.array([0, 1, -1]), features, label_names="ab", public=public)
    )
    arrays = read_arrays(path)
    np.testing.assert_array_equal(arrays["edge_index"], EDGES)
    np.testing.assert_array_equal(arrays["labels"], [0, 1, -1])
    np.testing.assert_array_equal(arrays["public"], public)
    assert arrays["label_names"].tolist() == ["a", "b"]
    held = features_of(arrays)
    assert sp.issparse(held) == bool(sparse)
    if sparse is None:
        assert held is None
    else:
        np.testing.assert_array_equal(held.toarray() if sparse else held, dense)
    width = 0 if sparse is None else 2
    check_counts(path, nodes=3, edges=2, features=width, labels=2)
    with pytest.raises(ValueError, match=r"^expected 4 nodes, 3 labels; found 3 nodes, 2 labels$"):
        check_counts(path, nodes=4, edges=2, features=width, labels=3)


def test_what_is_no_archive_of_plain_arrays_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "graph.npz"
    good = graph_archive(EDGES, np.array([0, 1, -1]), None, label_names="ab")
    objects = io.BytesIO()
    np.savez(objects, labels=np.array([None]))
    changed = good.replace(b"a\0\0\0b", b"a\0\0\0c")  # inside, where only its checksum tells
    for content in (b"", b"<html>", good[:-30], changed, objects.getvalue()):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"graph\.npz must be an archive of plain arrays; got"):
            read_arrays(path)
    partly = io.BytesIO()
    np.savez(partly, labels=np.zeros(2))
    path.write_bytes(partly.getvalue())
    with pytest.raises(ValueError, match="must hold edge_index, label_names, public; got"):
        read_arrays(path)


def test_edges_both_ways() -> None:
    edges = np.array([[3, 3, 1, 0, 2], [1, 1, 3, 0, 3]])
    assert both_ways(edges, 4).T.tolist() == [[1, 3], [2, 3], [3, 1], [3, 2]]
    assert both_ways(np.zeros((2, 0), int), 4).shape == (2, 0)


PART = Part("https://example.org/graph.npz", "photo")
ADJACENCY = sp.csr_matrix(np.array([[5, 2, 0], [0, 0, 1], [0, 0, 0]], dtype=np.float32))
WORDS = sp.csr_matrix(np.array([[1, 0], [0, 0], [0, 1]], dtype=np.float32))


def benchmark(**changes: object) -> bytes:
    held = {"labels": np.array([1, 0, 1]), "class_names": np.array(["Film", "Lens"])}
    for name, matrix in {"adj": ADJACENCY, "attr": WORDS}.items():
        for part in ("data", "indices", "indptr", "shape"):
            held[f"{name}_{part}"] = np.asarray(getattr(matrix, part))
    stream = io.BytesIO()
    held |= changes
    np.savez(stream, **{name: value for name, value in held.items() if value is not None})
    return stream.getvalue()


def read(content: bytes, path: Path) -> dict[str, np.ndarray]:
    path.write_bytes(content)
    return read_arrays(path)


def test_gnn_benchmark(tmp_path: Path) -> None:
    path = tmp_path / "graph.npz"
    arrays = read(from_gnn_benchmark([(PART, benchmark())]), path)
    assert arrays["edge_index"].T.tolist() == [[0, 1], [1, 0], [1, 2], [2, 1]]
    assert arrays["labels"].tolist() == [1, 0, 1]
    assert arrays["label_names"].tolist() == ["Film", "Lens"]
    np.testing.assert_array_equal(features_of(arrays).toarray(), WORDS.toarray())
    assert not arrays["public"].any()
    for names in (None, np.array(["a", None], dtype=object)):  # objects are not unpickled
        arrays = read(from_gnn_benchmark([(PART, benchmark(class_names=names))]), path)
        assert arrays["label_names"].tolist() == ["0", "1"]
    arrays = read(from_gnn_benchmark([(PART, benchmark(attr_matrix=np.eye(3)))]), path)
    np.testing.assert_array_equal(arrays["features"], np.eye(3))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"<html>", "graph.npz is no graph in the layout of gnn-benchmark"),
        (benchmark()[:-40], "graph.npz is no graph in the layout of gnn-benchmark"),
        (benchmark(labels=None), "is no graph in the layout of gnn-benchmark .*labels"),
        (benchmark(adj_data=np.array([None] * 3)), "is no graph .*allow_pickle=False"),
        (benchmark(adj_indices=np.array([0, 1, 9])), "is no graph in the layout of gnn-benchmark"),
        (benchmark(labels=np.array([1, 0])), r"must hold one label per node; got shape \(2,\)"),
        (benchmark(labels=np.array([1.0, 0, 1])), "must hold one label per node"),
    ],
)
def test_what_is_no_such_graph_is_refused(content: bytes, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        from_gnn_benchmark([(PART, content)])


TABLES = {
    "raw/edge.csv.gz": "0,1\n2,1\n2,2\n2,1\n",
    "raw/node-feat.csv.gz": "0.5,-1\n0.25,1e-3\n0,0\n",
    "raw/node-label.csv.gz": "1\n0\n1\n",
    "mapping/labelidx2arxivcategeory.csv.gz": "label idx,arxiv category\n0,arxiv cs na\n1,other\n",
    "split/time/train.csv.gz": "2\n",
    "split/time/valid.csv.gz": "0\n",
    "split/time/test.csv.gz": "1\n",
}


def ogb(**changes: str | bytes | None) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("arxiv/", "")
        for name, text in (TABLES | changes).items():
            content = gzip.compress(text.encode()) if isinstance(text, str) else text
            if content is not None:
                archive.writestr(f"arxiv/{name}", content)
    return stream.getvalue()


def test_ogb(tmp_path: Path) -> None:
    arrays = read(from_ogb_zip([(PART, ogb())]), tmp_path / "graph.npz")
    assert arrays["edge_index"].T.tolist() == [[0, 1], [2, 1], [2, 2], [2, 1]]
    assert arrays["labels"].tolist() == [1, 0, 1]
    assert arrays["label_names"].tolist() == ["cs.NA", "other"]
    assert arrays["public"].tolist() == [2, 3, 1]
    np.testing.assert_allclose(arrays["features"], [[0.5, -1], [0.25, 1e-3], [0, 0]])


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"<html>", "graph.npz is no archive"),
        (ogb(**{"raw/edge.csv.gz": None}), r"must hold raw/edge.csv.gz; got \['', 'mapping"),
        (ogb(**{"raw/edge.csv.gz": b"0,1"}), "raw/edge.csv.gz is damaged"),
        (ogb(**{"raw/edge.csv.gz": "0,one\n"}), "raw/edge.csv.gz is no table of numbers"),
        (ogb(**{"raw/edge.csv.gz": ""}), "raw/edge.csv.gz is no table of numbers"),
        (ogb(**{"raw/edge.csv.gz": "0,1,2\n"}), r"must hold \(edge, 2\) edges .*got \(1, 3\)"),
        (ogb(**{"raw/node-label.csv.gz": "1\n"}), "one label for each row of features; got"),
        (ogb(**{"split/time/test.csv.gz": "3\n"}), "test.csv.gz names nodes that are not there"),
        (ogb(**{"mapping/labelidx2arxivcategeory.csv.gz": None}), "must hold mapping/labelidx2"),
    ],
)
def test_what_is_no_such_archive_is_refused(content: bytes, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        from_ogb_zip([(PART, content)])


def put(
    name: str, content: bytes, cache: Path, monkeypatch, counts: tuple[int, ...] | None
) -> None:
    """The file of a source where a user may put it; `counts` stand for the published numbers."""
    monkeypatch.setenv("LOUPE_DATA", str(cache))
    source = registry.SOURCES[name]
    path = cache / source.parts[0].local
    path.parent.mkdir()
    path.write_bytes(content)
    if counts is not None:
        nodes, edges, features, labels = counts
        check = partial(check_counts, nodes=nodes, edges=edges, features=features, labels=labels)
        monkeypatch.setitem(registry.SOURCES, name, dataclasses.replace(source, check=check))


@pytest.mark.parametrize("name", ["photo", "computers"])
def test_load_amazon(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(f"amazon-{name}", benchmark(), tmp_path, monkeypatch, (3, 4, 2, 2))
    graph = load_amazon(name)
    assert (graph.name, graph.num_nodes, graph.num_edges) == (f"amazon-{name}", 3, 4)
    assert graph.label_names == ("Film", "Lens")
    assert graph.attrs["sha256"] == "not known"
    assert load_graph(f"amazon-{name}").num_edges == 4
    with pytest.raises(ValueError, match=f"one of 'cora', .*, 'ogbn-arxiv'; got 'amazon-{name}'"):
        public_split(f"amazon-{name}")
    with pytest.raises(ValueError, match="`name` must be one of 'photo', 'computers'; got 'books'"):
        load_amazon("books")


def test_another_graph_than_the_published_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("amazon-photo", benchmark(), tmp_path, monkeypatch, None)
    with pytest.raises(ValueError, match="expected 7650 nodes, 238162 directed edges, 745 feat"):
        load_amazon("photo")
    assert not list((tmp_path / "graphs").iterdir())


def test_load_ogbn_arxiv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put("ogbn-arxiv", ogb(), tmp_path, monkeypatch, (3, 4, 2, 2))
    graph = load_ogbn_arxiv()
    assert graph.edge_index.T.tolist() == [[0, 1], [2, 1], [2, 2], [2, 1]]
    assert graph.attrs["directed"] == "yes"
    undirected = load_ogbn_arxiv(directed=False)
    assert undirected.edge_index.T.tolist() == [[0, 1], [1, 0], [1, 2], [2, 1]]
    assert undirected.attrs["directed"] == "no: both directions of each edge"
    assert undirected.label_names == graph.label_names == ("cs.NA", "other")
    np.testing.assert_array_equal(undirected.features, graph.features)
    split = public_split("ogbn-arxiv")
    assert (split.train.argmax(), split.valid.argmax(), split.test.argmax()) == (2, 0, 1)
