"""Gemma 3 270M against transformers' own eager attention, in its windows and past them."""

from __future__ import annotations

import pytest
import torch
from transformers import DynamicCache

from kvviz.engine import load_model
from kvviz.lessons.held_out import held_out_stories
from tests.published.against_transformers import assert_the_same_run, close, eager_decoder
from tests.published.conftest import TEXTS
from tests.runs_with_logits import run_with_logits

pytestmark = pytest.mark.published

WINDOW, FULL = 512, (5, 11, 17)


@pytest.fixture(scope="module")
def gemma(gemma_folder):
    return load_model("kvviz/gemma-3-270m", device="cpu")


@pytest.fixture(scope="module")
def plain(gemma_folder):
    return eager_decoder(gemma_folder)


def test_the_card_is_that_of_the_published_shape(gemma, gemma_folder):
    card = gemma.card
    assert (card.family, card.n_layers, card.n_heads, card.n_kv_heads) == ("gemma3", 18, 4, 1)
    assert (card.d_head, card.d_model, card.n_params) == (256, 640, 268_098_176)
    assert card.windows == tuple(0 if layer in FULL else WINDOW for layer in range(18))
    assert "de-quantised" in (gemma_folder / "README.md").read_text("utf-8")
    assert (gemma_folder / "GEMMA_TERMS.html").is_file()


def test_a_run_of_gemma_is_that_of_transformers(gemma, plain):
    trace, logits = run_with_logits(gemma, TEXTS[0], 4)
    assert trace.token_ids[: trace.n_prompt].tolist() == gemma.begun_ids(TEXTS[0])
    assert_the_same_run(plain, trace, logits)
    assert trace.tokens[trace.n_prompt :] == [" the", " capital", " of", " the"]


def test_rows_fall_out_of_its_windows_and_the_rest_is_that_of_transformers(gemma, plain):
    text = "\n\n".join(held_out_stories().values())
    ids = gemma.begun_ids(text)[: WINDOW + 40]
    trace, logits = run_with_logits(gemma, gemma.text_of(ids[1:]), 2)
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
