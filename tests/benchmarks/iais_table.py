"""Print what the IAIS regularisers do to retrieval, beside their control, as a markdown table.

Run `python tests/benchmarks/iais_table.py`: 3 seeds x 5 arms on rendered scenes, 500 held out,
under 30 minutes on two cores the first time, seconds after that: starts and finished runs are kept
(`--folder`; the cache folder if not given, see LOUPE_DATA), so that an interrupted table goes on.
`--quick` is a small version, of which only the form means something.
"""

from __future__ import annotations

import argparse
from typing import Any

import xarray as xr

from probe.subjects.iais_study import ARMS, IaisRecipe, Start, iais_study

QUICK: dict[str, Any] = {
    "recipe": IaisRecipe(steps=40, batch_size=8),
    "start": Start(parts={"d_model": 32, "n_layers": 2}, n_scenes=500, steps=100),
    "n_train": 200,
    "n_held_out": 100,
}


def recall_rows(study: xr.Dataset) -> list[str]:
    """Recall of each arm in each direction, mean over seeds x 100, and the mean's difference."""
    head = ["arm"]
    head += [f"{d}, R@{k}" for d in study.direction.values for k in study.k.values]
    head += ["mean", "difference [95 %], p after Holm, seeds ahead", "minus shuffled [95 %], p"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for arm in study.arm.values:
        one = study.sel(arm=arm)
        cells = [str(arm)] + [f"{100 * value:.1f}" for value in one.recall_mean.values.ravel()]
        cells.append(f"{100 * one.mean_recall.mean().item():.1f}")
        for name in ("mean_recall_difference", "mean_recall_over_control"):
            cells.append("" if name not in one or one[f"{name}_p"].isnull() else gain(one, name))
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def gain(one: xr.Dataset, name: str) -> str:
    """A difference with its interval, p and seeds ahead."""
    low, high = 100 * one[f"{name}_interval"].values
    sure = f"p = {one[f'{name}_p_corrected'].item():.3f}"
    ahead = f"{int(one[f'{name}_wins'])}/{one.sizes['seed']}"
    return f"{100 * one[name].item():+.2f} [{low:+.2f}, {high:+.2f}], {sure}, {ahead}"


def other_rows(study: xr.Dataset) -> list[str]:
    """Matching accuracy x 100, and ISD and its gap in each layer, means over seeds."""
    layers = study.layer.values
    head = ["arm", "matching accuracy", "difference [95 %]", "true above false"]
    head += [f"ISD, layer {i + 1}" for i in layers] + [f"gap, layer {i + 1}" for i in layers]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for arm in study.arm.values:
        one = study.sel(arm=arm)
        low, high = 100 * one.accuracy_difference_interval.values
        change = f"{100 * one.accuracy_difference.item():+.2f} [{low:+.2f}, {high:+.2f}]"
        cells = [str(arm), f"{100 * one.accuracy.mean().item():.1f}"]
        cells += ["" if arm == "none" else change, f"{100 * one.above.mean().item():.1f}"]
        for name in ("isd", "gap"):
            cells += [f"{value:.3f}" for value in one[name].mean("seed").values]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def main() -> None:
    """Train, measure and print."""
    parser = argparse.ArgumentParser(description="Print what IAIS does to retrieval.")
    parser.add_argument("--arms", nargs="+", choices=tuple(ARMS), default=list(ARMS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--strength", type=float, default=1.0)
    parser.add_argument("--anchor", choices=("both", "vision", "language"), default="both")
    parser.add_argument("--folder", help="where starts and finished runs are kept")
    parser.add_argument("--workers", type=int, help="processes; one for each core if not given")
    parser.add_argument("--out", help="a netCDF file for the whole result")
    parser.add_argument("--quick", action="store_true", help="a small version")
    given = parser.parse_args()
    sizes = dict(QUICK) if given.quick else {"recipe": IaisRecipe()}
    recipe: IaisRecipe = sizes.pop("recipe")
    study = iais_study(
        arms=given.arms,
        seeds=given.seeds,
        recipe=IaisRecipe(**{**vars(recipe), "strength": given.strength, "anchor": given.anchor}),
        folder=given.folder,
        workers=given.workers,
        **sizes,
    )
    if given.out:
        study.to_netcdf(given.out)
    seconds, trained = study.attrs["seconds"], study.attrs["training_seconds"]
    print(f"{study.sizes['query']} held-out scenes, {study.sizes['seed']} seeds, x 100, strength")
    print(f"{given.strength:g}, anchor {given.anchor} ({seconds:.0f} s now; {trained:.0f} s of")
    print("training and scoring in all)\n")
    print("\n".join([*recall_rows(study), "", *other_rows(study)]))
    print("\n" + study.attrs["notes"].replace("\n", "\n\n"))


if __name__ == "__main__":
    main()
