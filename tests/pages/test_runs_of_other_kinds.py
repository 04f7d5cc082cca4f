"""What the pages say of a model with more heads than they need, and of runs they cannot draw."""

from __future__ import annotations

import io
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from kvviz.engine import load_model
from kvviz.ui.parts.run_state import RunState
from kvviz.ui.parts.saving import open_upload
from kvviz.ui.work import runs
from kvviz.ui.work.run_settings import RunSettings
from tests.factories import make_card, make_dropping, make_trace
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


def test_a_run_of_another_page_is_refused_in_words():
    file = Upload()
    make_trace(card=make_card(family="t5")).save(file)
    state = RunState()
    open_upload(state, file, "gpt2")
    assert "tests/random, a T5" in str(state.error)


WINDOWED = make_card(n_kv_heads=1, family="gemma3", windows=(0, 3))


@pytest.mark.parametrize(
    ("trace", "drops"),
    [
        (make_trace(card=WINDOWED), True),
        (make_trace(card=WINDOWED, use_cache=False), False),
        (make_dropping(), True),
    ],
    ids=["windows", "windows, uncached", "a named cache"],
)
def test_a_run_of_another_decoder_is_opened_also_where_rows_were_dropped(trace, drops):
    assert (trace.last_read is not None) == drops
    file, state = Upload(), RunState()
    trace.save(file)
    open_upload(state, file, "gpt2")
    assert state.error is None
    assert state.shown.trace.model == trace.model
