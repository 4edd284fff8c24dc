"""Datasets by name: fetched once, verified each time, kept in one folder.

The folder is named by the environment variable LOUPE_DATA, else it is the user's cache folder. A
file that lies there already is used as it is, whoever put it there, if its hash is right. Where no
hash is known of a file, its structure is compared with the published numbers in its place.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import pooch

from ._graph_sources import graph_sources
from ._idx import fashion_sources
from ._nlvr_format import nlvr_sources
from ._source import Part, Source
from ._sts_sources import sts_sources

__all__ = ["SOURCES", "Part", "Source", "cache_folder", "fetch", "names", "status"]

SOURCES: dict[str, Source] = {
    source.name: source
    for source in [*sts_sources(), *graph_sources(), *nlvr_sources(), *fashion_sources()]
}

_TIMEOUT = 30  # seconds without an answer


def names() -> list[str]:
    """The names of all datasets, in the order in which a list should show them.

    Examples
    --------
    >>> names()[:3]
    ['stsb-train', 'stsb-dev', 'stsb-test']
    """
    return list(SOURCES)


def cache_folder() -> Path:
    """The folder that datasets lie in: LOUPE_DATA, else the user's cache folder."""
    chosen = os.environ.get("LOUPE_DATA", "")
    return Path(chosen).expanduser() if chosen else Path(pooch.os_cache("loupe"))


def status(name: str) -> Literal["present", "missing", "corrupt"]:
    """Whether a dataset lies in the cache folder and is what it should be.

    Raises
    ------
    ValueError
        If there is no dataset of that name.
    """
    source = _source(name)
    path = cache_folder() / source.filename
    if not path.is_file():
        return "missing"
    return "corrupt" if _difference(source, path) else "present"


def fetch(name: str, *, refresh: bool = False, progress: bool = True) -> Path:
    """The path of a dataset's file, downloaded into the cache folder if it is not there yet.

    What is there is verified, never replaced unasked. A download becomes visible in one step, when
    it is complete and verified; if it fails, what was there before stays. Where a dataset is made
    of several files upstream and some of them lie in the cache folder (`Part.local`), these are
    used in place of a download.

    Parameters
    ----------
    name
        One of `names()`.
    refresh
        Download again, replacing the dataset's file.
    progress
        Show a bar of the bytes downloaded.

    Raises
    ------
    ValueError
        If there is no dataset of that name, or the file there, or the one downloaded, is not the
        expected one.
    ConnectionError
        If the file is not there and cannot be downloaded. The message says which file to put where.
    """
    source = _source(name)
    path = cache_folder() / source.filename
    if path.is_file() and not refresh:
        difference = _difference(source, path)
        if difference:
            raise ValueError(
                f"the file {path} of dataset {name!r} is corrupt or truncated: {difference}. "
                f"Download it again with fetch({name!r}, refresh=True) or "
                f"`loupe data get {name} --refresh`."
            )
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    # Beside the target, so that the last step is a rename within one file system: atomic.
    with tempfile.TemporaryDirectory(prefix=".loupe-", dir=path.parent) as folder:
        complete = Path(folder) / path.name
        files, local = [], []
        for i, part in enumerate(source.parts):
            here = cache_folder() / part.local
            if part.local and here.is_file() and not refresh:
                content = here.read_bytes()
                local.append(here)
            else:
                content = _download(source, i, Path(folder), path, progress=progress)
            files.append((part, content))
        try:
            for part, content in files:
                _verify(part, content)
            complete.write_bytes(source.convert(files))
        except ValueError as error:
            raise ValueError(_not_expected(source, str(error).rstrip("."), local)) from error
        difference = _difference(source, complete)
        if difference:
            raise ValueError(_not_expected(source, difference, local))
        complete.replace(path)
    return path


def _source(name: str) -> Source:
    if name not in SOURCES:
        listed = ", ".join(repr(known) for known in SOURCES)
        raise ValueError(f"`name` must be one of {listed}; got {name!r}.")
    return SOURCES[name]


def _difference(source: Source, path: Path) -> str:
    """What distinguishes a file from the expected one; empty if nothing does."""
    if not source.sha256 and source.check is not None:
        try:
            source.check(path)
        except ValueError as error:
            return str(error).rstrip(".")
        return ""
    size = path.stat().st_size
    found = pooch.file_hash(str(path), alg="sha256")
    if (size, found) == (source.size, source.sha256):
        return ""
    return (
        f"expected {source.size} bytes with sha256 {source.sha256}, "
        f"found {size} bytes with sha256 {found}"
    )


def _download(source: Source, index: int, folder: Path, path: Path, *, progress: bool) -> bytes:
    import requests
    from tqdm import tqdm

    part = source.parts[index]
    count = f" {index + 1}/{len(source.parts)}" if len(source.parts) > 1 else ""
    target = folder / f"part-{index}"
    # pooch puts in the length that the server tells; a bar without any length has no truth value.
    total = max(source.size, 1)
    with (
        tqdm(
            desc=source.name + count, total=total, unit="B", unit_scale=True, disable=not progress
        ) as bar,
        ExitStack() as closing,
    ):

        def close_later(response: requests.Response, **_: object) -> None:
            # pooch leaves the connection of a failed download open.
            closing.callback(response.close)

        download = pooch.HTTPDownloader(
            # Any bar of tqdm's kind will do; pooch's annotation knows of True and False only.
            progressbar=bar,  # pyright: ignore[reportArgumentType]
            timeout=_TIMEOUT,
            hooks={"response": close_later},
        )
        try:
            download(part.url, str(target), None)
        except requests.RequestException as error:
            kept = f"{path} stays as it was. " if path.is_file() else f"{path} is missing. "
            beside = ""
            if part.local:
                beside = f" Or put {part.url} into {cache_folder() / part.local}."
            raise ConnectionError(
                f"dataset {source.name!r} cannot be downloaded from {part.url} ({_reason(error)}). "
                f"{kept}Without a network: run `loupe data get {source.name}` on a machine that "
                f"has one, and copy its file to that place ({source.expected}).{beside}"
            ) from error
    return target.read_bytes()


def _reason(error: Exception) -> str:
    # The cause is often three exceptions deep; its own words say it best.
    while error.args and isinstance(error.args[0], Exception):
        error = error.args[0]
    return f"{type(error).__name__}: {error}"


def _verify(part: Part, content: bytes) -> None:
    found = hashlib.sha256(content).hexdigest()
    if part.sha256 and found != part.sha256:
        raise ValueError(
            f"expected {part.url.rpartition('/')[2]} with sha256 {part.sha256}, "
            f"found {len(content)} bytes with sha256 {found}"
        )


def _not_expected(source: Source, why: str, local: list[Path]) -> str:
    target = cache_folder() / source.filename
    if local:
        return (
            f"what lies in {local[0].parent} for dataset {source.name!r} is not what it is "
            f"at {source.parts[0].url.rpartition('/')[0]}: {why}. Nothing was stored. Remove the "
            f"files there to download them in their place, or put the right dataset into {target} "
            "yourself."
        )
    return (
        f"what was downloaded for dataset {source.name!r} from {source.url} is not the expected "
        f"file: {why}. Nothing was stored. Something between here and there may have cut or "
        f"replaced it: try fetch({source.name!r}, refresh=True) again, or put the right file into "
        f"{target} yourself."
    )
