"""The registry against a real server on this machine that misbehaves in every way we know."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from data import registry
from data.registry import Part, Source

CONTENT = b"subset\tscore\tsentence1\tsentence2\nx\t1.0\ta\tb\n" * 50
HALVES = {"/first": CONTENT[:1000], "/second": CONTENT[1000:]}


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves the two halves of CONTENT, and bad versions of the first under other paths."""

    def do_GET(self) -> None:
        self.server.seen.append(self.path)  # pyright: ignore[reportAttributeAccessIssue]
        if self.path == "/gone":
            self.send_error(404)
            return
        body = HALVES.get(self.path, HALVES["/first"])
        length = len(body)
        if self.path == "/wrong":
            body = b"X" + body[1:]
        elif self.path == "/short":  # says that it is whole
            body = body[:-100]
            length = len(body)
        elif self.path == "/interrupted":  # says how long it is, and stops before
            body = body[:300]
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[str] = []

    def address(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{path}"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOUPE_DATA", str(tmp_path))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def joined(files: Sequence[tuple[Part, bytes]]) -> bytes:
    return b"".join(content for _, content in files)


def register(monkeypatch: pytest.MonkeyPatch, *urls: str, convert=joined) -> None:
    source = Source(
        name="toy",
        filename="folder/toy.tsv",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        size=len(CONTENT),
        parts=tuple(Part(url, "x") for url in urls),
        convert=convert,
        licence="none",
        citation="nobody",
    )
    monkeypatch.setitem(registry.SOURCES, "toy", source)


def files_in(folder: Path) -> list[str]:
    return sorted(str(f.relative_to(folder)) for f in folder.rglob("*") if f.is_file())


def test_a_download_is_joined_verified_and_kept(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch, server.address("/first"), server.address("/second"))
    assert registry.status("toy") == "missing"
    path = registry.fetch("toy", progress=False)
    assert path == cache / "folder" / "toy.tsv"
    assert path.read_bytes() == CONTENT
    assert registry.status("toy") == "present"
    assert files_in(cache) == ["folder/toy.tsv"]
    registry.fetch("toy", progress=False)
    assert server.seen == ["/first", "/second"]  # the second call needed no network
    registry.fetch("toy", refresh=True, progress=False)
    assert server.seen == ["/first", "/second"] * 2


def test_a_file_put_there_by_hand_needs_no_network(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch, "http://127.0.0.1:9/refused")
    path = cache / "folder" / "toy.tsv"
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    assert registry.fetch("toy") == path


def test_the_bar_shows_each_file_and_can_be_switched_off(
    server: Server,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    register(monkeypatch, server.address("/first"), server.address("/second"))
    registry.fetch("toy", progress=False)
    silent = capsys.readouterr()
    assert (silent.out, silent.err) == ("", "")
    registry.fetch("toy", refresh=True)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "toy 1/2: 100%" in shown.err
    assert "toy 2/2: 100%" in shown.err
    assert "1.00k/1.00k" in shown.err  # the length that the server told, not ours


@pytest.mark.parametrize("content", [CONTENT[:-7], b"X" + CONTENT[1:], b""])
def test_a_corrupt_file_is_named_not_replaced_and_downloaded_again_on_request(
    content: bytes, server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch, server.address("/first"), server.address("/second"))
    path = cache / "folder" / "toy.tsv"
    path.parent.mkdir()
    path.write_bytes(content)
    assert registry.status("toy") == "corrupt"
    with pytest.raises(ValueError, match="is corrupt or truncated") as caught:
        registry.fetch("toy")
    message = str(caught.value)
    for expected in (
        str(path),
        f"expected {len(CONTENT)} bytes with sha256 {hashlib.sha256(CONTENT).hexdigest()}",
        f"found {len(content)} bytes with sha256 {hashlib.sha256(content).hexdigest()}",
        "fetch('toy', refresh=True)",
    ):
        assert expected in message
    assert path.read_bytes() == content
    assert server.seen == []
    registry.fetch("toy", refresh=True, progress=False)
    assert path.read_bytes() == CONTENT
    assert registry.status("toy") == "present"


@pytest.mark.parametrize("before", [None, CONTENT])
@pytest.mark.parametrize(
    ("bad", "error", "text"),
    [
        ("/gone", ConnectionError, "cannot be downloaded from .*404"),
        ("/interrupted", ConnectionError, "cannot be downloaded from .*IncompleteRead"),
        ("/short", ValueError, "is not the expected file: expected 2150 bytes .* found 2050 bytes"),
        ("/wrong", ValueError, "is not the expected file: .* found 2150 bytes"),
        ("refused", ConnectionError, "cannot be downloaded from .*refused"),
    ],
)
def test_a_failed_download_leaves_nothing_and_spoils_nothing(
    bad: str,
    error: type[Exception],
    text: str,
    before: bytes | None,
    server: Server,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = "http://127.0.0.1:9/refused" if bad == "refused" else server.address(bad)
    register(monkeypatch, url, server.address("/second"))
    path = cache / "folder" / "toy.tsv"
    if before is not None:
        path.parent.mkdir()
        path.write_bytes(before)
    with pytest.raises(error, match=text) as caught:
        registry.fetch("toy", refresh=before is not None, progress=False)
    assert "'toy'" in str(caught.value)
    assert url in str(caught.value)
    assert str(path) in str(caught.value)
    assert files_in(cache) == ([] if before is None else ["folder/toy.tsv"])
    assert before is None or path.read_bytes() == before
    if error is ConnectionError:
        assert ("is missing" if before is None else "stays as it was") in str(caught.value)


def test_offline_the_error_says_which_file_to_put_where(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch, "http://127.0.0.1:9/refused")
    with pytest.raises(ConnectionError, match="cannot be downloaded") as caught:
        registry.fetch("toy", progress=False)
    message = str(caught.value)
    assert f"{cache / 'folder' / 'toy.tsv'} is missing" in message
    assert "run `loupe data get toy` on a machine that has one" in message
    assert f"(2150 bytes, sha256 {hashlib.sha256(CONTENT).hexdigest()})" in message


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_stopping_half_way_leaves_nothing(
    error: type[BaseException], server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(files: Sequence[tuple[Part, bytes]]) -> bytes:
        raise error

    register(monkeypatch, server.address("/first"), convert=stopped)
    with pytest.raises(error):
        registry.fetch("toy", progress=False)
    assert files_in(cache) == []


def test_what_a_login_page_sends_instead_of_the_data_is_named(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fussy(files: Sequence[tuple[Part, bytes]]) -> bytes:
        raise ValueError("line 1: expected 7 columns, found 1.")

    register(monkeypatch, server.address("/first"), convert=fussy)
    with pytest.raises(
        ValueError, match=r"file: line 1: expected 7 columns, found 1\. Nothing was"
    ):
        registry.fetch("toy", progress=False)
    assert files_in(cache) == []


def test_a_part_that_is_not_the_known_one_is_named(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch, server.address("/first"), server.address("/second"))
    toy = registry.SOURCES["toy"]
    known = hashlib.sha256(HALVES["/first"]).hexdigest()
    parts = tuple(replace(part, sha256=known) for part in toy.parts)
    monkeypatch.setitem(registry.SOURCES, "toy", replace(toy, parts=parts))
    with pytest.raises(ValueError, match="what was downloaded for dataset 'toy'") as caught:
        registry.fetch("toy", progress=False)
    assert f"is not the expected file: expected second with sha256 {known}, " in str(caught.value)
    assert files_in(cache) == []


def test_unknown_names_list_the_known_ones() -> None:
    for ask in (registry.fetch, registry.status):
        with pytest.raises(
            ValueError, match=r"`name` must be one of 'stsb-train', .*; got 'sts11'"
        ):
            ask("sts11")


def test_the_cache_folder_is_the_users_unless_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOUPE_DATA", "~/elsewhere")
    assert registry.cache_folder() == Path.home() / "elsewhere"
    monkeypatch.setenv("LOUPE_DATA", "")
    assert registry.cache_folder().name == "loupe"
    monkeypatch.delenv("LOUPE_DATA")
    assert registry.cache_folder().name == "loupe"


def is_hash(text: str, length: int) -> bool:
    return len(text) == length and set(text) <= set("0123456789abcdef")


def test_every_source_is_complete_and_pinned() -> None:
    assert registry.names() == list(registry.SOURCES)
    assert len({source.filename for source in registry.SOURCES.values()}) == len(registry.names())
    for name, source in registry.SOURCES.items():
        assert source.name == name
        # A file is known by its hash, or where nobody has told it, by its published structure.
        assert bool(source.sha256) == bool(source.size) == (source.check is None)
        assert is_hash(source.sha256, 64) or source.check is not None
        assert source.licence
        assert source.citation
        for part in source.parts:
            commit = part.url.removeprefix("https://raw.githubusercontent.com/").split("/")[2]
            known = is_hash(commit, 40) or is_hash(part.sha256, 64)
            assert known or source.check is not None
        assert source.url.split() == [part.url for part in source.parts]
