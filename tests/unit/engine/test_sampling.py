from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from kvviz.engine.running import sampling
from kvviz.engine.running.sampling import TokenChooser, sampling_distribution
from kvviz.trace import GenerationOptions

LOGITS = torch.tensor([1.0, 3.0, 2.0, 3.0, -1.0], dtype=torch.float64)

logits_rows = hnp.arrays(np.float64, st.integers(2, 30), elements=st.floats(-30, 30))
distinct_rows = st.lists(st.integers(-3000, 3000), min_size=2, max_size=30, unique=True).map(
    lambda hundredths: np.array(hundredths) / 100
)


@given(
    row=distinct_rows,
    temperature=st.floats(0.05, 5),
    top_k=st.none() | st.integers(1, 40),
    top_p=st.none() | st.floats(0.01, 1),
)
def test_distribution_is_that_of_transformers_where_nothing_ties(row, temperature, top_k, top_p):
    scores = torch.tensor(row)[None]
    scores = TemperatureLogitsWarper(temperature)(None, scores)
    if top_k is not None:
        scores = TopKLogitsWarper(top_k)(None, scores)
    if top_p is not None and top_p < 1:
        mass = torch.sort(scores.softmax(-1), descending=True).values.cumsum(-1)
        assume((mass - top_p).abs().min() > 1e-9)  # summed in the other order, a tie may break
        scores = TopPLogitsWarper(top_p)(None, scores)
    ours = sampling_distribution(torch.tensor(row), temperature, top_k, top_p)
    # Float64 on both sides; ours renormalises, theirs takes softmax again.
    torch.testing.assert_close(ours, scores[0].softmax(-1), rtol=1e-9, atol=1e-12)


@given(
    row=logits_rows,
    temperature=st.floats(5e-324, 1e300),
    top_k=st.none() | st.integers(1, 40),
    top_p=st.none() | st.floats(1e-300, 1),
)
@example(row=np.array([1.0, 2.0]), temperature=5e-324, top_k=None, top_p=None)
def test_distribution_is_one_at_any_setting(row, temperature, top_k, top_p):
    probs = sampling_distribution(torch.tensor(row), temperature, top_k, top_p)
    assert probs.isfinite().all()
    assert probs.sum().item() == pytest.approx(1.0, abs=1e-12)
    assert probs[int(np.argmax(row))] > 0
    if top_k is not None:
        assert (probs > 0).sum() <= top_k


@pytest.mark.parametrize("n_first", [1, 3, 1024])
@given(row=logits_rows, top_p=st.floats(0.01, 0.99))
def test_top_p_does_not_depend_on_how_many_tokens_it_looks_at_first(n_first, row, top_p):
    logits = torch.tensor(row)
    expected = sampling_distribution(logits, 1.0, None, top_p)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampling, "_OFTEN_ENOUGH", n_first)
        assert torch.equal(sampling_distribution(logits, 1.0, None, top_p), expected)


def test_equal_logits_are_kept_by_lowest_id():
    probs = sampling_distribution(LOGITS, 1.0, 1, None)
    assert probs.nonzero().tolist() == [[1]]
    probs = sampling_distribution(torch.zeros(6, dtype=torch.float64), 1.0, None, 0.5)
    assert probs.nonzero()[:, 0].tolist() == [0, 1, 2]


def test_greedy_takes_the_largest_of_equal_ones_the_first():
    assert TokenChooser(GenerationOptions(1)).choose(LOGITS) == (1, None)


def test_sampling_tells_what_it_drew_from():
    token, probs = TokenChooser(GenerationOptions(1, temperature=0.5, top_k=2)).choose(LOGITS)
    assert token in (1, 3)
    assert probs.tolist() == [0, 0.5, 0, 0.5, 0]


def test_draws_follow_the_distribution():
    chooser = TokenChooser(GenerationOptions(1, temperature=1.0, seed=11))
    n_draws = 4000
    counts = np.bincount([chooser.choose(LOGITS).token_id for _ in range(n_draws)], minlength=5)
    probs = LOGITS.softmax(0).numpy()
    deviation = np.sqrt(n_draws * probs * (1 - probs))
    # The seed is fixed; five deviations leave room for a torch with another generator.
    assert (np.abs(counts - n_draws * probs) < 5 * deviation).all()


def test_same_seed_same_draws_and_another_seed_others():
    def draws(seed):
        chooser = TokenChooser(GenerationOptions(1, temperature=1.0, seed=seed))
        return [chooser.choose(LOGITS).token_id for _ in range(40)]

    assert draws(3) == draws(3)
    assert draws(3) != draws(4)
    assert draws(2**63 - 1)


@given(draw=st.floats(0, 1, exclude_max=True) | st.just(math.nextafter(1, 0)))
def test_token_without_probability_is_never_drawn(draw):
    chooser = TokenChooser(GenerationOptions(1, temperature=1.0, top_k=2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "rand", lambda *_, **__: torch.tensor(draw, dtype=torch.float64))
        assert chooser.choose(LOGITS).token_id in (1, 3)


@given(total=st.floats(0.5, 2))
def test_largest_draw_stays_below_the_total(total):
    """The largest draw torch gives is 1 - 2^-53; no index past the last token can come of it."""
    assert (1 - 2.0**-53) * total < total
