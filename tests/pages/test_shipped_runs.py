"""The runs that ship are those of the models that ship."""

from __future__ import annotations

import numpy as np
import pytest

import kvviz
from kvviz.ui.pages.encoder_decoder import blanks, filled, settings
from kvviz.ui.work import shipped_runs
from kvviz.ui.work.model_store import model_store
from kvviz.ui.work.run_settings import RunSettings


def as_gpt2_reads(_, text):
    return text, ()


def as_t5_reads(model, text):
    read = blanks.as_read(text)
    return read, filled.final_sentinels(model, read)


@pytest.mark.parametrize(
    ("name", "usual", "reads"),
    [
        (shipped_runs.GPT2, RunSettings(), as_gpt2_reads),
        (shipped_runs.T5, settings.usual(), as_t5_reads),
    ],
    ids=["GPT-2", "T5"],
)
def test_a_run_that_ships_is_of_the_model_that_ships(name, usual, reads):
    stored = shipped_runs.shipped_run(name)
    assert stored.settings == usual
    assert shipped_runs.ships(name, usual)
    model = model_store().get(usual)
    assert stored.trace.model.revision == model.card.revision
    prompt, stop_ids = reads(model, usual.prompt)
    fresh = kvviz.trace_generation(model, prompt, max_new_tokens=usual.new, stop_ids=stop_ids)
    assert fresh.token_ids.tolist() == stored.trace.token_ids.tolist()
    # Another processor adds up in another order, which float32 shows in its last bits.
    for layer in range(fresh.model.n_layers):
        np.testing.assert_allclose(fresh.keys(layer), stored.trace.keys(layer), atol=1e-4)
