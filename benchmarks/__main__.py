"""Run measurements and keep them as data: `python -m benchmarks --help`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.machine import describe_machine
from benchmarks.tables import as_markdown

RESULTS = Path(__file__).parent / "results"


def _generation(arguments: argparse.Namespace) -> dict[str, Any]:
    from benchmarks.generation import measure_cache_saving, measure_trace_cost

    return {
        "trace_cost": measure_trace_cost(arguments.device, arguments.repeats),
        "cache_saving": measure_cache_saving(arguments.device),
    }


def _caches(arguments: argparse.Namespace) -> dict[str, Any]:
    from benchmarks.caches import measure

    return {"caches": measure(arguments.device)}


def _payload(_: argparse.Namespace) -> dict[str, Any]:
    from benchmarks.payload import measure

    return {"payload": measure()}


def _browser(_: argparse.Namespace) -> dict[str, Any]:
    from benchmarks.in_browser import measure_frames, measure_motion, measure_start

    with TemporaryDirectory() as folder:
        return {
            "start": measure_start(),
            "frames": measure_frames(Path(folder)),
            "motion": measure_motion(Path(folder)),
        }


def _first_visits(arguments: argparse.Namespace) -> dict[str, Any]:
    from benchmarks.first_visits import measure

    return {"first_visits": measure(min(arguments.repeats, 5))}


def _loading(_: argparse.Namespace) -> dict[str, Any]:
    from benchmarks.loading import LOADS, measure

    return {"loading": measure(LOADS)}


def _class(_: argparse.Namespace) -> dict[str, Any]:
    # Its name is a word of the language.
    return import_module("benchmarks.class").measure()


def _added(_: argparse.Namespace) -> dict[str, Any]:
    from benchmarks.in_browser import measure_added

    if rows := measure_added():
        return {"added": rows}
    raise SystemExit(
        "Left out: what somebody waits for who runs a published model. Add one: "
        "python -m kvviz models add smollm2-135m."
    )


def _replicas(_: argparse.Namespace) -> dict[str, Any]:
    from benchmarks.replicas import NothingThereError, measure

    try:
        return measure()
    except NothingThereError as error:
        raise SystemExit(
            f"Left out: replicas of Ray Serve. {error} Here: serve run deploy/ray_serve.yaml."
        ) from error


MEASUREMENTS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "generation": _generation,
    "caches": _caches,
    "loading": _loading,
    "payload": _payload,
    "browser": _browser,
    "first-visits": _first_visits,
    "class": _class,
    # Last, since it ends here where the model was not added, or no replica is there.
    "added": _added,
    "replicas": _replicas,
}


def main() -> int:
    """Measure what was asked for, print a table, and write data and table to files."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "what",
        nargs="*",
        metavar="WHAT",
        help=f"{', '.join(MEASUREMENTS)}; all of them if none is named",
    )
    parser.add_argument("--json", type=Path, help="write to this file, not to benchmarks/results")
    parser.add_argument("--device", default="auto", help="where models run: auto, cpu, cuda, mps")
    parser.add_argument("--repeats", type=int, default=25, help="turns of the trace's comparison")
    arguments = parser.parse_args()
    names = arguments.what or list(MEASUREMENTS)
    for name in names:
        if name not in MEASUREMENTS:
            parser.error(f"there is no measurement {name!r}; choose from {', '.join(MEASUREMENTS)}")
    if arguments.json is not None and len(names) != 1:
        parser.error("--json takes one measurement")
    for name in names:
        print(f"Measuring {name} …", file=sys.stderr)
        result = {"machine": describe_machine(), **MEASUREMENTS[name](arguments)}
        path = arguments.json or RESULTS / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
        table = as_markdown(name, result)
        path.with_suffix(".md").write_text(table, encoding="utf-8")
        print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
