import numpy as np
import pytest
import torch

from kvviz.analysis.bytes_moved import step_bytes
from kvviz.analysis.cost import step_costs
from kvviz.analysis.kept_bytes import Keeping
from kvviz.engine import caches, trace_generation
from kvviz.engine.models.device_memory import free_bytes
from kvviz.engine.timing import race as engine_race
from kvviz.engine.timing.race import SIDES, Runner, prompt_batch, race
from kvviz.errors import (
    ContextLengthError,
    ModelFamilyError,
    ObservationError,
    OptionsError,
    OutOfMemoryError,
    RunCancelledError,
)
from tests.unit.engine.conftest import state_of


def test_both_sides_write_the_same_tokens_and_every_step_is_timed(model):
    found = race(model, n_prompt=6, n_new=5, batch=3, repeats=2)
    assert found.same_tokens
    assert found.token_ids.shape == (3, 11)
    assert found.cached_seconds.shape == found.uncached_seconds.shape == (2, 5)
    assert (found.token_ids[:, :6] == prompt_batch(model, 6, 3).numpy()).all()


def test_the_tokens_are_those_that_the_model_finds_most_likely(model):
    found = race(model, n_prompt=6, n_new=4, batch=2, repeats=1)
    for row in torch.from_numpy(found.token_ids):
        with torch.inference_mode():
            best = model.module(row[None, :-1], use_cache=False).logits[0].argmax(-1)
        assert row[6:].tolist() == best[5:].tolist()


def test_cache_bytes_are_the_tensors_and_the_formula(model):
    found = race(model, n_prompt=6, n_new=5, batch=3, repeats=1)
    rows = np.arange(6, 11)
    assert found.cache_bytes.tolist() == (3 * rows * model.card.cache_bytes_per_token).tolist()


@pytest.mark.parametrize(
    "cache",
    [
        caches.Window(4, 2),
        caches.Window(3),
        caches.Window(1, 2),
        caches.Window(2, 6),
        caches.Window(40),
    ],
    ids=str,
)
def test_with_a_window_it_writes_what_a_run_with_that_window_writes(model, cache):
    found = race(model, n_prompt=6, n_new=9, batch=3, repeats=1, cache=cache)
    rows = cache.size + cache.sinks
    assert (found.rows, found.sinks) == (rows, cache.sinks)
    runs = [
        trace_generation(model, prompt.numpy(), max_new_tokens=9, cache=cache)
        for prompt in prompt_batch(model, 6, 3)
    ]
    for ids, run in zip(found.token_ids, runs, strict=True):
        assert ids.tolist() == run.token_ids.tolist()
    costs = step_costs(model.card, 6, 9, use_cache=True, keeping=Keeping(rows=rows))
    first = runs[0].steps
    assert costs.flops.tolist() == [step.flops for step in first]
    assert costs.cache_bytes.tolist() == [step.cache_bytes for step in first]
    assert found.cache_bytes.tolist() == [3 * step.cache_bytes for step in first]


def test_another_way_of_keeping_rows_is_not_raced(model):
    for cache in (caches.HeavyHitters(4), caches.Window(4, positions="renumbered")):
        with pytest.raises(OptionsError, match="every row, or a window"):
            race(model, n_prompt=4, n_new=2, cache=cache)


def test_the_warm_up_takes_turns_and_the_rounds_that_count_do_not(model):
    steps = []
    race(model, n_prompt=4, n_new=3, repeats=2, on_step=steps.append)
    rounds = [[one.side for one in steps if one.round == number] for number in range(3)]
    assert rounds[0][:2] == list(SIDES)
    assert rounds[1] == ["cached"] * 3 + ["uncached"] * 3
    assert rounds[2] == ["uncached"] * 3 + ["cached"] * 3
    assert [one.done for one in steps] == list(range(1, 19))
    assert {one.n_steps for one in steps} == {18}
    written = "".join(one.text for one in steps if one.round == 1 and one.side == "cached")
    again = "".join(one.text for one in steps if one.round == 1 and one.side == "uncached")
    assert written == again != ""


def test_the_side_behind_goes_next_in_the_warm_up(model, monkeypatch):
    """A side whose steps take ten times as long gets one step for ten of the other."""
    plain = Runner.step

    def slow(self):
        plain(self)
        self.seconds[-1] = 1.0 if self._layers else 10.0
        return self.seconds[-1]

    monkeypatch.setattr(Runner, "step", slow)
    steps = []
    race(model, n_prompt=2, n_new=20, repeats=1, on_step=steps.append)
    first = [one.side for one in steps if one.round == 0]
    assert first[:12] == ["cached", "uncached"] + ["cached"] * 9 + ["cached"]


def test_cancelled_it_keeps_the_rounds_that_are_complete(model):
    steps = []
    found = race(
        model, n_prompt=4, n_new=3, repeats=5, on_step=steps.append, cancel=lambda: len(steps) > 14
    )
    assert (found.n_repeats, found.n_asked) == (1, 5)
    with pytest.raises(RunCancelledError):
        race(model, n_prompt=4, n_new=3, cancel=lambda: True)


def test_a_batch_that_cannot_fit_is_refused_with_the_arithmetic(model, monkeypatch):
    monkeypatch.setattr(engine_race, "free_bytes", lambda _: 1_000_000)
    with pytest.raises(OutOfMemoryError) as caught:
        race(model, n_prompt=20, n_new=21, batch=1000)
    card = model.card
    cache = card.cache_bytes_per_token * 40 * 1000
    widest = 2 * max(card.n_heads * 40 * 40, 40 * card.d_mlp) * 4 * 1000
    assert f"{cache:,} B of cache" in caught.value.found
    assert f"{widest:,} B for" in caught.value.found
    fits = 1_000_000 // ((cache + widest) // 1000)
    assert f"batch of {fits:,} or less" in caught.value.fix
    race(model, n_prompt=20, n_new=2, batch=2, repeats=1)


def test_memory_that_runs_out_anyway_is_an_error_in_words_and_the_model_lives(model, monkeypatch):
    before = state_of(model)
    plain = Runner.step

    def full(self):
        if self.n_done == 2:
            raise MemoryError("no more")
        return plain(self)

    monkeypatch.setattr(Runner, "step", full)
    with pytest.raises(OutOfMemoryError, match="smaller batch"):
        race(model, n_prompt=4, n_new=4)
    monkeypatch.undo()
    assert race(model, n_prompt=4, n_new=4, repeats=1).same_tokens
    assert state_of(model) == before


def test_a_cache_that_writes_other_rows_is_found_out(model, monkeypatch):
    from kvviz.engine.caches.preallocated_layer import PreallocatedLayer

    monkeypatch.setattr(PreallocatedLayer, "take_writes", lambda _: [range(1)])
    with pytest.raises(ObservationError, match="rows that were fed"):
        race(model, n_prompt=4, n_new=4)


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"n_prompt": 0}, OptionsError, "prompt tokens"),
        ({"n_new": 0}, OptionsError, "new tokens"),
        ({"batch": 0}, OptionsError, "sequences"),
        ({"repeats": 0}, OptionsError, "repeats"),
        ({"batch": 1.5}, OptionsError, "1.5"),
        ({"n_prompt": 30, "n_new": 19}, ContextLengthError, "48"),
    ],
)
def test_nonsense_is_refused(model, settings, error, words):
    with pytest.raises(error) as caught:
        race(model, **settings)
    assert words in str(caught.value)


def test_a_bert_does_not_race(bert):
    with pytest.raises(ModelFamilyError, match="GPT-2"):
        race(bert)


def test_prompts_of_a_batch_are_pieces_of_one_text_that_begin_a_token_later(model):
    prompts = prompt_batch(model, 200, 3)
    assert prompts.shape == (3, 200)
    assert (prompts[0, 1:] == prompts[1, :-1]).all()
    assert model.text_of(prompts[0].tolist()).startswith("Once upon a time")


def test_free_memory_is_less_than_all_there_is():
    free = free_bytes(torch.device("cpu"))
    assert free is not None
    assert 0 < free < 2**50


def test_the_weights_that_a_step_reads_are_those_of_the_modules_it_calls(model):
    stack = model.module.transformer
    called = [*stack.h.parameters(), *stack.ln_f.parameters(), *model.module.lm_head.parameters()]
    rows = 2 * model.card.d_model  # of the two embedding tables, one each
    numbers = sum(one.numel() for one in called) + rows
    assert step_bytes(model.card, 1, 9).weights == numbers * model.card.bytes_per_number
