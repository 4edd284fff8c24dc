"""Print the table of the README: STS-B test by layer and transform, with intervals.

Run `python tests/benchmarks/sts_table.py` (under a minute on two cores). It needs STS-B, from
the cache or by download, and the demo extra's model.
"""

from __future__ import annotations

from data import load_sts
from probe.subjects.sentence import SentenceEncoder
from probe.whitening import sts_evaluation

TRANSFORMS = ("raw", "centre", "abtt-3", "whiten-128", "whiten", "naive")
LAYERS = (1, 3, 5, 6)


def main() -> None:
    """Measure and print."""
    result = sts_evaluation(
        load_sts("stsb", "test"),
        SentenceEncoder.demo().encode,
        transforms=TRANSFORMS,
        layers=LAYERS,
        fit_on=load_sts("stsb", "train"),
        seed=0,
    ).sel(protocol="all", dataset="stsb")
    print("| layer | " + " | ".join(TRANSFORMS) + " |")
    print("|---" * (len(TRANSFORMS) + 1) + "|")
    for layer in LAYERS:
        cells = []
        for name in TRANSFORMS:
            score = 100 * result.spearman.sel(layer=layer, transform=name).item()
            low, high = 100 * result.spearman_interval.sel(layer=layer, transform=name).values
            cells.append(f"{score:.1f} [{low:.1f}, {high:.1f}]")
        print(f"| {layer} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
