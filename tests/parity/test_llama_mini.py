"""Llama mini as it ships: transformers' own outputs, heads with roles, and a sink at its start."""

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
def test_its_patterns_and_logits_are_those_of_transformers(model):
    plain = LlamaForCausalLM.from_pretrained(
        FOLDER, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    trace = kvviz.trace_generation(model, TEXT, max_new_tokens=4)
    ids = torch.tensor(trace.token_ids)[None]
    n = len(trace.steps[0].fed)
    out = plain(ids[:, : trace.n_rows], output_attentions=True)
    for layer, weights in enumerate(out.attentions):
        for head in range(trace.model.n_heads):
            ours = np.nan_to_num(trace.pattern(layer, head))
            assert np.abs(ours - weights[0, head].numpy()).max() < 1e-5  # float32, other sums
    greedy = out.logits[0, n - 1 :].argmax(-1).tolist()
    assert greedy == [step.chosen_id for step in trace.steps]
    assert trace.tokens[0] == "<|endoftext|>"


@pytest.mark.parametrize("seed", range(3))
def test_previous_token_and_induction_heads_show_on_a_probe(model, seed):
    trace = kvviz.trace_generation(model, probe_prompt(seed), max_new_tokens=1)
    found = {role.role for role in head_roles(trace)}
    assert {"previous-token", "induction"} <= found


def test_it_is_small_and_finished_and_its_card_stands_beside_gpt2_mini():
    assert (FOLDER / "model.safetensors").stat().st_size <= 11_000_000
    film = [json.loads(line) for line in (FOLDER / "film.jsonl").read_text().splitlines()]
    assert film[-1]["progress"] == 1.0
    figures = json.loads((FOLDER / "evaluation.json").read_text())
    ours = json.loads((WEIGHTS / "gpt2-mini" / "evaluation.json").read_text())
    # The same tokens: the twin's loss is the one that its own card tells.
    assert figures["twin"]["whole"] == pytest.approx(ours["bits_per_character"], abs=1e-4)
    assert figures["n_tokens"] == ours["n_tokens"]
    assert figures["bits_per_character"] < ours["five_gram"]


def test_all_models_that_ship_take_50_mb_at_most():
    assert sum(one.stat().st_size for one in WEIGHTS.glob("*/model.safetensors")) <= 50_000_000
