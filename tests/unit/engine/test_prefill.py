"""A long prompt that is read in pieces gives what it gives in one."""

from __future__ import annotations

import numpy as np
import pytest
from torch.utils.flop_counter import FlopCounterMode

from kvviz.engine import load_model, trace_generation, trace_together
from kvviz.engine.running import prefill
from kvviz.engine.timing.race import prompt_batch
from kvviz.engine.timing.runner import Runner
from kvviz.errors import RunCancelledError
from tests.factories import make_card
from tests.parity.tiny_decoders import FULL, SLIDING, TinyDecoder
from tests.parity.tiny_models import PROMPT

WINDOWS = {"sliding_window": 5, "layer_types": [SLIDING, FULL, SLIDING]}


@pytest.fixture(scope="module", params=["GPT2", "Llama", "Gemma3"])
def reader(request, model, tmp_path_factory):
    """A model in float64, where another order of sums moves a row by less than float32 can tell."""
    if request.param == "GPT2":
        return model.as_dtype("float64")
    settings = WINDOWS if request.param == "Gemma3" else {}
    case = TinyDecoder(request.param, request.param, config=settings)
    return load_model(case.save(tmp_path_factory.mktemp("reader")), device="cpu", dtype="float64")


def pieces_of(n_rows, reader, monkeypatch):
    """Let a prompt be read in pieces of so many rows."""
    n_prompt, card = reader.count_tokens(PROMPT), reader.card
    most = n_rows * card.n_heads * n_prompt * card.bytes_per_number
    monkeypatch.setattr(prefill, "MOST_SCORE_BYTES", most)
    return n_prompt


@pytest.mark.parametrize("n_rows", [1, 4])
def test_it_has_the_same_rows_tokens_and_evictions(reader, monkeypatch, n_rows):
    whole = trace_generation(reader, PROMPT, max_new_tokens=5)
    n_prompt = pieces_of(n_rows, reader, monkeypatch)
    assert len(prefill.pieces(reader.card, range(n_prompt))) == -(-n_prompt // n_rows) > 2
    with FlopCounterMode(display=False) as counter:
        trace = trace_generation(reader, PROMPT, max_new_tokens=5)
    assert trace.token_ids.tolist() == whole.token_ids.tolist()
    for name in ("queries", "all_keys", "all_values"):
        # Rows of float64 that lie as near as 1e-12 are rounded to one float32 or to two neighbours.
        np.testing.assert_allclose(getattr(trace, name), getattr(whole, name), rtol=2e-7, atol=1e-9)
    for one, other in zip(trace.steps, whole.steps, strict=True):
        for name in ("fed", "computed", "reused", "evicted"):
            assert np.array_equal(getattr(one, name), getattr(other, name)), name
        assert one.cache_bytes == other.cache_bytes
    assert sum(step.flops for step in trace.steps) == counter.get_total_flops()
    assert trace.steps[0].flops != whole.steps[0].flops
    assert trace.reuse_is_proven


def test_runs_that_share_their_passes_read_in_pieces_too(reader, monkeypatch):
    alone = trace_generation(reader, PROMPT, max_new_tokens=3)
    pieces_of(3, reader, monkeypatch)
    one, other = trace_together(reader, [PROMPT, "the dog"], max_new_tokens=3)
    assert one.token_ids.tolist() == alone.token_ids.tolist()
    assert one.n_together == other.n_together == 2


def test_a_run_can_be_cancelled_between_two_pieces(reader, monkeypatch):
    pieces_of(4, reader, monkeypatch)
    asked = iter([False, False, True])
    with pytest.raises(RunCancelledError, match="before its first step"):
        trace_generation(reader, PROMPT, max_new_tokens=3, cancel=lambda: next(asked))


def test_scores_decide_how_large_a_piece_is():
    # The shape of SmolLM2 135M: 9 query heads.
    card = make_card(n_heads=9, n_kv_heads=3, n_ctx=8192)
    long = prefill.pieces(card, range(8192))
    assert [len(one) for one in long[:-1]] == [2**28 // (9 * 8192 * 4)] * 9
    assert long[-1].stop == 8192
    assert prefill.pieces(make_card(n_heads=12), range(1024)) == [range(1024)]


@pytest.fixture
def rows_of_the_head(model):
    """What the head was given: whether its rows lie by themselves, and not among others."""
    seen = []

    def look(_head, given):
        seen.append(given[0].untyped_storage().nbytes() == given[0].nbytes)

    hook = model.module.lm_head.register_forward_pre_hook(look)
    yield seen
    hook.remove()


@pytest.mark.parametrize("use_cache", [True, False])
def test_the_head_is_given_rows_of_their_own(model, rows_of_the_head, use_cache):
    """Else torch copies all of its weights for them, where they have 16 bits."""
    trace_generation(model, PROMPT, max_new_tokens=2, use_cache=use_cache)
    runner = Runner(model, prompt_batch(model, 4, 2), 2, use_cache=use_cache)
    runner.step()
    runner.step()
    assert rows_of_the_head == [True] * 4
