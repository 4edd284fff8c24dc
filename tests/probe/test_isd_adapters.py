"""ISD on every family of vision-and-language models: the slow way, and NaN where it cannot be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from data.records import Attended, Phrase
from probe.isd import isd, relation_examples

from .isd_truth import FLOOR, matrices
from .subjects.test_vision_adapters_bridges import bridgetower, images
from .subjects.test_vision_adapters_decoders import llava, paligemma, qwen2
from .subjects.test_vision_adapters_fusion import blip, blip2, flava
from .subjects.test_vision_adapters_regions import lxmert, visual_bert
from .subjects.test_vision_adapters_streams import clip, siglip, vilt
from .subjects.tiny_vision_models import image, pair

FIXTURES = (blip, blip2, bridgetower, clip, flava, images, llava, lxmert)
MORE = (paligemma, qwen2, siglip, vilt, visual_bert)
WHOLE = ["bridgetower", "flava", "llava", "paligemma", "qwen2", "vilt", "visual_bert"]
SOME = {"blip": [1], "clip": [1, 2], "lxmert": [1, 2, 3, 4], "siglip": [0, 1]}

THREE = {
    "regions": [[0, 0, 0.5, 0.5], [0.75, 0.75, 1, 1], [0.5, 0, 1, 0.5]],
    "phrases": (Phrase(0, 3, "shape"), Phrase(5, 8, "shape"), Phrase(3, 5, "shape")),
    "links": [[0, 0], [1, 1], [2, 2]],
}


def floored(a: np.ndarray, b: np.ndarray) -> float:
    """The matrix KL with logarithms of at least 1e-6: causal rows hold zeros."""
    logs = [np.log(np.maximum(m, FLOOR)) for m in (a, b)]
    return float(((a - b) * (logs[0] - logs[1])).sum())


def rows_of(batch: Attended) -> list[dict[str, np.ndarray]]:
    names = ("attentions", "phrases", "regions", "links")
    return [{n: np.asarray(getattr(batch, n)[i]) for n in names} for i in range(len(batch))]


@pytest.mark.parametrize("which", [*WHOLE, *SOME, "blip2"])
def test_every_layer_with_both_blocks_is_measured(which: str, request) -> None:
    adapter = request.getfixturevalue(which)
    lit = image((0.25, 0.5, 0.5, 0.75))
    batch = adapter(
        [pair(), pair(lit, name="three", **THREE), pair(lit, name="lit")], hidden_states=False
    )
    found = isd(batch, n_permutations=19, n_boot=20)
    present = np.asarray(batch.present)
    layers = np.flatnonzero(present[:, 0, 0] & present[:, 1, 1]).tolist()
    assert layers == SOME.get(which, layers)
    if which in WHOLE:
        assert layers == list(range(len(present)))
    measured = np.flatnonzero(np.isfinite(found.isd)).tolist()
    assert measured == layers
    assert found.p.notnull().values.nonzero()[0].tolist() == layers
    assert bool(found.attrs["notes"]) == (len(layers) < len(present))
    for layer in layers:
        for head in range(batch.attentions.shape[2]):
            mine = float(found.isd_head[layer, head])
            tables = [matrices(row, layer, head) for row in rows_of(batch)]
            if any(np.isnan(m).any() for each in tables for m in each):
                assert np.isnan(mine)
                assert which == "clip"  # fewer heads on one side
            else:
                truth = np.mean([floored(*each) for each in tables])
                assert mine == pytest.approx(truth, rel=1e-4, abs=1e-9)
    looked = relation_examples(batch)
    assert looked.objects.values.tolist() == [2, 3, 2]
    assert looked.phrase.values[1].tolist() == ["a red squ are", "a blue cir cle", "is above"]


def test_a_model_without_a_shared_layer_is_not_applicable(request) -> None:
    batch = request.getfixturevalue("blip2")([pair(), pair(name="two")], hidden_states=False)
    present = np.zeros_like(np.asarray(batch.present))
    present[:, 1, 1] = True
    found = isd(replace(batch, present=present))
    assert found.isd.isnull().all()
    assert found.isd_head.isnull().all()
    assert found.p.isnull().all()
    assert not found.called_head.any()
    assert "lack text-text, image-image attention: not applicable" in found.attrs["notes"]
