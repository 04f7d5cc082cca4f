"""Run the browser tier again and again: `python -m tests.browser.soak [--runs 20] [FILE ...]`.

Every second run has a neighbour that keeps all cores busy. What failed is named at the end, with
the run that it failed in; a test that fails once in twenty runs is a test that fails.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TIER = Path(__file__).parent
WORKERS = ("-n", "logical", "--maxprocesses", "4", "--dist", "loadfile", "--no-loadscope-reorder")
FAILED = ("FAILED ", "ERROR ")


@contextmanager
def busy_cores(niceness: int = 0) -> Iterator[None]:
    """Keep every core busy with something else for as long as this lasts.

    Args:
        niceness: How far the others let everybody else go before, 0 to 19.
    """
    loops = [
        subprocess.Popen(
            [sys.executable, "-c", f"import os; os.nice({niceness})\nwhile True: pass"]
        )
        for _ in range(os.cpu_count() or 1)
    ]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def run_once(files: list[str], number: int) -> tuple[list[str], str]:
    """Run the tests once; return the names of those that failed, and all that was printed.

    The random walks are long, and others in each run.
    """
    command = [sys.executable, "-m", "pytest", *WORKERS, *files]
    walks = {"KVVIZ_WALK_SEED": str(number), "KVVIZ_WALK_ACTIONS": "200"}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **walks}
    )
    lines = done.stdout.splitlines()
    failed = [line.split(" - ")[0] for line in lines if line.startswith(FAILED)]
    if done.returncode and not failed:
        failed = [f"pytest ended with {done.returncode}"]
    return failed, done.stdout + done.stderr


def soak(n_runs: int, files: list[str]) -> dict[int, list[str]]:
    """Run the tests so many times; return what failed in which run."""
    failures: dict[int, list[str]] = {}
    for number in range(1, n_runs + 1):
        start = time.monotonic()
        if number % 2:
            failed, printed = run_once(files, number)
        else:
            with busy_cores():
                failed, printed = run_once(files, number)
        neighbour = "alone" if number % 2 else "beside busy cores"
        took = time.monotonic() - start
        say(f"run {number} of {n_runs}, {neighbour}: {len(failed)} failed, {took:.0f} s")
        if failed:
            failures[number] = failed
            say(printed)
    return failures


def say(line: str) -> None:
    """Print a line at once, also where the output is a file."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Soak, and end with 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "files", nargs="*", default=[str(TIER)], help="tests; all of the tier if none"
    )
    parser.add_argument("--runs", type=int, default=20, help="how many times (20)")
    chosen = parser.parse_args()
    failures = soak(chosen.runs, chosen.files)
    for number, failed in failures.items():
        for name in failed:
            say(f"run {number}: {name}")
    say(f"{len(failures)} of {chosen.runs} runs had failures.")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
