"""SmolLM2 and MiniLM against transformers' own eager attention, on texts that people write."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer, GPT2Config, GPT2LMHeadModel

from kvviz.engine import load_model, trace_encoding, trace_generation
from tests.published.against_transformers import assert_the_same_run, close, eager_decoder
from tests.published.conftest import TEXTS
from tests.runs_with_logits import run_with_logits

pytestmark = pytest.mark.published

N_NEW = 5


def test_the_vocabulary_of_gpt2_on_a_random_model_of_its_shape(gpt2_vocabulary):
    torch.manual_seed(0)
    module = GPT2LMHeadModel(GPT2Config()).half()
    module.save_pretrained(gpt2_vocabulary)
    ours = load_model(gpt2_vocabulary, device="cpu")
    card = ours.card
    assert (card.n_layers, card.d_model, card.n_heads, card.d_vocab) == (12, 768, 12, 50257)
    assert card.n_params == 124_439_808
    assert ours.tokenize("Hello world") == [15496, 995]
    plain = eager_decoder(gpt2_vocabulary)
    for text in TEXTS:
        trace = trace_generation(ours, text, max_new_tokens=2)
        assert "".join(trace.tokens[: trace.n_prompt]) == text or "‹" in "".join(trace.tokens)
        with torch.no_grad():
            out = plain(torch.tensor(trace.token_ids[None, :-1]), output_attentions=True)
        for layer, weights in enumerate(out.attentions):
            for head in range(12):
                close(np.nan_to_num(trace.pattern(layer, head)), weights[0, head], "patterns")
        best = out.logits[0, trace.n_prompt - 1 :].argmax(-1)
        assert trace.token_ids[trace.n_prompt :].tolist() == best.tolist()


@pytest.fixture(scope="module")
def plain(smollm2_folder):
    return eager_decoder(smollm2_folder)


def test_the_card_and_the_chat_template_are_those_that_were_published(smollm2, smollm2_folder):
    card = smollm2.card
    assert (card.n_layers, card.n_heads, card.n_kv_heads, card.d_head) == (30, 9, 3, 64)
    assert (card.d_model, card.n_ctx, card.d_vocab, card.n_params) == (
        576,
        8192,
        49152,
        134_515_008,
    )
    assert (card.family, card.source, card.name) == ("llama", "added", "kvviz/smollm2-135m")
    assert "de-quantised" in (smollm2_folder / "README.md").read_text("utf-8")
    assert "Apache License" in (smollm2_folder / "LICENSE").read_text("utf-8")
    tokenizer = AutoTokenizer.from_pretrained(smollm2_folder)
    talk = [{"role": "user", "content": "What is the capital of France?"}]
    chat = tokenizer.apply_chat_template(talk, add_generation_prompt=True, return_dict=False)
    trace = trace_generation(smollm2, talk, max_new_tokens=12)
    assert trace.token_ids[: trace.n_prompt].tolist() == chat
    assert trace.prompt.endswith("of France?<|im_end|>\n<|im_start|>assistant\n")
    assert "Paris" in "".join(trace.tokens[trace.n_prompt :])
    assert (trace.stopped, trace.tokens[-1]) == ("end-of-text", "<|im_end|>")
    assert trace.special_ids >= set(tokenizer.convert_tokens_to_ids(["<|im_start|>", "<|im_end|>"]))


@pytest.mark.parametrize("text", TEXTS, ids=["plain", "repeated", "code"])
def test_a_run_of_smollm2_is_that_of_transformers(text, smollm2, plain):
    trace, logits = run_with_logits(smollm2, text, N_NEW)
    assert trace.token_ids[: trace.n_prompt].tolist() == smollm2.tokenize(text)
    cache = assert_the_same_run(plain, trace, logits)
    assert trace.steps[-1].cache_bytes == sum(
        layer.keys.nbytes + layer.values.nbytes for layer in cache.layers
    )


def test_smollm2_knows_something(smollm2):
    trace = trace_generation(smollm2, TEXTS[0], max_new_tokens=1)
    assert trace.tokens[-1] == " Paris"


@pytest.mark.parametrize("text", TEXTS, ids=["plain", "repeated", "code"])
def test_a_reading_of_minilm_is_that_of_transformers(text, minilm, plain_minilm):
    reading = trace_encoding(minilm, text)
    assert not minilm.card.has_head
    with torch.no_grad():
        ids = torch.tensor(reading.token_ids)[None]
        out = plain_minilm(ids, output_hidden_states=True, output_attentions=True)
    for layer, states in enumerate(out.hidden_states):
        close(reading.hidden(layer), states[0], f"states {layer}")
    for layer, weights in enumerate(out.attentions):
        close(reading.patterns[layer], weights[0], f"patterns of layer {layer}")
        attention = plain_minilm.encoder.layer[layer].attention.self
        before = out.hidden_states[layer]
        for name, rows in (("key", reading.keys(layer)), ("value", reading.values(layer))):
            made = getattr(attention, name)(before)[0].unflatten(-1, (12, -1)).transpose(0, 1)
            close(rows, made.detach(), f"{name}s of layer {layer}")


@pytest.fixture(scope="module")
def minilm(minilm_folder):
    return load_model(minilm_folder, device="cpu")


@pytest.fixture(scope="module")
def plain_minilm(minilm_folder):
    return AutoModel.from_pretrained(
        minilm_folder, dtype=torch.float32, attn_implementation="eager"
    ).eval()
