"""What the registry knows of a dataset: where it comes from, and what must arrive."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Part:
    """One file upstream, and the name of the subset of the dataset that it holds.

    Attributes
    ----------
    url
        Where it lies.
    subset
        What it holds, as its converter knows it.
    sha256
        Hash of it (hexadecimal); empty where its address has a commit in it, or where nobody has
        published a hash.
    local
        Where a copy may lie already, relative to the cache folder; empty if nowhere. A copy there
        is used in place of a download.
    """

    url: str
    subset: str
    sha256: str = ""
    local: str = ""


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
        Empty and 0 where they are not known; then `check` is what counts.
    parts
        The files upstream that it is made of, in order.
    convert
        Makes the file of the cache out of the parts: (part, content) pairs to content. It raises
        ValueError where a part is not what it should be.
    licence, citation
        Terms of use, and whom to cite.
    check
        Raises ValueError if the structure of the file in the cache is not the published one.
    """

    name: str
    filename: str
    sha256: str
    size: int
    parts: tuple[Part, ...]
    convert: Callable[[Sequence[tuple[Part, bytes]]], bytes]
    licence: str
    citation: str
    check: Callable[[Path], None] | None = None

    @property
    def url(self) -> str:
        """The addresses upstream, separated by a space."""
        return " ".join(part.url for part in self.parts)

    @property
    def expected(self) -> str:
        """What the file in the cache must be, in words."""
        if self.sha256:
            return f"{self.size} bytes, sha256 {self.sha256}"
        return "no hash of it is published, so its structure is checked"
