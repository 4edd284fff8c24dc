"""What an inspection says of each kind of object, and that it changes none of them."""

from __future__ import annotations

import json
import random

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
import torch
import xarray as xr
from torch import nn

from data.scenes import render_scenes
from probe.subjects.inspection import inspect_model
from probe.subjects.vision_language import scene_model
from tests.probe.subjects.tiny_encoders import TEXTS, tiny_bert, tiny_encoder, tiny_tokenizer

PROBES = ["whitening", "value", "isd", "totoro", "lowrank", "attribution"]


def applies(found: xr.Dataset) -> dict[str, str]:
    return dict(zip(found.probe.values.tolist(), found.applies.values.tolist(), strict=True))


def said(found: xr.Dataset, probe: str, variable: str = "missing") -> str:
    return str(found[variable].sel(probe=probe).item())


def generator() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 48), nn.Tanh(), nn.Unflatten(1, (3, 4, 4)))


def ring(n: int = 12) -> np.ndarray:
    ends = np.arange(n)
    one = np.stack([ends, (ends + 1) % n])
    return np.concatenate([one, one[::-1]], axis=1)


def test_an_encoder_with_its_tokenizer_is_ready_and_its_time_is_measured() -> None:
    found = inspect_model((tiny_bert(), tiny_tokenizer(), TEXTS), examples=50, name="mine")
    ready = applies(found)
    assert ready == dict.fromkeys(PROBES, "no") | {"whitening": "yes", "attribution": "yes"}
    assert found.attrs["probe"] == "subjects.inspection"
    assert found.attrs["kind"] == "text encoder"
    assert found.attrs["variables"] == "model, tokenizer, texts"
    facts = json.loads(found.attrs["facts"])
    assert (facts["layers"], facts["heads"], facts["width"]) == (3, 4, 16)
    assert "seen in a run: 3" in facts["capture"]
    attention = json.loads(found.attrs["attention"])
    assert list(attention) == [f"encoder.layer.{i}.attention.self" for i in range(3)]
    for probe in ("whitening", "attribution"):
        assert float(found.seconds.sel(probe=probe)) > 0
    assert float(found.bytes.sel(probe="whitening")) > 4 * 50 * 16 * 4  # the states alone
    assert "SentenceEncoder(model, tokenizer).encode(texts)" in said(
        found, "whitening", "next_step"
    )


def test_one_without_tokenizer_is_told_to_bring_it() -> None:
    found = inspect_model(tiny_bert())
    assert said(found, "whitening") == "its tokenizer"
    assert applies(found)["whitening"] == "not yet"
    assert np.isnan(found.seconds.sel(probe="whitening"))


def test_an_encoder_of_ours_is_taken_as_it_is() -> None:
    found = inspect_model(tiny_encoder(), measure=False)
    assert applies(found)["whitening"] == "yes"
    assert "encoder.encode(texts)" in said(found, "whitening", "next_step")


def test_tools_that_do_not_fit_are_said_and_raise_nothing() -> None:
    model = tiny_bert()
    model.embeddings.word_embeddings = nn.Embedding(2, 16)  # fewer words than the tokenizer's
    found = inspect_model((model, tiny_tokenizer()))
    assert applies(found)["whitening"] == "not yet"
    assert "do not run together: IndexError" in said(found, "whitening")


def test_a_model_of_scenes_with_pairs_is_ready() -> None:
    model = scene_model("single", parts={"d_model": 16, "n_layers": 2, "n_heads": 2})
    found = inspect_model((model, None, render_scenes(16, seed=3)), examples=100)
    ready = applies(found)
    assert [ready[p] for p in ("whitening", "value", "isd", "attribution")] == ["yes"] * 4
    assert (found.seconds.sel(probe=["whitening", "value", "isd"]) > 0).all()
    assert json.loads(found.attrs["facts"])["run on"] == "your pairs"


def test_without_pairs_scenes_are_measured_and_pairs_asked_for() -> None:
    model = scene_model("single", parts={"d_model": 16, "n_layers": 2, "n_heads": 2})
    found = inspect_model(model)
    assert applies(found)["value"] == "not yet"
    assert "phrases linked to boxes" in said(found, "value")
    assert "GroundedPair(image, words, boxes" in said(found, "value", "next_step")
    assert float(found.seconds.sel(probe="value")) > 0


def test_pairs_without_links_answer_a_part_of_value_and_nothing_of_isd() -> None:
    from dataclasses import replace

    model = scene_model("single", parts={"d_model": 16, "n_layers": 2, "n_heads": 2})
    bare = [replace(pair, links=()) for pair in render_scenes(16, seed=3)]
    found = inspect_model((model, None, bare))
    assert applies(found)["value"] == "yes"
    assert applies(found)["isd"] == "not yet"
    assert said(found, "isd").startswith("links of phrases and boxes")


def test_a_labelled_graph_is_ready_and_one_without_mask_is_told_which_line() -> None:
    from torch_geometric.data import Data

    edges, labels = torch.tensor(ring()), torch.arange(12) % 2
    data = Data(x=torch.randn(12, 3), edge_index=edges, y=labels)
    found = inspect_model(data)
    assert applies(found)["totoro"] == "not yet"
    assert "data.train_mask" in said(found, "totoro")
    assert "random_split(data.y.numpy()" in said(found, "totoro", "next_step")
    data.train_mask = torch.arange(12) < 4
    found = inspect_model(data)
    assert applies(found)["totoro"] == "yes"
    assert applies(found)["whitening"] == "yes"
    assert float(found.seconds.sel(probe="totoro")) > 0
    assert "2 classes" in said(found, "totoro", "basis")


def test_a_graph_beside_its_model_can_be_attributed() -> None:
    from torch_geometric.data import Data
    from torch_geometric.nn import GCN

    data = Data(x=torch.randn(12, 3), edge_index=torch.tensor(ring()), y=torch.arange(12) % 2)
    found = inspect_model((GCN(3, 4, 2, 2), data))
    assert applies(found)["attribution"] == "yes"
    assert float(found.seconds.sel(probe="attribution")) > 0
    assert applies(inspect_model(GCN(3, 4, 2, 2)))["totoro"] == "not yet"
    assert "must" in said(
        inspect_model((GCN(5, 4, 2, 2), data)), "attribution"
    ) or "model called" in said(inspect_model((GCN(5, 4, 2, 2), data)), "attribution")


def test_directed_and_unlabelled_graphs() -> None:
    one_way = inspect_model(sp.csr_array(np.triu(np.ones((4, 4)), 1)))
    assert "it is directed" in said(one_way, "totoro")
    assert "directed='symmetrise'" in said(one_way, "totoro", "next_step")
    friends = inspect_model(nx.path_graph(5))
    assert said(friends, "totoro").startswith("labels of the nodes")
    empty = inspect_model(sp.csr_array((3, 3)))
    assert "a graph that can be read" in said(empty, "totoro")


def test_a_generator_by_its_shape_by_its_methods_and_by_its_first_layer() -> None:
    from probe.subjects.generator import adapt_generator

    for given in ((generator(), 6), adapt_generator(generator(), 6), generator()):
        found = inspect_model(given, examples=20)
        assert applies(found)["lowrank"] == "yes", found.attrs["kind"]
        assert float(found.seconds.sel(probe="lowrank")) > 0
        # the Jacobian (48 x 6 float32) and four Gram matrices in float64
        assert float(found.bytes.sel(probe="lowrank")) == 48 * 6 * 4 + 4 * 36 * 8
        assert json.loads(found.attrs["facts"])["image"] == "3 x 4 x 4"
    assert "guessed" in json.loads(found.attrs["facts"])


def test_a_generator_that_fails_is_said() -> None:
    found = inspect_model((generator(), 7))
    assert applies(found)["lowrank"] == "not yet"
    assert "RuntimeError" in said(found, "lowrank")


def test_images_too_large_for_a_covariance_are_to_be_pooled() -> None:
    class Large(nn.Module):
        dim = 2

        def synthesize(self, latent: torch.Tensor) -> torch.Tensor:
            return latent.reshape(-1, 2)[:, :1, None, None].expand(-1, 3, 256, 256)

        def sample(self, n: int, seed: int = 0) -> torch.Tensor:
            return torch.randn(n, 2, generator=torch.Generator().manual_seed(seed))

    found = inspect_model(Large(), measure=False)
    assert applies(found)["whitening"] == "not yet"
    assert "would take 309 GB" in said(found, "whitening")
    assert "adaptive_avg_pool2d(images, 16)" in said(found, "whitening", "next_step")


def test_embeddings_in_all_forms() -> None:
    rows = np.random.default_rng(0).normal(size=(30, 5))
    layers = xr.DataArray(np.stack([rows, rows]), dims=("layer", "example", "feature"))
    for given, count in ((rows, 1), (torch.tensor(rows), 1), ({"a": rows, "b": rows}, 2)):
        found = inspect_model(given, examples=60)
        assert applies(found) == dict.fromkeys(PROBES, "no") | {"whitening": "yes"}
        assert json.loads(found.attrs["facts"]) == {"layers": count, "rows": 30, "width": 5}
        assert float(found.seconds.sel(probe="whitening")) > 0
    found = inspect_model(layers.assign_coords(layer=[0, 1]), measure=False)
    assert json.loads(found.attrs["facts"])["layers"] == 2
    bad = inspect_model(np.arange(6).reshape(3, 2))
    assert "rows that can be read: TypeError" in said(bad, "whitening")


def test_a_classifier_of_images_with_and_without_them() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(72, 3))
    assert applies(inspect_model(model))["attribution"] == "not yet"
    found = inspect_model((model, torch.rand(4, 1, 8, 8)), examples=10)
    assert applies(found)["attribution"] == "yes"
    assert json.loads(found.attrs["facts"])["gives"] == "3"
    wrong = inspect_model((model, torch.rand(4, 3, 8, 8)))
    assert "images that the model reads: RuntimeError" in said(wrong, "attribution")


def test_attention_that_no_capture_knows_is_listed() -> None:
    class OddAttention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.query = nn.Linear(4, 4)

    found = inspect_model(
        nn.ModuleDict({"odd": OddAttention(), "mha": nn.MultiheadAttention(4, 2)})
    )
    assert json.loads(found.attrs["attention"]) == {"mha": "nn.MultiheadAttention"}
    assert json.loads(found.attrs["attention_unseen"]) == {"odd": "OddAttention"}


def test_a_scripted_model_is_said_to_hide() -> None:
    found = inspect_model(torch.jit.script(nn.Sequential(nn.Linear(2, 2))), measure=False)
    assert "scripted" in json.loads(found.attrs["facts"])["capture"]


def test_the_model_and_all_random_states_are_as_they_were() -> None:
    model, tokenizer, module = tiny_bert(), tiny_tokenizer(), generator()
    model.train()
    model.encoder.layer[1].eval()
    model.pooler.dense.weight.requires_grad_(False)
    modes = [module.training for module in model.modules()]
    grads = [parameter.requires_grad for parameter in model.parameters()]
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()  # noqa: NPY002
    inspect_model((model, tokenizer))
    inspect_model((module, 6))
    assert random.getstate() == states[0]
    assert np.random.get_state()[1].tolist() == states[1]  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), states[2])
    assert [module.training for module in model.modules()] == modes
    assert [parameter.requires_grad for parameter in model.parameters()] == grads
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(torch.equal(weights[name], value) for name, value in model.state_dict().items())
    # transformers puts hooks of its own on a model that is asked for its states.
    hooks = [hook for module in model.modules() for hook in module._forward_hooks.values()]
    assert not [hook for hook in hooks if (hook.__module__ or "").startswith("probe")]


def test_a_generator_in_training_mode_stays_in_it() -> None:
    module = generator().train()
    assert applies(inspect_model((module, 6)))["lowrank"] == "yes"
    assert module.training


@pytest.mark.parametrize(
    ("thing", "error", "words"),
    [
        (3, TypeError, "`thing` must be an nn.Module, a .* got int"),
        ("bert-base", TypeError, "not a name or a path"),
        ((nn.Linear(2, 2), object()), TypeError, r"`thing\[1\]` must be what the model needs"),
        ((1.0, nn.Linear(2, 2)), TypeError, "`thing` must be an nn.Module"),
        (list(render_scenes(2)), ValueError, "hold the model of these pairs"),
    ],
)
def test_what_it_cannot_read(thing: object, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        inspect_model(thing)


def test_examples_are_counted_from_one() -> None:
    with pytest.raises(ValueError, match="`examples` must be at least 1; got 0"):
        inspect_model(np.eye(3), examples=0)


def test_a_result_can_be_written_and_read(tmp_path) -> None:
    found = inspect_model(np.eye(4), measure=False)
    found.to_netcdf(tmp_path / "found.nc", engine="h5netcdf")
    again = xr.load_dataset(tmp_path / "found.nc", engine="h5netcdf")
    assert applies(again) == applies(found)
