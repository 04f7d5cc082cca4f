"""Runs made by this process, and by replicas of Ray Serve: how many a second, and what each waits.

Start one replica first, `serve run deploy/ray_serve.yaml`; `KVVIZ_RAY_URL` says where it is.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from secrets import token_hex
from statistics import quantiles
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any

from kvviz.errors import RunnerError
from kvviz.serving.local_runner import LOCAL
from kvviz.serving.ray_runner import RayRunner
from kvviz.serving.replica import RUNS_ALONE
from kvviz.serving.run_request import RunRequest
from kvviz.serving.runner import Watcher
from kvviz.trace import GenerationOptions
from kvviz.ui.shell.environment import Environment

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel
    from kvviz.serving.runner import Runner

MODEL = "kvviz/gpt2-mini"
PROMPT = (
    "Once upon a time there was a little girl who had a red ball and a small dog, and every day "
    "they went to the park to play with"
)
NEW = 64
N_REQUESTS = 20
AT_A_TIME = 4
ONE_BY_ONE = 15

_QUIET = Watcher(lambda step, n_steps: None, lambda: False)


class NothingThereError(Exception):
    """No deployment answers."""


def measure() -> dict[str, Any]:
    """Return runs a second, and what one run takes where nothing else goes on.

    Raises:
        NothingThereError: If no replica answers.
    """
    from kvviz import load_model

    model = load_model(MODEL, device="cpu")
    elsewhere = RayRunner(Environment.read().ray_url)
    try:
        elsewhere.run(model, _request(), _QUIET)
    except RunnerError as error:
        raise NothingThereError(f"{error}") from error
    before = os.getloadavg()[0]
    who: dict[str, Runner] = {"this process": LOCAL, "a replica": elsewhere}
    alone: dict[str, list[float]] = {name: [] for name in who}
    for _round in range(ONE_BY_ONE + 1):
        # In turns, so that whatever else the machine does meets both.
        for name, runner in who.items():
            alone[name].append(_timed(lambda runner=runner: runner.run(model, _request(), _QUIET)))
    return {
        "many": [
            _many(model, name, runner, together)
            for together in (False, True)
            for name, runner in who.items()
        ],
        "one": [
            {"who": name, "milliseconds": _spread([1000 * one for one in seconds[1:]])}
            for name, seconds in alone.items()
        ],
        "asked": {
            "model": MODEL,
            "words": len(PROMPT.split()),
            "new_tokens": NEW,
            "load_before": before,
        },
    }


def _request(together: bool = False) -> RunRequest:
    options = GenerationOptions(NEW, temperature=0.8, top_k=40, seed=7)
    return RunRequest(MODEL, PROMPT, options, "cpu", together=together)


def _many(model: LoadedModel, name: str, runner: Runner, together: bool) -> dict[str, Any]:
    # As in the app and in a replica, so many go on that share no passes.
    places = BoundedSemaphore(N_REQUESTS if together or runner is not LOCAL else RUNS_ALONE)

    def one(number: int) -> float:
        asked = replace(_request(together), run=token_hex(16))

        def run() -> None:
            with places:
                runner.run(model, asked, _QUIET)

        return _timed(run)

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        list(pool.map(one, range(AT_A_TIME)))
        began = time.perf_counter()
        waited = list(pool.map(one, range(N_REQUESTS)))
        whole = time.perf_counter() - began
    return {
        "who": name,
        "passes": "shared" if together else "its own",
        "requests": N_REQUESTS,
        "at_a_time": AT_A_TIME,
        "runs_per_second": N_REQUESTS / whole,
        "seconds_each": _spread(waited),
    }


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _spread(values: list[float]) -> dict[str, float]:
    low, median, high = quantiles(values, n=4)
    return {"median": median, "low": low, "high": high, "n": len(values)}
