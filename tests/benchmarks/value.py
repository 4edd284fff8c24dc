"""What the per-head statistics of VALUE cost beside the model, and the memory that they take.

Run `python tests/benchmarks/value.py` (about 3 minutes on one thread) or with `--quick` (fewer
scenes). Measured: CPU seconds, the least of several repeats, arms interleaved, so that a busy
machine does little harm. Exits with 1 if a bound is missed: statistics at most 0.25 of a bare
forward pass (1.25 in all), and no more memory at the end of the stream than at its start.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

BATCH, REPEATS, BOUND = 64, 7, 1.25


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2,000 scenes in place of 20,000")
    options = parser.parse_args()
    worst = cost()
    grown = memory(2_000 if options.quick else 20_000)
    print(
        f"\nstatistics and bare forward: {worst:.2f} (bound {BOUND}); memory grows by {grown:.3f}"
    )
    return int(worst > BOUND or grown > 0.05)


def cost() -> float:
    """CPU milliseconds for a batch of 64: the bare forward pass, then each statistic."""
    import torch

    from data.scenes import render_scenes
    from probe.subjects.vision_language import attended, pair_tensors, scene_model
    from probe.value import Coreference, CrossModal, ModalityImportance, Relations
    from probe.value._prepared import prepared

    torch.set_num_threads(1)
    pairs = render_scenes(4 * BATCH, seed=0)
    kinds = (ModalityImportance, CrossModal, Coreference, Relations)
    print(
        "| model | positions | bare forward | all four | (bare + all) / bare | "
        + " | ".join(kind.__name__ for kind in kinds)
        + " | with attentions | as records |"
    )
    print("|" + "---|" * (len(kinds) + 7))
    worst = 0.0
    for stream, positions in (("single", "regions"), ("single", "patches"), ("dual", "patches")):
        model = scene_model(stream, positions=positions).eval()
        tensors = pair_tensors(pairs, model)
        inputs = [tensors.inputs(torch.arange(i, i + BATCH)) for i in range(0, len(pairs), BATCH)]
        batches = list(attended(model, pairs, batch_size=BATCH, hidden_states=False))
        alone, together = [kind() for kind in kinds], [kind() for kind in kinds]

        def everything(batches: Any = batches, together: Any = together) -> None:
            for batch in batches:
                ready = prepared(batch)
                for probe in together:
                    probe.update(ready)

        def forward(detail: bool, model: Any = model, inputs: Any = inputs) -> None:
            with torch.no_grad():
                for each in inputs:
                    model(each, detail=detail)

        arms: dict[str, Callable[[], Any]] = {
            "bare": lambda: forward(False),
            "all": everything,
            **{
                type(probe).__name__: lambda p=probe, b=batches: [p.update(each) for each in b]
                for probe in alone
            },
            "detail": lambda: forward(True),
            "records": lambda m=model: list(
                attended(m, pairs, batch_size=BATCH, hidden_states=False)
            ),
        }
        least = dict.fromkeys(arms, float("inf"))
        for _ in range(REPEATS):
            for arm, run in arms.items():
                start = time.process_time()
                run()
                least[arm] = min(least[arm], time.process_time() - start)
        ms = {arm: 1e3 * seconds / len(batches) for arm, seconds in least.items()}
        ratio = 1 + ms["all"] / ms["bare"]
        worst = max(worst, ratio)
        rest = " | ".join(f"{ms[kind.__name__]:.1f}" for kind in kinds)
        print(
            f"| {stream} | {batches[0].attentions.shape[-1]} ({positions}) | {ms['bare']:.1f} ms "
            f"| {ms['all']:.1f} ms | {ratio:.2f} | {rest} | {ms['detail']:.1f} "
            f"| {ms['records']:.1f} |",
            flush=True,
        )
    return worst


def memory(n: int) -> float:
    """How much Python and numpy hold after n examples over what they hold after n / 20."""
    import numpy as np

    from data.records import Attended
    from probe.value import AttentionProber, Coreference, CrossModal, ModalityImportance, Relations
    from probe.value._prepared import prepared

    rng = np.random.default_rng(0)

    def stream() -> Iterator[Attended]:
        """Batches of 50 with 12 words, 8 regions, random attention of 4 x 4 heads."""
        modality = np.tile([0] * 12 + [1] * 8, (50, 1))
        phrases = np.repeat(np.eye(4), 3, axis=1)
        for start in range(0, n, 50):
            attention = rng.random((50, 4, 4, 20, 20), dtype=np.float32)
            yield Attended(
                attentions=attention / attention.sum(-1, keepdims=True),
                present=np.ones((4, 2, 2), bool),
                modality=modality,
                special=np.zeros((50, 20), bool),
                boxes=np.zeros((50, 20, 4)),
                pool=np.zeros(50, int),
                phrases=np.tile(np.pad(phrases, ((0, 0), (0, 8))) > 0, (50, 1, 1)),
                phrase_kind=np.zeros((50, 4), int),
                regions=np.tile(np.eye(8, 20, 12), (50, 1, 1)),
                links=np.eye(4, 8)[None].repeat(50, axis=0) > 0,
                relation=rng.integers(-1, 3, size=(50, 8, 8)),
                kinds=("thing",),
                relation_names=("none", "left of", "inside"),
                attrs={"example": np.arange(start, start + 50)},
            )

    probes: list[Any] = [
        *(kind() for kind in (ModalityImportance, CrossModal, Coreference, Relations)),
        AttentionProber(sample=500),
    ]
    held: dict[int, tuple[int, int]] = {}
    marks = (n // 20, n // 2, n)
    tracemalloc.start()
    done = 0
    for batch in stream():
        ready = prepared(batch)
        for probe in probes:
            probe.update(ready)
        done += len(batch)
        del ready
        if done in marks:
            held[done] = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
    tracemalloc.stop()
    print("\n| examples | held | peak since the last row | state |")
    print("|---|---|---|---|")
    state = sum(each.nbytes for probe in probes for each in probe.state_dict().values())
    for count, (now, peak) in held.items():
        print(f"| {count:,} | {now / 1e6:.1f} MB | {peak / 1e6:.1f} MB | {state / 1e6:.1f} MB |")
    return held[n][0] / held[marks[0]][0] - 1


if __name__ == "__main__":
    sys.exit(main())
