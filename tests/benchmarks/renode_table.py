"""Print what ReNode gains over plain training, beside its controls, as a markdown table.

Run `python tests/benchmarks/renode_table.py`: Cora, GCN, 10 splits x 3 seeds x 5 arms, about a
minute on two cores. Cora and CiteSeer come from the cache or by download; the digits graph
needs neither. `--folder` keeps finished runs, so that an interrupted table goes on.
"""

from __future__ import annotations

import argparse

import xarray as xr

from data.graphs import load_digits_graph, load_planetoid
from data.records import Graph
from probe.subjects.graph import GNN_NAMES, NODE_LOSSES
from probe.subjects.renode import renode_study

NAMES = {"weighted_f1": "Weighted-F1", "macro_f1": "Macro-F1"}


def load(name: str) -> Graph:
    """A graph by its name."""
    return load_digits_graph() if name == "digits" else load_planetoid(name)


def rows_of(study: xr.Dataset) -> list[str]:
    """The table's lines: one for each arm; scores x 100."""
    splits = study.sizes["split"]
    head = ["arm", *NAMES.values()]
    head += [f"{name} difference [95 %], p after Holm, wins" for name in NAMES.values()]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for arm in study.arm.values:
        one = study.sel(arm=arm)
        scores, gains = [], []
        for metric in NAMES:
            at = one.sel(metric=metric)
            scores.append(f"{100 * at['mean'].item():.2f} ± {100 * at.deviation.item():.2f}")
            low, high = 100 * at.difference_interval.values
            gain = f"{100 * at.difference.item():+.2f} [{low:+.2f}, {high:+.2f}]"
            sure = f"p = {at.p_corrected.item():.4f}, {int(at.wins.fillna(0))}/{splits}"
            gains.append("" if arm == "plain" else f"{gain}, {sure}")
        lines.append("| " + " | ".join([str(arm), *scores, *gains]) + " |")
    return lines


def main() -> None:
    """Train, measure and print."""
    parser = argparse.ArgumentParser(description="Print what ReNode gains.")
    parser.add_argument("--graph", choices=("cora", "citeseer", "digits"), default="cora")
    parser.add_argument("--model", choices=GNN_NAMES, default="gcn")
    parser.add_argument("--loss", choices=tuple(NODE_LOSSES), default="cross_entropy")
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--folder", help="where finished runs are kept")
    parser.add_argument("--workers", type=int, help="processes; one for each core if not given")
    given = parser.parse_args()
    study = renode_study(
        load(given.graph),
        model=given.model,
        loss=given.loss,
        splits=given.splits,
        seeds=given.seeds,
        folder=given.folder,
        workers=given.workers,
    )
    print(
        f"{given.graph}, {given.model}, {given.loss}: {given.splits} splits x {given.seeds} seeds"
    )
    print(f"({study.score[..., 0].size} trainings in {study.attrs['seconds']:.0f} s)\n")
    print("\n".join(rows_of(study)))
    print("\n" + study.attrs["notes"].replace("\n", "\n\n"))


if __name__ == "__main__":
    main()
