"""Gemma 3 270M against transformers' own eager attention, in its windows and past them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, DynamicCache

from kvviz.engine import load_model
from kvviz.engine.running.generation import prepared, run_alone
from kvviz.lessons.held_out import held_out_stories
from kvviz.trace import GenerationOptions
from tests.published.conftest import TEXTS
from tests.published.test_published_models import close

pytestmark = pytest.mark.published

WINDOW, FULL = 512, (5, 11, 17)


@pytest.fixture(scope="module")
def gemma(gemma_folder):
    return load_model("kvviz/gemma-3-270m", device="cpu")


@pytest.fixture(scope="module")
def plain(gemma_folder):
    return AutoModelForCausalLM.from_pretrained(
        gemma_folder, dtype=torch.float32, attn_implementation="eager"
    ).eval()


def run(model, text, n_new):
    """Return the trace of a run and the logits of its steps."""
    logits = []
    steps = prepared(
        model,
        text,
        GenerationOptions(n_new),
        n_top=10,
        on_logits=lambda _, row: logits.append(row.clone()),
    )
    return run_alone(model, steps), logits


def test_the_card_is_that_of_the_published_shape(gemma, gemma_folder):
    card = gemma.card
    assert (card.family, card.n_layers, card.n_heads, card.n_kv_heads) == ("gemma3", 18, 4, 1)
    assert (card.d_head, card.d_model, card.n_params) == (256, 640, 268_098_176)
    assert card.windows == tuple(0 if layer in FULL else WINDOW for layer in range(18))
    assert "de-quantised" in (gemma_folder / "README.md").read_text("utf-8")
    assert (gemma_folder / "GEMMA_TERMS.html").is_file()


def test_a_run_of_gemma_is_that_of_transformers(gemma, plain):
    trace, logits = run(gemma, TEXTS[0], 4)
    ids, start, cache = torch.tensor(trace.token_ids)[None], 0, DynamicCache()
    assert trace.token_ids[: trace.n_prompt].tolist() == gemma.begun_ids(TEXTS[0])
    for step in trace.steps:
        stop = trace.n_prompt + step.index
        with torch.no_grad():
            out = plain(ids[:, start:stop], past_key_values=cache, output_attentions=True)
        close(logits[step.index], out.logits[0, -1], "logits")
        assert step.chosen_id == int(out.logits[0, -1].argmax())
        for layer, weights in enumerate(out.attentions):
            for head in range(4):
                rows = np.nan_to_num(trace.pattern(layer, head))[start:stop, :stop]
                close(rows, weights[0, head], f"patterns of layer {layer}")
        start = stop
    for layer, held in enumerate(cache.layers):
        close(trace.keys(layer), held.keys[0], f"keys of layer {layer}")
        close(trace.values(layer), held.values[0], f"values of layer {layer}")
    assert trace.reuse_is_proven
    assert trace.tokens[trace.n_prompt :] == [" the", " capital", " of", " the"]


def test_rows_fall_out_of_its_windows_and_the_rest_is_that_of_transformers(gemma, plain):
    text = "\n\n".join(held_out_stories().values())
    ids = gemma.begun_ids(text)[: WINDOW + 40]
    trace, logits = run(gemma, gemma.text_of(ids[1:]), 2)
    n = trace.n_prompt
    assert n > WINDOW + 20
    windowed = DynamicCache(config=plain.config)
    fed, start = torch.tensor(trace.token_ids)[None], 0
    for step in trace.steps:
        stop = n + step.index
        with torch.no_grad():
            out = plain(fed[:, start:stop], past_key_values=windowed, logits_to_keep=1)
        close(logits[step.index], out.logits[0, -1], "logits")
        held = sum(one.keys.nbytes + one.values.nbytes for one in windowed.layers)
        assert step.cache_bytes == held
        start = stop
    for layer, one in enumerate(windowed.layers):
        live = trace.live(1, layer)[0]
        assert live.sum() == (n + 1 if layer in FULL else WINDOW)
        assert live[-WINDOW:].all()
        kept = one.keys.shape[-2]
        close(trace.keys(layer)[:, -kept:], one.keys[0], f"keys of layer {layer}")
        close(trace.values(layer)[:, -kept:], one.values[0], f"values of layer {layer}")
    dropped = trace.steps[0].evicted
    assert set(dropped[0].tolist()) == set(range(18)) - set(FULL)
    assert len(set(dropped[2].tolist())) == n - WINDOW + 1
    assert trace.reuse_is_proven
