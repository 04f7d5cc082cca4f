"""Folders laid out as the hub's gpt2, bert-base-uncased and t5-small load and run whole."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from kvviz.engine import load_model, trace_encoding, trace_generation
from tests.parity.published import BERT, GPT2, T5, V1_1, save_bert, save_gpt2, save_t5

TEXT = "The cat sat on the mat"


def placed(folder, model, rename, *, left_out):
    """Hold every tensor of the file to what stands in the model; return the names it holds."""
    weights = load_file(folder / "model.safetensors")
    state = model.module.state_dict()
    for name, tensor in weights.items():
        if not name.startswith(left_out) and not name.endswith(left_out):
            assert torch.equal(tensor, state[rename(name)]), name
    return weights.keys()


def test_gpt2_loads_with_its_masks_and_without_a_prefix(tmp_path):
    folder = save_gpt2(tmp_path)
    model = load_model(folder, device="cpu")
    names = placed(folder, model, lambda name: f"transformer.{name}", left_out=(".attn.bias",))
    assert "h.0.attn.bias" in names
    card = model.card
    assert (card.n_layers, card.n_heads, card.d_head, card.n_ctx) == (2, 4, 6, GPT2["n_ctx"])
    assert model.stop_ids == {0}
    trace = trace_generation(model, TEXT, max_new_tokens=3)
    assert "".join(trace.tokens[: trace.n_prompt]) == TEXT


def test_bert_base_uncased_loads_with_the_names_of_its_first_checkpoint(tmp_path):
    folder = save_bert(tmp_path)
    model = load_model(folder, device="cpu")

    def rename(name):
        return name.replace("LayerNorm.gamma", "LayerNorm.weight").replace(
            "LayerNorm.beta", "LayerNorm.bias"
        )

    left_out = ("bert.pooler.", "cls.seq_relationship.", "position_ids")
    names = placed(folder, model, rename, left_out=left_out)
    assert {"bert.embeddings.LayerNorm.gamma", "cls.predictions.decoder.weight"} <= names
    bias = load_file(folder / "model.safetensors")["cls.predictions.bias"]
    assert torch.equal(model.module.state_dict()["cls.predictions.decoder.bias"], bias)
    card = model.card
    assert (card.n_layers, card.n_heads, card.d_head) == (3, 3, 10)
    assert card.n_ctx == BERT["max_position_embeddings"]
    encoding = trace_encoding(model, TEXT, hide=(2,))
    assert encoding.tokens[:3] == ["[CLS]", "the", "[MASK]"]
    assert encoding.tokens[-1] == "[SEP]"
    assert np.isfinite(encoding.label_logprobs[2])


@pytest.mark.parametrize("settings", [{}, V1_1, {"feed_forward_proj": "gated-gelu"}],
                         ids=["t5-small", "t5-v1_1-small", "gated and tied"])  # fmt: skip
def test_t5_small_loads_with_its_sentencepiece_vocabulary(tmp_path, settings):
    folder = save_t5(tmp_path, **settings)
    model = load_model(folder, device="cpu")
    unused = "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight"
    names = placed(folder, model, str, left_out=(unused,))
    assert {unused, "decoder.embed_tokens.weight"} <= names
    state = model.module.state_dict()
    tied = settings.get("tie_word_embeddings", True)
    assert torch.equal(state["lm_head.weight"], state["shared.weight"]) == tied
    card = model.card
    assert (card.n_layers, card.n_encoder_layers, card.n_heads) == (2, 2, 3)
    assert (card.d_head, card.d_model, card.mlp_is_gated) == (12, 28, bool(settings))
    assert card.d_vocab == T5["vocab_size"]
    assert (model.start_id, model.stop_ids) == (0, {1})
    # Sentinels swallow no neighbour, and the end of the text is added. A piece that begins a word
    # carries its space, also right behind a sentinel.
    read = model.tokenize_whole("The cat<extra_id_0> on the<extra_id_1>.")
    texts = [model.token_text(token_id) for token_id in read.token_ids]
    assert texts[-1] == "</s>"
    assert [text for text in texts if text.startswith("<extra")] == ["<extra_id_0>", "<extra_id_1>"]
    assert "".join(texts[:-1]).strip() == "The cat<extra_id_0> on the<extra_id_1> ."
    trace = trace_generation(model, "The cat<extra_id_0> on the mat", max_new_tokens=3)
    assert trace.steps[0].cross_computed.size == trace.encoder.n_tokens


def test_settings_of_other_tasks_are_read_past(tmp_path):
    folder = save_t5(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    assert {"task_specific_params", "output_past", "n_positions"} <= config.keys()
    kept = load_model(folder, device="cpu").module.config
    assert not hasattr(kept, "task_specific_params")
    assert not hasattr(kept, "output_past")
