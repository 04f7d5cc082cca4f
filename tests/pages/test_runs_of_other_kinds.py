"""What the pages say of a model with more heads than they need, and of runs they cannot draw."""

from __future__ import annotations

import io
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from kvviz.engine import load_model
from kvviz.trace.named_cache import NamedCache
from kvviz.ui.parts.run_state import RunState
from kvviz.ui.parts.saving import open_upload
from kvviz.ui.work import runs
from kvviz.ui.work.run_settings import RunSettings
from tests.factories import make_card, make_trace
from tests.parity.tiny_models import PROMPT, TinyModel


class Upload(io.BytesIO):
    file_id = "1"


@pytest.mark.parametrize("both", [True, False])
def test_a_run_says_which_heads_of_its_model_were_left_out(both, tmp_path, monkeypatch):
    monkeypatch.setenv("KVVIZ_THREADS", "1")
    folder = TinyModel("tiny").save(tmp_path)
    weights = load_file(folder / "model.safetensors")
    weights["score.weight"] = np.ones((3, 24), np.float32)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    model = load_model(folder, device="cpu")
    job = SimpleNamespace(report=lambda *_: None, cancelled=lambda: False)
    shown = runs.run(model, RunSettings(prompt=PROMPT, new=2), job, both=both)
    assert "without its parts for other tasks: score." in shown.note


@pytest.mark.parametrize(
    ("trace", "words"),
    [
        (
            replace(
                make_trace(), options=replace(make_trace().options, cache=NamedCache("window"))
            ),
            "used the cache 'window'",
        ),
        (make_trace(card=make_card(family="t5")), "tests/random, a T5"),
    ],
    ids=["named cache", "another family"],
)
def test_a_run_that_no_page_can_draw_is_refused_in_words(trace, words):
    file = Upload()
    trace.save(file)
    state = RunState()
    open_upload(state, file, "gpt2")
    assert words in str(state.error)


@pytest.mark.parametrize("use_cache", [True, False])
def test_a_run_of_another_decoder_is_opened_also_where_rows_fell_out_of_a_window(use_cache):
    card = make_card(n_kv_heads=1, family="gemma3", windows=(0, 3))
    trace = make_trace(card=card, use_cache=use_cache)
    assert (trace.last_read is not None) == use_cache
    file, state = Upload(), RunState()
    trace.save(file)
    open_upload(state, file, "gpt2")
    assert state.error is None
    assert state.shown.trace.model == trace.model
