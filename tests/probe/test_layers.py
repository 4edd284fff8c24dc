"""Embeddings come in many forms and leave as rows by layer, or with an error that says why not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import xarray as xr

from probe.whitening._layers import as_layers, read_chunk, stream_layers

ROWS = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)


@pytest.mark.parametrize(
    "embeddings",
    [
        ROWS,
        torch.tensor(ROWS, requires_grad=True),
        {0: ROWS},
        {np.int64(0): torch.tensor(ROWS)},
        xr.DataArray(ROWS, dims=("example", "feature")),
        xr.DataArray(ROWS.T[:, None], dims=("feature", "layer", "example")),
        ROWS.astype(">f4"),
    ],
)
def test_every_form_gives_the_same_rows(embeddings) -> None:
    found = as_layers(embeddings)
    assert list(found) == [0]
    assert found[0].dtype == np.float32
    assert found[0].dtype.isnative
    np.testing.assert_array_equal(found[0], ROWS)


def test_layers_keep_their_labels_and_order() -> None:
    array = xr.DataArray(np.stack([ROWS, ROWS]), dims=("layer", "example", "feature"))
    assert list(as_layers(array)) == [0, 1]
    assert list(as_layers(array.assign_coords(layer=[5, 2]))) == [5, 2]
    assert list(as_layers(array.assign_coords(layer=["first_last", "cls"]))) == [
        "first_last",
        "cls",
    ]
    assert list(as_layers(array.assign_coords(layer=[5, 2]).sel(layer=2))) == [2]
    assert list(as_layers({1: ROWS, "mean": ROWS})) == ["1", "mean"], "labels are of one type"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_widened_exactly_and_remembered(dtype: torch.dtype) -> None:
    rows = torch.tensor(ROWS).to(dtype)
    chunk = read_chunk({3: rows})
    assert chunk.layers[3].dtype == np.float32
    assert chunk.dtype == str(dtype).removeprefix("torch.")
    np.testing.assert_array_equal(chunk.layers[3], rows.float().numpy())
    assert read_chunk(ROWS.astype(np.float16)).dtype == "float16"


def test_a_stream_may_hold_chunks_of_any_length() -> None:
    chunks = [ROWS[:1], torch.tensor(ROWS[1:1]).reshape(0, 3), ROWS[1:]]
    with pytest.raises(ValueError, match=r"`embeddings\[1\]` must hold at least 1 examples; got 0"):
        list(stream_layers(chunks))
    found = list(stream_layers([chunks[0], chunks[2]]))
    np.testing.assert_array_equal(np.concatenate([each[0] for each in found]), ROWS)
    assert len(list(stream_layers(ROWS))) == 1


@pytest.mark.parametrize(
    ("embeddings", "text"),
    [
        (ROWS[:1], "`embeddings` must hold at least 2 examples; got 1"),
        (ROWS[0], "`embeddings` must have axes (example, feature); got shape (3,)"),
        (np.ones((3, 0)), "`embeddings` must have at least 1 feature"),
        ({}, "`embeddings` must hold at least one layer"),
        ({0: ROWS, 1: ROWS[:2]}, "must have one shape (example, feature) for all layers"),
        ({0: ROWS, 1: ROWS[:, :2]}, "must have one shape (example, feature) for all layers"),
        ({0: ROWS, 1: ROWS.astype(float)}, "one dtype for all layers; got float32 and float64"),
        (
            {0: torch.tensor(ROWS), 1: torch.empty(4, 3, device="meta")},
            "must have one device for all layers; got cpu and meta",
        ),
        ({"a": ROWS, "b": np.full((4, 3), np.nan, np.float32)}, "`embeddings['b']` must be finite"),
        (np.where(ROWS > 0, np.inf, ROWS), "`embeddings` must be finite everywhere"),
        ({1: ROWS, "1": ROWS}, "`embeddings` must name each layer once"),
        (xr.DataArray(ROWS, dims=("row", "feature")), "must have dims (layer, example, feature)"),
    ],
)
def test_refused_values(embeddings, text: str) -> None:
    with pytest.raises(ValueError, match=r"must") as caught:
        as_layers(embeddings)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("embeddings", "text"),
    [
        (np.ones((3, 2), dtype=int), "must hold one of float16, bfloat16, float32, float64"),
        ({0: [[1.0, 2.0]]}, "`embeddings` must be a numpy array or a torch tensor; got list"),
        ([[1.0, 2.0], [3.0, 4.0]], "must be an array, tensor or DataArray"),
    ],
)
def test_refused_types(embeddings, text: str) -> None:
    with pytest.raises(TypeError, match=r"must") as caught:
        as_layers(embeddings)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("chunks", "error", "text"),
    [
        ([], ValueError, "must hold at least one chunk; got none. Is the iterator used up"),
        ("text", TypeError, "must be an array, tensor or DataArray, a mapping from layer"),
        (3.0, TypeError, "must be an array, tensor or DataArray, a mapping from layer"),
        ([{0: ROWS}, {1: ROWS}], ValueError, "`embeddings[1]` must have layers [0] as before"),
        ([ROWS, ROWS[:, :2]], ValueError, "`embeddings[1]` must have 3 features as before; got 2"),
        ([ROWS, ROWS.astype(float)], ValueError, "must be float32 as before; got float64"),
    ],
)
def test_refused_streams(chunks, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=r"must") as caught:
        list(stream_layers(chunks))
    assert text in str(caught.value)
