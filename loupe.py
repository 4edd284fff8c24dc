"""The command line: `loupe report`, `loupe gallery`, `loupe demo`, `loupe data`, `loupe inspect`.

Everything heavy is imported inside the command that needs it, so that `loupe --help` is instant.
"""

from __future__ import annotations

import os
import shutil
import time
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import xarray as xr

    from data import Corpus
    from probe.subjects.sentence import SentenceEncoder
    from probe.subjects.small_encoder import SmallEncoder
    from viz.report import making

app = typer.Typer(
    help="Look inside a neural model: probes, interactive views, offline reports.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
data_app = typer.Typer(help="Datasets by name, with checksums.", no_args_is_help=True)
app.add_typer(data_app, name="data")

Out = Annotated[Path, typer.Option("--out", "-o", help="The HTML file to write.")]


def main() -> None:
    """Run the command line; what goes wrong ends in one sentence, not in a traceback.

    The environment variable ``LOUPE_TRACEBACK`` set to 1 shows where it was raised.
    """
    try:
        app()
    except (ValueError, TypeError, RuntimeError, OSError, ImportError) as error:
        if os.environ.get("LOUPE_TRACEBACK") == "1":
            raise
        typer.echo(f"loupe: {error}", err=True)
        raise SystemExit(2) from None


@app.command()
def report(
    what: Annotated[
        str,
        typer.Argument(help="A notebook (.ipynb), a saved result (.nc), or a probe: whitening."),
    ],
    out: Out = Path("reports/report.html"),
    fast: Annotated[bool, typer.Option(help="Small sizes, for a first look.")] = False,
) -> None:
    """Write one interactive HTML file that needs no kernel and no network."""
    started = time.perf_counter()
    path = Path(what)
    if path.suffix == ".ipynb":
        from viz.report import export_notebook

        export_notebook(path, out, fast=fast)
    elif path.suffix == ".nc":
        import xarray as xr

        from viz.report import export_results

        export_results([xr.load_dataset(path, engine="h5netcdf")], out, title=path.stem)
    elif what == "whitening":
        _write_whitening(out, limit=1000 if fast else 5000)
    else:
        raise ValueError(
            f"`loupe report` must be given a notebook (.ipynb), a saved result (.nc) or a probe "
            f"(whitening); got {what!r}."
        )
    _done(out, started)


@app.command()
def gallery(
    names: Annotated[
        list[str] | None, typer.Argument(help="Notebooks to make in full first, such as 00_tour.")
    ] = None,
    folder: Annotated[Path, typer.Option(help="Where the pages lie.")] = Path("reports"),
    notebooks: Annotated[Path, typer.Option(help="Where the notebooks lie.")] = Path("notebooks"),
    previews: Annotated[
        bool, typer.Option(help="Then small sizes of each notebook that has no page yet.")
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="Make all notebooks in full.")] = False,
) -> None:
    """Write index.html over the reports of a folder; make some of them before."""
    from viz.report import making
    from viz.report.gallery import INDEX, export_gallery, reports_in

    listed = making.notebooks_in(notebooks) if names or previews or every else []
    by_name = {path.stem: path for path in listed}
    for name in names or []:
        if name not in by_name:
            known = ", ".join(map(repr, by_name))
            raise ValueError(f"`names` must be notebooks (one of {known}); got {name!r}.")
    started = time.perf_counter()
    failed = _make(listed if every else [by_name[name] for name in names or []], folder)
    if previews:
        failed += _make(making.without_page(listed, folder), folder, fast=True)
    # Named before the index is written, which is refused where pages are too large or none came.
    for one in failed:
        typer.echo(f"loupe: no page of {one.notebook}: {one.problem}", err=True)
    found = reports_in(folder)
    if found or not failed:
        index = export_gallery(found, folder / INDEX)
        typer.echo(f"loupe: all reports on one page ({time.perf_counter() - started:.0f} s):")
        typer.echo(str(index.resolve()))
    if failed:
        raise typer.Exit(1)


def _make(notebooks: list[Path], folder: Path, *, fast: bool = False) -> list[making.Made]:
    """Make pages, saying each as soon as it is there; gives those that failed."""
    from viz.report.making import make_pages

    failed, kind = [], "preview" if fast else "full"
    for at, notebook in enumerate(notebooks):
        typer.echo(f"loupe: {kind} {at + 1} of {len(notebooks)}: {notebook} ...")
        (made,) = make_pages([notebook], folder, fast=fast)
        if made.problem:
            typer.echo(f"loupe: {notebook.name} failed after {made.seconds:.0f} s", err=True)
            failed.append(made)
        else:
            _done(made.out, time.perf_counter() - made.seconds)
    return failed


@app.command()
def demo(
    out: Out = Path("loupe-demo.html"),
    browse: Annotated[bool, typer.Option(help="Open the page in a browser.")] = False,
) -> None:
    """Show a real sentence model on text that Python ships; nothing is downloaded."""
    started = time.perf_counter()
    _write_whitening(out, limit=1000)
    _done(out, started)
    if browse:
        webbrowser.open(out.resolve().as_uri())


@app.command()
def inspect(
    target: Annotated[
        str,
        typer.Argument(help="my_module:make_model or path/to/file.py:make_model."),
    ],
    examples: Annotated[
        int, typer.Option(help="For how many examples time and memory are estimated.")
    ] = 1000,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Say which probes apply to your own model, what is missing, and what they will take."""
    from probe.subjects.inspection import (
        inspect_model,
        inspection_json,
        inspection_text,
        load_subject,
    )

    try:
        found = inspect_model(load_subject(target), examples=examples, name=target)
    except TypeError as error:
        raise ValueError(str(error).replace("`thing`", f"what {target} gives")) from error
    width = max(shutil.get_terminal_size().columns, 40)
    typer.echo(inspection_json(found) if as_json else inspection_text(found, width=width))


@data_app.command("list")
def data_list() -> None:
    """Say which datasets there are, how large, under which licence, and which are here."""
    from data import registry

    rows = []
    for name in registry.names():
        source = registry.SOURCES[name]
        size = f"{source.size / 1e6:.2f} MB" if source.size else "size unknown"
        rows.append((name, registry.status(name), size, source.licence))
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    for row in rows:
        padded = [cell.ljust(width) for cell, width in zip(row[:3], widths, strict=True)]
        typer.echo("  ".join([*padded, row[3]]))
    typer.echo(f"cache folder (LOUPE_DATA): {registry.cache_folder()}")


@data_app.command("get")
def data_get(
    names: Annotated[list[str], typer.Argument(help="Names from `loupe data list`.")],
    refresh: Annotated[bool, typer.Option(help="Download again, replacing what is here.")] = False,
) -> None:
    """Download datasets, verify them, and print where they lie."""
    from data import registry

    for name in names:
        typer.echo(str(registry.fetch(name, refresh=refresh)))


def _write_whitening(out: Path, *, limit: int) -> None:
    from viz.report import export_results

    results = _whitening_results(limit)
    export_results(
        results, out, title="How the geometry of a sentence model changes, layer by layer"
    )


def _whitening_results(limit: int) -> list[xr.Dataset]:
    """A sentence model's layers on the embedded corpus, before and after whitening."""
    import probe.whitening as whitening
    from data import load_python_prose

    corpus = load_python_prose(limit=limit)
    states = _subject(corpus).encode(corpus.texts)
    return [
        whitening.whitening_effect(states, texts=corpus.texts, labels=corpus.topics),
        whitening.anisotropy(states),
        whitening.topic_retrieval(states, corpus.topics, transforms=("raw", "centre", "whiten")),
    ]


def _subject(corpus: Corpus) -> SentenceEncoder | SmallEncoder:
    from probe.subjects.sentence import SentenceEncoder

    try:
        return SentenceEncoder.demo()
    except ImportError:
        from probe.subjects.contrastive import train_small_encoder

        typer.echo("loupe: the demo extra is not installed; training a small encoder instead")
        return train_small_encoder(corpus.texts, steps=100, seed=0)


def _done(out: Path, started: float) -> None:
    size = out.stat().st_size / 1e6
    seconds = time.perf_counter() - started
    typer.echo(f"loupe: {size:.1f} MB in {seconds:.0f} s, interactive with the network off:")
    typer.echo(str(out.resolve()))


if __name__ == "__main__":
    main()
