import numpy as np
import pytest

from kvviz.engine.timing import step_profile
from kvviz.engine.timing.ceilings import N_TRIALS, measure_ceilings
from kvviz.engine.timing.step_profile import profile_step
from kvviz.errors import (
    ContextLengthError,
    ModelFamilyError,
    ObservationError,
    OptionsError,
    RunCancelledError,
)
from kvviz.trace.step_profile import PARTS
from tests.unit.engine.conftest import state_of


@pytest.mark.parametrize(("use_cache", "n_new"), [(True, 1), (False, 9)])
@pytest.mark.parametrize("batch", [1, 2])
def test_the_walk_has_the_bits_of_the_step_and_times_every_part(model, use_cache, n_new, batch):
    before = state_of(model)
    found = profile_step(model, 9, use_cache=use_cache, batch=batch, repeats=2)
    assert (found.n_new, found.n_keys, found.batch) == (n_new, 9, batch)
    assert found.seconds.shape == (2, len(PARTS))
    assert (found.seconds > 0).all()
    assert (found.whole_seconds > 0).all()
    assert state_of(model) == before


def test_a_walk_that_leaves_something_out_is_found_out(model, monkeypatch):
    plain = step_profile.observed_attention

    def half(module, query, *rest, **more):
        return plain(module, query / 2, *rest, **more)

    monkeypatch.setattr(step_profile, "observed_attention", half)
    with pytest.raises(ObservationError, match="do not add up"):
        profile_step(model, 9)


def test_a_part_that_takes_longer_is_the_part_that_is_longer(model, monkeypatch):
    """Time spent inside the MLP is counted as the MLP's."""
    import time

    mlp = type(model.module.transformer.h[0].mlp)
    plain = mlp.forward

    def slow(self, *rest):
        time.sleep(0.05)
        return plain(self, *rest)

    monkeypatch.setattr(mlp, "forward", slow)
    found = profile_step(model, 5, repeats=1)
    assert found.parts["MLP"] >= 0.05 * model.card.n_layers
    assert found.whole >= 0.05 * model.card.n_layers
    assert max(found.parts, key=found.parts.__getitem__) == "MLP"


def test_progress_and_cancel(model):
    seen = []
    profile_step(model, 5, repeats=3, progress=lambda *numbers: seen.append(numbers))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    with pytest.raises(RunCancelledError):
        profile_step(model, 5, cancel=lambda: True)


@pytest.mark.parametrize(
    ("n_tokens", "settings", "error"),
    [
        (1, {}, OptionsError),
        (5, {"batch": 0}, OptionsError),
        (5, {"repeats": 0}, OptionsError),
        (49, {}, ContextLengthError),
    ],
)
def test_nonsense_is_refused(model, n_tokens, settings, error):
    with pytest.raises(error):
        profile_step(model, n_tokens, **settings)


def test_a_bert_has_no_such_step(bert):
    with pytest.raises(ModelFamilyError, match="GPT-2"):
        profile_step(bert, 5)


def test_ceilings_are_measured_and_told_as_they_come(model):
    seen = []
    found = measure_ceilings(model, progress=lambda *numbers: seen.append(numbers))
    assert found.dtype == model.card.dtype
    assert found.threads == model.n_threads
    assert np.isclose(found.ridge, found.flops_per_second / found.bytes_per_second)
    assert seen[-1] == (2 * (N_TRIALS + 1),) * 2
    with pytest.raises(RunCancelledError):
        measure_ceilings(model, cancel=lambda: True)
