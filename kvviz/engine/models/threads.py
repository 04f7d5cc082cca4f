"""How many CPU threads a model runs fastest with, found by trying.

Handing a small product to a second thread costs more than the product. On two cores one thread is
several times as fast for a small model, and two are faster for a large one. Where other programs
keep the cores busy, threads wait for one another: two have been seen to take six times as long as
one, on a machine where they are as fast as one when it is idle.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import NamedTuple

import torch

from kvviz.errors import OptionsError
from kvviz.translation import gettext as _

MANY_PRODUCTS = 4 * 10**9
"""Rows of a pass times parameters from which on every thread that torch takes is worth it. On two
cores 145 rows of a GPT-2 of 124 M take 0.58 of the time with two threads, 32 rows 0.72, one row the
same. A small model never comes so far: its threads would wait for one another on a busy machine."""

_TRIALS = 7
_CLEARLY_FASTER = 0.9
_STEPS_JUDGED = 4
_GROWN_SLOW = 2.0
_STAYS = 24
"""Times so many steps until more threads are tried again; twice as many each time that one thread
was the faster again. A step with two can take twelve times as long beside a busy neighbour."""


class BestThreads(NamedTuple):
    """How many threads a step is fastest with.

    Attributes:
        count: Threads.
        seconds: What the step took with them; infinite where it was not tried.
    """

    count: int
    seconds: float = float("inf")


def best_thread_count(step: Callable[[], object]) -> BestThreads:
    """Return the number of threads that `step` is fastest with.

    ``KVVIZ_THREADS``, if set, is taken at its word. Else 1, 2, 4 and so on are tried up to the
    number that torch would take, until twice as many are not a tenth faster: they would take
    cores from other runs for nothing. They must be so in the least and in the middle of their
    times, for on a busy machine many threads may be lucky once and wait for one another else.

    Args:
        step: What to time, a few milliseconds of work.

    Raises:
        OptionsError: If ``KVVIZ_THREADS`` is no whole number of at least 1.
    """
    wanted = wanted_thread_count()
    if wanted:
        return BestThreads(wanted)
    most, count = torch.get_num_threads(), 1
    best, best_times = 1, (float("inf"), float("inf"))
    while count <= most:
        with thread_count(count):
            trials = [_seconds(step) for _trial in range(_TRIALS)]
        times = min(trials), median(trials)
        if any(new > _CLEARLY_FASTER * old for new, old in zip(times, best_times, strict=True)):
            break
        best, best_times = count, times
        count *= 2
    return BestThreads(best, best_times[1])


class ThreadPace:
    """How many threads the steps of one run take, as long as these are worth it.

    A run begins with as many as its model was fastest with. When its steps grow slow, or are so
    from the beginning, some are made with one thread, and the run goes on with what was faster;
    after a while it tries again, more and more seldom.

    Args:
        n_threads: Threads to begin with.
        usual_s: Seconds that a step took when that was found out.
        is_fixed: Whether to stay with them, whatever steps take.

    Attributes:
        n_threads: Threads that the next step is to take.
    """

    def __init__(
        self, n_threads: int, usual_s: float = float("inf"), *, is_fixed: bool = False
    ) -> None:
        self._many = self.n_threads = n_threads
        self._is_fixed = is_fixed or n_threads == 1
        self._times: list[float] = []
        self._usual = usual_s
        self._with_many = float("inf")
        self._stays = 0
        self._stays_next = _STAYS

    def took(self, seconds: float) -> None:
        """Take in how long a step took; the first, which reads the prompt, is none of them."""
        if self._is_fixed:
            return
        self._times.append(seconds)
        if len(self._times) < _STEPS_JUDGED:
            return
        now, self._times = median(self._times), []
        if self._stays > 0:
            self._stays -= 1
            if self._stays == 0:
                self.n_threads = self._many
        elif self.n_threads == 1:
            # The trial is over: one thread stays if it was the faster.
            if now < self._with_many:
                self._stays, self._stays_next = self._stays_next, 2 * self._stays_next
            else:
                self.n_threads = self._many
                self._usual = self._with_many
        elif now > _GROWN_SLOW * self._usual:
            self._with_many = now
            self.n_threads = 1
        else:
            self._usual, self._stays_next = min(self._usual, now), _STAYS


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
