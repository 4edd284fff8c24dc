"""The built documentation in Chromium: nothing from elsewhere, search, formulas, both themes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.browser.accessible import SIZES, assert_accessible, assert_reflows
from tests.browser.conftest import Watched
from tests.docs_site import build

# One of each kind: text, code, formulas, signatures, links, tables.
PAGES = (
    *("index", "tutorials/03_totoro", "explanation/totoro", "reference/whitening"),
    *("gotchas", "measured"),
)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the site, served on this machine."""
    base: Path = tmp_path_factory.mktemp("docs")
    build(base / "site", reports=base / "none")
    serve = partial(_Quiet, directory=str(base / "site"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), serve)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_home_page_shows_the_first_picture(
    site: str, open_page: Callable[..., Watched], scheme: str
) -> None:
    watched = open_page(f"{site}/index.html", color_scheme=scheme)
    page = watched.page
    page.wait_for_selector("h1")
    assert page.inner_text("h1").startswith("Loupe")
    assert page.evaluate("document.querySelector('article img').naturalWidth") > 0
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    light = sum(map(int, ground.strip("rgba()").split(",")[:3])) > 3 * 128
    assert light == (scheme == "light")
    watched.shoot(f"docs-home-{scheme}")
    watched.assert_clean()


@pytest.mark.parametrize(
    ("asked", "found"), [("topology_imbalance", "reference/totoro"), ("empty edit", "lowrank")]
)
def test_the_search_finds_functions_and_failings(
    site: str, open_page: Callable[..., Watched], asked: str, found: str
) -> None:
    watched = open_page(f"{site}/index.html")
    page = watched.page
    page.click("input.md-search__input")
    # The index is read by a worker first.
    page.wait_for_function(
        "() => /Type to/.test(document.querySelector('.md-search-result__meta').textContent)",
        timeout=60_000,
    )
    page.keyboard.type(asked)
    page.wait_for_function(
        "found => [...document.querySelectorAll('.md-search-result__link')]"
        ".some(link => link.href.includes(found) && link.innerText.trim())",
        arg=found,
        timeout=30_000,
    )
    watched.shoot(f"docs-search-{asked.split()[0]}")
    watched.assert_clean()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_explanation_draws_its_formulas(
    site: str, open_page: Callable[..., Watched], scheme: str
) -> None:
    watched = open_page(f"{site}/explanation/totoro.html", color_scheme=scheme)
    page = watched.page
    boxes = page.evaluate(
        "[...document.querySelectorAll('.formula math')].map(m => m.getBoundingClientRect().height)"
    )
    assert len(boxes) > 3
    assert min(boxes) > 10
    page.evaluate("document.querySelector('.formula').scrollIntoView({block: 'center'})")
    watched.shoot(f"docs-explanation-{scheme}")
    watched.assert_clean()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_reference_page_has_signature_parameters_and_example(
    site: str, open_page: Callable[..., Watched], scheme: str
) -> None:
    watched = open_page(f"{site}/reference/whitening.html", color_scheme=scheme)
    page = watched.page
    page.goto(f"{site}/reference/whitening.html#probe.whitening.anisotropy")
    text = page.inner_text("article")
    assert "sample: int = 2000" in text
    assert "sample, seed, rank_tol, level" in " ".join(text.split())
    assert ">>> found = anisotropy(" in text
    watched.shoot(f"docs-reference-{scheme}")
    watched.assert_clean()


def test_a_tutorial_says_how_to_make_its_executed_page(
    site: str, open_page: Callable[..., Watched]
) -> None:
    watched = open_page(f"{site}/tutorials/03_totoro.html")
    text = watched.page.inner_text("article")
    assert "loupe report notebooks/03_totoro.ipynb" in text
    watched.shoot("docs-tutorial")
    watched.assert_clean()


@pytest.mark.parametrize("name", PAGES)
def test_every_kind_of_page_is_for_everyone(
    site: str, open_page: Callable[..., Watched], name: str
) -> None:
    for size, scheme in (("100 %", "light"), ("100 %", "dark"), ("200 %", "dark")):
        watched = open_page(f"{site}/{name}.html", color_scheme=scheme, **SIZES[size])
        watched.page.wait_for_load_state("load")
        assert_accessible(watched.page)
        if size != "100 %":
            assert_reflows(watched.page)
            watched.page.set_viewport_size(SIZES["400 %"]["viewport"])
            assert_reflows(watched.page)
        watched.shoot(f"docs-{Path(name).name}-{size.split()[0]}-{scheme}")
        watched.assert_clean()
        watched.page.close()


def test_a_narrow_page_has_its_navigation_at_hand(
    site: str, open_page: Callable[..., Watched]
) -> None:
    page = open_page(f"{site}/index.html", **SIZES["200 %"]).page
    drawer = page.locator(".md-sidebar--primary")
    assert not drawer.is_visible()
    button = page.get_by_role("button", name="Navigation")
    button.focus()
    page.keyboard.press("Enter")
    drawer.get_by_role("link", name="Gotchas").wait_for()
