"""The IDX format of MNIST and its relatives, and Fashion-MNIST as it lies in the cache."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ._source import Part, Source

FASHION_LABELS = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
_FASHION = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion"
# Published hashes of the four files.
_HASHES = {
    "train-images-idx3-ubyte": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "train-labels-idx1-ubyte": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "t10k-images-idx3-ubyte": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "t10k-labels-idx1-ubyte": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
}
_SHAPES = {"train": 60_000, "t10k": 10_000}
_SIDE = 28
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the first date that an archive can hold
_UBYTE = 8  # the only type of numbers that these files use


def parse_idx(content: bytes) -> np.ndarray:
    """The array in an IDX file of unsigned bytes, compressed by gzip or not.

    The file is two zeros, the type of the numbers (8: unsigned bytes), the number of axes, the
    length of each axis as four bytes, the highest first, and the numbers, the last axis fastest.

    Parameters
    ----------
    content
        The bytes of the file.

    Returns
    -------
    numpy.ndarray
        uint8, of the shape that the file tells.

    Raises
    ------
    ValueError
        If the file is damaged, cut short, or of another format or type.

    Examples
    --------
    >>> parse_idx(bytes([0, 0, 8, 1, 0, 0, 0, 3, 5, 6, 7]))
    array([5, 6, 7], dtype=uint8)
    """
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"the file must be whole; got a damaged archive ({error})") from None
    if len(content) < 4 or content[:2] != b"\x00\x00":
        raise ValueError(f"the file must begin as IDX does, with two zeros; got {content[:4]!r}")
    kind, axes = content[2], content[3]
    if kind != _UBYTE:
        raise ValueError(f"the file must hold unsigned bytes (type {_UBYTE}); got type {kind}")
    start = 4 + 4 * axes
    lengths = np.frombuffer(content[4:start], ">u4") if len(content) >= start else ()
    if not axes or len(lengths) != axes:
        raise ValueError(f"the file must tell the length of each axis; got {len(content)} bytes")
    shape = tuple(int(length) for length in lengths)
    wanted = int(np.prod(shape, dtype=object))
    if len(content) - start != wanted:
        raise ValueError(f"the file must hold {wanted} numbers; got {len(content) - start}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def fashion_sources() -> list[Source]:
    """Fashion-MNIST's one file of the cache."""
    return [
        Source(
            name="fashion-mnist",
            filename="images/fashion-mnist.npz",
            sha256="",
            size=0,
            parts=tuple(
                Part(f"{_FASHION}/{name}.gz", name, sha256, f"fashion-mnist/{name}.gz")
                for name, sha256 in _HASHES.items()
            ),
            convert=_archive,
            licence="MIT",
            citation="Xiao et al. 2017, Fashion-MNIST, arXiv:1708.07747",
            check=check_fashion,
        )
    ]


def read_fashion(path: Path) -> dict[str, np.ndarray]:
    """The four arrays of the file in the cache, by the names of the files upstream.

    Raises
    ------
    ValueError
        If the file is no archive of plain arrays, or one of the four is not in it.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in _HASHES}
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, TypeError) as error:
        raise ValueError(
            f"{path} must be an archive of Fashion-MNIST's arrays; got {error}"
        ) from None


def check_fashion(path: Path) -> None:
    """Compare the file in the cache with the published numbers.

    Raises
    ------
    ValueError
        If a shape, a type or the number of images of a label differs.
    """
    arrays = read_fashion(path)
    for part, count in _SHAPES.items():
        images, labels = (arrays[name] for name in _HASHES if name.startswith(part))
        for array, shape in ((images, (count, _SIDE, _SIDE)), (labels, (count,))):
            if array.shape != shape or array.dtype != np.uint8:
                raise ValueError(
                    f"expected uint8 of shape {shape}; found {array.dtype} of shape {array.shape}"
                )
        # Every label is as frequent as the next.
        found = np.bincount(labels, minlength=len(FASHION_LABELS))
        if (found != count // len(FASHION_LABELS)).any():
            raise ValueError(
                f"expected {count // len(FASHION_LABELS)} images of each label; found "
                f"{found.tolist()}"
            )


def _archive(files: Sequence[tuple[Part, bytes]]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, content in files:
            array = io.BytesIO()
            np.lib.format.write_array(array, parse_idx(content), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{part.subset}.npy", _LONG_AGO), array.getvalue())
    return stream.getvalue()
