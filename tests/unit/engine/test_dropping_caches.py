"""Settings of caches that let rows go, what is refused, and who notices a row that is wrong."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from kvviz import caches, load_model, trace_generation
from kvviz.engine.caches.row_room import RowRoom
from kvviz.engine.running import prefill
from kvviz.errors import ObservationError, OptionsError, TraceError
from tests.parity.tiny_decoders import FULL, SLIDING, TinyDecoder
from tests.parity.tiny_models import PROMPT
from tests.trace_files import opened_again


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: caches.Window(0), "size must be a whole number, 1 or more. Found 0"),
        (lambda: caches.Window(4, sinks=-1), "sinks must be a whole number, 0 or more"),
        (lambda: caches.Window(4.0), "size must be a whole number"),
        (lambda: caches.HeavyHitters(0), "budget must be a whole number of rows.*Found 0"),
        (lambda: caches.HeavyHitters(1.5), "up to 1"),
        (lambda: caches.HeavyHitters([4, 0]), r"Found \[4, 0\]"),
        (lambda: caches.HeavyHitters([]), "one a layer"),
        (lambda: caches.HeavyHitters(True), "whole number of rows"),
        (lambda: caches.HeavyHitters(4, recent=1.1), "recent must be a number from 0 to 1"),
        (lambda: caches.LeastAttended(4, per="model"), "per head or per layer. Found 'model'"),
        (lambda: caches.Observed(8, window=9), "The rows of 9 last queries leave no room"),
        (lambda: caches.Observed(8, window=2, pooling=4), "odd number"),
        (lambda: caches.Random([8, 4], sinks=4), "4 sinks leave no room in a budget of 4"),
        (lambda: caches.Random(8, seed=-1), "seed must be"),
        (lambda: caches.Random(8, once=1), r"once must be on \(True\) or off \(False\)"),
    ],
)
def test_settings_that_are_none_are_refused(make, words):
    with pytest.raises(OptionsError, match=words):
        make()


def test_another_number_of_budgets_than_of_layers_is_refused(model):
    with pytest.raises(OptionsError, match=r"are 3 budgets for this model. Found 2"):
        trace_generation(model, PROMPT, max_new_tokens=2, cache=caches.HeavyHitters([4, 4]))


def test_a_run_by_lot_is_drawn_by_its_seed(model):
    runs = [
        trace_generation(model, PROMPT, max_new_tokens=5, cache=caches.Random(5, seed=seed))
        for seed in (0, 0, 1)
    ]
    last = [np.stack([run.live(4, layer) for layer in range(3)]) for run in runs]
    assert np.array_equal(last[0], last[1])
    assert not np.array_equal(last[0], last[2])
    # Each head draws its own.
    assert not np.array_equal(last[0][0, 0], last[0][0, 1])
    # The last two of five are half of them, and are there in each.
    assert all(rows[..., -2:].all() for rows in last)


def test_a_run_is_saved_with_its_budgets_and_opened_with_what_it_dropped(model):
    cache = caches.HeavyHitters([4, 0.5, 9])
    trace = trace_generation(model, PROMPT, max_new_tokens=5, cache=cache)
    again = opened_again(trace)
    assert again.options.cache.settings == (("budget", (4, 0.5, 9)), ("recent", 0.5))
    assert np.array_equal(again.pattern(2, 1), trace.pattern(2, 1), equal_nan=True)
    for number in range(5):
        assert np.array_equal(again.live(number, 0), trace.live(number, 0))
    n = trace.n_tokens
    assert [int(trace.live(4, layer)[0].sum()) for layer in range(3)] == [4, (n + 1) // 2, 9]


@pytest.mark.parametrize("kind", ["GPT2", "Gemma3"])
def test_a_prompt_read_in_pieces_drops_what_one_read_whole_drops(
    kind, model, tmp_path, monkeypatch
):
    if kind == "Gemma3":
        settings = {"sliding_window": 5, "layer_types": [SLIDING, FULL, SLIDING]}
        model = load_model(TinyDecoder(kind, kind, config=settings).save(tmp_path))
    model = model.as_dtype("float64")
    cached = (caches.HeavyHitters(6), caches.Observed(6, window=3))
    whole = [trace_generation(model, PROMPT, max_new_tokens=4, cache=one) for one in cached]
    n_prompt, card = whole[0].n_prompt, model.card
    most = 4 * card.n_heads * n_prompt * card.bytes_per_number
    monkeypatch.setattr(prefill, "MOST_SCORE_BYTES", most)
    for cache, one in zip(cached, whole, strict=True):
        other = trace_generation(model, PROMPT, max_new_tokens=4, cache=cache)
        assert other.steps[0].flops != one.steps[0].flops
        for ours, theirs in zip(other.steps, one.steps, strict=True):
            assert np.array_equal(ours.evicted, theirs.evicted)
        np.testing.assert_allclose(other.all_keys, one.all_keys, rtol=2e-7, atol=1e-9)


def test_a_row_whose_bits_have_changed_is_caught_while_it_is_there_and_when_it_goes(
    model, monkeypatch
):
    drop, spoilt = RowRoom.drop, []

    def spoiling(self, places):
        gone = drop(self, places)
        if not spoilt:
            at = spoilt_place(self)
            self.buffer[1, 1, 2, at] += 1
            spoilt.append(int(self.positions[1, 2, at]))
        return gone

    monkeypatch.setattr(RowRoom, "drop", spoiling)
    for where in (torch.argmax, torch.argmin):  # the last row stays, the first goes first
        spoilt.clear()

        def spoilt_place(room, where=where):
            return int(where(room.positions[1, 2]))

        with pytest.raises(ObservationError, match=r"1 cached row does not have the bits") as seen:
            trace_generation(model, PROMPT, max_new_tokens=3, cache=caches.Window(4))
        assert f"V row of layer 1, position {spoilt[0]}" in str(seen.value)


def test_a_cache_that_drops_another_row_than_it_says_is_caught(model, monkeypatch):
    overwrite = RowRoom._overwrite

    def wrong(self, places):
        # The row goes that lies beside the one that is said to go.
        positions = self._positions.clone()
        overwrite(self, (places + 1) % (self.n_rows - 1))
        rows = self.buffer
        self._positions = positions
        self.n_rows += 1
        overwrite(self, places)
        self.buffer = rows

    monkeypatch.setattr(RowRoom, "_overwrite", wrong)
    with pytest.raises(ObservationError, match="do not have the bits that were written"):
        trace_generation(model, PROMPT, max_new_tokens=3, cache=caches.Window(4))


def test_attention_that_reads_a_copy_is_caught(model, monkeypatch):
    update = type(RowRoom([0], _place(model)).cache_layers[0]).update

    def copied(self, *rows, **named):
        keys, values = update(self, *rows, **named)
        return keys.clone(), values

    monkeypatch.setattr("kvviz.engine.caches.row_room.RoomLayer.update", copied)
    with pytest.raises(ObservationError, match="other rows than the cache's"):
        trace_generation(model, PROMPT, max_new_tokens=3, cache=caches.Window(4))


def _place(model):
    return caches.RowsPlace(model.card, 1, 8, 4, model.dtype, model.device)


def test_a_budget_of_one_keeps_no_row(model):
    trace = trace_generation(model, PROMPT, max_new_tokens=3, cache=caches.LeastAttended(1))
    assert [step.cache_bytes for step in trace.steps] == [0] * 3
    assert not any(step.reused.size for step in trace.steps)
    with pytest.raises(TraceError, match="no step 3"):
        trace.live(3, 0)
