"""Labelled graphs: citation networks, co-purchases, and one that needs no download."""

from __future__ import annotations

from . import registry
from ._digits_graph import digits_graph
from ._graph_npz import both_ways, features_of, read_arrays
from .records import Graph, Split

_PLANETOID = ("cora", "citeseer", "pubmed")
_AMAZON = ("photo", "computers")
GRAPH_NAMES = ("digits", *_PLANETOID, *(f"amazon-{name}" for name in _AMAZON), "ogbn-arxiv")


def load_graph(name: str, *, progress: bool = True) -> Graph:
    """One of GRAPH_NAMES, as its own loader gives it with its defaults.

    Raises
    ------
    ValueError
        If there is no such graph, or its file is corrupt.
    ConnectionError
        If the file is not in the cache folder and cannot be downloaded.

    Examples
    --------
    >>> load_graph("digits")
    Graph('digits', 1797 nodes, 24678 directed edges, 10 labels)
    """
    _one_of(name, GRAPH_NAMES)
    return load_digits_graph() if name == "digits" else _load(name, progress=progress)


def load_planetoid(name: str, *, progress: bool = True) -> Graph:
    """One of Planetoid's citation graphs, downloaded on first use.

    | name | nodes | directed edges | features | labels |
    |---|---|---|---|---|
    | cora | 2,708 | 10,556 | 1,433 words | 7 topics of machine learning |
    | citeseer | 3,327 | 9,104 | 3,703 words | 6 fields of computer science |
    | pubmed | 19,717 | 88,648 | 500 words, TF-IDF | 3 types of diabetes |

    Nodes are papers, in the usual order (`allx`, then the test nodes at their places). A citation
    counts in both directions, each once; self-loops and repeated edges of the files are left out.

    The eight files `ind.<name>.*` may lie in the folder `planetoid` of the cache folder: they are
    then used in place of a download. They are pickles, which are read without being run.

    Parameters
    ----------
    name
        "cora", "citeseer" or "pubmed".
    progress
        Show a bar while downloading.

    Returns
    -------
    Graph
        With float32 CSR features, not normalised. PubMed's labels are called "0", "1", "2", as the
        files hold no names and sources disagree on their order.

    Raises
    ------
    ValueError
        If there is no such graph, or a file is not what it should be.
    ConnectionError
        If a file is not there and cannot be downloaded. The message says which, and where to put
        it.

    Notes
    -----
    15 nodes of CiteSeer have an edge or two upstream, but neither features nor a label: their label
    here is -1, unknown, and no split selects them. Widely used loaders give them label 0, and
    published results train on some of them; `np.where(labels < 0, 0, labels)` gives the labels
    that those results were made with. Another 48 nodes of CiteSeer have no edge.

    The hashes of Cora and CiteSeer are known, from the files to the graph. PubMed's are known but
    for its largest file, `ind.pubmed.allx`: that one must fit the other seven, and the numbers of
    nodes, edges and features must be the published ones.

    Yang et al. 2016 (arXiv:1603.08861); Sen et al. 2008; for PubMed Namata et al. 2012.
    """
    _one_of(name, _PLANETOID)
    return _load(name, progress=progress)


def load_amazon(name: str, *, progress: bool = True) -> Graph:
    """Goods that are often bought together, downloaded on first use.

    | name | nodes | directed edges | features | labels |
    |---|---|---|---|---|
    | photo | 7,650 | 238,162 | 745 words | 8 |
    | computers | 13,752 | 491,722 | 767 words | 10 |

    Edges go both ways, each once, without self-loops. There is no published split: see
    `data.random_split`.

    Parameters
    ----------
    name
        "photo" or "computers".
    progress
        Show a bar while downloading.

    Raises
    ------
    ValueError
        If there is no such graph, or its file is not what it should be.
    ConnectionError
        If the file is not there and cannot be downloaded.

    Notes
    -----
    No hash of the files is published: the numbers in the table are what is checked.
    Shchur et al. 2018 (arXiv:1811.05868), from McAuley et al. 2015 (arXiv:1506.04757).
    """
    _one_of(name, _AMAZON)
    return _load(f"amazon-{name}", progress=progress)


def load_ogbn_arxiv(*, directed: bool = True, progress: bool = True) -> Graph:
    """Papers on computer science and which of them they cite; 169,343 nodes, 80 MB.

    Parameters
    ----------
    directed
        True: the 1,166,243 edges from a paper to one that it cites, as they were published.
        False: both directions of each, once, without self-loops.
    progress
        Show a bar while downloading.

    Returns
    -------
    Graph
        With 128 float32 features (mean word vectors) and 40 fields of arXiv as labels.

    Raises
    ------
    ValueError
        If the file is not what it should be.
    ConnectionError
        If the file is not there and cannot be downloaded.

    Notes
    -----
    No hash of the file is published: the numbers of nodes, edges, features and labels are checked.
    Hu et al. 2020 (arXiv:2005.00687).
    """
    graph = _load("ogbn-arxiv", progress=progress)
    if directed:
        return graph
    edges = both_ways(graph.edge_index, graph.num_nodes)
    return Graph(
        edges,
        graph.labels,
        graph.features,
        label_names=graph.label_names,
        name=graph.name,
        attrs={**graph.attrs, "directed": "no: both directions of each edge"},
    )


def load_digits_graph(*, neighbours: int = 10, limit: int | None = None) -> Graph:
    """Handwritten digits, each joined to those that look most like it; nothing is downloaded.

    Two of the 8 x 8 pictures are joined if either is one of the nearest of the other, by Euclidean
    distance of their pixels. Distances are exact and a tie goes to the picture that comes first,
    so that the graph is the same everywhere.

    Parameters
    ----------
    neighbours
        How many nearest pictures each one is joined to, at least.
    limit
        Only the first so many of the 1,797 pictures. None for all.

    Returns
    -------
    Graph
        With the 64 pixels from 0 (white) to 1 (black), float32, as features and 10 labels.

    Raises
    ------
    TypeError
        If an option is no whole number.
    ValueError
        If an option is out of range.

    Examples
    --------
    >>> load_digits_graph(limit=200)
    Graph('digits', 200 nodes, 2498 directed edges, 10 labels)
    """
    return digits_graph(neighbours, limit)


def public_split(name: str, *, progress: bool = True) -> Split:
    """The split that was published with a graph: Planetoid's, or ogbn-arxiv's by year.

    For Planetoid's graphs that is 20 nodes a class to train, the next 500 nodes to validate, and
    1,000 nodes to test.

    Raises
    ------
    ValueError
        If there is no split of that graph, or its file is corrupt.
    ConnectionError
        If the file is not in the cache folder and cannot be downloaded.
    """
    _one_of(name, (*_PLANETOID, "ogbn-arxiv"))
    part = read_arrays(registry.fetch(name, progress=progress))["public"]
    return Split(part == 1, part == 2, part == 3, name=f"{name}, public")


def _load(name: str, *, progress: bool) -> Graph:
    source = registry.SOURCES[name]
    arrays = read_arrays(registry.fetch(name, progress=progress))
    return Graph(
        arrays["edge_index"],
        arrays["labels"],
        features_of(arrays),
        label_names=tuple(str(label) for label in arrays["label_names"]),
        name=name,
        attrs={
            "source": source.url,
            "licence": source.licence,
            "citation": source.citation,
            "sha256": source.sha256 or "not known",
            "directed": "yes" if name == "ogbn-arxiv" else "no: both directions of each edge",
        },
    )


def _one_of(name: str, known: tuple[str, ...]) -> None:
    if name not in known:
        listed = ", ".join(repr(one) for one in known)
        raise ValueError(f"`name` must be one of {listed}; got {name!r}.")
