"""A user's own object by name: ``my_module:make_model`` or ``path/to/file.py:make_model``."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import Any

from ..._check import refuse
from ._verdict import first_sentence


def load_subject(target: str) -> Any:
    """The object that `target` names; a function or class is called without arguments.

    The current folder can be imported from. While the user's code runs, the Hugging Face hub is
    offline (set ``HF_HUB_OFFLINE=0`` to allow it), and what it prints goes to stderr.

    Parameters
    ----------
    target
        ``module:name`` or ``path/to/file.py:name``; the name may have dots.

    Raises
    ------
    ValueError
        If `target` is not of that form, the file or module is not there or fails on import, it has
        no such name, or the function needs arguments or raises: one sentence each.

    Examples
    --------
    >>> load_subject("json:decoder").__name__
    'json.decoder'
    """
    place, colon, name = target.rpartition(":")
    if not colon or not place or not name:
        hint = "Such as my_module:make_model or models/mine.py:make_model."
        refuse("target", "be module:name or path/to/file.py:name", repr(target), hint)
    with _at_home(), redirect_stdout(sys.stderr):
        module = _from_file(Path(place)) if _is_file(place) else _from_name(place)
        found: Any = module
        for part in name.split("."):
            if not hasattr(found, part):
                raise ValueError(f"{place} has no {name!r}; it has {_offered(module)}.")
            found = getattr(found, part)
        return _called(found, f"{name}()") if _is_factory(found) else found


@contextmanager
def _at_home() -> Iterator[None]:
    """The current folder can be imported from, and the hub is offline, as long as this is open."""
    here, before = str(Path.cwd()), os.environ.get("HF_HUB_OFFLINE")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    sys.path.insert(0, here)
    try:
        yield
    finally:
        sys.path.remove(here)
        if before is None:
            os.environ.pop("HF_HUB_OFFLINE", None)


def _is_file(place: str) -> bool:
    return place.endswith(".py") or "/" in place or os.sep in place


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise ValueError(f"there is no file {str(path)!r} in {Path.cwd()}.")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{str(path)!r} is no Python file; its name must end in .py.")
    module = importlib.util.module_from_spec(spec)
    folder = str(path.resolve().parent)
    kept = sys.modules.get(path.stem)
    sys.path.insert(0, folder)  # its neighbours can be imported, as if it were run
    sys.modules[path.stem] = module  # as dataclasses look their own module up
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise ValueError(f"importing {str(path)!r} failed: {_where(error)}.") from error
    finally:
        sys.path.remove(folder)
        if kept is not None:
            sys.modules[path.stem] = kept
    return module


def _from_name(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            raise ValueError(
                f"there is no module {name!r} in {Path.cwd()} or among the installed packages; "
                "change to its folder, or give path/to/file.py:name."
            ) from error
        raise ValueError(
            f"importing {name!r} failed: it needs {error.name!r}, which is not installed."
        ) from error
    except (Exception, SystemExit) as error:
        raise ValueError(f"importing {name!r} failed: {_where(error)}.") from error


def _is_factory(found: Any) -> bool:
    return (
        inspect.isroutine(found) or inspect.isclass(found) or isinstance(found, functools.partial)
    )


def _called(factory: Any, written: str) -> Any:
    try:
        inspect.signature(factory).bind()
    except TypeError as error:
        needed = [
            each.name
            for each in inspect.signature(factory).parameters.values()
            if each.default is each.empty
            and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
        ]
        name = written.removesuffix("()")
        raise ValueError(
            f"{name} must be callable without arguments; it needs {', '.join(needed)}. Write "
            f"`def make(): return {name}(...)` beside it and give that name."
        ) from error
    except ValueError:  # a builtin without a signature: the call itself will tell
        pass
    try:
        return factory()
    except (Exception, SystemExit) as error:
        hint = ""
        if isinstance(error, OSError) and os.environ.get("HF_HUB_OFFLINE") == "1":
            hint = " Nothing is downloaded here: get the model first, or set HF_HUB_OFFLINE=0."
        raise ValueError(f"{written} failed: {_where(error)}.{hint}") from error


def _offered(module: ModuleType) -> str:
    own = [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and not isinstance(value, ModuleType)
        and getattr(value, "__module__", module.__name__) == module.__name__
    ]
    return ", ".join(own[:8]) or "no names of its own"


def _where(error: BaseException) -> str:
    """What an error says, and the last line of the user's own code that it came through."""
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if "site-packages" not in frame.filename
        and "importlib" not in frame.filename
        and Path(frame.filename).resolve() != Path(__file__).resolve()
    ]
    place = f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""
    if isinstance(error, SyntaxError):
        place = f" (line {error.lineno})"
    return f"{first_sentence(error).rstrip('.')}{place}"
