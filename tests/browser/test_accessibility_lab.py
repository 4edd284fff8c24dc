"""The live explorers in JupyterLab: nothing grave in what is ours, in both of Lab's themes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from viz.explorers import _EXPLORERS

from .accessible import assert_accessible
from .lab_notebook import PATIENCE, run_all, write

CELL = "from tests.viz.every_probe import RESULTS\nimport viz\nRESULTS[{probe!r}]().viz.explore()"
DARK = "window.jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Dark' })"


def test_every_live_explorer_is_for_everyone(lab: Any, open_page: Callable[..., Any]) -> None:
    write(lab.folder / "everyone.ipynb", tuple(CELL.format(probe=probe) for probe in _EXPLORERS))
    watched = open_page(lab.address("everyone.ipynb"))
    page = watched.page
    run_all(page, "everyone.ipynb")
    views = page.locator(".jp-OutputArea-output .lp")
    for number in range(len(_EXPLORERS)):
        view = views.nth(number)
        view.scroll_into_view_if_needed()
        view.locator(".lp-summary:not(:empty)").first.wait_for(timeout=PATIENCE)
    page.wait_for_timeout(500)
    assert views.count() == len(_EXPLORERS)
    assert_accessible(page, context=".lp")
    page.evaluate(DARK)
    page.wait_for_function("document.body.dataset.jpThemeLight === 'false'", timeout=PATIENCE)
    page.wait_for_timeout(500)
    assert_accessible(page, context=".lp")
    lost = views.evaluate_all(
        """(all) => all.flatMap((view) => [...view.querySelectorAll(
          'a, button, input, select, [tabindex]')].filter((e) => !e.dataset.lmSuppressShortcuts)
          .map((e) => e.outerHTML.slice(0, 120)))"""
    )
    assert lost == [], "Lab would take the keys of these"
    # Lab's theme stays for whoever comes next.
    page.evaluate(DARK.replace("Dark", "Light"))
    watched.assert_clean()
