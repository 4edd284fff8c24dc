"""Planted relations are found, with their exact score, and nothing else is changed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from probe.isd import isd, planted_relations

from .isd_truth import batch_of, examples


def test_the_planted_head_agrees_wholly_and_is_the_only_one_called() -> None:
    batch = batch_of(examples(40, seed=50))
    found = isd(planted_relations(batch, layer=0, head=1))
    assert np.argwhere(found.called_head.values).tolist() == [[0, 1]]
    assert float(found.isd_head[0, 1]) == pytest.approx(0, abs=1e-9)
    assert float(found.gap_head[0, 1]) == pytest.approx(1)
    before = isd(batch)
    np.testing.assert_allclose(found.isd_head[1], before.isd_head[1])
    np.testing.assert_allclose(found.isd_head[0, [0, 2]], before.isd_head[0, [0, 2]])


def test_isd_falls_as_planting_grows() -> None:
    batch = batch_of(examples(10, seed=51))
    seen = [
        float(isd(planted_relations(batch, layer=1, head=0, strength=t)).isd_head[1, 0])
        for t in (0, 0.3, 0.6, 1)
    ]
    assert seen == sorted(seen, reverse=True)
    assert seen[0] == float(isd(batch).isd_head[1, 0])


def test_only_rows_of_objects_regions_change_and_keep_what_they_gave() -> None:
    batch = batch_of(examples(5, seed=52))
    made = planted_relations(batch, layer=1, head=2)
    before = torch.as_tensor(batch.attentions)
    changed = (made.attentions != before).any(-1)
    assert not changed[:, 0].any()
    assert not changed[:, 1, :2].any()
    image = torch.as_tensor(batch.modality == 1)
    assert not (changed[:, 1, 2] & ~image).any()
    mine, own = made.attentions[:, 1, 2] * image[:, None], before[:, 1, 2] * image[:, None]
    assert changed[:, 1, 2].any()
    torch.testing.assert_close(mine.sum(-1), own.sum(-1))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"layer": 2, "head": 0}, "`layer` must be between 0 and 1"),
        ({"layer": 0, "head": 3}, "`head` must be between 0 and 2"),
        ({"layer": 0, "head": 0, "strength": 2}, "`strength` must be between 0 and 1"),
    ],
)
def test_refused(options, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        planted_relations(batch_of(examples(2)), **options)


def test_a_layer_without_the_blocks_is_refused() -> None:
    present = np.ones((2, 2, 2), bool)
    present[0, 1, 1] = False
    batch = batch_of(examples(2), present=present)
    with pytest.raises(ValueError, match="`layer` must have text-text and image-image attention"):
        planted_relations(batch, layer=0, head=0)
    with pytest.raises(ValueError, match="hold `links`"):
        planted_relations(batch_of(examples(2), links=None), layer=0, head=0)
    with pytest.raises(TypeError, match=r"data\.records\.Attended"):
        planted_relations(np.zeros(3), layer=0, head=0)  # type: ignore[arg-type]
