from __future__ import annotations

import threading
import time

import pytest
import torch

from kvviz.engine import threads
from kvviz.engine.threads import best_thread_count, thread_count


@pytest.fixture
def four_threads():
    with thread_count(4):
        yield


@pytest.mark.usefixtures("four_threads")
@pytest.mark.parametrize("fastest", [1, 2, 4])
def test_fastest_number_is_found(monkeypatch, fastest):
    monkeypatch.delenv("KVVIZ_THREADS")

    def step():
        # Slower the farther from the fastest; waiting stands in for work.
        time.sleep(0.002 * (1 + abs(torch.get_num_threads() - fastest)))

    assert best_thread_count(step) == fastest
    assert torch.get_num_threads() == 4


@pytest.mark.usefixtures("four_threads")
def test_more_threads_must_be_clearly_faster(monkeypatch):
    monkeypatch.delenv("KVVIZ_THREADS")
    monkeypatch.setattr(threads, "_seconds", lambda _: 1.0 - 0.02 * torch.get_num_threads())
    assert best_thread_count(lambda: None) == 1


@pytest.mark.usefixtures("four_threads")
def test_environment_is_taken_at_its_word(monkeypatch):
    monkeypatch.setenv("KVVIZ_THREADS", "3")
    assert best_thread_count(lambda: pytest.fail("was timed")) == 3


@pytest.mark.usefixtures("four_threads")
def test_count_holds_inside_and_is_given_back_after_an_error():
    def fail():
        with thread_count(2):
            assert torch.get_num_threads() == 2
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert torch.get_num_threads() == 4


@pytest.mark.usefixtures("four_threads")
def test_count_holds_in_a_thread_that_has_computed_before():
    seen = []

    def work():
        torch.ones(4).sum()
        with thread_count(2):
            seen.append(torch.get_num_threads())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [2]
