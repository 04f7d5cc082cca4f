"""What the training writes is what the engine loads."""

from __future__ import annotations

import pytest
import torch

from kvviz.engine import load_model, trace_encoding, trace_generation
from training.checkpoint import Checkpoint, Progress
from training.export import write_model
from training.models import build_model
from training.recipes import Shape
from training.tokenizer import train_tokenizer

STORIES = ["The king saw the fox.", "The fox ran to the house, and the king sat down."] * 20


@pytest.fixture(params=["gpt2", "llama", "bert", "t5"])
def exported(request, tmp_path):
    shape = Shape(request.param, n_layers=2, n_heads=2, d_model=16, n_ctx=64, d_vocab=400)
    torch.manual_seed(0)
    state = build_model(shape).state_dict()
    progress = Progress(step=1, tokens=64, seconds=1.0, started=1.0, film_points=1)
    tokenizer = train_tokenizer(STORIES, shape.d_vocab)
    write_model(Checkpoint(state, {}, progress, shape, {}), tokenizer, tmp_path)
    return load_model(tmp_path, device="cpu")


def test_an_exported_model_reads_a_text(exported):
    card = exported.card
    assert (card.n_layers, card.n_heads, card.d_head) == (2, 2, 8)
    assert (card.n_ctx, card.d_vocab, card.has_head) == (64, 400, True)
    enc = trace_encoding(exported, "The king sat.")
    first, last = {"llama": (1, 0), "bert": (1, 1), "t5": (0, 1)}.get(card.family, (0, 0))
    words = enc.tokens[first : enc.n_tokens - last]
    assert "".join(words) == "The king sat."
    around = [text for text, one in zip(enc.tokens, enc.special, strict=True) if one]
    end = ["<|endoftext|>"]
    expected = {"gpt2": [], "llama": end, "bert": ["[CLS]", "[SEP]"], "t5": end}
    assert around == expected[card.family]


def test_a_run_of_an_exported_llama_begins_with_the_start_token(exported):
    if exported.card.family == "llama":
        trace = trace_generation(exported, "The king sat.", max_new_tokens=2)
        assert trace.tokens[0] == "<|endoftext|>"
        assert "".join(trace.tokens[1 : trace.n_prompt]) == "The king sat."


def test_only_the_bert_can_have_a_token_hidden(exported):
    if exported.card.family == "bert":
        enc = trace_encoding(exported, "The king sat.", hide=[2])
        assert enc.tokens[2] == "[MASK]"
        assert enc.label_ids[2] == enc.original_ids[2]


def test_an_exported_t5_generates(exported):
    if exported.card.family == "t5":
        trace = trace_generation(exported, "The king <extra_id_0> down.", max_new_tokens=3)
        assert trace.tokens[0] == "[PAD]"
        assert "<extra_id_0>" in trace.encoder.tokens
        assert exported.stop_ids == {0}
