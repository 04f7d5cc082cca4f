from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest
import torch

from kvviz.engine import load_model, log_likelihood
from kvviz.engine.models import threads
from kvviz.engine.models.loaded_model import LoadedModel
from kvviz.engine.models.threads import ThreadPace, best_thread_count, thread_count


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

    assert best_thread_count(step).count == fastest
    assert torch.get_num_threads() == 4


@pytest.mark.usefixtures("four_threads")
def test_more_threads_must_be_clearly_faster(monkeypatch):
    monkeypatch.delenv("KVVIZ_THREADS")
    monkeypatch.setattr(threads, "_seconds", lambda _: 1.0 - 0.02 * torch.get_num_threads())
    assert best_thread_count(lambda: None) == (1, 0.98)


@pytest.mark.usefixtures("four_threads")
def test_threads_that_are_lucky_once_and_wait_for_one_another_else_are_not_taken(monkeypatch):
    monkeypatch.delenv("KVVIZ_THREADS")
    trials = {1: 7 * [1.0], 2: [0.5, *6 * [4.0]]}
    monkeypatch.setattr(threads, "_seconds", lambda _: trials[torch.get_num_threads()].pop())
    assert best_thread_count(lambda: None).count == 1


def paced(n_threads, seconds, n_steps, **rest):
    """Return the threads that each step of a run took, where a step takes what `seconds` says."""
    pace, taken = ThreadPace(n_threads, rest.pop("usual_s", float("inf")), **rest), []
    for step in range(n_steps):
        taken.append(pace.n_threads)
        pace.took(seconds(step, pace.n_threads))
    return taken


def test_a_run_gives_its_threads_back_while_a_neighbour_keeps_the_cores_busy():
    def seconds(step, n_threads):
        return (9.0 if n_threads > 1 else 2.0) if 100 <= step < 300 else 1.0 / n_threads

    taken = paced(2, seconds, 500)
    assert set(taken[:100]) == {2}
    # A few steps to notice it, and few of all that follow to see whether it still is so.
    assert set(taken[110:160]) == {1}
    assert sum(n > 1 for n in taken[120:300]) <= 40
    assert set(taken[420:]) == {2}


@pytest.mark.parametrize("n_steps", [250, 1000])
@pytest.mark.parametrize("times_as_slow", [6.0, 12.0])
def test_a_neighbour_who_was_there_before_costs_a_run_less_than_half_of_its_time(
    n_steps, times_as_slow
):
    def seconds(_step, n_threads):
        return times_as_slow if n_threads > 1 else 1.0

    # Alone, two threads had been a little faster than one is beside the neighbour.
    taken = paced(2, seconds, n_steps, usual_s=0.8)
    assert sum(seconds(step, n) for step, n in enumerate(taken)) < 1.5 * n_steps


def test_a_run_alone_on_its_machine_tries_no_other_number_of_threads():
    assert set(paced(2, lambda step, n: (0.8 + step / 2000) / n, 1000, usual_s=0.4)) == {2}


def test_a_run_whose_steps_grow_slow_by_themselves_keeps_the_threads_that_are_faster():
    taken = paced(4, lambda step, n_threads: (1 + step / 10) / n_threads, 400)
    assert sum(n == 4 for n in taken) > 320


def test_a_run_with_one_thread_or_with_those_that_a_person_set_tries_no_other():
    assert set(paced(1, lambda step, _n: float(step), 100)) == {1}
    assert set(paced(2, lambda step, _n: 2.0**step, 100, is_fixed=True)) == {2}


@pytest.mark.usefixtures("four_threads")
def test_environment_is_taken_at_its_word(monkeypatch):
    monkeypatch.setenv("KVVIZ_THREADS", "3")
    assert best_thread_count(lambda: pytest.fail("was timed")).count == 3


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


def test_a_pass_over_many_rows_of_a_large_model_takes_all_threads(model):
    large = replace(model.card, n_params=124_000_000)
    one = replace(model, card=large, n_threads=1, most_threads=8)
    assert [one.threads_for(n_rows) for n_rows in (1, 8, 32, 33, 145)] == [1, 1, 1, 8, 8]
    assert replace(one, card=model.card).threads_for(1024) == 1


@pytest.mark.usefixtures("four_threads")
@pytest.mark.parametrize(("wanted", "most"), [("3", 3), ("", 4)])
def test_most_threads_are_those_of_torch_unless_the_environment_says_so(
    monkeypatch, tiny_folder, wanted, most
):
    monkeypatch.setenv("KVVIZ_THREADS", wanted)
    assert load_model(tiny_folder, device="cpu").most_threads == most


def test_scoring_takes_the_threads_that_its_passes_are_worth(model, monkeypatch):
    seen = []

    def threads_for(self, n_rows):
        seen.append(n_rows)
        return 1

    monkeypatch.setattr(LoadedModel, "threads_for", threads_for)
    log_likelihood(model, [5, 6, 7, 8])
    assert seen == [4]
