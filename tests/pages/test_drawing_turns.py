"""Pages are drawn so many at a time, and nobody is kept from drawing for good."""

from threading import Event, Thread

import pytest

from kvviz.ui.shell.drawing_turns import DrawingTurns

PATIENCE_S = 10


class Drawing:
    """A thread that draws until it is told to stop."""

    def __init__(self, turns):
        self.begun, self.go_on = Event(), Event()
        self._thread = Thread(target=self._draw, args=(turns,), daemon=True)
        self._thread.start()

    def _draw(self, turns):
        with turns.turn(), turns.turn():  # a part inside a page
            self.begun.set()
            self.go_on.wait(PATIENCE_S)

    def ends(self):
        self.go_on.set()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()


def test_one_draws_after_another_in_the_order_in_which_they_came():
    turns = DrawingTurns(1, most_wait_s=PATIENCE_S)
    first = Drawing(turns)
    assert first.begun.wait(PATIENCE_S)
    second = Drawing(turns)
    assert not second.begun.wait(0.1)
    third = Drawing(turns)
    first.ends()
    assert second.begun.wait(PATIENCE_S)
    assert not third.begun.wait(0.1)
    second.ends()
    assert third.begun.wait(PATIENCE_S)
    third.ends()


def test_who_waits_for_work_lets_others_draw():
    turns = DrawingTurns(1, most_wait_s=PATIENCE_S)
    with turns.turn():
        with turns.away():
            other = Drawing(turns)
            assert other.begun.wait(PATIENCE_S)
            other.ends()
        late = Drawing(turns)
        assert not late.begun.wait(0.1)
    assert late.begun.wait(PATIENCE_S)
    late.ends()


def test_nobody_waits_for_long_behind_a_script_that_is_held_up():
    turns = DrawingTurns(1, most_wait_s=0.05)
    held_up = Drawing(turns)
    assert held_up.begun.wait(PATIENCE_S)
    impatient = Drawing(turns)
    assert impatient.begun.wait(PATIENCE_S)
    impatient.ends()
    held_up.ends()
    after = Drawing(turns)
    assert after.begun.wait(PATIENCE_S)
    after.ends()


def test_what_fails_gives_its_turn_back():
    turns = DrawingTurns(1, most_wait_s=PATIENCE_S)
    with pytest.raises(ZeroDivisionError), turns.turn():
        raise ZeroDivisionError
    other = Drawing(turns)
    assert other.begun.wait(PATIENCE_S)
    other.ends()


def test_waiting_without_a_turn_takes_none():
    turns = DrawingTurns(1, most_wait_s=PATIENCE_S)
    with turns.away(), turns.turn():
        pass
    with turns.turn():
        pass
