"""Accuracy of classification probers by relation and by kind of phrase, with its support."""

from __future__ import annotations

import numpy as np
import pytest

from probe.value import attention_prober, embedding_prober
from probe.value._linear import Probing, Rows, by_label, probe_scores
from probe.whitening._reservoir import mixed

from .value_truth import KINDS, batch_of, examples

PROBERS = [attention_prober, embedding_prober]


def rows_of(codes: np.ndarray) -> Rows:
    keys = mixed(np.arange(len(codes), dtype=np.uint64))
    return Rows(codes, keys, keys)


def test_each_label_has_the_share_of_its_own_rows_that_are_right() -> None:
    # Two labels that one feature tells apart, and a third that looks like the first.
    codes = np.arange(600) % 3
    features = np.where(codes == 1, 4.0, -4.0)[:, None]
    codes = np.where((codes == 2) & (np.arange(600) % 2 == 0), 0, codes)
    scores, _ = probe_scores(features, rows_of(codes), Probing(100, 0.9, 0), n_labels=4)
    accuracy, support = scores["label_accuracy"], scores["label_support"]
    np.testing.assert_array_equal(accuracy[:3], [1, 1, 0])
    assert np.isnan(accuracy[3])
    assert np.isnan(scores["label_accuracy_interval"][3]).all()
    assert support[3] == 0
    assert support.sum() == scores["n_test"]
    assert np.nansum(accuracy * support) / support.sum() == pytest.approx(scores["accuracy"])


def test_intervals_hold_the_accuracy_and_are_narrower_with_more_rows() -> None:
    rng = np.random.default_rng(0)
    codes = np.where(rng.random(1200) < 0.9, 0, 1)
    features = codes[:, None] + rng.normal(size=(1200, 1))
    scores, _ = probe_scores(features, rows_of(codes), Probing(200, 0.95, 0), n_labels=2)
    low, high = scores["label_accuracy_interval"].T
    accuracy = scores["label_accuracy"]
    assert (low <= accuracy).all()
    assert (accuracy <= high).all()
    assert (high - low)[0] < (high - low)[1]


def test_too_few_rows_leave_every_label_undefined() -> None:
    scores, weights = probe_scores(
        np.zeros((4, 1)), rows_of(np.zeros(4, int)), Probing(20, 0.95, 0), n_labels=2
    )
    assert weights is None
    assert np.isnan(scores["label_accuracy"]).all()
    assert scores["label_support"].tolist() == [0, 0]
    found = by_label([{}, scores], ())
    assert found["label_accuracy_interval"][0] == ("label", "bound")
    assert "label_accuracy" not in scores


@pytest.mark.parametrize("prober", PROBERS)
def test_labels_of_a_result_add_up_to_its_classification(prober: object) -> None:
    batch = batch_of(examples(60, seed=8, features=6))
    for pairs, names in (
        ("phrase-region", list(KINDS)),
        ("region-region", ["left of", "same colour"]),
    ):
        found = prober(batch, pairs=pairs)  # pyright: ignore
        assert found.label.values.tolist() == names
        task = found.sel(task="classification")
        assert (found.label_support.sum("label") == task.n_test).all()
        whole = (found.label_accuracy * found.label_support).sum("label") / task.n_test
        np.testing.assert_allclose(whole, task.accuracy)
        assert found.label_accuracy.attrs["units"] == "1"
        dims = ("layer", "label") if "layer" in found.accuracy.dims else ("label",)
        assert found.label_accuracy.dims == dims
        assert found.label_accuracy_interval.dims == (*dims, "bound")


def test_a_relation_that_attention_tells_has_its_own_accuracy() -> None:
    rows = examples(100, seed=3)
    for row in rows:
        start = int((row["modality"] == 0).sum())
        for s, o in np.argwhere(row["relation"] >= 0):
            strength = (0.9, 0.0, 0.4)[row["relation"][s, o]]
            row["attentions"][0, 1, start + 2 * s, start + 2 * o] = strength
            row["attentions"][0, 1, start + 2 * s + 1, start + 2 * o] = strength
    found = attention_prober(batch_of(rows), pairs="region-region")
    assert (found.label_accuracy > 0.85).all()
    assert (found.label_accuracy_interval.sel(bound="low") > 0.7).all()
