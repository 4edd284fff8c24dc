"""The whitening table of a real model, and the collapse that rank-aware whitening does not have.

all-MiniLM-L6-v2 with mean pooling on the STS-B test set, Spearman x 100; transforms fitted on both
columns of the STS-B training pairs, repeats counted. Average cosine and IsoScore are those of the
distinct test sentences.
"""

import numpy as np
import pytest
import torch
import xarray as xr
from scipy.stats import spearmanr

from data.sentences import load_sts
from probe.subjects.sentence import SentenceEncoder
from probe.whitening import anisotropy, make_transform, sts_evaluation
from probe.whitening.neighbours import unit_rows

pytestmark = pytest.mark.slow

TABLE = {
    "raw": {1: 56.7, 3: 55.9, 5: 66.5, 6: 82.03},
    "whiten": {1: 66.3, 3: 64.7, 5: 74.1, 6: 80.3},
    "whiten-128": {3: 67.0, 5: 74.7, 6: 81.4},
    "abtt-3": {5: 74.4},
    "centre": {6: 82.3},
}
AVERAGE_COSINE = [0.599, 0.593, 0.510, 0.502, 0.537, 0.022]
ISOSCORE = [0.072, 0.051, 0.028, 0.034, 0.068, 0.246]
LAYERS = [1, 2, 3, 4, 5, 6]

# Encoding takes most of the time here: done by the first test that needs it, kept for the others.
_kept: dict[str, object] = {}


class Encoded:
    """STS-B and the mean-pooled states of its sentences, all layers."""

    def __init__(self):
        self.train, self.test = load_sts("stsb", "train"), load_sts("stsb", "test")
        texts = list(dict.fromkeys([*self.test.sentences, *self.train.sentences]))
        self.row = {text: row for row, text in enumerate(texts)}
        self.states = SentenceEncoder.demo().encode(texts, pooling="mean", progress=False)

    def encode(self, texts):
        return self.states.isel(example=[self.row[text] for text in texts])

    def rows(self, texts, layer):
        return self.encode(texts).sel(layer=layer).values

    def fit_rows(self, layer):
        return self.rows([*self.train.sentence1, *self.train.sentence2], layer)

    def score(self, transform, layer, rounded=lambda rows: rows):
        """Spearman x 100 on the test set, each step written out again."""
        sides = (self.test.sentence1, self.test.sentence2)
        first, second = (
            unit_rows(np.asarray(transform(rounded(self.rows(side, layer))), dtype=np.float64))
            for side in sides
        )
        return 100 * spearmanr((first * second).sum(1), self.test.score).statistic


@pytest.fixture
def sts(sts_cache, demo_model) -> Encoded:
    if "sts" not in _kept:
        _kept["sts"] = Encoded()
    return _kept["sts"]


@pytest.fixture
def table(sts) -> xr.Dataset:
    if "table" not in _kept:
        _kept["table"] = sts_evaluation(
            sts.test, sts.encode, transforms=list(TABLE), layers=LAYERS, fit_on=sts.train
        )
    return _kept["table"]


def bfloat16(rows):
    return torch.from_numpy(np.array(rows)).bfloat16().float().numpy()


def papers_recipe(rows):
    """Full-rank whitening as published: kernel and bias, 1/sqrt of every eigenvalue."""
    bias = rows.mean(axis=0, keepdims=True)
    u, s, _ = np.linalg.svd(np.cov(rows.T))
    kernel = u @ np.diag(1 / np.sqrt(s))
    return lambda x: (x - bias) @ kernel


@pytest.mark.parametrize("transform", list(TABLE))
def test_published_table(table, transform):
    for layer, expected in TABLE[transform].items():
        got = 100 * table.spearman.sel(layer=layer, transform=transform, protocol="all").item()
        near = 0.05 if (transform, layer) == ("raw", 6) else 0.1
        assert got == pytest.approx(expected, abs=near), f"layer {layer}"


def test_the_table_is_not_transductive_and_says_so(table):
    assert (table.attrs["fit_on"], table.attrs["transductive"]) == ("stsb-train", 0)
    assert table.n_fit.item() == 2 * 5749
    assert table.n_pairs.item() == 1379
    assert 0 < table.fit_overlap.item() < 0.2


def test_gains_in_the_middle_and_loss_at_the_output_are_beyond_noise(table):
    gain = table.gain_interval.sel(transform="whiten", protocol="all")
    assert (gain.sel(layer=[1, 3, 5], bound="low") > 0).all()
    assert gain.sel(layer=6, bound="high").item() < 0


def test_average_cosine_and_isoscore(sts):
    ds = anisotropy(sts.encode(list(sts.test.sentences)).sel(layer=LAYERS), sample=200)
    np.testing.assert_allclose(ds.average_cosine, AVERAGE_COSINE, atol=0.003)
    np.testing.assert_allclose(ds.isoscore, ISOSCORE, atol=0.003)


def test_the_papers_recipe_collapses_in_float32_and_ours_does_not(sts):
    rows = sts.fit_rows(5)
    # How far it falls hangs on rounding: 66.3 and 67.6 were seen. Any loss of a point is the bug.
    assert sts.score(papers_recipe(rows), 5) < 73.0
    ours = make_transform("whiten").fit(rows)
    assert ours.rank_ == 383
    assert sts.score(ours.transform, 5) == pytest.approx(74.1, abs=0.1)


def test_the_papers_recipe_is_lost_on_bfloat16_states_and_ours_is_not(sts):
    """Fitted on float32 states, applied to states that were kept in bfloat16."""
    rows = sts.fit_rows(5)
    assert sts.score(papers_recipe(rows), 5, bfloat16) == pytest.approx(5.9, abs=1.0)
    ours = make_transform("whiten").fit(rows)
    assert sts.score(ours.transform, 5, bfloat16) == pytest.approx(74.1, abs=0.5)


def test_fit_and_applied_in_bfloat16(sts):
    rows = torch.from_numpy(np.array(sts.fit_rows(5))).bfloat16()
    ours = make_transform("whiten").fit(rows)
    assert sts.score(ours.transform, 5, bfloat16) == pytest.approx(74.1, abs=0.5)
