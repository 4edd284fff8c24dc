"""Every public name is described, shown in use, and listed in the reference."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest

from tests.docs_site import DOCS

# Packages whose `__all__` is public, and the page that lists it.
PACKAGES = {
    "data": "data",
    "probe.attribution": "attribution",
    "probe.comparison": "comparison",
    "probe.isd": "isd",
    "probe.lowrank": "lowrank",
    "probe.statistics": "index",
    "probe.totoro": "totoro",
    "probe.value": "value",
    "probe.whitening": "whitening",
    "viz": "viz",
    "viz.attribution": "viz",
    "viz.comparison": "viz",
    "viz.explorers": "viz",
    "viz.faces": "viz",
    "viz.isd": "viz",
    "viz.lowrank": "viz",
    "viz.report": "viz",
    "viz.scenes": "viz",
    "viz.style": "viz",
    "viz.totoro": "viz",
    "viz.value": "viz",
    "viz.whitening": "viz",
}
ACCUMULATOR = "an accumulator: its function of the same name shows the same result"
DOWNLOAD = "needs a file that has to be downloaded or asked for"
PICTURE = "its result is too large to be written by hand; tests/viz draws it"
RUNS = "runs a kernel, for seconds; tests/viz/test_report_execution.py does"
STYLE = "used in docs/how-to/own-probe.md, which is run"
GIVEN = "what a function gives back; that function's example shows it"
WORKBENCH = "drawn in docs/how-to/workbench.md, which is run"
# Public names without an example, and why.
WITHOUT_EXAMPLE = {
    "data.fetch": DOWNLOAD,
    "data.load_amazon": DOWNLOAD,
    "data.load_fashion_mnist": DOWNLOAD,
    "data.load_flickr30k_entities": DOWNLOAD,
    "data.load_nlvr": DOWNLOAD,
    "data.load_ogbn_arxiv": DOWNLOAD,
    "data.load_planetoid": DOWNLOAD,
    "data.load_sts": DOWNLOAD,
    "data.public_split": DOWNLOAD,
    "probe.isd.Isd": ACCUMULATOR,
    "probe.statistics.Difference": GIVEN,
    "probe.statistics.Interval": GIVEN,
    "probe.statistics.PermutationTest": GIVEN,
    "probe.value.AttentionProber": ACCUMULATOR,
    "probe.value.Coreference": ACCUMULATOR,
    "probe.value.CrossModal": ACCUMULATOR,
    "probe.value.EmbeddingProber": ACCUMULATOR,
    "probe.value.FusionDegree": ACCUMULATOR,
    "probe.value.Linguistic": ACCUMULATOR,
    "probe.value.ModalityImportance": ACCUMULATOR,
    "probe.value.Relations": ACCUMULATOR,
    "probe.value.attention_prober": "needs hundreds of annotated pairs; notebook 01 runs it",
    "probe.value.embedding_prober": "needs hundreds of annotated pairs; notebook 01 runs it",
    "viz.attribution.plot_agreement": PICTURE,
    "viz.attribution.plot_faithfulness": WORKBENCH,
    "viz.attribution.plot_randomisation": WORKBENCH,
    "viz.comparison.plot_film_strip": PICTURE,
    "viz.isd.plot_before_after": PICTURE,
    "viz.isd.plot_iais_study": PICTURE,
    "viz.isd.plot_relation_pair": PICTURE,
    "viz.lowrank.plot_change": PICTURE,
    "viz.lowrank.plot_directions": PICTURE,
    "viz.report.execute_notebook": RUNS,
    "viz.report.export_gallery": "needs reports that were made; tests/viz/test_report_gallery.py",
    "viz.report.export_notebook": RUNS,
    "viz.value.plot_coreference": PICTURE,
    "viz.value.plot_examples": PICTURE,
    "viz.value.plot_profile": PICTURE,
    "viz.value.plot_relations": PICTURE,
    "viz.whitening.plot_classification": PICTURE,
    "viz.whitening.plot_effect": PICTURE,
    "viz.whitening.plot_transformed_spectrum": PICTURE,
    "viz.style.Theme": STYLE,
    "viz.style.canvas": STYLE,
    "viz.style.figure_of": STYLE,
    "viz.style.ink_on": STYLE,
    "viz.style.ramp": STYLE,
    "viz.style.say": STYLE,
    "viz.style.size_of": STYLE,
    "viz.style.theme_of": STYLE,
    "viz.style.title": STYLE,
}
NAMES = [f"{package}.{name}" for package in PACKAGES for name in import_module(package).__all__]


def described(name: str) -> str | None:
    """The docstring of a function or a class; None for a constant, which needs none."""
    package, _, last = name.rpartition(".")
    thing = getattr(import_module(package), last)
    if inspect.isclass(thing) or inspect.isroutine(thing):
        return inspect.getdoc(thing) or ""
    return None


@pytest.mark.parametrize("package", PACKAGES)
def test_the_reference_lists_every_public_name(package: str) -> None:
    page = (DOCS / "reference" / f"{PACKAGES[package]}.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^::: ([\w.]+)$", page, re.MULTILINE))
    assert {f"{package}.{name}" for name in import_module(package).__all__} <= listed


@pytest.mark.parametrize("page", sorted((DOCS / "reference").glob("*.md")), ids=lambda p: p.stem)
def test_the_reference_lists_nothing_twice_and_nothing_that_is_not(page: Path) -> None:
    listed = re.findall(r"^::: ([\w.]+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(listed) == len(set(listed))
    for name in listed:
        package, _, last = name.rpartition(".")
        assert hasattr(import_module(package), last), name


def test_every_public_name_is_described_and_shown_in_use() -> None:
    lacking = []
    for name in NAMES:
        words = described(name)
        if words is not None and (
            not words or (">>>" not in words and name not in WITHOUT_EXAMPLE)
        ):
            lacking.append(name)
    assert lacking == []


def test_no_exception_is_out_of_date() -> None:
    for name in WITHOUT_EXAMPLE:
        assert name in NAMES
        assert ">>>" not in (described(name) or ""), f"{name} has an example by now"
