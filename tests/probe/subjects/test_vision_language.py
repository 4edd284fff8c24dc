"""Models of rendered scenes: trained once, then read from the cache."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from data.scenes import render_scenes, scenes
from probe.subjects import vision_language
from probe.subjects.dual_stream import DualStream
from probe.subjects.multimodal_attention import HeadAttention
from probe.subjects.pair_tensors import pair_tensors
from probe.subjects.single_stream import SingleStream
from probe.subjects.tensor_files import weights_hash
from probe.subjects.vision_language import (
    attended,
    matching_accuracy,
    scene_changes,
    scene_model,
    trained,
    untrained_twin,
)

TINY: dict[str, Any] = {"d_model": 8, "n_heads": 2, "n_layers": 1}
SHORT: dict[str, Any] = {
    "parts": TINY,
    "n_scenes": 12,
    "steps": 2,
    "batch_size": 4,
    "progress": False,
}
PARTS = {"single": TINY, "dual": {"d_model": 8, "n_heads": 2}}
PAIRS = render_scenes(6, seed=5)


def test_training_is_done_once_and_then_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOUPE_DATA", str(tmp_path))
    first = trained("single", **SHORT)
    assert first.path.parent == tmp_path / "models"
    assert [path.name for path in first.path.parent.iterdir()] == [first.path.name]
    assert not first.model.training
    assert first.history.sizes == {"step": 2}
    assert {"loss", "accuracy", "words"} <= set(first.history)

    def never(*args: Any, **given: Any) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(vision_language, "fit_pairs", never)
    again = trained("single", **SHORT)
    assert again.path == first.path
    assert weights_hash(again.model) == weights_hash(first.model)
    np.testing.assert_array_equal(again.history.loss, first.history.loss)
    assert weights_hash(scene_model("single", parts=TINY)) != weights_hash(first.model)


def test_whatever_changes_the_outcome_changes_the_file(tmp_path: Path) -> None:
    given = {**SHORT, "folder": tmp_path, "steps": 1}
    changes: list[dict[str, Any]] = [
        {},
        {"seed": 1},
        {"n_scenes": 13},
        {"steps": 2},
        {"learning_rate": 0.5},
        {"batch_size": 5},
        {"alignment": "none"},
        {"alignment": "links"},
        {"parts": {**TINY, "d_model": 16}},
        {"parts": {**TINY, "attention": lambda *sizes: HeadAttention(*sizes)}},
        {"parts": {**TINY, "attention": lambda *given: HeadAttention(*given)}},
        {"positions": "patches"},
    ]
    paths = {trained("single", **{**given, **change}).path for change in changes}
    assert len(paths) == len(changes)
    dual = {**given, "parts": {"d_model": 8, "n_heads": 2}}
    assert isinstance(trained("dual", **dual).model, DualStream)


def test_a_recipe_is_the_same_text_in_every_process() -> None:
    recipe = scene_model(parts=TINY).recipe
    assert "torch.nn.modules.normalization.LayerNorm" in recipe
    assert " at 0x" not in recipe
    assert recipe == scene_model(parts=TINY).recipe


def test_an_interrupted_training_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = trained("single", **SHORT, folder=tmp_path / "whole")
    whole = vision_language.fit_pairs

    class Stop(Exception):
        pass

    def stops(*args: Any, **given: Any) -> Any:
        whole(*args, **{**given, "every": 1})
        raise Stop

    monkeypatch.setattr(vision_language, "fit_pairs", stops)
    with pytest.raises(Stop):
        trained("single", **SHORT, folder=tmp_path)
    left = [path.name for path in tmp_path.iterdir() if path.is_file()]
    assert [name.endswith(".run.safetensors") for name in left] == [True]
    monkeypatch.undo()
    found = trained("single", **SHORT, folder=tmp_path)
    assert weights_hash(found.model) == weights_hash(expected.model)
    assert not (tmp_path / left[0]).exists()


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = trained("single", **SHORT, folder=tmp_path).path
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match="`path` must be a whole safetensors file"):
        trained("single", **SHORT, folder=tmp_path)


def test_wrong_settings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`kind` must be one of 'single', 'dual'; got 'triple'"):
        scene_model("triple")
    with pytest.raises(ValueError, match="`alignment` must be one of 'transport', 'links', 'none'"):
        trained("single", alignment="best", folder=tmp_path)
    with pytest.raises(ValueError, match="`n_scenes` must be at least 4; got 3"):
        trained("single", **{**SHORT, "n_scenes": 3}, folder=tmp_path)
    with pytest.raises(ValueError, match="`steps` must be at least 1; got 0"):
        trained("single", **{**SHORT, "steps": 0}, folder=tmp_path)


@pytest.mark.parametrize("kind", ["single", "dual"])
def test_scenes_are_read_word_by_word_and_attended(kind: str) -> None:
    model = scene_model(kind, parts=PARTS[kind])
    assert isinstance(model, {"single": SingleStream, "dual": DualStream}[kind])
    (found,) = attended(model, PAIRS)
    for row, pair in enumerate(PAIRS):
        assert found.tokens[row][1 : 1 + len(pair.words)] == pair.words
        assert found.links[row].sum() == len(pair.links)
    assert set(found.attrs) >= {"n_words", "tense", "form"}
    # No word of any scene is unknown to the model.
    ids = pair_tensors(scenes(60, seed=9), model, changes=scene_changes()).ids
    assert not (ids == 1).any()


def test_hard_negatives_of_scenes_are_reported_apart() -> None:
    found = matching_accuracy(scene_model(parts=TINY), PAIRS, changes=scene_changes())
    assert found.negative.values.tolist() == ["mismatched", "relation", "attribute"]
    assert found.accuracy_interval.dims == ("negative", "bound")


def test_a_twin_has_the_architecture_and_other_weights() -> None:
    model = scene_model(parts=TINY).train()
    twin = untrained_twin(model, 3)
    assert not twin.training
    assert weights_hash(twin) == weights_hash(scene_model(parts=TINY, seed=3))
    shapes = [[tuple(p.shape) for p in m.parameters()] for m in (model, twin)]
    assert shapes[0] == shapes[1]
    with pytest.raises(TypeError, match="`seed` must be an integer; got float"):
        untrained_twin(model, 0.5)  # pyright: ignore
    inputs = next(iter(attended(twin, PAIRS)))
    assert torch.isfinite(inputs.attentions).all()
