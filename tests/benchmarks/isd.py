"""What ISD of all layers and heads costs beside a plain loop and beside the model itself.

Run `python tests/benchmarks/isd.py` (about three minutes on one thread); the losses' half is in
`isd_loss.py`, printed below it. Measured: CPU seconds, the least of several repeats, arms
interleaved, so that a busy machine does little harm. Exits with 1 if a bound is missed: at least
200 times faster than the loop, and equal to 1e-5.

The loop is ISD as the paper describes it, with nothing batched: for each pair, layer and head, for
each two phrases the block of attention between their words, summed over keys and averaged over
queries, likewise for each two regions, then rows over their sums and KL both ways.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

BATCH, LAYERS, HEADS = 64, 12, 12
LOOPED, REPEATS, BOUND, CLOSE = 8, 9, 200.0, 1e-5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--metric", action="store_true", help="leave the losses out")
    options = parser.parse_args()
    rows = metric_rows()
    print(f"ISD of {BATCH} pairs, {LAYERS} x {HEADS} heads, about 40 positions, 3 to 6 objects\n")
    print("| attention | loop in | loop | einsum | times faster | apart |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        print(
            f"| {row['dtype']} | {row['loop']} | {row['looped']:.0f} ms | {row['ours']:.1f} ms "
            f"| {row['ratio']:.0f} | {row['apart']:.0e} |"
        )
    bound_on = next(row for row in rows if row["dtype"] == "float32" and row["loop"] == "torch")
    slow = bound_on["ratio"] < BOUND
    apart = max(row["apart"] for row in rows) > CLOSE
    wanted = f"{BOUND:g} times faster than the loop on the model's float32 tensors"
    print(f"\nbounds: {wanted}, apart by {CLOSE:g}", flush=True)
    print(
        "\n| model | pairs | bare forward | ISD | with null and intervals | (bare + all) / bare |"
    )
    print("|---|---|---|---|---|---|")
    for row in cost_rows():
        print(
            f"| {row['model']} | {BATCH} | {row['bare']:.1f} ms | {row['isd']:.1f} ms "
            f"| {row['all']:.1f} ms | {1 + row['all'] / row['bare']:.2f} |",
            flush=True,
        )
    failed = slow or apart
    if not options.metric:
        print(flush=True)
        failed |= bool(_losses().main())
    return int(failed)


def _losses() -> Any:
    """The benchmark of the losses, which lies beside this file."""
    path = Path(__file__).with_name("isd_loss.py")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pairs(dtype: str) -> Any:
    """A batch of random attention: 3 to 6 objects of 1 to 3 words and 1 to 3 positions."""
    import numpy as np
    import torch

    from data.records import Attended

    rng = np.random.default_rng(0)
    text, image, most = 20, 20, 6
    size = text + image
    phrases = np.zeros((BATCH, most, size), bool)
    regions = np.zeros((BATCH, most, size), np.float32)
    for i in range(BATCH):
        at = 1, text
        for k in range(3 + i % 4):
            words, places = rng.integers(1, 4, size=2)
            phrases[i, k, at[0] : at[0] + words] = True
            regions[i, k, at[1] : at[1] + places] = 1
            at = at[0] + words, at[1] + places
    scores = torch.randn(
        (BATCH, LAYERS, HEADS, size, size), generator=torch.Generator().manual_seed(0)
    )
    special = np.zeros((BATCH, size), bool)
    special[:, [0, text - 1]] = True
    return Attended(
        attentions=scores.to(getattr(torch, dtype)).softmax(dim=-1),
        present=np.ones((LAYERS, 2, 2), bool),
        modality=np.tile(np.repeat([0, 1], [text, image]), (BATCH, 1)),
        special=special,
        boxes=np.full((BATCH, size, 4), np.nan, np.float32),
        pool=np.zeros(BATCH, np.int64),
        phrases=phrases,
        regions=regions,
        links=np.tile(np.eye(most, dtype=bool), (BATCH, 1, 1)),
        attrs={"example": np.arange(BATCH)},
    )


def looped(batch: Any, chosen: range) -> Any:
    """ISD (pair, layer, head), number by number, on the model's tensors."""
    import torch

    attention = batch.attentions
    found = torch.empty(len(chosen), LAYERS, HEADS, dtype=torch.float64)
    for i in chosen:
        objects = spans(batch, i)
        k = len(objects[0])
        for layer in range(LAYERS):
            for head in range(HEADS):
                weights = attention[i, layer, head]
                tables = []
                for side in objects:
                    table = torch.empty(k, k, dtype=weights.dtype)
                    for a, (start, stop) in enumerate(side):
                        for b, (first, last) in enumerate(side):
                            block = weights[start:stop, first:last]
                            table[a, b] = block.sum(dim=1).mean()
                    tables.append(table / table.sum(dim=1, keepdim=True))
                total = 0.0
                for p, q in zip(*tables, strict=True):
                    total += float((p * (p / q).log()).sum() + (q * (q / p).log()).sum())
                found[i, layer, head] = total
    return found.numpy()


def looped_in_numpy(batch: Any, chosen: range) -> Any:
    """The same in numpy, whose calls on a few numbers cost less."""
    import numpy as np

    attention = batch.attentions.numpy()
    found = np.empty((len(chosen), LAYERS, HEADS))
    for i in chosen:
        objects = spans(batch, i)
        k = len(objects[0])
        for layer in range(LAYERS):
            for head in range(HEADS):
                weights = attention[i, layer, head]
                tables = []
                for side in objects:
                    table = np.empty((k, k))
                    for a, (start, stop) in enumerate(side):
                        for b, (first, last) in enumerate(side):
                            block = weights[start:stop, first:last]
                            table[a, b] = block.sum(axis=1).mean()
                    tables.append(table / table.sum(axis=1, keepdims=True))
                total = 0.0
                for p, q in zip(*tables, strict=True):
                    total += (p * np.log(p / q)).sum() + (q * np.log(q / p)).sum()
                found[i, layer, head] = total
    return found


def spans(batch: Any, i: int) -> list[list[tuple[int, int]]]:
    """First and last position of each object's words, and of its places; contiguous here."""
    import numpy as np

    return [
        [(int(at[0]), int(at[-1]) + 1) for at in map(np.flatnonzero, units[i]) if len(at)]
        for units in (batch.phrases, batch.regions)
    ]


def metric_rows() -> list[dict[str, Any]]:
    """For each precision and loop: CPU ms of both, their ratio, and how far apart they are.

    A loop runs over some of the pairs in each repeat and is scaled to all of them.
    """
    import numpy as np
    import torch

    from probe.isd._related import Form, related
    from probe.value._prepared import prepared

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    form = Form("annotation", "sum", "sum", True)
    rows = []
    try:
        for dtype in ("float32", "float64"):
            batch = pairs(dtype)

            def ours(batch: Any = batch) -> Any:
                return related(prepared(batch), form).distance()[..., :-1].numpy()

            loops = {
                "torch": lambda b=batch: looped(b, range(LOOPED)),
                "numpy": lambda b=batch: looped_in_numpy(b, range(LOOPED)),
            }
            took = _least({**loops, "ours": ours})
            for name, loop in loops.items():
                whole = took[name] * BATCH / LOOPED
                row = {"dtype": dtype, "loop": name, "looped": whole, "ours": took["ours"]}
                apart = np.abs(ours()[:LOOPED] / loop() - 1).max()
                rows.append(row | {"ratio": whole / took["ours"], "apart": float(apart)})
    finally:
        torch.set_num_threads(threads)
    return rows


def cost_rows() -> list[dict[str, Any]]:
    """CPU ms for a batch of rendered scenes: the bare forward pass, ISD alone, and all of `isd`."""
    import torch

    from data.scenes import render_scenes
    from probe.isd import Isd
    from probe.isd._related import Form, related
    from probe.subjects.vision_language import attended, pair_tensors, scene_model
    from probe.value._prepared import prepared

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    scenes = render_scenes(BATCH, seed=0)
    form = Form("annotation", "sum", "sum", True)
    rows = []
    try:
        for positions in ("regions", "patches"):
            model = scene_model("single", positions=positions).eval()
            inputs = pair_tensors(scenes, model).inputs(torch.arange(BATCH))
            (batch,) = attended(model, scenes, batch_size=BATCH, hidden_states=False)

            def bare(model: Any = model, inputs: Any = inputs) -> None:
                with torch.no_grad():
                    model(inputs, detail=False)

            took = _least(
                {
                    "bare": bare,
                    "isd": lambda b=batch: related(prepared(b), form).distance(),
                    "all": lambda b=batch: Isd().measure(b),
                }
            )
            label = f"single, {batch.attentions.shape[-1]} positions ({positions})"
            rows.append({"model": label, **took})
    finally:
        torch.set_num_threads(threads)
    return rows


def _least(arms: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """CPU milliseconds of each arm, the least of several interleaved repeats."""
    least = dict.fromkeys(arms, float("inf"))
    for _ in range(REPEATS):
        for arm, run in arms.items():
            start = time.process_time()
            run()
            least[arm] = min(least[arm], 1e3 * (time.process_time() - start))
    return least


if __name__ == "__main__":
    sys.exit(main())
