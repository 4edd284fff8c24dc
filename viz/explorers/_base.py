"""The one mechanism of all widgets: an ES module, live in a notebook and static in a page."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import anywidget
import traitlets
import xarray as xr

from . import _twin


class Explorer(anywidget.AnyWidget):
    """A view of one result that a user moves through; abstract.

    A subclass names its JavaScript files (`views`), its state (`state_names`, synced traits) and
    says what the view needs (`payload`) and how the kernel answers its questions (`answer`).
    The same files draw the live widget and its static twin, so that the two cannot drift apart.

    The twin is attached as ``text/html`` only while a report is made (the environment variable
    ``LOUPE_EXPORT`` is 1), so that saved notebooks stay small.
    """

    views: ClassVar[tuple[str, ...]] = ()
    state_names: ClassVar[tuple[str, ...]] = ()
    title: ClassVar[str] = "Explorer"
    height: ClassVar[int] = 900  # of the twin at first, in pixels

    _css = traitlets.Unicode().tag(sync=True)
    _payload = traitlets.Dict().tag(sync=True)

    def __init__(self, result: xr.Dataset, **state: Any) -> None:
        self.result = result
        super().__init__(_css=_twin.style(), **state)
        self.on_msg(self._asked)

    @traitlets.default("_payload")
    def _opening(self) -> dict[str, Any]:
        # A default, so that the widget's first message carries it, with the state known by then.
        return self.payload(whole=False)

    def payload(self, *, whole: bool) -> dict[str, Any]:
        """What the view draws, JSON-ready; `whole` where no kernel can be asked for the rest."""
        raise NotImplementedError

    def answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to one question of the live view: one call to a measure, JSON-ready."""
        raise NotImplementedError

    def state(self) -> dict[str, Any]:
        """The view's settings by name, as they are now."""
        return {name: getattr(self, name) for name in self.state_names}

    def twin(self) -> str:
        """The static twin: an HTML fragment (a sandboxed frame) that needs no kernel."""
        document = _twin.twin_document(
            self.views, self.payload(whole=True), self.state(), title=self.title
        )
        return _twin.twin_frame(document, title=self.title, height=self.height)

    def _asked(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """Answer one message of the view; whatever goes wrong is shown in the view."""
        if not isinstance(content, Mapping) or not {"id", "question"} <= set(content):
            return
        try:
            reply = {"answer": self.answer(content["question"])}
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        self.send({"id": content["id"], **reply})

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        if os.environ.get("LOUPE_EXPORT") != "1" or bundle is None:
            return bundle
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        return {**data, "text/html": self.twin()}, metadata


def need(result: xr.Dataset, dims: Mapping[str, Sequence[str]], *, made_by: str) -> None:
    """Check that a result holds the variables, with the dims, that a view draws.

    Raises
    ------
    ValueError
        If a variable is missing or lies along other dims.

    Examples
    --------
    >>> need(xr.Dataset({"x": ("step", [1.0])}), {"x": ("step",)}, made_by="watch")
    """
    for name, wanted in dims.items():
        if name not in result:
            found = ", ".join(sorted(map(str, result.variables))) or "nothing"
            raise ValueError(
                f"`result` must hold the variable {name!r}; got {found}. Make it with {made_by}."
            )
        if set(result[name].dims) != set(wanted):
            raise ValueError(
                f"`result` must hold {name!r} with dims {tuple(wanted)}; "
                f"got {tuple(result[name].dims)}. Make it with {made_by}."
            )
