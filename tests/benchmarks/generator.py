"""Train the small generators once and print how long it took and how good their pictures are.

Run `python tests/benchmarks/generator.py` (a few minutes for each generator the first time, seconds
after that: they are kept in the cache folder, see LOUPE_DATA). `--sheets FOLDER` also writes a
sheet of samples for each.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from data.faces import render_faces
from data.images import load_digits_images
from probe.subjects.face_regressor import trained_face_regressor
from probe.subjects.generator import FAMILIES, SUBJECTS, TrainedGenerator, trained_generator
from probe.subjects.generator_coverage import face_coverage


def samples(found: TrainedGenerator, n: int, seed: int = 1) -> torch.Tensor:
    """Images of `n` latents of the generator's own distribution."""
    with torch.no_grad():
        parts = found.model.sample(n, seed).split(250)
        return torch.cat([found.model.synthesize(part) for part in parts])


def digits_lines(found: TrainedGenerator, family: str, n: int) -> list[str]:
    """What a classifier of digits, trained on half of them, says of the samples."""
    from sklearn.svm import SVC

    digits = load_digits_images()
    flat = digits.images.reshape(len(digits), -1)
    order = np.random.default_rng(0).permutation(len(digits))
    train, held = order[::2], order[1::2]
    judge = SVC(gamma="scale", C=10.0).fit(flat[train], digits.labels[train])
    lines = [f"- classifier on held-out digits: {judge.score(flat[held], digits.labels[held]):.3f}"]
    images = samples(found, n).flatten(1).numpy()
    said = judge.predict(images)
    if family == "gan":
        right = said == np.arange(n) % 10
        lines.append(f"- samples that show their label: {right.mean():.3f} of {n}")
        each = [f"{right[label::10].mean():.2f}" for label in range(10)]
        lines.append("- by label 0 to 9: " + " ".join(each))
    shares = np.bincount(said, minlength=10) / n
    lines.append("- shares of labels 0 to 9: " + " ".join(f"{share:.2f}" for share in shares))
    # Distance to the nearest real digit, against that of held-out digits: 1 is as near.
    near = [_nearest(some, flat[train]) for some in (images[:500], flat[held][:500])]
    lines.append(
        f"- distance to the nearest real digit / that of held-out ones: {near[0] / near[1]:.2f}"
    )
    spread = images.std(0).mean() / flat.std(0).mean()
    lines.append(f"- spread of pixels / that of real digits: {spread:.2f}")
    return lines


def _nearest(images: np.ndarray, others: np.ndarray) -> float:
    squares = (images**2).sum(1)[:, None] + (others**2).sum(1) - 2 * images @ others.T
    return float(np.median(np.sqrt(np.clip(squares, 0, None).min(1))))


def faces_lines(found: TrainedGenerator, n: int) -> list[str]:
    """What a regressor of parameters reads off the samples."""
    reader = trained_face_regressor()
    r2, coverage = reader.scores["r2"], face_coverage(reader.model, samples(found, n))
    redrawn = coverage["redrawn"].values
    lines = [
        f"- regressor's R2 on held-out faces: mean {float(r2.mean()):.3f}, least "
        f"{float(r2.min()):.3f} ({r2.parameter.values[r2.values.argmin()]})",
        f"- samples against their drawings: {redrawn[0]:.3f}; rendered faces: {redrawn[1]:.3f}",
        f"- coverage of {n} samples: mean {float(coverage['coverage'].mean()):.3f} "
        f"(other rendered faces {float(coverage['chance_coverage'].mean()):.3f})",
        "",
        "| parameter | attribute | R2 | coverage |",
        "|---|---|---|---|",
    ]
    for name in coverage.parameter.values:
        one = coverage.sel(parameter=name)
        lines.append(
            f"| {name} | {one['attribute'].item()} | {float(r2.sel(parameter=name)):.3f} "
            f"| {float(one['coverage']):.2f} |"
        )
    return lines


def main() -> None:
    """Train or load, measure and print."""
    parser = argparse.ArgumentParser(description="Print what the small generators draw.")
    parser.add_argument("--subject", choices=SUBJECTS, action="append")
    parser.add_argument("--family", choices=FAMILIES, action="append")
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sheets", type=Path)
    given = parser.parse_args()
    started = time.process_time()
    render_faces(1000)
    print(f"20,000 faces of 32 pixels: {20 * (time.process_time() - started):.1f} s of one core")
    for subject in given.subject or SUBJECTS:
        for family in given.family or FAMILIES:
            found = trained_generator(subject, family=family, seed=given.seed)
            seconds, steps = found.history.attrs["seconds"], found.history.sizes["step"]
            print(f"\n{subject}, {family}: {steps} updates in {seconds:.0f} s; {found.path.name}")
            lines = (
                faces_lines(found, given.samples)
                if subject == "faces"
                else digits_lines(found, family, given.samples)
            )
            print("\n".join(lines))
            if given.sheets is not None:
                _sheet(found, given.sheets / f"{subject}_{family}.png")


def _sheet(found: TrainedGenerator, path: Path) -> None:
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    from viz.faces import plot_sheet
    from viz.style import figure_of

    ax = plot_sheet(samples(found, 40), columns=10)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure_of(ax).savefig(path, dpi=120)
    plt.close("all")


if __name__ == "__main__":
    main()
