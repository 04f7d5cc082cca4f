"""What a complete trace costs under each way of keeping rows, beside plain `generate`.

As in `benchmarks.generation`, everything runs in one process in turns, and what counts is the ratio
within a turn. A cache that drops rows writes other tokens than `generate` does, and as many.
"""

from __future__ import annotations

import time
from typing import Any

from benchmarks.generation import MINI, Times, generated, prompt_of, subjects
from kvviz.analysis.spread import spread
from kvviz.engine import caches, trace_generation
from kvviz.engine.caches.protocol import KVCache
from kvviz.engine.models.devices import synchronise
from kvviz.engine.models.threads import thread_count

N_PROMPT, N_NEW = 32, 480

KINDS: dict[str, KVCache] = {
    "full": caches.Full(),
    "window 60+4": caches.Window(60, sinks=4),
    "heavy 64": caches.HeavyHitters(64),
    "least 64": caches.LeastAttended(64),
    "random 64": caches.Random(64),
    "quantised 4/4": caches.Quantised(),
    "latent 128": caches.Latent(128),
    "paged 16": caches.Paged(),
}


def measure(device: str = "auto", repeats: int = 7) -> list[dict[str, Any]]:
    """Measure the model that ships, up to 512 tokens.

    Args:
        device: As for `load_model`.
        repeats: Turns, each of which runs all.

    Returns:
        One row a way: seconds, the ratio to `generate` with its own full cache in the same turn, by
        the clock and by processor time, and the bytes that the cache takes at the end.
    """
    with subjects(device) as loaded:
        subject = loaded[MINI]
        model, prompt = subject.traced, prompt_of(subject.traced, N_PROMPT)
        sizes: dict[str, int] = {}

        def traced(name: str, cache: KVCache) -> None:
            trace = trace_generation(model, prompt, max_new_tokens=N_NEW, cache=cache)
            sizes[name] = trace.steps[-1].cache_bytes

        ways = {
            "generate": lambda: generated(subject, prompt, N_NEW),
            **{name: (lambda n=name, c=cache: traced(n, c)) for name, cache in KINDS.items()},
        }
        times: dict[str, list[Times]] = {name: [] for name in ways}
        names = list(ways)
        with thread_count(model.n_threads):
            for turn in range(repeats + 1):
                first = turn % len(names)
                for name in names[first:] + names[:first]:
                    synchronise(model.device)
                    start = Times(time.perf_counter(), time.process_time())
                    ways[name]()
                    synchronise(model.device)
                    stop = Times(time.perf_counter(), time.process_time())
                    if turn:  # the first warms up
                        took = Times(*(b - a for a, b in zip(start, stop, strict=True)))
                        times[name].append(took)
        rows: list[dict[str, Any]] = []
        for name, took in times.items():
            pairs = list(zip(took, times["generate"], strict=True))
            rows.append(
                {
                    "model": MINI,
                    "device": model.card.device,
                    "threads": model.n_threads,
                    "tokens": f"{N_PROMPT} + {N_NEW}",
                    "cache": name,
                    "cache_bytes": sizes.get(name),
                    "seconds": spread([one.wall for one in took]),
                    "ratio": spread([a.wall / b.wall for a, b in pairs]),
                    "processor_ratio": spread([a.processor / b.processor for a, b in pairs]),
                }
            )
        return rows
