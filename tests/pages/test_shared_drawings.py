"""What is made of a run is made once for all who look at it, and forgotten in time."""

import gc
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from kvviz.translation import using
from kvviz.ui.shell.served_bytes import find, serve_buffer
from kvviz.ui.work.shared_drawings import N_BYTES_AT_LEAST, SharedDrawings

SIZE = 2 * N_BYTES_AT_LEAST


class Run:
    """A run, told from others by its identity."""


def test_the_same_of_the_same_run_is_made_once_and_all_else_by_itself():
    drawings, made = SharedDrawings(), []

    def make():
        made.append(None)
        return len(made)

    one, other = Run(), Run()
    assert drawings.of(one, "bill", make) == drawings.of(one, "bill", make) == 1
    assert drawings.of(other, "bill", make) == 2
    assert drawings.of(one, "chart", make) == 3
    with using("en-XA"):
        assert drawings.of(one, "bill", make) == 4
    drawings.forget()
    assert drawings.of(one, "bill", make) == 5


def test_who_asks_while_it_is_made_waits_for_it():
    drawings, begun, go_on = SharedDrawings(), Event(), Event()

    def make():
        begun.set()
        assert go_on.wait(10)
        return object()

    run = Run()
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(drawings.of, run, "bill", make)
        assert begun.wait(10)
        second = threads.submit(drawings.of, run, "bill", lambda: pytest.fail("made twice"))
        go_on.set()
        assert second.result(10) is first.result(10)


def test_what_fails_is_told_and_made_anew_when_asked_for_again():
    drawings, run = SharedDrawings(), Run()
    with pytest.raises(ZeroDivisionError):
        drawings.of(run, "bill", lambda: 1 // 0)
    assert drawings.of(run, "bill", lambda: 7) == 7


def buffer(what):
    return serve_buffer(what.encode() * SIZE)


def test_what_nobody_asked_for_longest_goes_first_and_can_be_fetched_no_more():
    drawings, run = SharedDrawings(most_bytes=2 * SIZE), Run()
    a, b = (drawings.of(run, what, lambda what=what: buffer(what)).name for what in "ab")
    drawings.of(run, "a", lambda: pytest.fail("was kept"))
    drawings.of(run, "c", lambda: buffer("c"))
    assert drawings.n_bytes == 2 * SIZE
    drawings.of(run, "a", lambda: pytest.fail("was kept"))
    gc.collect()
    assert (find(a).data, find(b)) == (b"a" * SIZE, None)
    assert drawings.of(run, "b", lambda: buffer("b")).name == b
    assert find(b).data == b"b" * SIZE


def test_what_was_made_last_stays_though_it_alone_is_too_much():
    drawings, run = SharedDrawings(most_bytes=SIZE - 1), Run()
    a = drawings.of(run, "a", lambda: buffer("a")).name
    assert find(a) is not None
    drawings.of(run, "b", lambda: buffer("b"))
    gc.collect()
    assert (find(a), drawings.n_bytes) == (None, SIZE)


def test_what_is_forgotten_while_it_is_made_counts_for_nothing():
    drawings, run = SharedDrawings(), Run()

    def make():
        drawings.forget()
        return buffer("a")

    drawings.of(run, "a", make)
    assert drawings.n_bytes == 0
    drawings.of(run, "a", lambda: buffer("a"))
    assert drawings.n_bytes == SIZE
