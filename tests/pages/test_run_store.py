"""Runs that were made, kept for everyone who asks for the same."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

import kvviz
from kvviz.ui.shell.environment import Environment
from kvviz.ui.work import runs
from kvviz.ui.work.model_store import model_store
from kvviz.ui.work.run_settings import RunSettings
from kvviz.ui.work.run_store import RunStore, array_bytes
from kvviz.ui.work.ticket_queue import TicketQueue
from tests.pages.conftest import Page

PATIENCE_S = 60
ENVIRONMENT = Environment.read({})


class Model:
    """Stands for a loaded model, of which only the identity counts."""


@dataclass(frozen=True)
class Made:
    """A result of so many bytes."""

    numbers: np.ndarray
    parts: tuple[np.ndarray, ...] = ()
    name: str = ""


def made(n_bytes):
    return Made(np.zeros(n_bytes, dtype=np.int8))


def anything(result):
    return True


def test_the_bytes_of_a_result_are_those_of_all_its_arrays():
    inner = Made(np.zeros(3, dtype=np.float32), (np.zeros((2, 2)), np.zeros(5, dtype=np.int8)), "x")
    assert array_bytes(inner) == 12 + 32 + 5
    assert array_bytes([inner, inner]) == 2 * 49
    assert array_bytes("text") == 0


def test_what_nobody_asked_for_longest_goes_first_and_the_bound_holds():
    store, model = RunStore(100), Model()
    for name in "ab":
        store.keep(name, model, made(40))
    assert store.find("a", model, anything) is not None
    store.keep("c", model, made(40))
    assert store.n_bytes == 80
    assert store.find("b", model, anything) is None
    assert store.find("a", model, anything) is not None
    assert store.find("c", model, anything) is not None
    assert store.n_found == 3


def test_a_result_larger_than_all_may_be_is_not_kept_and_takes_none_other_with_it():
    store, model = RunStore(100), Model()
    store.keep("small", model, made(10))
    store.keep("large", model, made(101))
    assert store.find("large", model, anything) is None
    assert store.find("small", model, anything) is not None
    # What stood there before is of the past all the same.
    store.keep("small", model, made(101))
    assert (store.find("small", model, anything), store.n_bytes) == (None, 0)


def test_a_result_made_again_takes_the_place_of_the_one_before():
    store, model = RunStore(100), Model()
    store.keep("a", model, made(60))
    again = made(50)
    store.keep("a", model, again)
    assert store.find("a", model, anything) is again
    assert store.n_bytes == 50


def test_a_result_is_of_one_loaded_model():
    store, model = RunStore(), Model()
    store.keep("a", model, made(1))
    assert store.find("a", Model(), anything) is None
    assert store.find("a", model, anything) is not None


def test_a_result_that_does_not_fit_is_none():
    store, model = RunStore(), Model()
    store.keep("a", model, made(1))
    assert store.find("a", model, lambda result: result.numbers.size > 1) is None
    assert store.n_found == 0


@pytest.fixture
def n_made(monkeypatch):
    """Count the runs that are made."""
    made = []
    real = runs.run

    def counted(*args, **kwargs):
        made.append(args)
        return real(*args, **kwargs)

    monkeypatch.setattr(runs, "run", counted)
    return lambda: len(made)


def test_a_second_visitor_of_a_link_gets_the_run_of_the_first_at_once(kv_cache, n_made):
    first = kv_cache(prompt="The dog", new="3")
    second = kv_cache(prompt="The dog", new="3", step="2", cache="both")
    assert n_made() == 1
    assert second.state.shown is first.state.shown
    # Where one looks is one's own.
    assert second.player["view"]["step"] == 2
    assert (first.player["view"]["step"], first.player["view"]["cache"]) == (0, "on")
    kv_cache(prompt="The dog", new="4")
    kv_cache(prompt="The dog", new="3", seed="1")
    assert n_made() == 3


def test_run_pressed_again_makes_the_run_on_screen_anew(kv_cache, n_made):
    page = kv_cache(prompt="The dog", new="3")
    before = page.state.shown
    page.press("kv:run")
    assert n_made() == 2
    assert page.state.shown is not before
    assert kv_cache(prompt="The dog", new="3").state.shown is page.state.shown


def test_a_run_without_the_other_way_is_not_enough_where_both_are_asked_for(
    kv_cache, n_made, monkeypatch
):
    monkeypatch.setattr(runs, "BOTH_UP_TO_FLOPS", 0)
    assert kv_cache(prompt="The dog", new="3").state.shown.comparison is None
    assert kv_cache(prompt="The dog", new="3", cache="both").state.shown.comparison is not None
    assert n_made() == 2
    # What holds both ways serves those who ask for one as well.
    assert kv_cache(prompt="The dog", new="3").state.shown.comparison is not None
    assert n_made() == 2


def run_of(prompt):
    """Return what a link with this prompt asks for."""
    return RunSettings(prompt=prompt, new=3, device=ENVIRONMENT.device)


@pytest.fixture
def line(monkeypatch):
    """The line in which runs wait, with nobody in it, and no crowd."""
    monkeypatch.setattr(runs, "_queues", {})
    monkeypatch.setattr(runs, "_crowd", TicketQueue(runs.PLACES_IN_CROWD))
    return runs.queue(ENVIRONMENT.concurrency)


def results_of(*jobs):
    assert all(job.wait(PATIENCE_S) for job in jobs)
    assert [job.error for job in jobs] == [None] * len(jobs)
    return [job.result for job in jobs]


def begin(settings, **rest):
    return runs.start(settings, ENVIRONMENT, **{"want_both": False} | rest)


def test_a_crowd_stands_in_no_line_and_equal_runs_of_it_are_made_once(kv_cache, n_made, line):
    kv_cache(prompt="The bird", new="1")  # so that the model is loaded
    holders = [line.join() for _ in range(ENVIRONMENT.concurrency)]
    dog, cat = run_of("The dog"), run_of("The cat")
    first, second, other = results_of(*(begin(one) for one in (dog, dog, cat)))
    assert n_made() == 3
    assert second is first
    for shown, prompt in ((first, "The dog"), (other, "The cat")):
        assert (shown.comparison, shown.caches) == (None, ("on",))
        assert "Others were waiting" in shown.note
        alone = kvviz.trace_generation(model_store().peek(shown.settings), prompt, max_new_tokens=3)
        assert shown.trace.tokens == alone.tokens
    # As long as others wait that is enough; what was left for later is made once there is time.
    line.join()
    assert kv_cache(prompt="The dog", new="3").state.shown is first
    for holder in holders:
        line.leave(holder)
    line.leave(next(iter(line._inside)))
    assert kv_cache(prompt="The dog", new="3").state.shown.comparison is not None
    assert n_made() == 4


def test_what_is_wanted_both_ways_or_anew_or_takes_much_stands_in_the_line(
    kv_cache, line, monkeypatch
):
    kv_cache(prompt="The bird", new="1")
    holders = [line.join() for _ in range(ENVIRONMENT.concurrency)]
    dog = run_of("The dog")
    waiting = [begin(dog, want_both=True), begin(dog, anew=True), begin(dog, family="t5")]
    monkeypatch.setattr(runs, "MOST_BYTES_IN_CROWD", 1000)
    waiting.append(begin(dog))
    assert [job.place for job in waiting] == [1, 2, 3, 4]
    for job in waiting:
        job.cancel()
    for holder in holders:
        line.leave(holder)
    assert all(job.wait(PATIENCE_S) for job in waiting)


def test_a_run_without_the_cache_that_is_under_way_is_left_for_later_when_many_come(
    n_made, line, monkeypatch
):
    asked = []

    def many(environment, at_least=1):
        asked.append(at_least)
        return at_least > 1

    monkeypatch.setattr(runs, "others_wait", many)
    (shown,) = results_of(begin(run_of("The dog")))
    assert (shown.comparison, shown.in_a_hurry) == (None, True)
    assert "Others were waiting" in shown.note
    # Who has asked for it gets it, however many wait.
    (shown,) = results_of(begin(run_of("The dog"), want_both=True))
    assert shown.comparison is not None
    assert n_made() == 2
    assert asked[0] == 1


def test_in_the_line_too_a_run_is_made_with_the_cache_only_while_others_wait(n_made, line):
    holders = [line.join() for _ in range(ENVIRONMENT.concurrency)]
    dog, cat = (
        replace(run_of(f"The {one} <extra_id_0>"), model="kvviz/t5-mini") for one in ("dog", "cat")
    )
    jobs = [begin(dog, family="t5"), begin(cat, family="t5")]
    line.leave(holders[0])
    first, last = results_of(*jobs)
    assert first.comparison is None
    assert first.in_a_hurry
    # Nobody waits behind the last one, and nothing is left out.
    assert last.comparison is not None
    assert not last.in_a_hurry
    assert n_made() == 2


def test_a_line_with_as_many_places_as_the_crowd_is_a_line_of_its_own(line):
    environment = replace(ENVIRONMENT, concurrency=runs.PLACES_IN_CROWD)
    runs.queue(environment.concurrency).join()
    assert not runs.others_wait(environment)


def test_a_run_that_is_measured_anew_is_made_though_an_equal_one_was_made(n_made, line):
    results_of(begin(run_of("The dog")))
    results_of(begin(run_of("The dog"), anew=True))
    assert n_made() == 2


def test_a_run_that_was_cancelled_is_not_kept(kv_cache, n_made, monkeypatch):
    real = runs.Job.cancelled
    monkeypatch.setattr(runs.Job, "cancelled", lambda job: job.step >= 2 or real(job))
    page = kv_cache(prompt="The dog", new="8")
    assert len(page.state.shown.trace.steps) < 8
    monkeypatch.undo()
    assert len(kv_cache(prompt="The dog", new="8").state.shown.trace.steps) == 8


def test_a_run_of_a_t5_is_none_of_the_page_for_a_gpt2(kv_cache):
    link = {"model": "kvviz/t5-mini", "prompt": "The dog", "new": "3"}
    assert Page("encoder_decoder", link).state.shown is not None
    page = kv_cache(**link)
    assert page.state.shown is None
    assert "which has one cache" in page.errors[0]
