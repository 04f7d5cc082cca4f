"""Runs of a T5: what is computed, what is reused, and observers that catch lies about either."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

import kvviz
from kvviz.engine import load_model, trace_both, trace_encoding, trace_generation
from kvviz.engine.caches.encoder_decoder import CrossRows
from kvviz.engine.caches.preallocated_layer import PreallocatedLayer
from kvviz.engine.observing.observation import StepObservation
from kvviz.errors import (
    ContextLengthError,
    ModelFilesError,
    ObservationError,
    OptionsError,
    PromptError,
    RunCancelledError,
)
from tests.parity.tiny_t5s import TEXT, TinyT5
from tests.unit.engine.conftest import hold_same_run, state_of, together_and_alone, unlike_jobs


def test_cross_rows_are_computed_once_and_read_ever_after(t5):
    trace = trace_generation(t5, TEXT, max_new_tokens=5)
    every = list(range(trace.encoder.n_tokens))
    assert [step.cross_computed.tolist() for step in trace.steps] == [every, [], [], [], []]
    assert [step.cross_reused.tolist() for step in trace.steps] == [[], every, every, every, every]
    assert [step.computed.tolist() for step in trace.steps] == [[0], [1], [2], [3], [4]]
    assert [step.reused.size for step in trace.steps] == [0, 1, 2, 3, 4]
    assert trace.reuse_is_proven
    per_token = trace.model.cache_bytes_per_token
    assert [step.cache_bytes for step in trace.steps] == [
        (n + len(every)) * per_token for n in (1, 2, 3, 4, 5)
    ]


def test_without_the_cache_every_step_computes_both(t5):
    trace = trace_generation(t5, TEXT, max_new_tokens=4, use_cache=False)
    every = list(range(trace.encoder.n_tokens))
    assert [step.cross_computed.tolist() for step in trace.steps] == [every] * 4
    assert [step.computed.size for step in trace.steps] == [1, 2, 3, 4]
    assert all(step.reused.size == step.cross_reused.size == 0 for step in trace.steps)
    assert all(step.cache_bytes == 0 for step in trace.steps)
    cached = trace_generation(t5, TEXT, max_new_tokens=4)
    assert trace.token_ids.tolist() == cached.token_ids.tolist()
    np.testing.assert_array_equal(trace.position_bias, cached.position_bias)
    np.testing.assert_array_equal(trace.cross.keys, cached.cross.keys)


def test_both_runs_read_the_same_encoding(t5):
    both = trace_both(t5, TEXT, max_new_tokens=3)
    encoders = [run.encoder for run in (both.cached, both.uncached)]
    np.testing.assert_array_equal(encoders[0].hidden_states, encoders[1].hidden_states)
    assert both.same_tokens


def test_the_encoder_has_no_head_and_hides_nothing(t5):
    enc = trace_encoding(t5, TEXT)
    assert enc.top_ids.shape == (enc.n_tokens, 0)
    assert (enc.label_ids == -1).all()
    assert enc.mask == trace_encoding(t5, TEXT, mask="bidirectional").mask == "bidirectional"
    with pytest.raises(OptionsError, match="its own, two-sided mask"):
        trace_encoding(t5, TEXT, mask="causal")
    with pytest.raises(OptionsError, match="family t5"):
        trace_encoding(t5, TEXT, hide=[1])


def test_the_same_seed_gives_the_same_sample_with_and_without_the_cache(t5):
    settings = {"temperature": 1.5, "top_k": 20, "seed": 4, "max_new_tokens": 8}
    cached = trace_generation(t5, TEXT, **settings)
    uncached = trace_generation(t5, TEXT, use_cache=False, **settings)
    assert cached.token_ids.tolist() == uncached.token_ids.tolist()
    other = trace_generation(t5, TEXT, **{**settings, "seed": 5})
    assert cached.token_ids.tolist() != other.token_ids.tolist()


def test_a_run_ends_at_the_end_of_text(t5):
    first = int(trace_generation(t5, TEXT, max_new_tokens=1).token_ids[-1])
    trace = trace_generation(replace(t5, stop_ids=frozenset({first})), TEXT, max_new_tokens=9)
    assert (trace.stopped, len(trace.steps)) == ("end-of-text", 1)


def test_a_prompt_is_refused_in_its_own_words(t5):
    with pytest.raises(PromptError, match="empty"):
        trace_generation(t5, "")
    with pytest.raises(ContextLengthError, match=r"reads up to 64. Shorten it by \d+ tokens"):
        trace_generation(t5, "the cat " * 60)
    with pytest.raises(ContextLengthError, match="Ask for 63 new tokens or fewer"):
        trace_generation(t5, TEXT, max_new_tokens=64)
    with pytest.raises(RunCancelledError):
        trace_generation(t5, TEXT, cancel=lambda: True)
    assert len(trace_generation(t5, "the", max_new_tokens=63).steps) == 63


def test_a_run_can_be_saved_and_opened(t5, tmp_path):
    trace = trace_generation(t5, TEXT, max_new_tokens=4)
    trace.save(tmp_path / "run.npz")
    again = kvviz.open_trace(tmp_path / "run.npz")
    assert again.tokens == trace.tokens
    assert again.encoder.tokens == trace.encoder.tokens
    np.testing.assert_array_equal(again.cross_pattern(1, 2), trace.cross_pattern(1, 2))
    np.testing.assert_array_equal(again.pattern(0, 1), trace.pattern(0, 1))


def test_the_model_is_unchanged_and_eight_threads_get_what_one_gets(t5):
    jobs = [
        *unlike_jobs(TEXT),
        {"prompt": "<extra_id_1> mat", "max_new_tokens": 10},
        {"prompt": TEXT, "max_new_tokens": 3},
    ]
    before = state_of(t5)
    for trace, alone in together_and_alone(t5, jobs, n_times=2):
        hold_same_run(trace, alone)
        np.testing.assert_array_equal(trace.position_bias, alone.position_bias)
        for name in ("queries", "keys", "values", "written_fingerprints"):
            np.testing.assert_array_equal(getattr(trace.cross, name), getattr(alone.cross, name))
    assert state_of(t5) == before


@pytest.fixture
def folder(tmp_path):
    return TinyT5("").save(tmp_path / "t5")


def test_the_start_token_is_that_of_the_generation_config_else_padding(folder, tmp_path):
    def start(name, edit):
        copy = shutil.copytree(folder, tmp_path / name)
        for file in ("config.json", "generation_config.json"):
            settings = json.loads((copy / file).read_text())
            settings.pop("decoder_start_token_id", None)
            (copy / file).write_text(json.dumps({**settings, **edit.get(file, {})}))
        return load_model(copy, device="cpu").start_id

    assert start("padding", {}) == 0
    assert start("said", {"generation_config.json": {"decoder_start_token_id": 5}}) == 5
    assert start("begun", {"generation_config.json": {"bos_token_id": 9}}) == 9
    with pytest.raises(ModelFilesError, match="decoder_start_token_id is 300"):
        start("outside", {"generation_config.json": {"decoder_start_token_id": 300}})


def lie(monkeypatch, dishonest, n_encoder):
    """Let cross-attention layers of the cache lie; those of the decoder's own stay honest."""
    honest = PreallocatedLayer.update

    def update(self, keys, values, *rest, **named):
        if keys.shape[-2] != n_encoder:
            return honest(self, keys, values, *rest, **named)
        return dishonest(self, honest, keys, values)

    monkeypatch.setattr(PreallocatedLayer, "update", update)


def copies(layer, honest, keys, values):
    keys, values = honest(layer, keys, values)
    return keys.clone(), values.clone()


def writes_nothing(layer, honest, keys, values):
    return keys, values


@pytest.mark.parametrize(
    ("dishonest", "words"),
    [
        (copies, "Cross-attention read other rows than the cache's"),
        (writes_nothing, "cross-attention cache wrote nothing"),
    ],
)
def test_a_cross_attention_cache_that_lies_is_caught(t5, monkeypatch, dishonest, words):
    n_encoder = trace_encoding(t5, TEXT).n_tokens
    lie(monkeypatch, dishonest, n_encoder)
    with pytest.raises(ObservationError, match=words):
        trace_generation(t5, TEXT, max_new_tokens=3)


def test_cross_rows_that_are_computed_again_in_secret_are_caught(t5, monkeypatch):
    attention = t5.module.decoder.block[1].layer[1].EncDecAttention
    honest = attention.forward

    def forward(hidden_states, *rest, **named):
        attention.k(named["key_value_states"])
        return honest(hidden_states, *rest, **named)

    monkeypatch.setattr(attention, "forward", forward)
    with pytest.raises(ObservationError, match="5 cross-attention projections reported rows"):
        trace_generation(t5, TEXT, max_new_tokens=3)


def test_cross_rows_that_are_changed_in_secret_fail_their_fingerprint(t5, monkeypatch):
    honest = CrossRows.settle

    def settle(self, observation, fed):
        if fed.start == 2:
            room = self._layers[1]._value_room
            room[0, 1, 3, 2] = torch.nextafter(room[0, 1, 3, 2], torch.tensor(torch.inf))
        return honest(self, observation, fed)

    monkeypatch.setattr(CrossRows, "settle", settle)
    with pytest.raises(ObservationError, match="the V row of layer 1, position 3"):
        trace_generation(t5, TEXT, max_new_tokens=5)


def test_a_layer_that_does_not_attend_to_the_encoder_is_caught(t5, monkeypatch):
    honest = StepObservation.saw_attention

    def saw(self, attended, *, cross=False):
        if not cross:
            honest(self, attended)

    monkeypatch.setattr(StepObservation, "saw_attention", saw)
    with pytest.raises(ObservationError, match="0 layers attended to the encoder"):
        trace_generation(t5, TEXT, max_new_tokens=2)
