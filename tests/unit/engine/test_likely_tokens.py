from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from kvviz.engine.running.likely_tokens import likely_tokens, most_likely
from kvviz.errors import ModelFilesError


@given(
    rows=hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 4), st.integers(1, 20)),
        elements=st.sampled_from([-1.0, 0.0, 0.5, 2.0]),  # few values, so that many tie
    ),
    n_top=st.integers(1, 25),
)
def test_most_likely_orders_by_value_and_then_by_id(rows, n_top):
    ids, values = most_likely(torch.tensor(rows), n_top)
    for row, row_ids, row_values in zip(rows, ids, values, strict=True):
        expected = sorted(range(row.size), key=lambda i: (-row[i], i))[:n_top]
        assert row_ids.tolist() == expected
        assert row_values.tolist() == row[expected].tolist()


@given(
    rows=hnp.arrays(
        np.float32, st.tuples(st.integers(1, 4), st.just(30)), elements=st.floats(-50, 50, width=32)
    ),
    dtype=st.sampled_from([torch.float64, torch.float32, torch.bfloat16, torch.float16]),
)
def test_probabilities_are_softmax(rows, dtype):
    logits = torch.tensor(rows).to(dtype)
    chosen = logits.argmin(1).tolist()
    likely = likely_tokens(logits, chosen, 5)
    expected = logits.double().softmax(1).numpy()
    # The sum is taken in float32: its logarithm, of up to 50, is off by a few units of 2e-6.
    np.testing.assert_allclose(
        likely.probs, np.take_along_axis(expected, likely.ids, 1), rtol=2e-5, atol=1e-12
    )
    np.testing.assert_allclose(
        likely.chosen_probs, expected[range(len(chosen)), chosen], rtol=2e-5, atol=1e-12
    )
    assert (np.diff(likely.probs, axis=1) <= 0).all()
    assert likely.probs.max() <= 1


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_logits_that_are_no_numbers_are_refused(wrong):
    logits = torch.tensor([[0.0, 1.0, 1.0], [0.0, wrong, 1.0]], dtype=torch.float16)
    with pytest.raises(ModelFilesError, match=r"numbers that are not finite. They are float16"):
        likely_tokens(logits, [0, 0], 2)
