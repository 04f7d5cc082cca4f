"""The same work, asked for by several, is done once; and who leaves takes it from nobody."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from kvviz.errors import RunCancelledError
from kvviz.ui.work.equal_work import EqualWork

PATIENCE_S = 30


class Asker:
    """Who waits until it is told to leave."""

    def __init__(self):
        self.told = []
        self.left = Event()

    def report(self, step, n_steps):
        self.told.append((step, n_steps))

    def cancelled(self):
        return self.left.is_set()


class Slow:
    """Work that ends when it is let, and notes who it was done for."""

    def __init__(self):
        self.begun, self.may_end = Event(), Event()
        self.askers = []

    def __call__(self, askers):
        self.askers.append(askers)
        self.begun.set()
        assert self.may_end.wait(PATIENCE_S)
        askers.report(3, 4)
        return object()


@pytest.fixture
def pool():
    with ThreadPoolExecutor(4) as pool:
        yield pool


def all_waiting(work, n):
    """Wait until so many wait for the work."""
    while len(work.askers[0].waiting) < n:
        Event().wait(0.005)


def test_who_asks_for_the_same_gets_the_same_and_hears_how_far_it_is(pool):
    equal, work, askers = EqualWork(), Slow(), [Asker(), Asker(), Asker()]
    results = [pool.submit(equal.do, "a", one, work) for one in askers]
    assert work.begun.wait(PATIENCE_S)
    all_waiting(work, 3)
    work.may_end.set()
    first, second, third = (one.result(PATIENCE_S) for one in results)
    assert first is second is third
    assert len(work.askers) == 1
    assert all(one.told == [(3, 4)] for one in askers)
    # It is kept by nobody here: the next who asks has it done again.
    assert equal.do("a", Asker(), work) is not first


def test_what_differs_is_done_for_each(pool):
    equal, works = EqualWork(), [Slow(), Slow()]
    results = [
        pool.submit(equal.do, key, Asker(), work) for key, work in zip("ab", works, strict=True)
    ]
    for work in works:
        assert work.begun.wait(PATIENCE_S)
        work.may_end.set()
    assert results[0].result(PATIENCE_S) is not results[1].result(PATIENCE_S)


def test_who_leaves_takes_it_from_nobody_and_the_last_one_ends_it(pool):
    equal, work, owner, other = EqualWork(), Slow(), Asker(), Asker()
    results = [pool.submit(equal.do, "a", one, work) for one in (owner,)]
    assert work.begun.wait(PATIENCE_S)
    results.append(pool.submit(equal.do, "a", other, work))
    all_waiting(work, 2)
    owner.left.set()
    assert not work.askers[0].cancelled()
    other.left.set()
    assert work.askers[0].cancelled()
    with pytest.raises(RunCancelledError, match="goes on for others"):
        results[1].result(PATIENCE_S)
    # Nobody joins what is about to be given up, not even who has left it and is back.
    other.left.clear()
    assert work.askers[0].cancelled()
    late = pool.submit(equal.do, "a", Asker(), work)
    while len(work.askers) < 2:
        Event().wait(0.005)
    work.may_end.set()
    assert late.result(PATIENCE_S) is not results[0].result(PATIENCE_S)


def test_what_it_fails_with_reaches_all(pool):
    def fail(askers):
        work(askers)
        raise ZeroDivisionError

    equal, work = EqualWork(), Slow()
    results = [pool.submit(equal.do, "a", Asker(), fail) for _ in range(2)]
    assert work.begun.wait(PATIENCE_S)
    all_waiting(work, 2)
    work.may_end.set()
    for one in results:
        with pytest.raises(ZeroDivisionError):
            one.result(PATIENCE_S)
