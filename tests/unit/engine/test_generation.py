"""What a run promises: its steps, its end, its errors, and that the model stays as it was."""

from __future__ import annotations

import gc
import math
import weakref
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import kvviz
from kvviz.engine import load_model, trace_both, trace_generation
from kvviz.engine.caches.full import FullRows
from kvviz.errors import (
    ContextLengthError,
    OptionsError,
    OutOfMemoryError,
    PromptError,
    RunCancelledError,
)
from tests.parity.tiny_models import PROMPT
from tests.unit.engine.conftest import hold_same_run, state_of, together_and_alone, unlike_jobs


def test_call_of_the_documentation_works_word_for_word():
    model = kvviz.load_model("kvviz/gpt2-mini", device="auto", dtype="float32")
    trace = kvviz.trace_generation(model, "Once upon a time", max_new_tokens=24, use_cache=True,
                                   temperature=0.0, top_k=None, top_p=None, seed=0)  # fmt: skip
    assert trace.text.startswith("Once upon a time")
    assert trace.n_tokens == trace.n_prompt + 24 == len(trace.tokens)
    assert [step.kind for step in trace.steps] == ["prefill"] + ["decode"] * 23
    assert trace.pattern(0, 0).shape == (trace.n_rows, trace.n_rows)
    assert trace.keys(0).shape == (8, trace.n_rows, 32)
    assert trace.environment["torch"] == torch.__version__


@settings(max_examples=25)
@given(
    words=st.integers(1, 8),
    n_new=st.integers(1, 12),
    use_cache=st.booleans(),
    temperature=st.sampled_from([0.0, 0.7, 3.0]),
    seed=st.integers(0, 5),
)
def test_every_run_keeps_the_law_of_its_kind(model, words, n_new, use_cache, temperature, seed):
    trace = trace_generation(
        model,
        " the cat" * words,
        max_new_tokens=n_new,
        use_cache=use_cache,
        temperature=temperature,
        seed=seed,
    )
    assert len(trace.steps) == n_new
    for number, step in enumerate(trace.steps):
        n_rows = trace.n_prompt + number
        n_computed = n_rows if number == 0 or not use_cache else 1
        assert step.fed.tolist() == step.computed.tolist() == list(range(n_rows))[-n_computed:]
        assert step.reused.tolist() == list(range(n_rows - n_computed))
        held = trace.model.cache_bytes_per_token * n_rows
        assert step.cache_bytes == (held if use_cache else 0)
        assert step.chosen_id in trace.vocabulary
        assert step.seconds > 0
    assert trace.reuse_is_proven
    for layer in range(trace.model.n_layers):
        for head in range(trace.model.n_heads):
            rows = np.nansum(trace.pattern(layer, head), axis=1)
            # A float32 softmax over up to 40 numbers.
            np.testing.assert_allclose(rows, 1, atol=1e-5)


@settings(max_examples=15)
@given(
    temperature=st.sampled_from([0.3, 1.0, 2.0]),
    top_k=st.none() | st.integers(1, 50),
    top_p=st.none() | st.floats(0.1, 1),
    seed=st.integers(0, 2**63 - 1),
)
def test_same_seed_gives_the_same_tokens_with_and_without_cache(
    model, temperature, top_k, top_p, seed
):
    cached, uncached = (
        trace_generation(
            model,
            PROMPT,
            max_new_tokens=8,
            use_cache=use_cache,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            seed=seed,
        )
        for use_cache in (True, False)
    )
    assert cached.token_ids.tolist() == uncached.token_ids.tolist()


def test_sampling_probabilities_are_one_hot_when_greedy_and_those_drawn_from_otherwise(model):
    greedy = trace_generation(model, PROMPT, max_new_tokens=3, n_top=4)
    for step in greedy.steps:
        assert step.top_ids[0] == step.chosen_id
        assert step.top_sampling_probs.tolist() == [1, 0, 0, 0]
    sampled = trace_generation(model, PROMPT, max_new_tokens=3, n_top=4, temperature=1.0, top_k=2)
    for step in sampled.steps:
        kept = step.top_probs[:2] / step.top_probs[:2].sum()
        np.testing.assert_allclose(step.top_sampling_probs, [*kept, 0, 0], rtol=1e-5)
        assert step.top_probs[3] > 0, "the model's own distribution knows nothing of top-k"


@pytest.mark.parametrize("n_new", [31, 32, 33])
def test_notes_are_worked_into_steps_at_every_length(model, n_new):
    """Around the number of steps that are worked up at once."""
    trace = trace_generation(model, " the", max_new_tokens=n_new)
    assert [step.index for step in trace.steps] == list(range(n_new))
    assert [step.chosen_id for step in trace.steps] == trace.token_ids[trace.n_prompt :].tolist()


def test_seeds_differ(model):
    runs = {
        tuple(trace_generation(model, PROMPT, temperature=2.0, seed=seed).token_ids)
        for seed in range(4)
    }
    assert len(runs) == 4


ROUNDING = 1000 * torch.finfo(torch.float32).eps
"""Rows of up to about 15, through two layers below."""


def test_rows_that_are_computed_again_move_by_rounding_alone(model):
    trace = trace_generation(model, PROMPT, use_cache=False)
    moved = [step.max_row_change for step in trace.steps]
    assert moved[0] == 0.0
    # Not more than nothing: some processors round a row alike in every pass.
    assert max(moved) < ROUNDING
    exact = trace_generation(model.as_dtype("float64"), PROMPT, use_cache=False)
    assert max(step.max_row_change for step in exact.steps) < 1e-12


def test_a_step_tells_how_far_rows_moved_that_it_computed_again(model):
    """All keys of the last layer are moved while the run goes on, so on any processor."""
    nudged = replace(model, module=deepcopy(model.module))
    bias = nudged.module.transformer.h[-1].attn.c_attn.bias
    keys = slice(len(bias) // 3, 2 * len(bias) // 3)

    def nudge(n_done: int, _: int) -> None:
        if n_done == 2:
            bias.data[keys] += 0.5

    trace = trace_generation(nudged, PROMPT, max_new_tokens=4, use_cache=False, progress=nudge)
    moved = [step.max_row_change for step in trace.steps]
    assert moved == pytest.approx([0, 0, 0.5, 0], abs=ROUNDING)


def test_run_stops_at_the_end_of_text_and_appends_it(model):
    longer = trace_generation(model, PROMPT, max_new_tokens=10)
    generated = longer.token_ids[longer.n_prompt :].tolist()
    stop = generated[4]
    trace = trace_generation(replace(model, stop_ids=frozenset({stop})), PROMPT, max_new_tokens=10)
    assert trace.stopped == "end-of-text"
    assert trace.token_ids.tolist()[trace.n_prompt :] == generated[: generated.index(stop) + 1]
    assert longer.stopped == "length"


def test_a_token_that_is_named_ends_the_run_with_and_without_the_cache(model, tmp_path):
    generated = trace_generation(model, PROMPT, max_new_tokens=10).token_ids[-10:].tolist()
    stop = generated[4]
    first = generated.index(stop)
    both = trace_both(model, PROMPT, max_new_tokens=10, stop_ids=[stop])
    for trace in (both.cached, both.uncached):
        assert trace.stopped == "stop-token"
        assert trace.token_ids.tolist()[trace.n_prompt :] == generated[: first + 1]
    both.cached.save(tmp_path / "run.npz")
    again = kvviz.open_trace(tmp_path / "run.npz")
    assert (again.stopped, again.options.stop_ids) == ("stop-token", (stop,))
    of_numpy = trace_generation(model, PROMPT, max_new_tokens=10, stop_ids=np.array([stop]))
    assert of_numpy.options == both.cached.options
    for wrong in (["the"], 5, [-1], [model.card.d_vocab], [1.5]):
        for generate in (trace_generation, trace_both):
            with pytest.raises(OptionsError, match="ends a run"):
                generate(model, PROMPT, stop_ids=wrong)


def test_end_of_text_is_read_from_the_generation_config_first(folder):
    def stop_ids(generation_config, config):
        path = folder / "config.json"
        text = path.read_text().replace('"eos_token_id": null', f'"eos_token_id": {config}')
        (folder / "generation_config.json").unlink(missing_ok=True)
        if generation_config is not None:
            (folder / "generation_config.json").write_text(generation_config)
        path.write_text(text)
        loaded = load_model(folder).stop_ids
        path.write_text(text.replace(f'"eos_token_id": {config}', '"eos_token_id": null'))
        return loaded

    assert stop_ids(None, "null") == frozenset()
    assert stop_ids(None, "5") == {5}
    assert stop_ids('{"eos_token_id": 7}', "5") == {7}
    assert stop_ids('{"eos_token_id": [7, 9]}', "5") == {7, 9}
    assert stop_ids("{}", "5") == frozenset()


def test_progress_is_told_after_each_step(model):
    told = []
    trace_generation(
        model, PROMPT, max_new_tokens=4, progress=lambda done, most: told.append((done, most))
    )
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize("use_cache", [True, False])
def test_cancelled_run_keeps_what_is_there(model, use_cache):
    whole = trace_generation(model, PROMPT, max_new_tokens=6, use_cache=use_cache)
    answers = iter([False, False, False, True])
    trace = trace_generation(
        model, PROMPT, max_new_tokens=6, use_cache=use_cache, cancel=lambda: next(answers)
    )
    assert (trace.stopped, len(trace.steps)) == ("cancelled", 3)
    assert trace.token_ids.tolist() == whole.token_ids[: trace.n_tokens].tolist()
    # Without a cache the rows are those of a last step over fewer rows: equal up to rounding.
    tolerance = 0 if use_cache else 1e-5
    np.testing.assert_allclose(trace.keys(1), whole.keys(1)[:, : trace.n_rows], atol=tolerance)
    assert trace.reuse_is_proven


def test_run_cancelled_before_its_first_step_is_an_error(model):
    with pytest.raises(RunCancelledError, match="before its first step"):
        trace_generation(model, PROMPT, cancel=lambda: True)


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("", "The prompt is empty"),
        ("   ", "nothing but white space"),
        ("\n\t  ", "nothing but white space"),
        (None, "A prompt is text. It is of type NoneType"),
        (b"bytes", "A prompt is text. It is of type bytes"),
        (["list"], "Turn 1 is 'list'. It looks like this: "),
        ([], "A conversation has 1 to 64 turns"),
        ("a\ud83db", r"Character 2 is the lone surrogate U\+D83D"),
    ],
)
def test_prompt_that_is_none_is_refused(model, prompt, words):
    with pytest.raises(PromptError, match=words):
        trace_generation(model, prompt)


@pytest.mark.parametrize(
    "prompt",
    [
        "😀 ok",
        "مرحبا",
        "日本",
        "<script>",
        "a\x00\x07\x1b[31mb",
        "\u202eabc",
        "\ufeffa",
        "é e\u0301",
        "<|endoftext|>",
        "  the cat",
    ],
)
def test_odd_text_is_run_and_kept_as_it_was_typed(model, prompt):
    trace = trace_generation(model, prompt, max_new_tokens=2)
    assert trace.prompt == prompt
    assert model.text_of(trace.token_ids[: trace.n_prompt]) == prompt


@pytest.mark.parametrize(
    "options",
    [
        {"max_new_tokens": 0},
        {"max_new_tokens": -5},
        {"max_new_tokens": 1.0},
        {"max_new_tokens": True},
        {"max_new_tokens": "24"},
        {"max_new_tokens": None},
        {"use_cache": 1},
        {"use_cache": "off"},
        {"temperature": -0.1},
        {"temperature": math.nan},
        {"temperature": math.inf},
        {"temperature": True},
        {"temperature": "hot"},
        {"top_k": 0},
        {"top_k": True},
        {"top_k": 2.5},
        {"top_p": 0.0},
        {"top_p": 1.1},
        {"top_p": math.nan},
        {"top_p": True},
        {"seed": -1},
        {"seed": 2**63},
        {"seed": 0.5},
        {"n_top": 0},
        {"n_top": True},
        {"n_top": 2.0},
    ],
    ids=str,
)
def test_setting_out_of_range_is_refused_before_anything_runs(model, options, monkeypatch):
    monkeypatch.setattr(model.module, "forward", lambda *_, **__: pytest.fail("the model ran"))
    with pytest.raises(OptionsError) as caught:
        trace_generation(model, PROMPT, **options)
    assert str(next(iter(options.values()))) in str(caught.value)


@pytest.mark.parametrize("n_new", [37, 100, 10**30])
def test_run_beyond_the_context_is_refused_with_the_numbers(model, n_new, monkeypatch):
    monkeypatch.setattr(model.module, "forward", lambda *_, **__: pytest.fail("the model ran"))
    words = rf"12 prompt tokens and {n_new:,} new .*has 48 positions.* room for 36 new tokens"
    with pytest.raises(ContextLengthError, match=words):
        trace_generation(model, PROMPT, max_new_tokens=n_new)


def test_run_that_just_fits_the_context_runs(model):
    assert len(trace_generation(model, PROMPT, max_new_tokens=36).steps) == 36


def test_prompt_longer_than_the_context_is_told_to_shrink(model):
    with pytest.raises(ContextLengthError, match=r"room for 0 new tokens. .* to 40 tokens"):
        trace_generation(model, "word " * 5000, max_new_tokens=8)


def test_more_likely_tokens_than_there_are_gives_all(model):
    trace = trace_generation(model, PROMPT, max_new_tokens=2, n_top=10_000)
    assert trace.steps[0].top_ids.size == model.card.d_vocab
    assert trace.steps[0].top_probs.sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
        MemoryError(),
    ],
    ids=["device", "host", "python"],
)
def test_run_out_of_memory_gives_it_back(model, monkeypatch, error):
    buffers = []
    build = FullRows.__init__

    def remember(self, *arguments):
        build(self, *arguments)
        buffers.append(weakref.ref(self._buffer))

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(FullRows, "__init__", remember)
    monkeypatch.setattr(FullRows, "settle", fail)
    before = state_of(model)
    with pytest.raises(OutOfMemoryError, match="does not fit into the memory of cpu") as caught:
        trace_generation(model, PROMPT)
    error.__traceback__ = None  # the test's own hold on the frames
    gc.collect()
    assert buffers[0]() is None, f"{caught.value} holds the buffer"
    assert state_of(model) == before


def test_other_errors_are_not_taken_for_lack_of_memory(model, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("something else")

    monkeypatch.setattr(FullRows, "settle", fail)
    with pytest.raises(RuntimeError, match="something else"):
        trace_generation(model, PROMPT)


def test_model_is_unchanged_by_runs_errors_and_cancels(model, monkeypatch):
    before, threads = state_of(model), torch.get_num_threads()

    def stop_at_two(done, _):
        if done == 2:
            raise KeyboardInterrupt

    trace_generation(model, PROMPT)
    trace_generation(model, PROMPT, use_cache=False, temperature=1.0)
    with pytest.raises(KeyboardInterrupt):
        trace_generation(model, PROMPT, progress=stop_at_two)
    with pytest.raises(RunCancelledError):
        trace_generation(model, PROMPT, cancel=lambda: True)
    with pytest.raises(PromptError):
        trace_generation(model, "")
    assert state_of(model) == before
    assert torch.get_num_threads() == threads
    assert not torch.is_inference_mode_enabled()


def test_state_digest_would_see_a_change(model):
    before = state_of(model)
    parameter = next(model.module.parameters())
    kept = parameter[0, 0].item()
    try:
        parameter[0, 0] += 1
        assert state_of(model) != before
    finally:
        parameter[0, 0] = kept
    model.module.train()
    try:
        assert state_of(model) != before
    finally:
        model.module.eval()
    assert state_of(model) == before


def test_six_threads_get_what_one_gets(model):
    """Different prompts, settings and lengths on one model at once, bit for bit."""
    before = state_of(model)
    for trace, alone in together_and_alone(model, unlike_jobs(PROMPT), n_times=4):
        hold_same_run(trace, alone)
    assert state_of(model) == before


def test_trace_can_be_saved_and_opened(model, tmp_path):
    trace = trace_generation(model, PROMPT)
    trace.save(tmp_path / "run.npz")
    again = kvviz.open_trace(tmp_path / "run.npz")
    np.testing.assert_array_equal(again.all_keys, trace.all_keys)
    assert again.tokens == trace.tokens
