"""How many CPU threads a model runs fastest with, found by trying.

Handing a small product to a second thread costs more than the product. On two cores one thread is
several times as fast for a small model, and two are faster for a large one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from kvviz.errors import OptionsError
from kvviz.translation import gettext as _

MANY_PRODUCTS = 4 * 10**9
"""Rows of a pass times parameters from which on every thread that torch takes is worth it. On two
cores 145 rows of a GPT-2 of 124 M take 0.58 of the time with two threads, 32 rows 0.72, one row the
same. A small model never comes so far: its threads would wait for one another on a busy machine."""

_TRIALS = 7
_CLEARLY_FASTER = 0.9


def best_thread_count(step: Callable[[], object]) -> int:
    """Return the number of threads that `step` is fastest with.

    ``KVVIZ_THREADS``, if set, is taken at its word. Else 1, 2, 4 and so on are tried up to the
    number that torch would take, until twice as many are not a tenth faster: they would take
    cores from other runs for nothing.

    Args:
        step: What to time, a few milliseconds of work.

    Raises:
        OptionsError: If ``KVVIZ_THREADS`` is no whole number of at least 1.
    """
    wanted = wanted_thread_count()
    if wanted:
        return wanted
    most, count = torch.get_num_threads(), 1
    best, best_seconds = 1, float("inf")
    while count <= most:
        with thread_count(count):
            seconds = min(_seconds(step) for _trial in range(_TRIALS))
        if seconds > _CLEARLY_FASTER * best_seconds:
            break
        best, best_seconds = count, seconds
        count *= 2
    return best


def wanted_thread_count() -> int | None:
    """Return what ``KVVIZ_THREADS`` says, or None where it is not set.

    Raises:
        OptionsError: If it is no whole number of at least 1.
    """
    wanted = os.environ.get("KVVIZ_THREADS", "").strip()
    if not wanted:
        return None
    if not wanted.isdecimal() or int(wanted) < 1:
        raise OptionsError(
            _("KVVIZ_THREADS is a whole number of at least 1."),
            found=_("It is {found!r}.").format(found=wanted),
            fix=_("Set another, or unset it to let kvviz measure."),
        )
    return int(wanted)


@contextmanager
def thread_count(count: int) -> Iterator[None]:
    """Let torch use this many threads for what the calling thread does here."""
    before = torch.get_num_threads()
    if count != before:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        if count != before:
            torch.set_num_threads(before)


def _seconds(step: Callable[[], object]) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start
