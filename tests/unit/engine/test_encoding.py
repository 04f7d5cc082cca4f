from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import fields, replace

import numpy as np
import pytest
import torch

import kvviz
from kvviz.analysis.losses import loss_summary
from kvviz.analysis.words import word_losses
from kvviz.engine import load_model, trace_encoding, trace_generation
from kvviz.engine.observing.observation import StepObservation
from kvviz.engine.running import encoding as encoding_module
from kvviz.errors import (
    ContextLengthError,
    ModelFamilyError,
    ModelFilesError,
    ObservationError,
    OptionsError,
    OutOfMemoryError,
    PromptError,
    TraceError,
)
from kvviz.trace import EncodingTrace
from tests.parity.tiny_berts import TEXT, TinyBert
from tests.parity.tiny_models import PROMPT
from tests.unit.engine.conftest import state_of


def assert_same(one: EncodingTrace, other: EncodingTrace):
    for field in fields(EncodingTrace):
        if field.name != "seconds":
            np.testing.assert_array_equal(
                getattr(one, field.name), getattr(other, field.name), err_msg=field.name
            )


def test_a_bert_reads_both_ways_and_a_gpt2_only_back(bert, model):
    assert trace_encoding(bert, TEXT).mask == "bidirectional"
    assert trace_encoding(model, PROMPT).mask == "causal"
    assert not np.isnan(trace_encoding(bert, TEXT).patterns).any()
    assert np.isnan(trace_encoding(bert, TEXT, mask="causal").pattern(2, 1)[0, 1:]).all()
    assert not np.isnan(trace_encoding(model, PROMPT, mask="bidirectional").patterns).any()


def test_asking_for_the_models_own_mask_changes_nothing(bert, model):
    assert_same(trace_encoding(bert, TEXT), trace_encoding(bert, TEXT, mask="bidirectional"))
    assert_same(trace_encoding(model, PROMPT), trace_encoding(model, PROMPT, mask="causal"))


def test_the_other_mask_changes_what_the_model_says(bert, model):
    for one, text in ((bert, TEXT), (model, PROMPT)):
        causal = trace_encoding(one, text, mask="causal")
        both_ways = trace_encoding(one, text, mask="bidirectional")
        assert (causal.top_probs[0] != both_ways.top_probs[0]).any()


def test_hidden_tokens_are_masked_and_judged_by_what_they_were(bert):
    enc = trace_encoding(bert, TEXT, hide=[5, 2, 5])
    assert enc.hidden_positions == (2, 5)
    assert [enc.tokens[place] for place in (2, 5)] == ["[MASK]", "[MASK]"]
    assert [enc.vocabulary[enc.original_ids[place]] for place in (2, 5)] == ["cat", "the"]
    assert np.flatnonzero(enc.label_ids >= 0).tolist() == [2, 5]
    assert [enc.text[start:end] for start, end in enc.spans[[2, 5]]] == ["cat", "the"]


def test_token_ids_are_fed_as_they_are(bert, model):
    enc = trace_encoding(bert, [6, 2, 4, 3])
    assert enc.token_ids.tolist() == [6, 2, 4, 3]
    assert enc.text == "cat[CLS][MASK][SEP]"
    assert enc.special.tolist() == [False, True, False, True]
    assert enc.spans.tolist() == [[0, 3], [-1, -1], [8, 14], [-1, -1]]
    ids = model.tokenize(PROMPT)
    given, typed = trace_encoding(model, np.array(ids)), trace_encoding(model, PROMPT)
    assert given.text == PROMPT
    assert_same(given, typed)


def test_the_end_of_text_is_special_also_as_token_0(model):
    assert trace_encoding(model, [0, 70]).special.tolist() == [True, False]


def test_spare_rows_are_not_in_the_trace(bert):
    enc, padded = trace_encoding(bert, TEXT), trace_encoding(bert, TEXT, pad_to=24)
    assert padded.n_tokens == enc.n_tokens == 15
    assert padded.flops > enc.flops
    # Another number of rows may sum in another order.
    np.testing.assert_allclose(padded.hidden_states, enc.hidden_states, atol=1e-4)
    np.testing.assert_allclose(padded.patterns.sum(-1), 1, atol=1e-5)


@pytest.mark.parametrize("n", [1, 40])
def test_likely_tokens_are_as_many_as_asked_for(bert, n):
    enc = trace_encoding(bert, TEXT, top_k=n)
    assert enc.top_ids.shape == (15, n)


def test_likely_tokens_are_at_most_the_vocabulary(bert):
    assert trace_encoding(bert, TEXT, top_k=10**6).top_ids.shape == (15, 40)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "text is empty"),
        (" \n", "nothing but white space"),
        ("\ud800", "half of a character"),
        ([], "There are none"),
        ([5, 40], "Found 40; .* knows 0 to 39"),
        ([-1], "Found -1"),
        (["the"], "Found 'the'"),
        ([1.5], r"Found 1\.5"),
    ],
)
def test_text_that_cannot_be_read_is_refused(bert, text, words):
    with pytest.raises(PromptError, match=words):
        trace_encoding(bert, text)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"mask": "both"}, "model, causal or bidirectional.*Found 'both'"),
        ({"mask": None}, "Found None"),
        ({"top_k": 0}, "likely tokens.*Found 0"),
        ({"top_k": True}, "Found True"),
        ({"hide": [15]}, "from 0 to 14. Found 15"),
        ({"hide": [-1]}, "Found -1"),
        ({"hide": ["a"]}, "Found 'a'"),
        ({"pad_to": 14}, r"from 15 .* to 24 .*Found 14"),
        ({"pad_to": 25}, "Found 25"),
        ({"pad_to": "20"}, "Found '20'"),
    ],
)
def test_settings_out_of_their_range_are_refused(bert, settings, words):
    with pytest.raises(OptionsError, match=words):
        trace_encoding(bert, TEXT, **settings)


def test_only_a_bert_has_tokens_hidden_from_it(model):
    with pytest.raises(OptionsError, match=r"Only a BERT.*family gpt2"):
        trace_encoding(model, PROMPT, hide=[1])


def test_a_bert_whose_tokenizer_has_no_mask_token_cannot_hide(bert):
    class NoMask:
        def __getattr__(self, name):
            return None if name == "mask_token_id" else getattr(bert._tokenizer, name)

        def __call__(self, *args, **named):
            return bert._tokenizer(*args, **named)

    with pytest.raises(OptionsError, match="no mask token"):
        trace_encoding(replace(bert, _tokenizer=NoMask()), TEXT, hide=[1])


def test_a_text_may_fill_the_context_and_no_more(bert):
    assert trace_encoding(bert, "the " * 22).n_tokens == 24
    words = "25 tokens, 2 of them added around it; .* has 24 positions. Shorten it by 1 token or"
    with pytest.raises(ContextLengthError, match=words):
        trace_encoding(bert, "the " * 23)


def test_a_bert_says_why_it_does_not_generate(bert):
    with pytest.raises(ModelFamilyError, match=r"every position sees every other.*trace_encoding"):
        trace_generation(bert, TEXT)
    with pytest.raises(ModelFamilyError, match="no KV cache"):
        kvviz.trace_both(bert, TEXT)


def test_a_bert_without_its_head_predicts_nothing(tmp_path):
    headless = load_model(TinyBert("", layout="headless").save(tmp_path), device="cpu")
    enc = trace_encoding(headless, TEXT, hide=[2])
    assert not headless.card.has_head
    assert enc.top_ids.shape == (15, 0)
    assert (enc.label_ids == -1).all()
    assert np.isnan(enc.label_logprobs).all()


def test_an_encoding_can_be_saved_and_opened(bert, tmp_path):
    enc = trace_encoding(bert, TEXT, hide=[2], mask="causal")
    enc.save(tmp_path / "enc.npz")
    again = kvviz.open_trace(tmp_path / "enc.npz")
    assert_same(enc, again)
    assert again.seconds == enc.seconds


def test_the_model_is_unchanged_and_eight_threads_get_what_one_gets(bert, model):
    jobs = [
        (bert, TEXT, {}),
        (bert, TEXT, {"mask": "causal"}),
        (bert, "the dog", {"hide": [1]}),
        (bert, TEXT, {"pad_to": 20, "top_k": 3}),
        (model, PROMPT, {}),
        (model, PROMPT, {"mask": "bidirectional"}),
        (model, " the dog sat", {}),
        (model, PROMPT, {"pad_to": 40}),
    ]
    before = state_of(bert), state_of(model)
    serial = [trace_encoding(one, text, **settings) for one, text, settings in jobs]
    barrier = threading.Barrier(len(jobs))

    def work(job):
        one, text, settings = job
        barrier.wait()
        return [trace_encoding(one, text, **settings) for _ in range(4)]

    with ThreadPoolExecutor(len(jobs)) as pool:
        together = list(pool.map(work, jobs))
    for alone, repeats in zip(serial, together, strict=True):
        for enc in repeats:
            assert_same(enc, alone)
    with pytest.raises(PromptError):
        trace_encoding(bert, "")
    assert (state_of(bert), state_of(model)) == before


def test_memory_that_runs_out_is_told(bert, monkeypatch):
    def fail(*_, **__):
        raise torch.OutOfMemoryError("out of memory: tried to allocate 9 GiB")

    monkeypatch.setattr(encoding_module, "encode", fail)
    with pytest.raises(OutOfMemoryError, match="9 GiB Shorten the text"):
        trace_encoding(bert, TEXT)


def test_a_mask_that_is_not_the_one_asked_for_is_caught(bert, model, monkeypatch):
    monkeypatch.setattr(encoding_module, "_arguments", lambda *_: {})
    with pytest.raises(ObservationError, match="Layer 0 attended without a mask"):
        trace_encoding(bert, TEXT, mask="causal")
    with pytest.raises(ObservationError, match="Attention was given another mask"):
        trace_encoding(model, PROMPT, mask="bidirectional")


def test_rows_projected_twice_are_caught(bert, monkeypatch):
    attention = bert.module.bert.encoder.layer[1].attention.self
    honest = attention.forward

    def forward(hidden_states, *rest, **named):
        attention.key(hidden_states)
        return honest(hidden_states, *rest, **named)

    monkeypatch.setattr(attention, "forward", forward)
    with pytest.raises(ObservationError, match="7 projections"):
        trace_encoding(bert, TEXT)


def test_a_layer_that_does_not_attend_is_caught(bert, monkeypatch):
    monkeypatch.setattr(StepObservation, "saw_attention", lambda *_, **__: None)
    with pytest.raises(ObservationError, match="0 layers attended"):
        trace_encoding(bert, TEXT)


@pytest.mark.parametrize("text", [None, 5, b"ab", 1.5])
def test_what_is_read_is_a_text_or_a_list_of_ids(model, bert, t5, text):
    for one in (model, bert, t5):
        with pytest.raises(PromptError, match="a text, or a list of token ids"):
            trace_encoding(one, text)


@pytest.mark.parametrize("hide", [None, 1, "ab"])
def test_what_is_hidden_is_a_list_of_positions(bert, hide):
    with pytest.raises(OptionsError, match="hidden positions must be a list"):
        trace_encoding(bert, TEXT, hide=hide)


def test_a_layer_is_a_whole_number(bert):
    encoding = trace_encoding(bert, TEXT)
    for layer in ("0", 0.5, None):
        with pytest.raises(TraceError, match="There is no layer"):
            encoding.pattern(layer, 0)
    assert encoding.pattern(np.int64(1), 0) is not None


def test_a_text_that_the_tokenizer_has_no_token_for_is_said_to_be_one(model, t5, monkeypatch):
    def nothing(self, text, **_):
        return {"input_ids": [], "special_tokens_mask": [], "offset_mapping": []}

    for one in (model, t5):
        monkeypatch.setattr(type(one._tokenizer), "__call__", nothing)
        with pytest.raises(PromptError, match="has no token for any of this text"):
            trace_encoding(one, "你好")
        with pytest.raises(PromptError, match="has no token for any of this text"):
            trace_generation(one, "你好")


def test_spare_rows_are_filled_with_a_token_that_the_model_knows(model, monkeypatch):
    plain = trace_encoding(model, PROMPT, pad_to=30)
    monkeypatch.setattr(type(model._tokenizer), "pad_token_id", model.card.d_vocab, raising=False)
    assert_same(trace_encoding(model, PROMPT, pad_to=30), plain)


def test_a_t5_whose_numbers_leave_their_range_is_refused_with_what_to_do(t5):
    module = deepcopy(t5.module)
    module.encoder.final_layer_norm.weight.data.fill_(float("inf"))
    broken = replace(t5, module=module)
    for work in (trace_encoding, trace_generation):
        with pytest.raises(ModelFilesError, match=r"not finite.*dtype float32"):
            work(broken, "the cat")


def test_a_t5_keeps_in_float32_what_transformers_keeps_so(t5):
    narrow = t5.as_dtype("float16")
    dtypes = {name: one.dtype for name, one in narrow.module.named_parameters()}
    assert {dtype for name, dtype in dtypes.items() if ".wo." in name} == {torch.float32}
    assert {dtype for name, dtype in dtypes.items() if ".wo." not in name} == {torch.float16}
    wide = narrow.as_dtype("float64")
    assert {one.dtype for one in wide.module.parameters()} == {torch.float64}


def test_the_name_of_a_special_token_is_no_character_of_a_text_given_as_ids(model, monkeypatch):
    text = "The cat sat on the mat."
    ids = model.tokenize(text)
    stop = 0
    monkeypatch.setattr(type(model._tokenizer), "eos_token_id", stop, raising=False)
    typed, given = trace_encoding(model, text), trace_encoding(model, [stop, *ids])
    n_first = typed.spans[0, 1]
    assert loss_summary(typed).n_characters == len(text) - n_first
    assert loss_summary(given).n_characters == len(text), "here the first token is judged too"
    assert [word.text for word in word_losses(given)] == text.split()
