"""Pictures with labels: what comes along, and what is read from IDX files."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data import _idx, registry
from data._idx import check_fashion, fashion_sources, parse_idx, read_fashion
from data.images import load_digits_images, load_fashion_mnist
from data.records import Faces, LabelledImages


def idx(array: np.ndarray) -> bytes:
    """An IDX file, written by hand."""
    head = bytes([0, 0, 8, array.ndim])
    for length in array.shape:
        head += length.to_bytes(4, "big")
    return head + array.astype(np.uint8).tobytes()


@pytest.mark.parametrize("size", [16, 32])
def test_digits_are_the_known_pictures_enlarged(size: int) -> None:
    from sklearn.datasets import load_digits

    found, known = load_digits_images(size=size), load_digits()
    assert found.images.shape == (1797, 1, size, size)
    assert found.images.dtype == np.float32
    assert found.images.min() == -1
    assert found.label_names[found.labels[7]] == "7"
    assert (found.labels == known["target"]).all()
    # What is enlarged linearly keeps its mean but for the rim, and its extremes at most.
    small = known["images"].mean((1, 2)) / 8 - 1
    assert np.abs(found.images.mean((1, 2, 3)) - small).max() < 0.05
    # Corners are those of the small picture; a column between two is a mixture of them.
    assert np.allclose(found.images[:, 0, 0, 0], known["images"][:, 0, 0] / 8 - 1)
    a, b = known["images"][:, 0, 3] / 8 - 1, known["images"][:, 0, 4] / 8 - 1
    inner = {16: (7, 0.75), 32: (14, 0.875)}[size]
    assert np.allclose(found.images[:, 0, 0, inner[0]], inner[1] * a + (1 - inner[1]) * b)


@pytest.mark.parametrize("shape", [(5,), (2, 3), (3, 4, 2)])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_idx_gives_the_array_that_was_written(shape, pack) -> None:
    array = np.random.default_rng(0).integers(0, 256, shape)
    found = parse_idx(pack(idx(array)))
    assert found.dtype == np.uint8
    assert (found == array).all()


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "begin as IDX does, with two zeros; got b''"),
        (b"\x01\x00\x08\x01\x00\x00\x00\x00", "with two zeros"),
        (
            b"\x00\x00\x0d\x01\x00\x00\x00\x01\x00\x00\x00\x00",
            r"unsigned bytes \(type 8\); got type 13",
        ),
        (b"\x00\x00\x08\x02\x00\x00\x00\x01", "length of each axis; got 8 bytes"),
        (b"\x00\x00\x08\x00", "length of each axis; got 4 bytes"),
        (idx(np.zeros((2, 3)))[:-1], "must hold 6 numbers; got 5"),
        (idx(np.zeros((2, 3))) + b"\x00", "must hold 6 numbers; got 7"),
        (b"\x00\x00\x08\x03" + b"\xff" * 12, "must hold 79228162458924105385300197375 numbers"),
        (gzip.compress(idx(np.zeros(99)))[:-9], "must be whole; got a damaged archive"),
    ],
)
def test_a_damaged_idx_file_is_refused(content: bytes, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        parse_idx(content)


@pytest.fixture
def small_fashion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """Fashion-MNIST of 20 and 10 pictures, put by hand where the registry looks for it."""
    rng = np.random.default_rng(0)
    monkeypatch.setattr(_idx, "_SHAPES", {"train": 20, "t10k": 10})
    (source,) = fashion_sources()
    arrays, parts = {}, []
    for part in source.parts:
        count = 20 if part.subset.startswith("train") else 10
        arrays[part.subset] = (
            rng.integers(0, 256, (count, 28, 28))
            if "images" in part.subset
            else np.arange(count) % 10
        )
        content = gzip.compress(idx(arrays[part.subset]))
        path = tmp_path / part.local
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        parts.append(replace(part, sha256=hashlib.sha256(content).hexdigest()))
    monkeypatch.setitem(registry.SOURCES, "fashion-mnist", replace(source, parts=tuple(parts)))
    monkeypatch.setenv("LOUPE_DATA", str(tmp_path))
    return arrays


def test_fashion_is_read_from_the_four_files(small_fashion: dict[str, np.ndarray]) -> None:
    train = load_fashion_mnist(progress=False)
    pixels = small_fashion["train-images-idx3-ubyte"]
    assert np.allclose((train.images[:, 0] + 1) * 127.5, pixels, atol=1e-4)
    assert train.label_names[train.labels[9]] == "Ankle boot"
    test = load_fashion_mnist("test", progress=False)
    assert (
        repr(test) == "LabelledImages('fashion-mnist, test', 10 images, 28 x 28 pixels, 10 labels)"
    )
    assert test.attrs["licence"] == "MIT"
    assert registry.status("fashion-mnist") == "present"


def test_fashion_with_other_bytes_than_published_is_refused(
    small_fashion: dict[str, np.ndarray], tmp_path: Path
) -> None:
    (tmp_path / "fashion-mnist" / "t10k-labels-idx1-ubyte.gz").write_bytes(b"other")
    with pytest.raises(ValueError, match=r"expected t10k-labels-idx1-ubyte\.gz with"):
        load_fashion_mnist(progress=False)


def test_fashion_of_other_numbers_than_published_is_refused(
    small_fashion: dict[str, np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_fashion_mnist(progress=False)
    path = tmp_path / "images" / "fashion-mnist.npz"
    check_fashion(path)
    arrays = read_fashion(path)
    arrays["t10k-labels-idx1-ubyte"] = arrays["t10k-labels-idx1-ubyte"] * 0
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=r"corrupt .* expected 1 images of each label"):
        load_fashion_mnist(progress=False)
    monkeypatch.setattr(_idx, "_SHAPES", {"train": 21, "t10k": 10})
    with pytest.raises(ValueError, match=r"expected uint8 of shape \(21, 28, 28\); found"):
        check_fashion(path)
    path.write_bytes(b"nothing")
    with pytest.raises(ValueError, match="must be an archive of Fashion-MNIST's arrays"):
        read_fashion(path)


def test_what_cannot_be_loaded_is_refused() -> None:
    with pytest.raises(ValueError, match="`size` must be one of 16, 32; got 8"):
        load_digits_images(size=8)
    with pytest.raises(ValueError, match="`part` must be one of 'train', 'test'; got 'valid'"):
        load_fashion_mnist("valid")


def test_hashes_are_those_that_are_published() -> None:
    (source,) = fashion_sources()
    assert [len(part.sha256) for part in source.parts] == [64] * 4
    assert source.url.count("https://") == 4


IMAGES = np.zeros((2, 3, 4, 5), np.float32)
MASKS = {"nose": np.zeros((2, 4, 5), bool)}


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"images": IMAGES[0]}, ValueError, r"`images` must have axes \(n, 3 channels"),
        ({"images": IMAGES + 2}, ValueError, r"`images` must lie in \[-1, 1\]; got 2 to 2"),
        ({"images": IMAGES * np.nan}, ValueError, r"`images` must lie in \[-1, 1\]; got nan"),
        ({"parameters": [[0.0]]}, ValueError, "must hold 1 values for each of 2 faces"),
        ({"parameters": [[0.0], [1.5]]}, ValueError, r"`parameters` must lie in \[0, 1\]"),
        ({"regions": {"nose": np.zeros((2, 4, 5))}}, TypeError, "booleans; got float64 for 'nose'"),
        (
            {"regions": {"nose": MASKS["nose"][:1]}},
            ValueError,
            r"shape \(2, 4, 5\); got \(1, 4, 5\)",
        ),
    ],
)
def test_faces_that_disagree_are_refused(change, error, text) -> None:
    given = {"images": IMAGES, "parameters": [[0.0], [1.0]], "names": ("a",), "regions": MASKS}
    whole = Faces(**given)
    assert len(whole) == 2
    assert IMAGES.flags.writeable
    assert not whole.regions["nose"].flags.writeable
    with pytest.raises(error, match=text):
        Faces(**{**given, **change})


@pytest.mark.parametrize(
    ("images", "labels", "text"),
    [
        (np.zeros((2, 2, 4, 4)), [0, 0], "1 or 3 channels"),
        (
            np.zeros((2, 1, 4, 4)),
            [0],
            r"`labels` must hold one for each of 2 images; got shape \(1,\)",
        ),
        (np.zeros((2, 1, 4, 4)), [0, 2], "`labels` must be from 0 to 1; got 0 to 2"),
    ],
)
def test_labelled_images_that_disagree_are_refused(images, labels, text) -> None:
    with pytest.raises(ValueError, match=text):
        LabelledImages(images, labels, ("a", "b"))
