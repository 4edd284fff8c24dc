"""What applies to a graph, alone or beside the model that reads it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ...totoro import estimate
from ...totoro._labelled import labels_of, read_labelled
from ...totoro._reading import read_adjacency
from ._geometry import geometry_cost
from ._measuring import timed
from ._subject import Subject
from ._texts import POINTS, attribution_basis, attribution_time
from ._verdict import NOT_YET, YES, Verdict, first_sentence

_TASK = """\
from probe.attribution import attribute
from probe.subjects.attributable import graph_task
found = attribute(graph_task(model, data, nodes), method="integrated_gradients")"""
_FEATURES = "from probe.whitening import anisotropy\ngeometry = anisotropy(data.x)"
_GUESSED = 10  # classes, where labels are not given


def graph_findings(
    subject: Subject, examples: int, *, measure: bool
) -> tuple[dict[str, Verdict], dict[str, Any]]:
    """Verdicts and facts of a graph; Totoro's time from its own estimate."""
    data = subject.data
    if data is None:
        return _without_data(), {}
    try:
        adjacency = read_adjacency(data)
    except (TypeError, ValueError) as error:
        missing = f"a graph that can be read: {first_sentence(error)}"
        return {"totoro": Verdict(NOT_YET, missing)}, {}
    n = _nodes(adjacency)
    facts: dict[str, Any] = {"nodes": n, "edges": int(adjacency.nnz)}
    one_way = (adjacency != adjacency.T).nnz > 0
    facts["directed"] = "yes" if one_way else "no"
    found = {"totoro": _totoro(data, adjacency, one_way=one_way, facts=facts, measure=measure)}
    features = getattr(data, "x", getattr(data, "features", None))
    if isinstance(features, torch.Tensor | np.ndarray) and features.ndim == 2:
        facts["features"] = int(features.shape[1])
        line = _FEATURES if hasattr(data, "x") else _FEATURES.replace("data.x", "graph.features")
        cost = geometry_cost(n, int(features.shape[1]), 1) if measure else None
        found["whitening"] = Verdict(
            YES,
            next_step=line,
            seconds=cost.seconds if cost else float("nan"),
            bytes=cost.bytes if cost else float("nan"),
            basis=f"{cost.basis}, features of all nodes" if cost else "not measured",
        )
    if subject.model is None:
        found["attribution"] = Verdict(NOT_YET, "the model that reads it: (model, data)", _TASK)
    elif features is not None:
        found["attribution"] = _attribution(subject, examples, measure=measure)
    return found, facts


def _nodes(adjacency: Any) -> int:
    return int(adjacency.shape[0])


def _totoro(
    data: Any, adjacency: Any, *, one_way: bool, facts: dict[str, Any], measure: bool
) -> Verdict:
    options = ", directed='symmetrise'" if one_way else ""
    start = "from probe.totoro import topology_imbalance\nconflict = topology_imbalance(data"
    try:
        labels = labels_of(data, None, _nodes(adjacency))
    except (TypeError, ValueError) as error:
        n_labels, note = _GUESSED, f"{_GUESSED} classes assumed"
        missing = "labels of the nodes and which are known in training"
        if getattr(data, "y", getattr(data, "labels", None)) is not None:
            missing = f"labels that can be read: {first_sentence(error)}"
        line = f"{start}, labels, train_mask{options})"
    else:
        n_labels = int(labels.max()) + 1
        facts["classes"] = n_labels
        note = f"{n_labels} classes"
        try:
            read_labelled(data, labels, None, _nodes(adjacency))
            missing, line = "", f"{start}{options})"
        except (TypeError, ValueError) as error:
            name = "data.y.numpy()" if hasattr(data, "y") else "data.labels"
            missing = "which nodes' labels are known in training: data.train_mask"
            if getattr(data, "train_mask", None) is not None:
                missing = f"a mask that can be read: {first_sentence(error)}"
            line = (
                "from data import random_split\n"
                f"split = random_split({name}, per_class=20)\n"
                f"{start}, train_mask=split.train{options})"
            )
    if one_way:
        missing = "; ".join([*([missing] if missing else []), "a choice: it is directed"])
    applies = YES if not missing else NOT_YET
    if not measure:
        return Verdict(applies, missing, line, basis="not measured")
    directed = "symmetrise" if one_way else "refuse"
    cost = estimate(adjacency, n_labels=max(n_labels, 2), directed=directed)
    basis = (
        f"totoro.estimate: {cost.products * cost.chunks} products timed in a short run, {note}, "
        "the whole graph"
    )
    return Verdict(applies, missing, line, cost.seconds, float(cost.bytes), basis)


def _attribution(subject: Subject, examples: int, *, measure: bool) -> Verdict:
    model, data = subject.model, subject.data
    if not measure or model is None:
        return Verdict(YES, "", _TASK, basis="not measured")
    edges = torch.as_tensor(data.edge_index)

    def run(n: int) -> None:
        for _ in range(n):
            with torch.no_grad():
                model(data.x, edges)

    try:
        found = timed(run, to=POINTS, sizes=(2, 6), unit="pass")
    except Exception as error:  # a user's model may fail in any way
        missing = f"a model called as model(x, edge_index): {first_sentence(error)}"
        return Verdict(NOT_YET, missing, _TASK, basis="not measured")
    basis = f"{attribution_basis(found.each, 'graph')}; for one node"
    return Verdict(YES, "", _TASK, attribution_time(found.each), basis=basis)


def _without_data() -> dict[str, Verdict]:
    line = "from probe.totoro import topology_imbalance\nconflict = topology_imbalance(data)"
    return {
        "totoro": Verdict(NOT_YET, "the graph: give (model, data)", line),
        "attribution": Verdict(NOT_YET, "the graph: give (model, data)", _TASK),
    }
