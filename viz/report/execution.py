"""Run a notebook top to bottom in a fresh kernel: the one executor of reports and of tests."""

from __future__ import annotations

import ast
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbformat import NotebookNode

# The folder that holds the packages: a checkout that is not installed is known to this process
# only, and the kernel must see the same code.
_ROOT = Path(__file__).parents[2]
_START = "import viz.report.pictures as _p; _p.describe_in_kernel(); del _p"
_SOURCES = "__import__('viz.report.sources', fromlist=['x']).sources_json(globals())"


def execute_notebook(
    path: str | Path, *, fast: bool = False, timeout: float = 1200.0
) -> NotebookNode:
    """A notebook with the outputs of a run in a fresh kernel, from its own folder.

    While it runs, the environment variable ``LOUPE_EXPORT`` is 1: explorers carry their static
    twins, and figures their text alternatives. The sources of all results that the notebook
    holds at its end are kept in its metadata (``loupe``).

    Parameters
    ----------
    path
        The ``.ipynb`` file; it is not changed.
    fast
        Set ``FAST = True`` in the cell tagged ``parameters``.
    timeout
        Seconds that one cell may take.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not a notebook, or `fast` is asked for and no ``FAST`` is set in a cell tagged
        ``parameters``.
    RuntimeError
        If a cell raises or takes too long; which one, and why.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    notebook = read_notebook(path)
    path = Path(path)
    if fast:
        _set_fast(notebook, path)
    client = NotebookClient(
        notebook,
        timeout=max(1, round(timeout)),
        kernel_name="python3",
        # A progress bar that overwrites itself comes in pieces; joined, only its end is shown.
        coalesce_streams=True,
        resources={"metadata": {"path": str(path.resolve().parent)}},
        store_widget_state=False,
        # Its notes on local ports and on being stopped are not for the reader of a report.
        extra_arguments=["--log-level=50"],
    )
    client.reset_execution_trackers()
    at = 0
    try:
        with client.setup_kernel(env=_environment()):
            _evaluate(client, _START)
            for at, cell in enumerate(notebook.cells):
                client.execute_cell(cell, at, execution_count=client.code_cells_executed + 1)
            notebook.metadata["loupe"] = json.loads(_evaluate(client, "", _SOURCES))
    except CellExecutionError as error:
        why = f"{error.ename}: {error.evalue}"
        raise RuntimeError(f"notebook {path.name} stopped in cell {at + 1}: {why}") from error
    except CellTimeoutError as error:
        why = f"it took longer than {timeout:g} s"
        raise RuntimeError(f"notebook {path.name} stopped in cell {at + 1}: {why}") from error
    except DeadKernelError as error:
        why = "the kernel died (out of memory?)"
        raise RuntimeError(f"notebook {path.name} stopped in cell {at + 1}: {why}") from error
    return notebook


def read_notebook(path: str | Path) -> NotebookNode:
    """A notebook file, read and brought to version 4.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it cannot be read as a notebook.
    """
    import nbformat

    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"`path` must be a notebook file; there is no {path}.")
    try:
        return nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat raises whatever its JSON and schema readers raise
        raise ValueError(f"`path` must be a notebook (.ipynb); got {path.name}: {error}") from error


def fast_assignment(notebook: NotebookNode) -> tuple[NotebookNode, ast.Assign] | None:
    """The cell tagged ``parameters`` that sets ``FAST = ...``, and where; None if none does."""
    for cell in notebook.cells:
        if cell.cell_type != "code" or "parameters" not in cell.metadata.get("tags", []):
            continue
        for node in ast.parse(cell.source).body:
            names = [t.id for t in getattr(node, "targets", []) if isinstance(t, ast.Name)]
            if isinstance(node, ast.Assign) and names == ["FAST"]:
                return cell, node
    return None


def _set_fast(notebook: NotebookNode, path: Path) -> None:
    """Replace ``FAST = ...`` in the parameters cell, so that sizes that follow from it follow."""
    found = fast_assignment(notebook)
    if found:
        cell, node = found
        lines = cell.source.splitlines()
        lines[node.lineno - 1 : node.end_lineno] = ["FAST = True"]
        cell.source = "\n".join(lines)
        return
    raise ValueError(
        f"`fast` must be False for a notebook without `FAST = ...` in a cell tagged parameters; "
        f"got {path.name}."
    )


def _environment() -> dict[str, str]:
    known = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "LOUPE_EXPORT": "1", "PYTHONPATH": os.pathsep.join(known)}


def _evaluate(client: Any, code: str, expression: str = "None") -> str:
    """Run code beside the cells, without a number of its own; give an expression's text."""
    from jupyter_core.utils import run_sync

    async def ask() -> Any:
        return await client.kc.execute(
            code,
            silent=True,
            store_history=False,
            user_expressions={"it": expression},
            reply=True,
            timeout=300,
        )

    reply = run_sync(ask)()
    content = reply["content"]
    found = content.get("user_expressions", {}).get("it", content)
    if found.get("status") != "ok":
        raise RuntimeError(f"the kernel could not prepare: {found.get('evalue', found)}")
    return str(ast.literal_eval(found["data"]["text/plain"]))
