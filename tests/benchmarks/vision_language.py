"""Train a small vision-and-language model on scenes once and print how well it matches captions.

Run `python tests/benchmarks/vision_language.py` (at most 10 minutes on two cores the first time,
seconds after that: the model is kept in the cache folder, see LOUPE_DATA). `--kind dual` is the
other architecture, `--positions patches` reads the image itself, at 2.5 times the cost of an
update (fewer `--steps` make it affordable, and the model worse).
"""

from __future__ import annotations

import argparse
import time

import xarray as xr

from data.scenes import render_scenes
from probe.subjects.vision_language import (
    KINDS,
    matching_accuracy,
    scene_changes,
    trained,
    untrained_twin,
)
from probe.subjects.vision_language_model import POSITIONS
from probe.subjects.vision_language_training import STEPS

HELD_OUT_SEED = 2_000_003  # training scenes have seed 0


def rows_of(name: str, found: xr.Dataset) -> list[str]:
    """One line for each kind of false caption; shares x 100."""
    rows = []
    for negative in found.negative.values:
        one = found.sel(negative=negative)
        cells = [name, str(negative), str(one.pairs.item())]
        for measure in ("accuracy", "ranking"):
            low, high = 100 * one[f"{measure}_interval"].values
            cells.append(f"{100 * one[measure].item():.1f} [{low:.1f}, {high:.1f}]")
        rows.append("| " + " | ".join(cells) + " |")
    return rows


def main() -> None:
    """Train or load, measure and print."""
    parser = argparse.ArgumentParser(description="Print held-out matching accuracy.")
    parser.add_argument("--kind", choices=KINDS, default="single")
    parser.add_argument("--positions", choices=POSITIONS, default="regions")
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    started, worked = time.perf_counter(), time.process_time()
    found = trained(given.kind, positions=given.positions, steps=given.steps, seed=given.seed)
    waited, worked = time.perf_counter() - started, time.process_time() - worked
    print(f"{found.model.name}, {given.positions}: {found.history.sizes['step']} updates in ")
    print(
        f"{found.history.attrs['seconds']:.0f} s of training; now {waited:.0f} s, of which "
        f"{worked:.0f} s on the processor (all cores together); {found.path}"
    )
    print()
    for name, line in (("loss", 100), ("accuracy", 100), ("words", 100)):
        last = found.history[name].values[-line:].mean()
        print(f"- {name} of the last {line} updates: {last:.3f}")
    print("\n| model, scenes | false captions | pairs | accuracy [95 %] | ranking [95 %] |")
    print("|---" * 5 + "|")
    twin = untrained_twin(found.model, given.seed + 1)
    for name, model, kept in (
        ("trained, held out", found.model, "none"),
        ("trained, unseen combinations", found.model, "only"),
        ("random weights", twin, "none"),
    ):
        pairs = render_scenes(given.pairs, seed=HELD_OUT_SEED + given.seed, held_out=kept)
        result = matching_accuracy(model, pairs, changes=scene_changes())
        print("\n".join(rows_of(name, result)))


if __name__ == "__main__":
    main()
