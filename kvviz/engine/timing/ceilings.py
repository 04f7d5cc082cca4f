"""A short copy and a short product: how fast this machine moves and multiplies numbers."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from kvviz.engine.models.devices import synchronise
from kvviz.engine.models.loaded_model import LoadedModel
from kvviz.engine.running.memory import running
from kvviz.errors import RunCancelledError
from kvviz.trace.ceilings import Ceilings
from kvviz.translation import gettext as _

COPIED_BYTES = 128 * 2**20
"""Far more than a processor's own caches hold, so that main memory is what is measured."""

N_TRIALS = 7


def measure_ceilings(
    model: LoadedModel,
    *,
    progress: Callable[[int, int], object] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Ceilings:
    """Measure the ceilings that a model runs under: its device, number format and threads.

    The fastest of a few trials counts, since a ceiling is what can be reached.

    Args:
        model: The model.
        progress: Called after each trial with the trials done and all there are.
        cancel: Asked before each trial.

    Raises:
        RunCancelledError: If cancelled.
        OutOfMemoryError: If memory runs out.
    """
    return running(
        model, lambda: _measure(model, progress, cancel), fix=_("Close something and try again.")
    )


def _measure(
    model: LoadedModel,
    progress: Callable[[int, int], object] | None,
    cancel: Callable[[], bool] | None,
) -> Ceilings:
    side = 1024 if model.device.type == "cpu" else 4096
    options = {"dtype": model.dtype, "device": model.device}
    source = torch.ones(COPIED_BYTES // model.dtype.itemsize, **options)
    target = torch.empty_like(source)
    one, other = torch.ones((side, side), **options), torch.ones((side, side), **options)
    product = torch.empty_like(one)
    best: list[float] = []
    done = 0
    for work in (lambda: target.copy_(source), lambda: torch.mm(one, other, out=product)):
        seconds: list[float] = []
        # The first trial pays for what is done once; it is not counted.
        for trial in range(N_TRIALS + 1):
            if cancel is not None and cancel():
                raise RunCancelledError(
                    _("The measurement was cancelled."), fix=_("Start it again.")
                )
            synchronise(model.device)
            start = time.perf_counter()
            work()
            synchronise(model.device)
            if trial:
                seconds.append(time.perf_counter() - start)
            done += 1
            if progress is not None:
                progress(done, 2 * (N_TRIALS + 1))
        best.append(min(seconds))
    return Ceilings(
        # A copy reads every byte and writes it.
        bytes_per_second=2 * COPIED_BYTES / best[0],
        flops_per_second=2 * side**3 / best[1],
        copied_bytes=COPIED_BYTES,
        side=side,
        dtype=model.card.dtype,
        device=model.card.device,
        threads=model.n_threads,
        n_trials=N_TRIALS,
    )
