"""Reports: whole or not at all, alone, with words for every picture; made from outputs at hand."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import viz.report
from viz.report import export_notebook, export_results, external_resources, results_page
from viz.report.mathml import put_formulas, take_formulas, to_mathml
from viz.report.notebook import settled
from viz.report.page import write_page
from viz.report.pictures import describe, set_alternatives
from viz.report.sources import all_versions, sources_json

HOSTILE = "</script><img src=x onerror=alert(1)>"
PNG = base64.b64encode(b"\x89PNG").decode()
WIDGET = "application/vnd.jupyter.widget-view+json"


# What a page would fetch


@pytest.mark.parametrize(
    "page",
    [
        '<script src="https://a.example/x.js"></script>',
        "<link rel=stylesheet href=//a.example/x.css>",
        '<img src="http://a.example/x.png">',
        '<img srcset="x.png 1x, http://a.example/y.png 2x">',
        '<iframe src="http://a.example"></iframe>',
        '<video poster="//a.example/p.png"></video>',
        "<object data='//a.example/x'></object>",
        "<svg><image xlink:href='//a.example/x.png'/></svg>",
        "<svg><use href='sprite.svg#a'/></svg>",
        '<base href="https://a.example/">',
        "<style>@import 'https://a.example/x.css';</style>",
        "<style>@import url(//a.example/x.css);</style>",
        "<style>a { background: url( 'https://a.example/x.png' ) }</style>",
        '<p style="background:url(//a.example/x.png)">',
        '<script type="module">import x from "https://a.example/x.js"</script>',
        "<script>fetch('/data.json')</script>",
        "<script>import('./other.js')</script>",
        '<script>new WebSocket("ws://a.example")</script>',
        '<meta http-equiv="refresh" content="0; url=https://a.example">',
        '<iframe srcdoc="&lt;img src=//a.example/x.png&gt;"></iframe>',
        "<img src='picture.png'>",
    ],
)
def test_what_is_fetched_is_found(page: str) -> None:
    assert len(external_resources(page)) == 1 + ("srcset" in page)


@pytest.mark.parametrize(
    "page",
    [
        '<a href="https://a.example">read</a>',
        '<img src="data:image/png;base64,AAAA">',
        "<p>see https://a.example</p>",
        '<script type="application/json">{"text": "https://a.example/x.js"}</script>',
        "<script>const svg = 'http://www.w3.org/2000/svg';</script>",
        '<svg xmlns="http://www.w3.org/2000/svg"><use href="#a"/></svg>',
        "<style>a { background: url(data:image/png;base64,AA) }</style>",
        '<iframe srcdoc="&lt;p&gt;https://a.example&lt;/p&gt;"></iframe>',
        '<link rel="icon" href="data:,">',
        "<pre>fetch('x')</pre>",
    ],
)
def test_what_is_not_fetched_is_not_listed(page: str) -> None:
    assert external_resources(page) == []


# Writing


def test_a_page_is_written_whole(tmp_path: Path) -> None:
    out = write_page("<p>ä</p>", tmp_path / "new folder" / "a.html")
    assert out.read_text("utf-8") == "<p>ä</p>"
    assert [path.name for path in out.parent.iterdir()] == ["a.html"]
    plain = tmp_path / "plain"
    plain.touch()
    assert out.stat().st_mode == plain.stat().st_mode


def test_a_refused_page_leaves_the_old_one(tmp_path: Path) -> None:
    out = tmp_path / "a.html"
    out.write_text("old")
    with pytest.raises(ValueError, match=r"must not load anything from outside; got 1 such"):
        write_page('<img src="//a.example/x">', out)
    with pytest.raises(ValueError, match=r"`page` must be at most 0.0001 MB; got 0.2 MB"):
        write_page("x" * 200_000, out, limit=100)
    assert out.read_text() == "old"
    assert list(tmp_path.iterdir()) == [out]
    with pytest.raises(ValueError, match="`out` must be a file; got the folder"):
        write_page("x", tmp_path)


def test_a_failed_write_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_page("x", tmp_path / "a.html")
    assert list(tmp_path.iterdir()) == []


# Formulas


def test_formulas_become_mathml_and_the_rest_is_left_alone() -> None:
    plain = "`$c$`, $5 and $6, \\$7\n```\n$d$\n```"
    source = f"# Cost of $k$\nLet $a_1 * b_1$ and\n$$\\frac{{a}}{{b}}$$\n{plain}"
    text, found = take_formulas(source, first=3)
    assert text == f"# Cost of $k$\nLet loupeformula3x and\nloupeformula4x\n{plain}"
    page = put_formulas(f"<p>{text}</p> loupeformula99x", found)
    assert page.count("<math") == 2
    assert 'alttext="a_1 * b_1"' in page
    assert 'display="block"' in page
    assert "loupeformula99x" in page


def test_a_formula_that_cannot_be_read_is_shown_as_written() -> None:
    assert to_mathml(r"\left( <b>") == r"<code>\left( &lt;b&gt;</code>"
    assert "<b>" not in to_mathml("a <b> c")


# Words for pictures


def test_a_figure_says_its_titles_axes_and_series() -> None:
    figure = Figure()
    left, right = figure.subplots(1, 2)
    left.plot([1, 2], label="raw")
    left.plot([2, 1], label="whitened")
    left.set(title="Spectrum", xlabel="component", ylabel="share")
    right.set_title("Map $x^2$", loc="left")
    figure.suptitle("Before\nand after")
    assert describe(figure) == (
        "Figure: Before and after. Spectrum; share against component (raw, whitened). Map x^2."
    )
    figure.set_label("By hand")
    assert describe(figure) == "By hand"
    assert describe(Figure()) == "Figure without a title."


def image(metadata: dict[str, Any] | None = None) -> nbformat.NotebookNode:
    return new_output("display_data", {"image/png": PNG}, metadata=metadata or {})


def test_alternatives_come_in_order_of_trust() -> None:
    said = {"alt": "The figure's own."}
    notebook = new_notebook(
        cells=[
            new_code_cell("", outputs=[image(said), image(said)], metadata={"alt": ["By cell."]}),
            new_code_cell("", outputs=[image({"image/png": {"alt": "Inner."}})]),
            new_code_cell("", outputs=[image()]),
            new_markdown_cell("### Seen\nIt *rises* with [k](https://a.example). Then more."),
            new_code_cell("", outputs=[image()]),
        ]
    )
    set_alternatives(notebook)
    found = [out.metadata["alt"] for cell in notebook.cells for out in cell.get("outputs", [])]
    assert found == [
        "By cell.",
        "The figure's own.",
        "Inner.",
        "It rises with k.",
        "Picture made by cell 5 of the notebook.",
    ]


# Notebooks, from the outputs they hold


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\n", "a\nb\n"),
        ("10%\r50%\r", "50%"),
        ("abc\rX", "Xbc"),
        ("50%\r    \r", ""),
        ("50%\r    \ndone\n", "done\n"),
    ],
)
def test_overwritten_text_is_shown_as_it_settled(text: str, shown: str) -> None:
    assert settled(text) == shown


def exported(tmp_path: Path, *cells: nbformat.NotebookNode) -> str:
    notebook = new_notebook(cells=list(cells), metadata={"widgets": {"state": HOSTILE}})
    nbformat.write(notebook, tmp_path / "some notebook.ipynb")
    out = export_notebook(tmp_path / "some notebook.ipynb", tmp_path / "a.html", execute=False)
    return out.read_text("utf-8")


def test_a_notebook_becomes_one_page(tmp_path: Path) -> None:
    page = exported(
        tmp_path,
        new_markdown_cell("# Does *it* work? <b>\n\nLet $x_1$ be."),
        new_code_cell(
            f"'{HOSTILE}'",
            execution_count=1,
            outputs=[
                new_output("stream", text=f"1%\r100% {HOSTILE}\n"),
                new_output("stream", name="stderr", text="9%\r  \r"),
                new_output("display_data", {WIDGET: {}, "text/plain": "IntSlider()"}),
                new_output("display_data", {WIDGET: {}, "text/html": "<i>twin</i>"}),
                new_output("display_data", {"text/latex": r"$\displaystyle \frac{a}{b}$"}),
                new_output("display_data", {"text/latex": "tab", "text/html": "<i>table</i>"}),
                new_output("execute_result", {"text/plain": HOSTILE}, execution_count=1),
                image({"alt": f"A {HOSTILE} & more"}),
            ],
        ),
    )
    assert external_resources(page) == []
    assert page.count("<math") == 2
    assert "100% &lt;/script" in page
    assert "9%" not in page.split("</style>")[-1]
    assert "IntSlider" not in page
    assert page.count("<i>twin</i>") == page.count("<i>table</i>") == 1
    assert "onerror=alert(1)>" not in page.replace("onerror=alert(1)&gt;", "")
    assert "<title>Does it work? &lt;b&gt;</title>" in page
    for part in ('<html lang="en">', 'href="#content"', "theme-toggle", "some notebook.ipynb"):
        assert part in page
    assert page.count("<img") == 1
    assert "more" in page.split("<img")[1].split(">")[0]
    assert "cdnjs" not in page
    assert "widgets" not in page.split("</style>")[-1]


def test_a_notebook_that_loads_something_is_refused(tmp_path: Path) -> None:
    html = new_output("display_data", {"text/html": '<script src="//a.example/x.js"></script>'})
    with pytest.raises(ValueError, match="must not load anything from outside"):
        exported(tmp_path, new_code_cell("", outputs=[html]))
    assert not (tmp_path / "a.html").exists()


def test_what_is_no_notebook_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="`path` must be a notebook file; there is no"):
        export_notebook(tmp_path / "none.ipynb", tmp_path / "a.html")
    (tmp_path / "bad.ipynb").write_text("no json")
    with pytest.raises(ValueError, match=r"`path` must be a notebook \(.ipynb\); got bad.ipynb"):
        export_notebook(tmp_path / "bad.ipynb", tmp_path / "a.html")


# Results


def result(**attrs: Any) -> xr.Dataset:
    values = xr.Variable("layer", [0.5], {"long_name": f"cosine {HOSTILE}", "units": "1"})
    known = {"probe": "novel.measure", "seed": -1, "data_hash": "0123", "parameters": HOSTILE}
    return xr.Dataset({"cosine": values}, {"layer": [0]}, {**known, **attrs})


def test_results_become_one_page_with_their_sources(tmp_path: Path) -> None:
    steps = xr.DataArray(np.eye(2), dims=("step", "layer"), coords={"step": [0, 1]})
    watched = xr.Dataset({"x": steps}, attrs={"probe": "novel.watched"})
    out = export_results([result(notes=HOSTILE), watched], tmp_path / "a.html", title=HOSTILE)
    page = out.read_text("utf-8")
    assert external_resources(page) == []
    assert "<img src=x" not in page
    for part in ("Novel: measure", "Novel: watched", "0123", "layer 1", "torch", "numpy"):
        assert part in page
    assert page.count("<iframe") == 1
    assert "<td>none</td>" in page


def test_a_plot_is_shown_with_words() -> None:
    cosines = xr.Dataset({"average_cosine": ("layer", [0.6, 0.1])}, {"layer": [0, 1]})
    page = results_page([cosines.assign_attrs(probe="whitening.anisotropy")], title="t")
    picture = page.split("<img")[1].split(">")[0]
    assert 'src="data:image/png;base64,' in picture
    assert "Average cosine" in picture.split('alt="')[1]


def test_what_are_no_results_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "a.html"
    with pytest.raises(TypeError, match="`results` must be a list of Datasets; got Dataset"):
        export_results(result(), out, title="t")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`results` must hold at least one result; got none"):
        export_results([], out, title="t")
    with pytest.raises(TypeError, match=r"`results\[1\]` must be a Dataset; got int"):
        export_results([result(), 3], out, title="t")  # type: ignore[list-item]
    with pytest.raises(ValueError, match=r"`results\[0\]` must say in attrs which probe made it"):
        export_results([xr.Dataset()], out, title="t")
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = viz.report.nothing
    assert not out.exists()


def test_sources_are_named_once_and_versions_joined() -> None:
    one = result(versions='{"torch": "1.0"}')
    found = sources_json({"a": one, "b": one.copy(), "c": 3, "d": xr.Dataset()})
    assert found.count("novel.measure") == 1
    assert all_versions([{"versions": '{"torch": "1.0"}'}])["torch"].startswith("1.0, ")
