"""Set up the project's virtual environment: a CPU torch first, then everything else.

Run by `make`; needs nothing but a Python with venv and pip. Torch comes first and by exact version,
because a plain `torch` requirement resolves to a build with gigabytes of CUDA libraries. A torch
that the environment already has is kept, and so is one that the user asks for (`--torch`).
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
CPU_WHEELS = "https://download.pytorch.org/whl/cpu"
EXTRAS = "hf,graph,demo,dev,docs"


def main() -> None:
    """Create the environment named on the command line, or bring it up to date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--venv", default=".venv", help="folder of the environment")
    parser.add_argument("--torch", default="", help="pip's words for another torch, with options")
    options = parser.parse_args()
    if sys.version_info < (3, 11):  # noqa: UP036 (this file also meets older ones)
        sys.exit(
            f"Loupe needs Python 3.11 or later; this is {sys.version.split()[0]}. "
            "Name another: make PYTHON=/path/to/python3.11"
        )
    started = time.perf_counter()
    python = create(Path(options.venv))
    install_torch(python, shlex.split(options.torch))
    install_rest(python)
    say(f"environment ready in {time.perf_counter() - started:.0f} s: {options.venv}")


def create(folder: Path) -> Path:
    """Make the virtual environment if it is not there, and give its interpreter."""
    python = folder / "bin" / "python"
    if not python.exists():
        say(f"creating {folder}")
        try:
            run(sys.executable, "-m", "venv", str(folder))
        except subprocess.CalledProcessError:
            shutil.rmtree(folder, ignore_errors=True)  # half an environment would be taken for one
            sys.exit("`python -m venv` failed. On Debian and Ubuntu: apt install python3-venv")
    return python.absolute()  # not resolved: a resolved link would leave the environment


def install_torch(python: Path, wanted: list[str]) -> None:
    """Install torch unless the environment has one; the user's own choice goes before ours."""
    if wanted:
        say(f"installing torch as asked: {shlex.join(wanted)}")
        run(python, "-m", "pip", "install", *wanted)
        return
    have = version(python, "torch")
    if have:
        say(f"keeping torch {have}")
        return
    pin = pinned("torch")
    say(f"installing {pin} for the CPU (another: make TORCH='torch --index-url ...')")
    # An extra index, not the index: a mirror or a folder of wheels that pip knows still counts.
    # Without dependencies, so that no other package is looked up there.
    run(
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--retries",
        "1",
        "--timeout",
        "15",
        "--extra-index-url",
        CPU_WHEELS,
        pin,
    )


def install_rest(python: Path) -> None:
    """Install this project and its dependencies in their tested versions; uv if it can be had."""
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        lines = (ROOT / "constraints.txt").read_text().splitlines()
        kept = [line for line in lines if not line.startswith("torch==")]
        constraints.write_text("\n".join([*kept, f"torch=={version(python, 'torch')}", ""]))
        what = ["install", "--constraint", str(constraints), "--editable", f"{ROOT}[{EXTRAS}]"]
        say("installing the other packages")
        if quiet(python, "-m", "pip", "install", "--quiet", "uv"):
            environment = os.environ | uv_settings(python)
            command = [str(python), "-m", "uv", "pip", *what, "--quiet", "--python", str(python)]
            if subprocess.run(command, env=environment, cwd=ROOT).returncode == 0:
                return
            say("uv could not; pip will, more slowly")
        run(python, "-m", "pip", "--quiet", *what)


def uv_settings(python: Path) -> dict[str, str]:
    """What pip is told about indexes and folders of wheels, in uv's words."""
    told = subprocess.run(
        [str(python), "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    words = {"find-links": "UV_FIND_LINKS", "index-url": "UV_DEFAULT_INDEX"}
    settings = {}
    for line in told.splitlines():
        key, _, value = line.partition("=")
        name = words.get(key.rpartition(".")[2])
        if name and name not in os.environ:
            settings[name] = ",".join(value.strip("'\"").split())
    return settings


def pinned(name: str) -> str:
    """The line of constraints.txt that pins `name`."""
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if line.startswith(f"{name}=="):
            return line
    raise SystemExit(f"constraints.txt does not pin {name}")


def version(python: Path, name: str) -> str:
    """The version of a package in the environment, or ''."""
    code = (
        "import importlib.metadata as m, json\n"
        f"print(json.dumps([d.version for d in m.distributions(name={name!r})]))"
    )
    found = json.loads(subprocess.check_output([str(python), "-c", code], text=True))
    return found[0] if found else ""


def run(*command: object) -> None:
    """Run a command from the project's folder; an error ends everything."""
    subprocess.run([str(word) for word in command], check=True, cwd=ROOT)


def quiet(*command: object) -> bool:
    """Run a command, silently; says whether it worked."""
    words = [str(word) for word in command]
    return subprocess.run(words, capture_output=True, cwd=ROOT, check=False).returncode == 0


def say(text: str) -> None:
    """One line of progress."""
    sys.stdout.write(f"loupe: {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"loupe: this command failed: {shlex.join(map(str, error.cmd))}")
