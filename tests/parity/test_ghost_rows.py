"""What a window that has slid still carries, and where its new tokens are said to stand."""

from __future__ import annotations

import numpy as np
import pytest

from kvviz import caches, load_model, trace_generation
from kvviz.engine import ghost_rows, judge_all
from kvviz.engine.asking.frozen_positions import FrozenWindow
from kvviz.errors import OptionsError
from tests.parity.test_speculation import CASES
from tests.parity.tiny_models import PROMPT

SIZE, SINKS = 6, 2


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.name)
def model(request, tmp_path_factory):
    return load_model(request.param.save(tmp_path_factory.mktemp("ghosts")))


def slid(model, **cache):
    return trace_generation(model, PROMPT, first=1, max_new_tokens=1, cache=caches.Window(**cache))


def test_the_first_layer_is_the_same_to_the_last_bit_and_no_other_is(model):
    trace = slid(model, size=SIZE, sinks=SINKS)
    n = trace.n_rows
    found = ghost_rows(model, trace)
    assert found.positions.tolist() == [*range(SINKS), *range(n - SIZE, n)]
    assert found.n_evicted == n - SIZE - SINKS
    assert found.is_behind.tolist() == [False] * SINKS + [True] * SIZE
    own = found.own_places
    # Sinks never looked at anything that has gone.
    assert own.is_same[:, :SINKS].all()
    assert own.is_same[0].all()
    assert not own.is_same[1:, SINKS:].any()
    # Rounding would be a millionth of that, and is a billionth of it in float64.
    exact = ghost_rows(exactly := model.as_dtype("float64"), slid(exactly, size=SIZE, sinks=SINKS))
    assert exact.own_places.is_same[0].all()
    for part in ("keys", "values"):
        far, exactly_far = (getattr(one.own_places, part)[1:, :, SINKS:] for one in (found, exact))
        # A head that looks at itself alone carries little, others much.
        assert far.mean(axis=(1, 2)).min() > 1e-3
        np.testing.assert_allclose(far, exactly_far, rtol=1e-2, atol=1e-5)
    # Begun anew at place 0: a learned position is in every number, a turned one in keys alone.
    keys, values = found.begun_anew.keys[0, :, SINKS:], found.begun_anew.values[0, :, SINKS:]
    assert keys.min() > 0
    assert (values.max() == 0) == (model.card.family == "llama")


def test_a_window_that_has_not_slid_has_no_ghosts(model):
    found = ghost_rows(model, slid(model, size=40))
    assert found.n_evicted == 0
    assert found.own_places.is_same.all()
    assert found.begun_anew.is_same.all()
    assert found.kl_nats < 1e-9
    assert found.same_argmax


def test_runs_that_cannot_be_computed_afresh_are_refused(model):
    for trace in (
        trace_generation(model, PROMPT, max_new_tokens=2),
        trace_generation(model, PROMPT, max_new_tokens=2, cache=caches.Window(SIZE)),
    ):
        with pytest.raises(OptionsError, match="one token a step"):
            ghost_rows(model, trace)
    if model.card.family == "llama":
        with pytest.raises(OptionsError, match="one token a step"):
            ghost_rows(model, slid(model, size=SIZE, sinks=SINKS, positions="renumbered"))


def test_frozen_positions_stand_still_once_rows_go(model):
    """Until then they are those of the text, and the run is the window's to the last bit."""
    ids = model.begun_ids(PROMPT)
    early, kept, frozen = judge_all(
        model,
        ids,
        [FrozenWindow(len(ids)), caches.Window(SIZE, SINKS), FrozenWindow(SIZE, SINKS)],
        first=SIZE + SINKS,
    )
    assert early.kl_nats == 0
    assert frozen.kl_nats != kept.kl_nats
    told = []
    rows = FrozenWindow(SIZE, SINKS).rows

    def watched(self, place):
        made = rows(place)
        arguments = made.arguments

        def noted(fed):
            given = arguments(fed)
            told.append(given["position_ids"][0].tolist())
            return given

        made.arguments = noted
        return made

    watching = type("Watching", (FrozenWindow,), {"rows": watched})(SIZE, SINKS)
    judge_all(model, ids, [watching])
    budget = SIZE + SINKS
    wanted = [[min(number, budget - 1)] for number in range(len(ids) - 1)]
    assert told == wanted
