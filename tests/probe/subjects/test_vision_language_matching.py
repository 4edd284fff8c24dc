"""How well captions are matched, for models whose answers are known, and as a task of heads."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from probe.statistics import bootstrap_interval
from probe.subjects.caption_matching import matching_accuracy, matching_task
from probe.subjects.multimodal_attention import HeadAttention
from probe.subjects.pair_tensors import pair_tensors
from probe.subjects.vision_language_model import Inputs, Output, VisionLanguageModel
from probe.value import head_ablation
from tests.probe.subjects.vision_language_toys import model_of, recoloured, squares

CHANGES = {"colour": recoloured}


class Counting(VisionLanguageModel):
    """Log-odds that are right for true captions, and for others where the image has 3 squares."""

    @property
    def present(self) -> torch.Tensor:
        return torch.ones(1, 2, 2, dtype=torch.bool)

    def forward(
        self, inputs: Inputs, *, head_mask: torch.Tensor | None = None, detail: bool = False
    ) -> Output:
        vocabulary = {w: i for i, w in enumerate(self.vocabulary.words, start=3)}
        colours = torch.tensor([vocabulary[c] for c in ("red", "green", "blue", "white")])
        found = []
        for ids, features, keep in zip(inputs.ids, inputs.features, inputs.image_mask, strict=True):
            means = (features[keep][:, :192].reshape(-1, 64, 3).mean(1) > 0).int().tolist()
            shown = {([1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]).index(m) for m in means}
            said = {int(k) for k in (ids[:, None] == colours).nonzero()[:, 1]}
            fits = said == shown or int(keep.sum()) == 2
            found.append(1.0 if fits else -2.0)
        return Output(torch.tensor(found), inputs.ids, inputs.features)


def test_matching_accuracy_of_a_model_whose_answers_are_known() -> None:
    tiny = model_of("single")
    settings = {**tiny._settings}
    model = Counting(tiny.vocabulary, tiny.n_features, settings=settings, type_embedding=False)
    pairs = squares(60, seed=8)
    found = matching_accuracy(model, pairs, changes=CHANGES, seed=2, batch_size=7)
    assert found.negative.values.tolist() == ["mismatched", "colour"]
    # Two squares: every caption is taken (half right). Three: the changed ones are refused.
    right = np.array([1.0 if len(pair.regions) == 3 else 0.5 for pair in pairs])
    colour = found.sel(negative="colour")
    assert colour.accuracy == pytest.approx(right.mean())
    assert colour.ranking == pytest.approx((right == 1).mean())
    interval = bootstrap_interval(right, seed=2)
    np.testing.assert_allclose(colour.accuracy_interval, [interval.low, interval.high])
    assert colour.pairs == 60
    np.testing.assert_array_equal(found.true_score, np.ones(60))
    np.testing.assert_array_equal(colour.score == -2.0, right == 1)
    mismatched = found.sel(negative="mismatched")
    assert mismatched.pairs < 60  # some others have the very same caption
    np.testing.assert_array_equal(np.isnan(mismatched.score).sum(), 60 - mismatched.pairs)
    assert found.attrs["probe"] == "subjects.matching"


def test_a_head_mask_changes_the_scores_as_it_changes_the_model() -> None:
    model = model_of("dual").train()
    pairs = squares(10)
    tensors = pair_tensors(pairs, model)
    less = torch.ones(model.n_layers, 2)
    less[-1] = 0
    found = matching_accuracy(model, pairs, head_mask=less, batch_size=4).true_score
    expected = model(tensors.inputs(range(10)), head_mask=less).match.detach()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert model.training
    assert not np.allclose(found, matching_accuracy(model, pairs).true_score)


def test_negatives_that_no_pair_has_are_refused() -> None:
    with pytest.raises(ValueError, match="no pair has a false caption of kind 'never'"):
        matching_accuracy(model_of("single"), squares(5), changes={"never": lambda pair: None})


@pytest.mark.parametrize("kind", ["single", "dual"])
def test_the_task_of_ablation_is_matching_with_heads_at_rest(kind: str) -> None:
    model, pairs = model_of(kind), squares(12)
    whole = torch.ones(model.n_layers, 2)
    right = matching_task(model, pairs, seed=4, batch_size=5)(whole)
    table = matching_accuracy(model, pairs, seed=4)
    assert right.mean() == pytest.approx(table.accuracy.item())
    score = matching_task(model, pairs, measure="margin", seed=4, batch_size=5)
    margin = (table.true_score - table.score[0]).dropna("example")
    np.testing.assert_allclose(score(whole), margin, rtol=1e-4, atol=1e-5)
    resting = [m.resting for m in model.modules() if isinstance(m, HeadAttention)]
    assert all(bool(each.any()) for each in resting)
    less = whole.clone()
    less[0, 1] = 0
    expected = matching_accuracy(model, pairs, head_mask=less, seed=4)
    margin = (expected.true_score - expected.score[0]).dropna("example")
    np.testing.assert_allclose(score(less), margin, rtol=1e-4, atol=1e-5)
    effects = head_ablation(score, model.n_layers, 2, n_boot=50)
    assert effects.effect[0, 1] == pytest.approx((score(whole) - score(less)).mean().item())
    with pytest.raises(ValueError, match="`measure` must be one of 'accuracy', 'margin'"):
        matching_task(model, pairs, measure="loss")
