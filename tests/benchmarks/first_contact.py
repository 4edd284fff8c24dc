"""First contact, as a new user has it: commands typed and seconds waited from clone to picture.

    python tests/benchmarks/first_contact.py [--source URL_OR_FOLDER] [--keep FOLDER]

Clones what is committed into an empty folder whose name holds a space, with an empty cache of
models, and runs the README's commands there. A picture is there when a command has printed the
path of a page that exists. What is downloaded comes at the speed of this machine's network.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# What is typed after `git clone` and `cd`, in the order of the README.
COMMANDS = ("make demo", "make report")


@dataclass(frozen=True)
class Waited:
    """One command: seconds until its first page was there, and until it ended."""

    command: str
    first_page: float
    whole: float
    page: str


def main() -> None:
    """Clone, run, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", default=str(ROOT), help="what to clone")
    parser.add_argument("--keep", default="", help="work in this folder and leave it there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="first contact ") as scratch:
        folder = Path(options.keep or scratch)
        folder.mkdir(parents=True, exist_ok=True)
        checkout = folder / "loupe"
        started = time.perf_counter()
        subprocess.run(["git", "clone", "--quiet", options.source, checkout], check=True)
        cloned = time.perf_counter() - started
        environment = os.environ | {"LOUPE_DATA": str(folder / "cache")}
        waits = [wait_for(command, checkout, environment) for command in COMMANDS]
    print_table(cloned, waits)


def wait_for(command: str, checkout: Path, environment: dict[str, str]) -> Waited:
    """Run a command; note when the first line names a page that exists."""
    started = time.perf_counter()
    first, page = float("nan"), ""
    words = shlex.split(command)
    with subprocess.Popen(
        words, cwd=checkout, env=environment, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as run:
        for line in run.stdout or ():
            print(f"  {time.perf_counter() - started:6.1f} s  {line}", end="", flush=True)
            named = Path(line.strip())
            if not page and named.suffix == ".html" and named.is_file():
                first, page = time.perf_counter() - started, named.name
    if run.returncode or not page:
        raise SystemExit(f"`{command}` ended with status {run.returncode} and page {page!r}")
    return Waited(command, first, time.perf_counter() - started, page)


def print_table(cloned: float, waits: list[Waited]) -> None:
    """Markdown, as in the README: each command after the ones before it."""
    print("\n| typed | first page after | ended after |\n|---|---|---|")
    print(f"| `git clone` | | {cloned:.0f} s |")
    for each in waits:
        print(f"| `{each.command}` | {each.first_page:.0f} s ({each.page}) | {each.whole:.0f} s |")
    print(
        f"\nFrom nothing to the first picture: git clone, cd, {waits[0].command}: 3 commands, "
        f"{cloned + waits[0].first_page:.0f} s."
    )


if __name__ == "__main__":
    main()
