from dataclasses import replace

import numpy as np
import pytest

from kvviz.analysis import same_token_mass
from tests.factories import make_card, make_trace


@pytest.fixture
def trace():
    made = make_trace(1, 4, card=make_card(2, 2, 4, family="t5"), n_encoder=6)
    ids = made.cross.encoder.token_ids.copy()
    ids[:] = np.arange(100, 106)
    # Two of the four rows that are fed stand in the input, one of them twice.
    ids[[1, 4]] = made.token_ids[1]
    ids[2] = made.token_ids[3]
    assert np.unique(made.token_ids[:4]).size == 4
    cross = replace(made.cross, encoder=_with_ids(made.cross.encoder, ids))
    return replace(made, cross=cross)


def _with_ids(encoder, ids):
    changed = object.__new__(type(encoder))
    changed.__dict__.update(encoder.__dict__, token_ids=ids)
    return changed


def test_it_is_the_weight_on_the_same_token_over_the_rows_that_have_one(trace):
    found = same_token_mass(trace, trace.token_ids.tolist())
    for layer in range(2):
        for head in range(2):
            weights = trace.cross_pattern(layer, head).astype(np.float64)
            expected = (weights[1, 1] + weights[1, 4] + weights[3, 2]) / 2
            assert found[layer, head] == pytest.approx(expected, rel=1e-12)
    assert found.min() > 0
    assert found.max() < 1


def test_only_the_tokens_asked_for_count(trace):
    found = same_token_mass(trace, [int(trace.token_ids[3])])
    assert found[1, 0] == pytest.approx(float(trace.cross_pattern(1, 0)[3, 2]), rel=1e-6)
    assert same_token_mass(trace, []) is None


def test_the_last_token_is_no_row_and_does_not_count(trace):
    ids = trace.cross.encoder.token_ids.copy()
    ids[:] = 200
    ids[0] = trace.token_ids[4]
    alone = replace(trace, cross=replace(trace.cross, encoder=_with_ids(trace.cross.encoder, ids)))
    assert same_token_mass(alone, alone.token_ids.tolist()) is None


def test_a_model_without_an_encoder_has_none():
    assert same_token_mass(make_trace(3, 4), range(99)) is None
