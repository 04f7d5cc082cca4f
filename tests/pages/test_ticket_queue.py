from threading import Thread

import pytest

from kvviz.ui.work import ticket_queue
from kvviz.ui.work.ticket_queue import TicketQueue


@pytest.fixture
def now(monkeypatch):
    """The time of the queue, which a test sets."""
    seconds = [0.0]
    monkeypatch.setattr(ticket_queue.time, "monotonic", lambda: seconds[0])
    return seconds


def in_line(n_tickets, n_places=1):
    """Return a queue with so many places, and the tickets of those who joined it."""
    queue = TicketQueue(n_places)
    return queue, [queue.join() for _ in range(n_tickets)]


def test_tickets_are_let_in_in_the_order_they_came_and_see_their_place():
    queue, (first, second, third, fourth) = in_line(4, n_places=2)
    assert [queue.place(t) for t in (first, second, third, fourth)] == [0, 0, 1, 2]
    assert not queue.wait(third, timeout=0)
    queue.leave(second)
    assert queue.wait(third, timeout=0)
    assert [queue.place(t) for t in (first, third, fourth)] == [0, 0, 1]


def test_one_who_leaves_the_line_is_passed_over():
    queue, (first, second, third) = in_line(3)
    queue.leave(second)
    queue.leave(first)
    assert queue.wait(third, timeout=0)


def test_leaving_twice_lets_nobody_in_twice():
    queue, (first, second, third) = in_line(3)
    queue.leave(first)
    queue.leave(first)
    assert queue.wait(second, timeout=0)
    assert not queue.wait(third, timeout=0)


def test_who_waits_is_woken_when_a_place_is_given_back():
    queue, (first, second) = in_line(2)
    entered: list[bool] = []
    waiter = Thread(target=lambda: entered.append(queue.wait(second, timeout=30)))
    waiter.start()
    queue.leave(first)
    waiter.join(timeout=30)
    assert entered == [True]


def test_how_long_it_takes_is_told_by_how_long_the_last_few_have_stayed(now):
    queue, (first, _second, third, fourth) = in_line(4, n_places=2)
    assert queue.n_waiting == 2
    assert (queue.seconds(first), queue.seconds(third)) == (0.0, None)
    now[0] = 3.0
    queue.leave(first)
    assert (queue.n_waiting, queue.seconds(third)) == (1, 0.0)
    # Two are inside, each for about three seconds, and two places: the next is free in three.
    assert queue.seconds(fourth) == 3.0
    now[0] = 4.0
    queue.leave(third)
    queue.join()
    assert queue.n_waiting == 1
    assert queue.seconds(fourth) == 0.0
    # One who leaves the line has stayed nowhere.
    waiting = queue.join()
    before = queue.seconds(waiting)
    queue.leave(queue.join())
    assert queue.seconds(waiting) == before


def test_who_had_little_goes_before_who_had_much_unless_the_wait_was_longer(now):
    queue = TicketQueue(1)
    greedy = queue.join("greedy")
    now[0] = 10.0
    again, modest = queue.join("greedy"), queue.join("modest")
    assert (queue.place(again), queue.place(modest)) == (2, 1), "it is inside for ten seconds"
    queue.leave(greedy)
    assert queue.wait(modest, timeout=0)
    now[0] = 19.0
    early = queue.join()
    now[0] = 21.0
    late = queue.join()
    assert [queue.place(one) for one in (early, again, late)] == [1, 2, 3]
    queue.leave(modest)
    assert queue.wait(early, timeout=0)


def test_what_somebody_had_is_forgotten_and_nobody_waits_for_ever(now):
    queue = TicketQueue(1)
    greedy = queue.join("greedy")
    now[0] = 50.0
    queue.leave(greedy)
    other = queue.join("other")
    again, first = queue.join("greedy"), queue.join()
    assert (queue.place(first), queue.place(again)) == (1, 2)
    now[0] = 50.0 + ticket_queue.HAD_IS_FORGOTTEN_AFTER_S + 1
    assert (queue.place(again), queue.place(first)) == (1, 2)
    assert queue.wait(other, timeout=0)
