"""Threads that work on while pages come and go, and how the interpreter's end finds them."""

from __future__ import annotations

from threading import Event, Thread
from weakref import WeakSet

import pytest

from kvviz.serving import workers

PATIENCE_S = 30


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the test an end of its own, and threads that no other test left."""
    monkeypatch.setattr(workers, "ending", Event())
    monkeypatch.setattr(workers, "_threads", WeakSet())


@pytest.mark.usefixtures("apart")
def test_the_end_waits_for_a_thread_that_is_just_being_started(monkeypatch: pytest.MonkeyPatch):
    is_asked, may_begin, worked = Event(), Event(), Event()

    class Slow(Thread):
        def start(self) -> None:
            is_asked.set()
            assert may_begin.wait(PATIENCE_S)
            super().start()

    monkeypatch.setattr(workers, "Thread", Slow)
    starter = Thread(target=workers.start, args=(worked.set, "slow"))
    starter.start()
    assert is_asked.wait(PATIENCE_S)

    raised: list[BaseException] = []

    def end() -> None:
        try:
            workers._let_them_leave()
        except RuntimeError as error:
            raised.append(error)

    ender = Thread(target=end)
    ender.start()
    ender.join(0.2)  # time enough to join a thread that has not begun, which raises
    may_begin.set()
    for thread in (starter, ender):
        thread.join(PATIENCE_S)
    assert not raised
    assert worked.is_set()


@pytest.mark.usefixtures("apart")
def test_nothing_begins_once_the_interpreter_ends():
    workers._let_them_leave()
    worked = Event()
    assert not workers.start(worked.set, "late").is_alive()
    assert not worked.is_set()
