"""The rooms and their arrows, and what library code may not do, read from the source itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("data", "probe", "viz")
MAX_LINES = 300
# A module of the first room may import modules of the second rooms only (and those of its own).
ARROWS = {
    "data": set(),
    "probe": {"data"},
    "probe.subjects": {"data", "probe"},
    "viz": {"data", "probe"},
}


def room_of(module: str) -> str:
    """The room that a dotted module name lies in, '' if it is none of ours."""
    parts = module.split(".")
    if parts[:2] == ["probe", "subjects"]:
        return "probe.subjects"
    return parts[0] if parts[0] in ROOMS else ""


def imported(tree: ast.AST, package: str) -> Iterator[tuple[int, str]]:
    """Line and full name of everything a module imports; relative imports resolved in `package`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*above, node.module or ""]).strip(".") if node.level else node.module
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}"
        elif isinstance(node, ast.Call) and name_of(node.func).endswith("import_module"):
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield node.lineno, first.value


def name_of(node: ast.AST) -> str:
    """Dotted name of an expression such as `plt.show`, '' if it is no plain name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = name_of(node.value)
        return f"{base}.{node.attr}" if base else node.attr
    return ""


def violations(source: str, module: str, *, is_package: bool = False) -> list[str]:
    """Everything that a module of ours does and may not do."""
    tree = ast.parse(source)
    room = room_of(module)
    package = module if is_package else module.rpartition(".")[0]
    found = []
    for line, name in imported(tree, package):
        target = room_of(name)
        if target and target != room and target not in ARROWS[room]:
            found.append(f"{module}:{line} imports {name}: {room} may not know {target}")
        if name.split(".")[0] in {"pickle", "dill", "cloudpickle", "marshal", "shelve"}:
            found.append(f"{module}:{line} imports {name}: nothing here opens a stranger's pickle")
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            found += [f"{module}:{node.lineno} {why}" for why in forbidden_call(node)]
    lines = source.count("\n")
    if lines > MAX_LINES:
        found.append(f"{module} has {lines} lines, more than {MAX_LINES}: it holds two ideas")
    return found


def forbidden_call(call: ast.Call) -> Iterator[str]:
    """Why a call may not stand in library code."""
    name = name_of(call.func)
    given = {word.arg: word.value for word in call.keywords}
    if name == "print":
        yield "calls print: use logging, tqdm or a result"
    if name in {"plt.show", "pyplot.show", "matplotlib.pyplot.show"}:
        yield "calls plt.show: the caller shows"
    if name == "torch.load" and not is_true(given.get("weights_only")):
        yield "calls torch.load without weights_only=True: that opens a pickle"
    if name in {"np.load", "numpy.load"} and is_true(given.get("allow_pickle")):
        yield "calls np.load with allow_pickle=True"
    if name in {"pd.read_pickle", "pandas.read_pickle", "joblib.load"}:
        yield f"calls {name}: that opens a pickle"


def is_true(node: ast.AST | None) -> bool:
    """Whether a keyword was given as the literal True."""
    return isinstance(node, ast.Constant) and node.value is True


def modules() -> list[tuple[str, Path]]:
    """Dotted name and path of every module of the library."""
    found = []
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found.append((".".join(p for p in parts if p != "__init__"), path))
    return found


@pytest.mark.parametrize(("module", "path"), modules(), ids=[m for m, _ in modules()])
def test_module_keeps_to_its_room(module: str, path: Path) -> None:
    is_package = path.name == "__init__.py"
    assert violations(path.read_text(encoding="utf-8"), module, is_package=is_package) == []


@pytest.mark.parametrize("path", sorted((ROOT / "viz").rglob("*.js")), ids=lambda p: p.name)
def test_view_modules_are_short_and_load_nothing(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert source.count("\n") <= MAX_LINES
    for scheme in ("http://", "https://"):
        loaded = [s for s in source.split(scheme)[1:] if not s.startswith("www.w3.org/")]
        assert loaded == [], f"{path.name} names an address"


def test_top_level_is_as_laid_out() -> None:
    for name in ("notebooks", "probe", "viz", "data", "tests"):
        assert (ROOT / name).is_dir()
    for name in ("environment.yml", "README.md", "pyproject.toml", "constraints.txt", "LICENSE"):
        assert (ROOT / name).is_file()
    for room in ROOMS:
        assert (ROOT / room / "py.typed").is_file()


def test_no_module_is_called_utils() -> None:
    names = [path.stem for _, path in modules()]
    assert not {"utils", "util", "helpers", "misc", "common"} & set(names)


# The checks themselves must be able to fail.
@pytest.mark.parametrize(
    ("module", "source", "why"),
    [
        ("data.x", "import probe.moments", "data may not know probe"),
        ("probe.x", "from probe.subjects import sentence", "probe may not know probe.subjects"),
        ("probe.x", "from .subjects.capture import capture", "may not know probe.subjects"),
        ("probe.whitening.x", "from .. import subjects", "may not know probe.subjects"),
        ("probe.whitening.x", "from ...viz import style", "probe may not know viz"),
        ("probe.subjects.x", "def f():\n    import viz.style", "probe.subjects may not know viz"),
        ("viz.explorers.x", "from probe.subjects.sentence import S", "may not know probe.subjects"),
        ("viz.x", "importlib.import_module('probe.subjects')", "may not know probe.subjects"),
        ("probe.x", "import pickle", "pickle"),
        ("probe.x", "from pickle import load", "pickle"),
        ("probe.x", "torch.load('x')", "weights_only"),
        ("probe.x", "torch.load('x', weights_only=False)", "weights_only"),
        ("probe.x", "np.load('x', allow_pickle=True)", "allow_pickle"),
        ("probe.x", "print('hello')", "calls print"),
        ("viz.x", "plt.show()", "the caller shows"),
        ("probe.x", "x = 1\n" * 301, "two ideas"),
    ],
)
def test_a_violation_is_seen(module: str, source: str, why: str) -> None:
    assert any(why in text for text in violations(source, module)), violations(source, module)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("probe.subjects.x", "from ..moments import Moments\nfrom data import load_sts"),
        ("viz.x", "from probe.whitening import effect_of"),
        ("probe.whitening.x", "from .transform import Whitening\nfrom .._check import refuse"),
        ("probe.x", "torch.load('x', weights_only=True)"),
        ("probe.x", "x = 1\n" * 300),
    ],
)
def test_what_is_allowed_passes(module: str, source: str) -> None:
    assert violations(source, module) == []


def test_a_package_resolves_its_own_relative_imports() -> None:
    source = "from .subjects import capture"
    assert violations(source, "probe", is_package=True)
    assert not violations("from .named import x", "probe.whitening", is_package=True)
