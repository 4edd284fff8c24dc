from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from probe.subjects import tensor_files
from probe.subjects.activations import ActivationStore
from probe.subjects.sentence import SentenceEncoder
from probe.subjects.tensor_files import load_tensors, save_tensors, weights_hash, write_atomic
from tests.probe.subjects.tiny_encoders import TEXTS, tiny_encoder

BATCHES = 4  # of TEXTS at two texts each


class Counted:
    """Counts the batches that an encoder runs, and fails at a given one."""

    def __init__(self, encoder: SentenceEncoder, monkeypatch, fail_at: int | None = None) -> None:
        self.texts: list[int] = []
        run = encoder.run

        def counted(ids):
            if len(self.texts) == fail_at:
                raise KeyboardInterrupt
            self.texts.append(len(ids))
            return run(ids)

        monkeypatch.setattr(encoder, "run", counted)


def encode(encoder, store, texts=TEXTS, **options):
    options = {"batch_size": 2, "progress": False, **options}
    return encoder.encode(texts, store=store, **options)


@pytest.mark.parametrize("finished", [0, 1, 3])
def test_a_pass_that_was_cut_off_goes_on_where_it_stopped(tmp_path, monkeypatch, finished) -> None:
    whole = encode(tiny_encoder(), None)
    store = tmp_path / "store"
    with monkeypatch.context() as patch:
        killed = tiny_encoder()
        Counted(killed, patch, fail_at=finished)
        with pytest.raises(KeyboardInterrupt):
            encode(killed, store)
    assert len(list(store.glob("shard-*.safetensors"))) == finished
    resumed = tiny_encoder()
    count = Counted(resumed, monkeypatch)
    found = encode(resumed, store)
    assert len(count.texts) == BATCHES - finished
    np.testing.assert_array_equal(found.values, whole.values)
    again = Counted(resumed, monkeypatch)
    np.testing.assert_array_equal(encode(resumed, store).values, whole.values)
    assert again.texts == []


@pytest.mark.parametrize("damage", ["cut", "empty", "changed", "header", "shape", "name"])
def test_a_damaged_shard_is_computed_again(tmp_path, monkeypatch, damage) -> None:
    encoder = tiny_encoder()
    whole = encode(encoder, tmp_path)
    shard = tmp_path / "shard-000002.safetensors"
    raw = shard.read_bytes()
    if damage in {"shape", "name"}:
        tensors, metadata = load_tensors(shard)
        states = tensors["states"]
        # The same bytes, so that the checksum alone would not tell.
        turned = states.reshape(states.shape[1], states.shape[0], -1)
        changed = {"states": turned} if damage == "shape" else {"other": states}
        save_tensors(shard, changed, metadata)
    else:
        flipped = raw[:-1] + bytes([raw[-1] ^ 1])
        worse = {"cut": raw[:-7], "empty": b"", "changed": flipped, "header": b"x" * len(raw)}
        shard.write_bytes(worse[damage])
    count = Counted(encoder, monkeypatch)
    np.testing.assert_array_equal(encode(encoder, tmp_path).values, whole.values)
    assert len(count.texts) == 1
    assert shard.read_bytes() == raw


@pytest.mark.parametrize(
    ("key", "options"),
    [
        ("texts_hash", {"texts": [*TEXTS[1:], "the mat"]}),
        ("pooling", {"pooling": "cls"}),
        ("layers", {"layers": [1]}),
        ("batch_size", {"batch_size": 3}),
    ],
)
def test_a_store_of_another_pass_is_refused(tmp_path, key, options) -> None:
    encode(tiny_encoder(), tmp_path)
    text = rf"`store` must be a new folder or one that this very pass began; .*{key} .* instead of"
    with pytest.raises(ValueError, match=text):
        encode(tiny_encoder(), tmp_path, **options)


def test_a_store_of_another_model_is_refused(tmp_path) -> None:
    encode(tiny_encoder(), tmp_path)
    others = {
        "weights_hash": tiny_encoder(seed=1),
        "dtype": tiny_encoder(dtype=torch.bfloat16),
        "recipe": tiny_encoder(),
        "max_length": tiny_encoder(max_length=31),
    }
    # The same weights, read otherwise.
    others["recipe"].model.config.layer_norm_eps = 0.1
    for key, other in others.items():
        with pytest.raises(ValueError, match=rf"which holds .*{key} .* Give another folder"):
            encode(other, tmp_path)


@pytest.mark.parametrize(
    ("manifest", "text"),
    [
        ("{", "JSONDecodeError"),
        ("[]", "TypeError"),
        ("{}", "KeyError: 'format'"),
        ('{"format": 99}', "format 99"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_refused(tmp_path, manifest, text) -> None:
    (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(ValueError, match=rf"`store` must hold a manifest.json .*{text}"):
        ActivationStore(tmp_path, {})


def test_the_manifest_names_what_the_pass_depends_on(tmp_path) -> None:
    encode(tiny_encoder(), tmp_path)
    held = json.loads((tmp_path / "manifest.json").read_text())["fingerprint"]
    wanted = "weights_hash texts_hash tokens_hash pooling layers dtype batch_size recipe"
    assert set(wanted.split()) <= set(held)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch) -> None:
    path = tmp_path / "a.bin"
    write_atomic(path, b"old")

    def full(_):
        raise OSError("no space left")

    monkeypatch.setattr(tensor_files.os, "fsync", full)
    with pytest.raises(OSError, match="no space left"):
        write_atomic(path, b"new content")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.bin"]


def test_tensors_that_share_memory_and_every_type_are_saved(tmp_path) -> None:
    row = torch.arange(6.0)
    tensors = {"row": row, "view": row[::2], "half": row.bfloat16(), "number": torch.tensor(3)}
    save_tensors(tmp_path / "t.safetensors", tensors, {"note": "é"})
    found, metadata = load_tensors(tmp_path / "t.safetensors")
    assert metadata == {"note": "é"}
    for name, tensor in tensors.items():
        assert found[name].dtype == tensor.dtype
        torch.testing.assert_close(found[name], tensor)


def test_a_file_that_is_no_safetensors_file_is_refused(tmp_path) -> None:
    (tmp_path / "x").write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match=r"`path` must be a whole safetensors file; got '.*x'"):
        load_tensors(tmp_path / "x")


def test_the_hash_of_weights_sees_types_names_and_values() -> None:
    layer = torch.nn.Linear(2, 2)
    hashes = [weights_hash(layer), weights_hash(torch.nn.Sequential(layer))]
    layer.weight.data[0, 0] += 1
    hashes.append(weights_hash(layer))
    hashes.append(weights_hash(layer.bfloat16()))
    assert len(set(hashes)) == 4
