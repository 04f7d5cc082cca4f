from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from training.batches import Batches
from training.budget import deadline_budget, minute_budget, parse_deadline, token_budget
from training.errors import RecipeError
from training.recipes import recipe_named


def test_the_rate_warms_up_stays_flat_and_falls_to_the_end():
    recipe = recipe_named("gpt2-mini")
    assert recipe.rate(0, 0.0) == pytest.approx(0.01)
    assert recipe.rate(99, 0.0) == 1.0
    assert recipe.rate(5000, 0.3) == 1.0
    assert recipe.rate(5000, 0.65) == pytest.approx((1 + 0.03) / 2)
    assert recipe.rate(5000, 1.0) == pytest.approx(0.03)


def test_rows_grow_from_ones_in_which_neighbours_stand_out_to_the_whole_context():
    recipe = recipe_named("bert-mini")
    lengths = [recipe.phase(p).n_ctx for p in (0.0, 0.05, 0.13, 0.55, 0.9, 1.0)]
    assert lengths == [16, 64, 128, 256, 1024, 1024]


def test_the_twins_differ_in_nothing_but_the_family():
    gpt2, bert = recipe_named("gpt2-mini"), recipe_named("bert-mini")
    shape = replace(bert.shape, family="gpt2")
    assert replace(bert, name="gpt2-mini", shape=shape) == gpt2


def test_the_llama_reads_the_rows_of_the_twins_at_positions_that_do_not_jump():
    gpt2, llama = recipe_named("gpt2-mini"), recipe_named("llama-mini")
    run = Batches(np.arange(40_000, dtype=np.uint16), seed=0, n_positions=1024)
    for share in (0.0, 0.1, 0.3, 0.7, 0.95):
        ours, theirs = (
            run.batch(5, recipe.phase(share).n_ctx, recipe.phase(share).mixture)
            for recipe in (llama, gpt2)
        )
        assert np.array_equal(ours.tokens, theirs.tokens)
        assert np.array_equal(ours.positions[0], np.arange(ours.positions.shape[1]))
    names = ("muon_rate", "adamw_rate", "weight_decay", "warmup_steps", "flat", "final_rate")
    assert all(getattr(gpt2, name) == getattr(llama, name) for name in names)


def test_an_unknown_recipe_is_answered_with_the_known_ones():
    with pytest.raises(RecipeError, match=r"'gpt3'.*gpt2-mini"):
        recipe_named("gpt3")


def test_budgets_tell_the_share_that_is_spent(monkeypatch):
    monkeypatch.setattr("training.budget.time.time", lambda: 1150.0)
    assert token_budget(200).progress(50, 0.0, 0.0) == 0.25
    assert minute_budget(10).progress(0, 300.0, 0.0) == 0.5
    assert deadline_budget(1200.0).progress(0, 0.0, 1000.0) == 0.75


@pytest.mark.parametrize(
    ("text", "day"), [("16:15", 1), ("15:30", 2)], ids=["later today", "not before tomorrow"]
)
def test_a_deadline_is_the_next_such_time_of_day(text, day, monkeypatch):
    budget = parse_deadline(text, datetime(2026, 3, 1, 15, 30))
    hour, minute = map(int, text.split(":"))
    end = datetime(2026, 3, day, hour, minute).timestamp()
    monkeypatch.setattr("training.budget.time.time", lambda: end - 60)
    assert budget.progress(0, 0.0, end - 120) == 0.5
    monkeypatch.setattr("training.budget.time.time", lambda: end)
    assert budget.progress(0, 0.0, end - 120) == 1.0


@pytest.mark.parametrize("text", ["25:00", "4pm", ""])
def test_a_deadline_that_is_no_time_is_refused(text):
    with pytest.raises(RecipeError, match="HH:MM"):
        parse_deadline(text, datetime(2026, 3, 1))
