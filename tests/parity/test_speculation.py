"""Tokens that are guessed: the text is the greedy one, and transformers' own with guesses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from kvviz import load_model, trace_generation, trace_speculative
from kvviz.engine.caches.full import FullRows
from kvviz.engine.running.drafts import looked_up
from kvviz.errors import (
    ContextLengthError,
    ModelFamilyError,
    OptionsError,
    TraceError,
    TraceFileError,
)
from kvviz.trace import SpeculativePass
from tests.parity.tiny_berts import TinyBert
from tests.parity.tiny_decoders import SIX_OVER_TWO, TinyDecoder
from tests.parity.tiny_models import PROMPT, TinyModel

N_NEW = 12
CASES = [
    TinyModel("odd heads and width", config={"n_embd": 35, "n_head": 5}),
    TinyDecoder("six over two", config=SIX_OVER_TWO),
]
WINDOW = TinyDecoder("window of 5", "Mistral", config={**SIX_OVER_TWO, "sliding_window": 5})


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.name)
def pair(request, tmp_path_factory):
    """A model, and transformers' own load of the same folder."""
    folder = request.param.save(tmp_path_factory.mktemp("speculation"))
    return load_model(folder), request.param.load_plain(folder)


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """Another model with the same tokenizer, of other weights and one layer."""
    case = TinyModel("one layer", config={"n_layer": 1, "n_embd": 12, "n_head": 2})
    return load_model(case.save(tmp_path_factory.mktemp("draft")))


def generated(plain, ids, **how):
    """Return what transformers writes with guesses of its own."""
    tokens = torch.tensor([ids])
    with torch.inference_mode():
        out = plain.generate(
            tokens,
            attention_mask=torch.ones_like(tokens),
            max_new_tokens=N_NEW,
            do_sample=False,
            pad_token_id=0,
            **how,
        )
    return out[0].tolist()


@pytest.mark.parametrize("by", ["lookup", "a model"])
def test_the_text_is_the_greedy_one_and_transformers_own(pair, other, by):
    model, plain = pair
    if by == "a model":
        # Of the one a model that is always right, of the other one that knows nothing of it.
        by = "itself" if model.card.family == "gpt2" else "other"
    draft = {"lookup": "lookup", "itself": model, "other": other}[by]
    with FlopCounterMode(display=False) as counter:
        run = trace_speculative(model, PROMPT, draft=draft, n_draft=3, max_new_tokens=N_NEW)
    greedy = trace_generation(model, PROMPT, max_new_tokens=N_NEW)
    ids = run.token_ids.tolist()
    assert ids == greedy.token_ids.tolist()
    how = (
        {"prompt_lookup_num_tokens": 3}
        if by == "lookup"
        else {"assistant_model": plain if by == "itself" else other.module}
    )
    assert ids == generated(plain, ids[: run.n_prompt], **how)
    # Operations of every pass and of every guess, as torch counts them.
    assert sum(one.flops + one.guess_flops for one in run.passes) == counter.get_total_flops()
    assert run.reuse_is_proven
    # Rows that stayed are those of the greedy run: the last token has none in either.
    assert run.written_fingerprints.shape == greedy.written_fingerprints.shape
    assert run.passes[-1].cache_bytes == greedy.steps[-1].cache_bytes
    if by == "itself":
        assert (run.n_accepted, run.n_taken_back) == (run.n_proposed, 0)
        assert len(run.passes) == 1 + -(-(N_NEW - 1) // 4)
    if by == "other":
        assert run.n_taken_back > 0
    with pytest.raises(TraceFileError, match="Save the run of the same prompt"):
        run.save("guesses.npz")


def test_rows_of_wrong_guesses_are_gone_from_the_tensors(pair, other, monkeypatch):
    """The law of the crop: what was taken back is no operand again, nor are its numbers there."""
    model, _plain = pair
    left = []
    take_back = FullRows.take_back

    def watched(rows, n_rows):
        taken = take_back(rows, n_rows)
        shapes = {layer.keys.shape[-2] for layer in rows._layers}
        behind = rows._buffer[..., taken.start : taken.stop, :]
        left.append((n_rows, shapes, bool(behind.isnan().all())))
        return taken

    monkeypatch.setattr(FullRows, "take_back", watched)
    run = trace_speculative(model, PROMPT, draft=other, n_draft=2, max_new_tokens=N_NEW)
    assert all(shapes == {n_rows} and is_gone for n_rows, shapes, is_gone in left)
    n_rows = 0
    for one in run.passes:
        assert one.reused.tolist() == list(range(n_rows))
        n_rows += one.fed.size - one.taken_back.size
        assert one.taken_back.tolist() == list(range(n_rows, n_rows + one.taken_back.size))
    told = run.tokens_at(1)
    assert list(told[: run.n_prompt + 1]) == run.tokens[: run.n_prompt + 1]
    assert len(told) == run.passes[1].fed[-1] + 1


def test_the_first_place_is_looked_up_of_the_longest_ending():
    assert looked_up([7, 1, 2, 3, 4, 1, 2, 3], 9) == [4, 1, 2, 3]
    # Of two places the first; of two endings the longer.
    assert looked_up([1, 5, 1, 6, 1], 1) == [5]
    assert looked_up([2, 8, 1, 2, 9, 4, 1, 2], 1) == [9]
    assert looked_up([1, 2, 3], 4) == looked_up([1], 4) == []


def test_a_run_ends_with_a_token_that_ends_the_text(pair):
    model, _plain = pair
    greedy = trace_generation(model, PROMPT, max_new_tokens=N_NEW).token_ids.tolist()
    end = greedy[-5]
    where = greedy.index(end, len(greedy) - N_NEW)
    ending = replace(model, stop_ids=frozenset({end}))
    run = trace_speculative(ending, PROMPT, draft=model, n_draft=6, max_new_tokens=N_NEW)
    assert run.token_ids.tolist() == greedy[: where + 1]
    # Its row is not there: nobody looks for what comes after it.
    assert run.written_fingerprints.shape[-1] == where


def test_what_cannot_guess_or_be_guessed_for_is_refused(pair, other, tmp_path, foreign):
    model, _plain = pair

    def refused(kind, words, asked=model, **how):
        with pytest.raises(kind, match=words):
            trace_speculative(asked, PROMPT, **how)

    refused(OptionsError, "1 to 32", n_draft=0)
    refused(OptionsError, "New tokens: 1 to", max_new_tokens=10**6)
    refused(OptionsError, "“lookup”, or a model", draft="somebody")
    refused(OptionsError, "the same tokens", draft=foreign)
    refused(ContextLengthError, "positions", max_new_tokens=40)
    sliding = load_model(WINDOW.save(tmp_path / "sliding"))
    refused(OptionsError, "see a window", asked=sliding)
    refused(OptionsError, "see the whole text", draft=sliding)
    with pytest.raises(TraceError, match="takes back the last"):
        SpeculativePass(
            *(np.array(one) for one in ([3, 4, 5], [0, 1, 2], [7, 8], [4])),
            chosen_id=1, seconds=0.0, guess_seconds=0.0, flops=1, guess_flops=0, cache_bytes=1,
        )  # fmt: skip


@pytest.fixture
def foreign(other):
    """A decoder with another tokenizer."""
    found = replace(other)
    found.__dict__["vocabulary"] = {"a": 0}
    return found


def test_a_bert_guesses_nothing(tmp_path):
    with pytest.raises(ModelFamilyError, match="tokens can be guessed"):
        trace_speculative(load_model(TinyBert("tiny").save(tmp_path)), PROMPT)
