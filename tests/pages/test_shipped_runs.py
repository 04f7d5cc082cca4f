"""The runs that ship are those of the models that ship."""

from __future__ import annotations

import numpy as np
import pytest

import kvviz
from kvviz.ui.pages.cache_lab import kept_run
from kvviz.ui.pages.cache_lab.recorded_run import recorded_run
from kvviz.ui.pages.cache_lab.settings import LabSettings
from kvviz.ui.pages.encoder_decoder import blanks, filled, settings
from kvviz.ui.pages.language_modelling import readings
from kvviz.ui.pages.language_modelling.recorded_lesson import recorded_lesson
from kvviz.ui.work import shipped_runs
from kvviz.ui.work.jobs import result_of
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


def test_the_lab_opens_with_a_run_of_the_model_that_ships():
    usual = LabSettings()
    stored = recorded_run(usual)
    model = model_store().get(stored.shown.settings)
    assert stored.shown.trace.model.revision == model.card.revision
    asked = stored.shown.settings, usual.cache, usual.text, usual.new
    fresh = result_of(lambda job: kept_run.make(model, job, *asked))
    assert (fresh.words, fresh.control) == (stored.words, stored.control)
    assert fresh.shown.trace.token_ids.tolist() == stored.shown.trace.token_ids.tolist()
    for step in range(usual.new):
        np.testing.assert_array_equal(
            fresh.shown.trace.live(step, 0), stored.shown.trace.live(step, 0)
        )
    for words, one in stored.along.caches.items():
        # Another processor adds up in another order; what is stored has five digits.
        np.testing.assert_allclose(
            one.divergences, fresh.along.caches[words].divergences, atol=1e-4
        )
    for told, now in ((stored.own, fresh.own), (stored.full, fresh.full)):
        assert [[token for token, _ in step] for step in told] == [
            [token for token, _ in step] for step in now
        ]


def test_the_lesson_opens_with_what_the_models_that_ship_make_of_its_text():
    lesson = recorded_lesson()
    wanted = lesson.reading.settings
    assert lesson.is_of(wanted)
    fresh = {
        "reading": result_of(lambda job: readings.read_next(wanted, job)),
        "masked": result_of(lambda job: readings.read_masked(wanted, 0, job)),
    }
    for name, now in fresh.items():
        then = getattr(lesson, name)
        assert then.card.revision == now.card.revision
        assert (then.cuts, then.n_right) == (now.cuts, now.n_right)
        assert [word.text for word in then.words] == [word.text for word in now.words]
        for one, other in zip(then.columns, now.columns, strict=True):
            same = "fed", "kind", "asked", "rank"
            assert [one[key] for key in same] == [other[key] for key in same]
            # Another processor adds up in another order.
            assert one["bits"] == pytest.approx(other["bits"], abs=1e-3)
        assert then.summary.mean_bits == pytest.approx(now.summary.mean_bits, abs=1e-3)
    given = lesson.free.found.n_given
    assert given == readings.given_of(lesson.reading, None)
    free = result_of(lambda job: readings.compare_free(wanted, given, job))
    assert free.tokens == lesson.free.tokens
    assert (free.given, free.stopped) == (lesson.free.given, lesson.free.stopped)
    np.testing.assert_allclose(lesson.free.found.free_bits, free.found.free_bits, atol=1e-3)
