"""IAIS losses against the official code's values, a slow reference, and what they must be."""

from __future__ import annotations

from math import exp, log
from pathlib import Path

import numpy as np
import pytest
import torch

from probe.isd.regulariser import iais_loss

from .iais_truth import CASES, FORMS, drawn, slow_loss

OFFICIAL = [
    (kind, anchor, f"{anchor[0].upper()}_{kind}") for kind, anchor in CASES if kind != "congruence"
]


def joint(ll, lv, vl, vv):
    """One pair's joint attention from its four blocks, text first, with its masks."""
    blocks = [torch.as_tensor(block, dtype=torch.float64) for block in (ll, lv, vl, vv)]
    top, bottom = torch.cat(blocks[:2], dim=1), torch.cat(blocks[2:], dim=1)
    text = torch.arange(len(top) + len(bottom))[None] < len(top)
    return torch.cat([top, bottom])[None], text, ~text


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize(("kind", "anchor", "name"), OFFICIAL)
def test_official_values(golden: Path, number, kind, anchor, name):
    with np.load(golden / f"iais_{number}.npz") as held:
        attention, n_text = torch.from_numpy(held["attention"]), int(held["n_text"])
        wanted = float(held[name])
    text = torch.arange(len(attention))[None] < n_text
    options = {"kind": kind, "anchor": anchor, "parity": True}
    assert iais_loss(attention[None], text, ~text, **options).item() == pytest.approx(
        wanted, abs=1e-10
    )
    # The same pair with its positions in another order, and padding that holds anything.
    order = torch.randperm(len(attention) + 3, generator=torch.Generator().manual_seed(number))
    wide = torch.full((1, len(order), len(order)), torch.nan, dtype=torch.float64)
    wide[0, : len(attention), : len(attention)] = attention
    padded = [torch.nn.functional.pad(mask, (0, 3))[:, order] for mask in (text, ~text)]
    found = iais_loss(wide[:, order][:, :, order], *padded, **options)
    assert found.item() == pytest.approx(wanted, abs=1e-10)


@pytest.mark.parametrize("scattered", [True, False])
@pytest.mark.parametrize("heads", [0, 1, 3])
@pytest.mark.parametrize(("kind", "anchor", "parity"), FORMS)
def test_equals_the_formulas_pair_by_pair(kind, anchor, parity, heads, scattered):
    attention, text, image = drawn(heads + 10, heads=heads, scattered=scattered)
    found = iais_loss(attention, text, image, kind=kind, anchor=anchor, parity=parity)
    wanted = slow_loss(attention, text, image, kind, anchor, parity)
    assert found.item() == pytest.approx(wanted, rel=1e-10)


@pytest.mark.parametrize("heads", [0, 2])
@pytest.mark.parametrize(("kind", "anchor", "parity"), FORMS)
def test_a_batch_is_the_mean_of_its_pairs(kind, anchor, parity, heads):
    attention, text, image = drawn(1, batch=5, heads=heads)
    options = {"kind": kind, "anchor": anchor, "parity": parity}
    alone = [
        iais_loss(attention[i : i + 1], text[i : i + 1], image[i : i + 1], **options)
        for i in range(5)
    ]
    torch.testing.assert_close(
        iais_loss(attention, text, image, **options), torch.stack(alone).mean()
    )


@pytest.mark.parametrize("heads", [0, 2])
@pytest.mark.parametrize(("kind", "anchor", "parity"), FORMS)
def test_the_order_of_positions_does_not_matter(kind, anchor, parity, heads):
    attention, text, image = drawn(2, heads=heads)
    order = torch.randperm(text.shape[1], generator=torch.Generator().manual_seed(3))
    moved = attention[..., order, :][..., order]
    options = {"kind": kind, "anchor": anchor, "parity": parity}
    torch.testing.assert_close(
        iais_loss(moved, text[:, order], image[:, order], **options),
        iais_loss(attention, text, image, **options),
    )


@pytest.mark.parametrize(("kind", "anchor"), CASES)
def test_exchanging_the_modalities_exchanges_the_anchors(kind, anchor):
    attention, text, image = drawn(4)
    other = "vision" if anchor == "language" else "language"
    assert iais_loss(attention, text, image, kind=kind, anchor=anchor) == iais_loss(
        attention, image, text, kind=kind, anchor=other
    )


@pytest.mark.parametrize("anchor", ["language", "vision"])
@pytest.mark.parametrize("kind", ["singular", "distributed", "congruence"])
def test_zero_where_the_told_relations_are_the_own(kind, anchor):
    random = torch.Generator().manual_seed(5)
    relations = torch.rand(4, 4, generator=random, dtype=torch.float64).softmax(dim=-1)
    links = torch.eye(4, dtype=torch.float64)[torch.tensor([2, 0, 3, 1])]
    there = links.T @ relations @ links
    if kind == "distributed":  # there and back along links is every place itself
        relations, there = torch.eye(4), torch.eye(4)
    batch = joint(0.5 * relations, 0.5 * links, 0.3 * links.T, 0.7 * there)
    assert abs(iais_loss(*batch, kind=kind, anchor=anchor).item()) < 1e-12
    even = torch.full((1, 8, 8), 1 / 8)
    assert abs(iais_loss(even, *batch[1:], kind=kind, anchor=anchor).item()) < 1e-6


def test_two_by_two_by_hand():
    # Words attend (.9, .1) and (.2, .8) inside; words choose regions 1 and 0; regions look at the
    # other one with .75 and .6.
    batch = joint(
        [[0.9, 0.1], [0.2, 0.8]],
        [[0.3, 0.7], [0.6, 0.4]],
        [[0.5, 0.5], [0.1, 0.9]],
        [[0.25, 0.75], [0.6, 0.4]],
    )

    def distance(p: float, q: float) -> float:  # of (p, 1 - p) and (q, 1 - q), symmetric KL
        p, q = ((a + 1e-6) / (1 + 2e-6) for a in (p, q))
        return (p - q) * (log(p / (1 - p)) - log(q / (1 - q)))

    # partner = (1, 0): V[1, 1] = .4 beside V[1, 0] = .6; V[0, 1] = .75 beside V[0, 0] = .25
    wanted = (distance(0.9, 0.4) + distance(0.2, 0.75)) / 2
    assert iais_loss(*batch).item() == pytest.approx(wanted)
    # X Y = (.3 * .5 + .7 * .1, ...) = (.22, .78); (.6 * .5 + .4 * .1, ...) = (.34, .66)
    wanted = (distance(0.9, 0.22) + distance(0.2, 0.34)) / 2
    assert iais_loss(*batch, kind="distributed").item() == pytest.approx(wanted)
    # X V = (.3 * .25 + .7 * .6, ...) = (.495, .505); (.6 * .25 + .4 * .6, ...) = (.39, .61);
    # X V Y = (.495 * .5 + .505 * .1, ...) = (.298, .702); (.39 * .5 + .61 * .1, ...) = (.256, .744)
    wanted = (distance(0.9, 0.298) + distance(0.2, 0.256)) / 2
    assert iais_loss(*batch, kind="congruence").item() == pytest.approx(wanted)


def test_the_second_softmax_makes_told_relations_nearly_even():
    # A region gives .5 to one of 36 regions, the rest is even: told again by a softmax, .044.
    n = 36
    relations = torch.full((n, n), 0.5 / (n - 1), dtype=torch.float64)
    relations.fill_diagonal_(0.5)
    batch = joint(relations, torch.eye(n), torch.eye(n), relations)
    peak = exp(0.5) / (exp(0.5) + (n - 1) * exp(0.5 / (n - 1)))
    assert peak == pytest.approx(0.044, abs=5e-4)
    rest = (1 - peak) / (n - 1)
    wanted = (0.5 - peak) * (log(0.5) - log(peak))
    wanted += (n - 1) * (0.5 / (n - 1) - rest) * (log(0.5 / (n - 1)) - log(rest))
    assert iais_loss(*batch, parity=True).item() == pytest.approx(wanted)
    assert wanted > 1
    assert abs(iais_loss(*batch).item()) < 1e-12


def test_one_word_has_no_relation_to_disagree_on():
    attention, text, image = drawn(6, batch=1)
    text = torch.zeros_like(text)
    text[0, (~image[0]).nonzero()[0, 0]] = True
    for kind in ("singular", "distributed", "congruence"):
        assert iais_loss(attention, text, image, kind=kind).item() == pytest.approx(0, abs=1e-12)
        assert iais_loss(attention, text, image, kind=kind, anchor="vision").item() > 0
