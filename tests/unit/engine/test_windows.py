"""Layers that see a window of positions: what they keep, what is let go, and who notices if not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
import torch
from transformers import Cache, DynamicCache

from kvviz import caches, export_html
from kvviz.analysis import all_role_scores, counted
from kvviz.engine import load_model, trace_both, trace_encoding, trace_generation
from kvviz.engine.caches.full import FullRows
from kvviz.engine.caches.preallocated_layer import PreallocatedLayer
from kvviz.engine.caches.windowed_layer import WindowedLayer
from kvviz.errors import ObservationError, OptionsError, TraceError
from tests.parity.tiny_decoders import FULL, SLIDING, TinyDecoder
from tests.parity.tiny_models import PROMPT
from tests.trace_files import opened_again

WINDOW = 5
CASE = TinyDecoder(
    "mixed", "Gemma3", config={"sliding_window": WINDOW, "layer_types": [SLIDING, FULL, SLIDING]}
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return CASE.save(tmp_path_factory.mktemp("windowed"))


@pytest.fixture(scope="module")
def windowed(folder):
    return load_model(folder, device="cpu")


@pytest.fixture(scope="module")
def both(windowed):
    return trace_both(windowed, PROMPT, max_new_tokens=8)


def test_a_single_query_does_not_see_past_its_window_where_a_cache_keeps_every_row(
    windowed, folder
):
    plain = CASE.load_plain(folder)
    tokens = torch.tensor([windowed.tokenize(PROMPT)])
    logits = []
    for module in (windowed.module, plain):
        cache = DynamicCache()  # of no config, so that no layer drops anything
        with torch.inference_mode():
            module(tokens[:, :-1], past_key_values=cache)
            logits.append(module(tokens[:, -1:], past_key_values=cache).logits[0, -1])
    # A few roundings of sums over three layers; without the mask they are off by 0.1 and more.
    assert (logits[0] - logits[1]).abs().max() < 1e-4


def test_what_falls_out_of_a_window_is_gone_from_the_tensors_that_attention_reads(both):
    trace, card = both.cached, both.cached.model
    assert card.windows == (WINDOW, 0, WINDOW)
    assert both.same_tokens
    for step in trace.steps:
        n_rows = trace.n_prompt + step.index
        assert step.reused.tolist() == ([*range(n_rows - 1)] if step.index else [])
        first = 0 if step.index == 0 else n_rows - WINDOW
        for layer in (0, 2):
            live = trace.live(step.index, layer)
            assert np.array_equal(np.flatnonzero(live[0]), np.arange(first, n_rows))
        assert trace.live(step.index, 1)[0].sum() == n_rows
        assert step.cache_bytes == (n_rows + 2 * (WINDOW - 1)) * card.cache_bytes_per_token // 3
    formula = counted(card, trace.n_prompt, len(trace.steps))
    for name, run in (("on", trace), ("off", both.uncached)):
        for part in ("flops", "cache_bytes"):
            assert formula[name][part] == [getattr(step, part) for step in run.steps]
    assert trace.reuse_is_proven
    scores = all_role_scores(trace)["first-token"]
    by_pattern = np.nan_to_num(trace.pattern(2, 1))[2:, 0].mean()
    assert scores[2, 1] == pytest.approx(by_pattern, abs=1e-6)


def test_a_windowed_layer_takes_no_more_room_than_twice_its_window():
    layer = WindowedLayer(torch.empty(1, 2, 0, 3), torch.empty(1, 2, 0, 3), WINDOW)
    rows = torch.randn(2, 1, 2, 60, 3)
    fed = [11, *[1] * 20, 7, *[1] * 5]  # a prefill, steps, a second piece of text, steps
    start = 0
    for n in fed:
        new = rows[..., start : start + n, :]
        kept = min(start, WINDOW - 1)
        assert layer.get_mask_sizes(n) == (kept + n, start - kept)
        keys, values = layer.update(*new)
        assert torch.equal(keys, rows[0, ..., start - kept : start + n, :])
        assert torch.equal(values, rows[1, ..., start - kept : start + n, :])
        start += n
        gone = layer.let_go()
        assert gone.stop == start - (WINDOW - 1) == layer.first
        assert layer.keys.untyped_storage().nbytes() <= 2 * WINDOW * 2 * 3 * 4
        assert layer.get_seq_length() == start
    assert layer.take_writes()[:2] == [range(11), range(11, 12)]


def test_a_window_of_one_keeps_nothing(tmp_path):
    case = TinyDecoder("one", "Mistral", config={"sliding_window": 1})
    trace = trace_generation(load_model(case.save(tmp_path)), PROMPT, max_new_tokens=4)
    assert [step.cache_bytes for step in trace.steps] == [0] * 4
    assert not any(step.reused.size for step in trace.steps)
    assert np.array_equal(
        trace.pattern(1, 2)[~np.isnan(trace.pattern(1, 2))], np.ones(trace.n_rows)
    )


def test_a_layer_that_keeps_what_it_should_drop_makes_no_trace(windowed, monkeypatch):
    monkeypatch.setattr(WindowedLayer, "let_go", lambda self: range(0))
    with pytest.raises(TraceError, match=r"Step 0 drops 0 where 16 rows fall out"):
        trace_generation(windowed, PROMPT, max_new_tokens=3)


def test_observers_catch_a_layer_that_drops_nothing_and_says_it_did(windowed, monkeypatch):
    def lie(self):
        n_seen = self.get_seq_length()
        gone = range(self.first, n_seen - (WINDOW - 1))
        monkeypatch.setattr(self, "get_seq_length", lambda: n_seen)
        self.first = gone.stop
        return gone

    monkeypatch.setattr(WindowedLayer, "let_go", lie)
    with pytest.raises(ObservationError, match=r"Attention saw 1 query, 13 keys and 13 values"):
        trace_generation(windowed, PROMPT, max_new_tokens=3)


def test_attention_that_does_not_keep_to_the_window_is_caught(windowed):
    # The card says one window and the model has another.
    other = replace(windowed, card=replace(windowed.card, windows=(WINDOW + 1, 0, WINDOW + 1)))
    for use_cache in (True, False):
        with pytest.raises(ObservationError, match="did not keep to the window of 6"):
            trace_generation(other, PROMPT, max_new_tokens=2, use_cache=use_cache)


def test_a_dropped_row_whose_bits_have_changed_is_caught(windowed, monkeypatch):
    update = WindowedLayer.update

    def spoilt(self, keys, values, *rest, **named):
        if self.get_seq_length() == 14:
            self.keys[..., 0, 0] += 1
        return update(self, keys, values, *rest, **named)

    monkeypatch.setattr(WindowedLayer, "update", spoilt)
    with pytest.raises(ObservationError, match=r"not have the bits.*layer 0, position 10"):
        trace_generation(windowed, PROMPT, max_new_tokens=5)


def test_a_run_is_saved_and_opened_with_what_it_dropped(both):
    for trace in (both.cached, both.uncached):
        again = opened_again(trace)
        assert again.model == trace.model
        assert np.array_equal(trace.pattern(2, 1), again.pattern(2, 1), equal_nan=True)


def test_a_text_longer_than_the_window_is_drawn(both, tmp_path):
    assert both.cached.n_tokens > WINDOW
    for run in (both, both.cached, both.uncached):
        export_html(run, tmp_path / "run.html")
        assert run is both or run._repr_html_().startswith("<iframe")


def test_a_text_within_the_window_is_drawn(windowed, tmp_path):
    trace = trace_generation(windowed, "the dog", max_new_tokens=2)
    assert trace.n_tokens <= WINDOW
    export_html(trace, tmp_path / "run.html")
    assert trace._repr_html_().startswith("<iframe")


def test_a_text_is_read_with_its_windows_and_with_no_other_mask(windowed, both):
    encoding = trace_encoding(windowed, PROMPT)
    n = encoding.n_tokens
    assert np.array_equal(
        np.isnan(encoding.pattern(0, 1)), np.isnan(both.cached.pattern(0, 1))[:n, :n]
    )
    np.testing.assert_allclose(
        encoding.pattern(2, 0), both.uncached.pattern(2, 0)[:n, :n], atol=1e-5
    )
    for options in ({"mask": "bidirectional"}, {"pad_to": n + 2}):
        with pytest.raises(OptionsError, match="own mask alone"):
            trace_encoding(windowed, PROMPT, **options)
    assert trace_encoding(windowed, "the dog", mask="bidirectional").mask == "bidirectional"


@dataclass(frozen=True)
class Everything:
    name: ClassVar[str] = "everything"
    summary: ClassVar[str] = "Nothing is dropped."
    keeps_rows: ClassVar[bool] = True

    def rows(self, place):
        return FullRows(place)


def test_another_cache_is_refused_and_the_full_one_is_its_own(windowed, both):
    with pytest.raises(OptionsError, match="does not take this way of keeping rows"):
        trace_generation(windowed, PROMPT, max_new_tokens=2, cache=Everything())
    full = trace_generation(windowed, PROMPT, max_new_tokens=2, cache=caches.Full())
    assert full.options.cache_name == "full"
    layer = PreallocatedLayer(torch.empty(1, 1, 2, 4), torch.empty(1, 1, 2, 4))
    assert Cache(layers=[layer]).is_sliding == [False]
