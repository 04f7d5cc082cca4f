"""Llama mini as it ships: the outputs of transformers, heads with roles, and its card."""

import json

import numpy as np
import pytest
import torch
from transformers import LlamaForCausalLM

import kvviz
from kvviz.analysis import head_roles, probe_prompt
from kvviz.ui.work.model_names import WEIGHTS

FOLDER = WEIGHTS / "llama-mini"
TEXT = "Once upon a time there was a little girl named Lily. She lived in a small house."


@pytest.fixture(scope="module")
def model():
    return kvviz.load_model("kvviz/llama-mini", device="cpu")


@torch.no_grad()
def test_its_patterns_and_tokens_are_those_of_transformers(model):
    plain = LlamaForCausalLM.from_pretrained(
        FOLDER, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    trace = kvviz.trace_generation(model, TEXT, max_new_tokens=4)
    assert trace.tokens[0] == "<|endoftext|>"
    n = len(trace.steps[0].fed)
    out = plain(torch.tensor(trace.token_ids)[None, : trace.n_rows], output_attentions=True)
    for layer, weights in enumerate(out.attentions):
        for head in range(trace.model.n_heads):
            ours = np.nan_to_num(trace.pattern(layer, head))
            assert np.abs(ours - weights[0, head].numpy()).max() < 1e-5  # float32, other sums
    greedy = out.logits[0, n - 1 :].argmax(-1).tolist()
    assert greedy == [step.chosen_id for step in trace.steps]


@pytest.mark.parametrize("seed", range(3))
def test_previous_token_and_induction_heads_show_on_a_probe(model, seed):
    trace = kvviz.trace_generation(model, probe_prompt(seed), max_new_tokens=1)
    assert {"previous-token", "induction"} <= {role.role for role in head_roles(trace)}


def test_its_card_stands_beside_gpt2_mini_s():
    figures = json.loads((FOLDER / "evaluation.json").read_text(encoding="utf-8"))
    of_gpt2 = json.loads((WEIGHTS / "gpt2-mini" / "evaluation.json").read_text(encoding="utf-8"))
    # The same tokens: what GPT-2 mini costs here is what its own card tells.
    assert figures["n_tokens"] == of_gpt2["n_tokens"]
    assert figures["twin"]["name"] == "gpt2-mini"
    assert figures["twin"]["whole"] == pytest.approx(of_gpt2["bits_per_character"], abs=1e-4)
    assert figures["bits_per_character"] < 0.95 * of_gpt2["five_gram"]
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    for bits in (figures["bits_per_character"], figures["twin"]["whole"]):
        assert f"{bits:.3f}" in card


def test_it_is_small_and_so_is_all_that_ships():
    sizes = {one.parent.name: one.stat().st_size for one in WEIGHTS.glob("*/*.safetensors")}
    assert sizes["llama-mini"] <= 11_000_000
    assert sum(sizes.values()) <= 50_000_000
