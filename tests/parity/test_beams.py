"""Several texts at once: transformers' own beams, token by token, with rows that are shared."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from kvviz import load_model, trace_beams, trace_generation
from kvviz.engine.running import beams
from kvviz.errors import OptionsError, OutOfMemoryError, TraceError, TraceFileError
from tests.parity.test_speculation import CASES, WINDOW
from tests.parity.tiny_models import PROMPT

N_NEW, BLOCK = 10, 4


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.name)
def pair(request, tmp_path_factory):
    """A model, and transformers' own load of the same folder."""
    folder = request.param.save(tmp_path_factory.mktemp("beams"))
    return load_model(folder), request.param.load_plain(folder)


def generated(plain, ids, n_beams, stop_ids=None):
    """Return the texts that transformers finds, likeliest first, and their scores."""
    tokens = torch.tensor([ids])
    with torch.inference_mode():
        out = plain.generate(
            tokens,
            attention_mask=torch.ones_like(tokens),
            max_new_tokens=N_NEW,
            num_beams=n_beams,
            num_return_sequences=n_beams,
            do_sample=False,
            pad_token_id=0,
            eos_token_id=stop_ids,
            return_dict_in_generate=True,
            output_scores=True,
        )
    return out.sequences.tolist(), out.sequences_scores.tolist()


@pytest.mark.parametrize("ends", [False, True], ids=["to the end", "texts that end"])
def test_texts_and_scores_are_those_of_transformers(pair, ends):
    model, plain = pair
    stops = []
    if ends:
        # Tokens that the search comes upon, so that texts end at several lengths.
        found = trace_beams(model, PROMPT, n_beams=4, max_new_tokens=N_NEW).found
        stops = sorted({int(one.token_ids[-at]) for one in found for at in (2, 5)})[:2]
        model = replace(model, stop_ids=frozenset(stops))
    run = trace_beams(model, PROMPT, n_beams=4, max_new_tokens=N_NEW, block=BLOCK)
    ids = run.best.token_ids[: run.n_prompt].tolist()
    sequences, scores = generated(plain, ids, 4, stops or None)
    assert len(run.found) == 4
    with pytest.raises(TraceFileError, match="several beams cannot be saved yet"):
        run.save("beams.npz")
    for one, theirs, score in zip(run.found, sequences, scores, strict=True):
        n = one.token_ids.size
        assert one.token_ids.tolist() == theirs[:n]
        # What stands behind an end is filled up with it.
        assert set(theirs[n:]) <= {*stops[:1]}
        # Theirs are sums in float32.
        assert one.score == pytest.approx(score, abs=2e-5)
    assert run.reuse_is_proven


def test_one_beam_is_greedy_and_rows_are_held_once(pair):
    model, _plain = pair
    greedy = trace_generation(model, PROMPT, max_new_tokens=N_NEW)
    one = trace_beams(model, PROMPT, n_beams=1, max_new_tokens=N_NEW, block=BLOCK)
    assert one.best.token_ids.tolist() == greedy.token_ids.tolist()
    assert one.best.score == pytest.approx(
        float(np.log([step.chosen_prob for step in greedy.steps]).mean()), abs=1e-5
    )
    assert one.n_copied == 0
    with FlopCounterMode(display=False) as counter:
        run = trace_beams(model, PROMPT, n_beams=4, max_new_tokens=N_NEW, block=BLOCK)
    assert sum(step.flops for step in run.steps) == counter.get_total_flops()
    row_bytes = model.card.cache_bytes_per_token
    copied = 0
    for number, step in enumerate(run.steps):
        n_running = step.n_holders.shape[0]
        assert n_running == (4 if number else 1)
        # Each block counted once: a row held by n beams is an nth of a row in each.
        first_of_block = step.n_holders[:, ::BLOCK]
        n_blocks = (1.0 / first_of_block).sum()
        assert step.cache_bytes == round(n_blocks) * BLOCK * row_bytes
        assert step.alone_bytes == n_running * step.n_rows * row_bytes
        # Whoever writes has its last block for itself, and the prompt's whole blocks are one.
        assert (step.n_holders[:, -1] == 1).all()
        if number:
            assert (step.n_holders[:, : run.n_prompt // BLOCK * BLOCK] == n_running).all()
        copied += step.n_copied
    assert copied == run.n_copied > 0
    assert run.steps[-1].cache_bytes < run.steps[-1].alone_bytes


def test_what_cannot_go_on_with_several_texts_is_refused(pair, tmp_path, monkeypatch):
    model, _plain = pair
    for how in ({"n_beams": 0}, {"n_beams": 99}, {"max_new_tokens": 0}, {"block": 0}):
        with pytest.raises(OptionsError):
            trace_beams(model, PROMPT, **how)
    sliding = load_model(WINDOW.save(tmp_path / "window"))
    with pytest.raises(OptionsError, match="whole text"):
        trace_beams(sliding, PROMPT)
    monkeypatch.setattr(beams, "free_bytes", lambda _device: 1000)
    with pytest.raises(OutOfMemoryError, match="so many beams"):
        trace_beams(model, PROMPT)


def test_a_text_that_no_beam_was_given_is_no_text_of_the_search(pair):
    model, _plain = pair
    run = trace_beams(model, PROMPT, n_beams=2, max_new_tokens=4)
    other = run.best.token_ids.copy()
    other[run.n_prompt] += 1
    with pytest.raises(TraceError, match="step by step"):
        replace(run, found=[replace(run.best, token_ids=other)])
