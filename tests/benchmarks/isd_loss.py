"""What the IAIS losses of a batch cost beside a loop over its pairs, forward and backward.

Run `python tests/benchmarks/isd_loss.py` (about a minute on one thread). Measured: CPU seconds,
the least of several repeats, arms interleaved, so that a busy machine does little harm. Batch 64
in the paper's setting: captions of 12 to 24 words (18 on average), 30 to 36 regions, [CLS] and
[SEP], attention averaged over heads or of 12 heads. The loop does what the official training
does: for each pair it cuts the four blocks, chooses, selects and calls `kl_div` twice.

Exits with 1 if a bound is missed: the default form, of attention averaged over heads, at least 10
times faster, and in all forms values and gradients equal to 1e-6. Shown beside it without a bound:
the official form, whose loop has nothing to renormalise, and 12 heads, where both arms spend their
time on passes over the attention (12 MB) rather than on the loop.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

BATCH, HEADS, REPEATS, IN_A_ROW, BOUND, CLOSE = 64, 12, 7, 3, 10.0, 1e-6
WORDS, REGIONS = (12, 24), (30, 36)
HEADER = "| attention | kind | anchor | form | loop | ours | times faster | value | gradient |"


def main() -> int:
    rows = loss_rows()
    print(HEADER + "\n" + "|---" * 9 + "|")
    for row in rows:
        print(line(row))
    print()
    for heads in (0, HEADS):
        for form in ("default", "official"):
            ratios = [row["ratio"] for row in rows if (row["heads"], row["form"]) == (heads, form)]
            where = f"{heads} heads" if heads else "mean of heads"
            print(f"{where}, {form}: {min(ratios):.1f} to {max(ratios):.1f} times faster")
    bound = [row for row in rows if not row["heads"] and row["form"] == "default"]
    worst = min(row["ratio"] for row in bound)
    apart = max(max(row["value"], row["gradient"]) for row in rows)
    print(
        f"slowest default form, mean of heads: {worst:.1f} times faster (bound {BOUND:g}); "
        f"apart by {apart:.0e} at most (bound {CLOSE:g})"
    )
    return int(worst < BOUND or apart > CLOSE)


def line(row: dict[str, Any]) -> str:
    """One row of `loss_rows` as a row of a table under `HEADER`."""
    heads = f"{row['heads']} heads" if row["heads"] else "mean of heads"
    return (
        f"| {heads} | {row['kind']} | {row['anchor']} | {row['form']} | {row['loop']:.1f} ms "
        f"| {row['ours']:.1f} ms | {row['ratio']:.1f} | {row['value']:.0e} "
        f"| {row['gradient']:.0e} |"
    )


def loss_rows(*, batch: int = BATCH, repeats: int = REPEATS) -> list[dict[str, Any]]:
    """For heads, kind, anchor and form: CPU ms of both arms, their ratio, how far they are apart.

    `value` and `gradient` are relative: of the loss, and of the largest entry of the gradient.
    """
    import torch

    from probe.isd.regulariser import IAIS_KINDS, iais_loss

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    rows = []
    try:
        for heads in (0, HEADS):
            attention, text, image = pairs(batch, heads)
            for kind in IAIS_KINDS:
                for anchor in ("language", "vision"):
                    # Congruence has no official form.
                    for parity in (False,) if kind == "congruence" else (False, True):
                        chosen: dict[str, Any] = {"kind": kind, "anchor": anchor, "parity": parity}
                        found = _compared(
                            lambda a, c=chosen, t=text, i=image: iais_loss(a, t, i, **c),
                            lambda a, c=chosen, t=text, i=image: looped(a, t, i, **c),
                            attention,
                            repeats,
                        )
                        form = "official" if parity else "default"
                        rows.append(
                            {"heads": heads, "kind": kind, "anchor": anchor, "form": form} | found
                        )
    finally:
        torch.set_num_threads(threads)
    return rows


def pairs(batch: int, heads: int) -> Any:
    """Random attention (batch, [head,] position, position), softmaxed over what is no padding."""
    import torch

    drawn = torch.Generator().manual_seed(0)
    n = 2 + WORDS[1] + REGIONS[1]
    place = torch.arange(n)
    n_text = torch.randint(WORDS[0], WORDS[1] + 1, (batch, 1), generator=drawn)
    n_image = torch.randint(REGIONS[0], REGIONS[1] + 1, (batch, 1), generator=drawn)
    text = (place >= 1) & (place < 1 + n_text)
    image = (place >= 2 + WORDS[1]) & (place < 2 + WORDS[1] + n_image)
    keys = text | image | (place == 0) | (place == 1 + WORDS[1])
    scores = 2 * torch.randn((batch, max(heads, 1), n, n), generator=drawn)
    attention = scores.masked_fill(~keys[:, None, None, :], -torch.inf).softmax(dim=-1)
    return (attention if heads else attention[:, 0]), text, image


def looped(attention: Any, text: Any, image: Any, *, kind: str, anchor: str, parity: bool) -> Any:
    """The same loss, pair by pair: the mean over pairs."""
    import torch

    losses = []
    for one, words, regions in zip(attention, text, image, strict=True):
        own, other = words.nonzero()[:, 0], regions.nonzero()[:, 0]
        if anchor == "vision":
            own, other = other, own
        # As in the official training, each modality is one stretch.
        a, b = slice(int(own[0]), int(own[-1]) + 1), slice(int(other[0]), int(other[-1]) + 1)
        inside, across = one[..., a, a], one[..., a, b]
        back, outside = one[..., b, a], one[..., b, b]
        if not parity or one.ndim == 3:
            inside, across, back, outside = (
                part / part.sum(dim=-1, keepdim=True) for part in (inside, across, back, outside)
            )
        if one.ndim == 3:
            inside, across, back, outside = (
                part.mean(dim=0) for part in (inside, across, back, outside)
            )
        if kind == "singular":
            chosen = across.argmax(dim=1)
            told = outside.index_select(0, chosen).index_select(1, chosen)
            told = told.softmax(dim=-1) if parity else told / told.sum(dim=-1, keepdim=True)
        elif kind == "distributed":
            told = across @ back
        else:
            told = across @ outside @ back
        losses.append(_divergence(inside, told, 0.0 if kind == "singular" else 1e-6, parity))
    return torch.stack(losses).mean()


def _divergence(p: Any, q: Any, epsilon: float, parity: bool) -> Any:
    from torch.nn.functional import kl_div

    if not parity:
        p, q = ((m + 1e-6) / (1 + 1e-6 * m.shape[-1]) for m in (p, q))
        epsilon = 0.0
    return kl_div((p + epsilon).log(), q, reduction="batchmean") + kl_div(
        (q + epsilon).log(), p, reduction="batchmean"
    )


def _compared(ours: Any, loop: Any, attention: Any, repeats: int) -> dict[str, float]:
    import torch

    arms = {"loop": loop, "ours": ours}
    took: dict[str, list[float]] = {arm: [] for arm in arms}
    found: dict[str, tuple[Any, Any]] = {}
    for _ in range(repeats):
        for arm, loss in arms.items():
            # A few in a row: the first finds the caches as the other arm left them.
            for _ in range(IN_A_ROW):
                leaf = attention.clone().requires_grad_()
                start = time.process_time()
                value = loss(leaf)
                value.backward()
                took[arm].append(1e3 * (time.process_time() - start))
                found[arm] = value.detach(), leaf.grad
    (value, gradient), (wanted, slope) = found["ours"], found["loop"]
    ms = {arm: min(times) for arm, times in took.items()}
    return {
        **ms,
        "ratio": ms["loop"] / ms["ours"],
        "value": float((value - wanted).abs() / wanted.abs()),
        "gradient": float(torch.dist(gradient, slope, p=torch.inf) / slope.abs().max()),
    }


if __name__ == "__main__":
    sys.exit(main())
