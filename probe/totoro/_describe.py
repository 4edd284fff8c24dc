"""The labelled result of one imbalance, and what its reader should know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from ._labelled import Labelled
from ._measures import Reach, class_conflict, conflict_share, unreached, zero_conflict
from .ranking import conflict_ranks, weights_of_ranks

# name: (long name, units, range)
WORDS = {
    "totoro": ("conflict T of a labelled node with the other classes", "probability", ">= 0"),
    "conflict": ("conflict T of a node if it carried this label", "probability", ">= 0"),
    "exposure": ("influence of a class met by the node, Z = P P' S", "probability", ">= 0"),
    "influence": ("influence of a class at the node, Y = P' S", "probability", ">= 0"),
    "conflict_share": ("share of other classes in a node's exposure", "1", "[0, 1]"),
    "conflict_rank": ("place of T among the labelled nodes, ascending", "1", "[0, n - 1]"),
    "weight": ("ReNode weight", "1", "[w_min, w_max]"),
    "class_conflict": ("mean exposure of a class to another", "probability", ">= 0"),
    "label_of": ("label, -1 where unknown", "1", ""),
    "train": ("labelled for training", "1", "bool"),
    "component": ("connected component", "1", ""),
    "zero_conflict": ("labelled, and no other class in its component", "1", "bool"),
    "unreached": ("no labelled node in its component", "1", "bool"),
    "isolated": ("without a neighbour", "1", "bool"),
}


def described(
    tables: Mapping[str, np.ndarray],
    labelled: Labelled,
    reach: Reach,
    *,
    w_min: float,
    w_max: float,
) -> xr.Dataset:
    """Everything that follows from (node, label) tables of conflict, exposure and influence."""
    nodes, own = labelled.nodes, labelled.own
    totoro = tables["conflict"][nodes, own]
    ranks = conflict_ranks(totoro)
    seen = tables["exposure"][nodes]
    found: dict[str, Any] = {
        name: (("node", "label"), table, _attrs(name)) for name, table in tables.items()
    }
    by_node = {
        "totoro": _spread(totoro, labelled),
        "conflict_share": _spread(conflict_share(seen, own), labelled),
        "conflict_rank": _spread(ranks, labelled),
        "weight": _spread(weights_of_ranks(ranks, w_min=w_min, w_max=w_max), labelled),
        "label_of": labelled.labels,
        "train": labelled.train,
        "component": reach.component,
        "zero_conflict": zero_conflict(reach.component, nodes, own, len(labelled.names)),
        "unreached": unreached(reach.component, nodes),
        "isolated": reach.isolated,
    }
    found |= {name: ("node", values, _attrs(name)) for name, values in by_node.items()}
    between = class_conflict(seen, own, labelled.counts)
    found["class_conflict"] = (("label", "label_other"), between, _attrs("class_conflict"))
    names = np.array(labelled.names)
    coords = {
        "label": np.arange(len(names)),
        "label_other": np.arange(len(names)),
        "label_name": ("label", names),
    }
    return xr.Dataset(found, coords)


def summary_of(ds: xr.Dataset) -> dict[str, float | int]:
    """Attrs that sum a result up over the graph."""
    return {
        "graph_totoro": float(np.nansum(ds.totoro.values, dtype=np.float64)),
        "graph_conflict_share": float(np.nanmean(ds.conflict_share.values)),
        "n_zero_conflict": int(ds.zero_conflict.values.sum()),
        "n_unreached": int(ds.unreached.values.sum()),
        "n_isolated": int(ds.isolated.values.sum()),
    }


def notes_of(ds: xr.Dataset, *, symmetric: bool, directed: str) -> str:
    """Warnings in words, one a line; empty if there is nothing to say."""
    n_train, n_nodes = int(ds.train.values.sum()), ds.sizes["node"]
    totoro = ds.totoro.values
    found = []
    if ds.attrs["n_zero_conflict"]:
        found.append(
            f"{ds.attrs['n_zero_conflict']} of {n_train} labelled nodes share their component with "
            "no labelled node of another class: their T is 0 because nobody is met, not because "
            "there is peace, and they get the largest weights."
        )
    if ds.attrs["n_unreached"]:
        found.append(
            f"{ds.attrs['n_unreached']} of {n_nodes} nodes share their component with no labelled "
            "node: no class influences them."
        )
    if ds.attrs["n_isolated"]:
        found.append(f"{ds.attrs['n_isolated']} of {n_nodes} nodes have no neighbour.")
    if directed == "symmetrise":
        found.append("Edges were counted in both directions (directed='symmetrise').")
    if not symmetric:
        found.append("The graph is directed: D holds out-degrees, and T follows the edges.")
    positive = totoro[totoro > 0]
    if len(positive) and ds.attrs["error_bound"] > 0.01 * np.median(positive):
        found.append(
            f"The error of T is only known to stay below {ds.attrs['error_bound']:.1e}, which is "
            f"not small beside the median T, {np.median(positive):.1e}: lower `tol`."
        )
    return "\n".join(found)


def _attrs(name: str) -> dict[str, str]:
    long_name, units, span = WORDS[name]
    return {"long_name": long_name, "units": units} | ({"range": span} if span else {})


def _spread(values: np.ndarray, labelled: Labelled) -> np.ndarray:
    """Values of the labelled nodes at their places among all nodes, NaN elsewhere."""
    found = np.full(len(labelled.labels), np.nan, dtype=np.result_type(values, np.float32))
    found[labelled.train] = values
    return found
