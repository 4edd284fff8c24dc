"""Sentences that people wrote over grounded shapes go the whole way: model, measures, explorer."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import viz  # noqa: F401  (gives every result .viz)
from data.nlvr import load_nlvr
from data.scenes import region_features
from probe import value
from probe.subjects import vision_language as vl


def test_nlvr_from_loader_to_explorer(nlvr_cache: Path) -> None:
    pairs = load_nlvr(limit=24, progress=False)
    words = sorted({word for pair in pairs for word in pair.words})
    n_features = region_features(pairs[0]).shape[1]
    vocabulary = vl.caption_vocabulary(words)
    model = vl.SingleStream(vocabulary, n_features, d_model=16, n_heads=2, n_layers=2, seed=0)
    heads = value.profile(vl.attended(model, pairs), n_boot=20)
    joined = value.part_of(heads, "coreference").sel(kind="all")
    # An untrained model's attention is nearly even: it hits as often as permuted links would.
    assert np.isfinite(joined.hit).all()
    assert float(abs(joined.hit - joined.null).max()) < 0.25
    importance = value.part_of(heads, "modality_importance")
    np.testing.assert_allclose(importance.mass.sum("modality"), 1.0, atol=1e-5)
    few = pairs[:2]
    examples = value.attention_examples(vl.attended(model, few), few, scores={"found": joined})
    explorer = examples.viz.explore()
    assert pairs[0].words[0] in explorer.twin()
