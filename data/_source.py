"""What the registry knows of a dataset: where it comes from, and what must arrive."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """One file upstream, and the name of the subset of the dataset that it holds."""

    url: str
    subset: str


@dataclass(frozen=True)
class Source:
    """One file of the cache.

    Attributes
    ----------
    name
        What `fetch` calls it.
    filename
        Where it lies, relative to the cache folder.
    sha256, size
        Hash (hexadecimal) and length (bytes) of the file in the cache, which is what counts: they
        hold for a file that was converted from upstream as for one that was put there by hand.
    parts
        The files upstream that it is made of, in order.
    convert
        Makes the file of the cache out of the parts: (part, content) pairs to content. It raises
        ValueError where a part is not what it should be.
    licence, citation
        Terms of use, and whom to cite.
    """

    name: str
    filename: str
    sha256: str
    size: int
    parts: tuple[Part, ...]
    convert: Callable[[Sequence[tuple[Part, bytes]]], bytes]
    licence: str
    citation: str

    @property
    def url(self) -> str:
        """The addresses upstream, separated by a space."""
        return " ".join(part.url for part in self.parts)
