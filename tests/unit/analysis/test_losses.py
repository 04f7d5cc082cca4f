import math
from dataclasses import replace

import numpy as np
import pytest

from kvviz.analysis.losses import (
    label_bits,
    label_positions,
    label_ranks,
    loss_summary,
    objective,
)
from kvviz.analysis.words import word_losses
from kvviz.errors import TraceError
from tests.factories import make_encoding


def told(encoding, probabilities):
    """Return the encoding as if its labels had these probabilities, in order."""
    logprobs = np.full(encoding.label_ids.size, np.nan, dtype=np.float32)
    logprobs[encoding.label_ids >= 0] = np.log(np.asarray(probabilities, dtype=np.float32))
    return replace(encoding, label_logprobs=logprobs)


NEXT = told(make_encoding(4, family="gpt2", token_ids=np.array([5, 6, 7, 8])), [1, 0.5, 0.125])
MASKED = told(make_encoding(8, family="bert", hide=(2, 5)), [0.25, 1])


def test_a_loss_is_zero_for_a_certainty_and_a_bit_for_a_coin():
    np.testing.assert_allclose(label_bits(NEXT), [0, 1, 3, np.nan], atol=1e-6)
    assert np.signbit(label_bits(NEXT)[0]) == np.False_
    np.testing.assert_allclose(label_bits(MASKED)[[2, 5]], [2, 0], atol=1e-6)
    assert np.isnan(label_bits(MASKED)[[0, 1, 3, 4, 6, 7]]).all()


def test_the_next_token_is_judged_by_every_token_but_the_first_and_masked_ones_by_the_hidden():
    assert (objective(NEXT), objective(MASKED)) == ("next-token", "masked-token")
    assert label_positions(NEXT).tolist() == [1, 2, 3]
    assert label_positions(MASKED).tolist() == [2, 5]


def test_a_rank_counts_from_one_and_is_zero_where_the_label_was_not_recorded():
    top_ids = np.array([[6, 1, 2], [1, 2, 7], [1, 2, 3], [8, 9, 1]], dtype=np.int64)
    encoding = replace(NEXT, top_ids=top_ids, vocabulary={i: f"w{i}" for i in range(64)})
    assert label_ranks(encoding).tolist() == [1, 3, 0, 0]


def test_a_model_without_a_head_has_no_ranks_and_no_loss():
    bare = make_encoding(5, family="bert", has_head=False)
    assert label_ranks(bare).tolist() == [0] * 5
    with pytest.raises(TraceError, match="no loss where nothing is predicted"):
        loss_summary(bare)


def test_a_whole_text_adds_up_to_bits_a_character():
    summary = loss_summary(NEXT)
    assert NEXT.text == " w5 w6 w7 w8"
    assert (summary.n_tokens, summary.n_signals, summary.is_whole_text) == (4, 3, True)
    assert summary.total_bits == pytest.approx(4, abs=1e-6)
    assert summary.mean_bits == pytest.approx(4 / 3)
    assert summary.perplexity == pytest.approx(2 ** (4 / 3))
    # The first token's three characters are given.
    assert summary.n_characters == 9
    assert summary.bits_per_character == pytest.approx(4 / 9)


def test_hidden_tokens_do_not_add_up_to_the_surprise_at_a_text():
    summary = loss_summary(MASKED)
    assert (summary.n_signals, summary.is_whole_text) == (2, False)
    assert summary.bits_per_character is None
    assert summary.perplexity == pytest.approx(2)
    assert summary.n_characters == sum(len(MASKED.text[a:b]) for a, b in MASKED.spans[[2, 5]])


def test_a_model_that_saw_its_answers_measures_no_surprise_at_a_text():
    both_ways = make_encoding(4, family="gpt2", mask="bidirectional")
    assert loss_summary(both_ways).bits_per_character is None


def test_words_are_judged_by_the_sum_of_their_tokens():
    encoding = make_encoding(4, family="gpt2", token_ids=np.array([5, 6, 7, 8]))
    text = "a bcd  ef"
    spans = np.array([[0, 1], [1, 4], [4, 5], [7, 9]], dtype=np.int64)
    encoding = told(replace(encoding, text=text, spans=spans), [0.5, 0.25, 0.125])
    words = word_losses(encoding)
    assert [(word.text, word.start, word.positions) for word in words] == [
        ("bcd", 2, (1, 2)),
        ("ef", 7, (3,)),
    ]
    assert [word.bits for word in words] == pytest.approx([3, 3], abs=1e-6)


def test_two_to_the_bits_is_one_over_the_probability():
    for probability in (0.9, 0.01, 1e-6):
        (bits,) = label_bits(told(make_encoding(3, hide=(1,)), [probability]))[[1]]
        # The log probability is a float32, so its exponential has about seven digits.
        assert math.isclose(2**-bits, probability, rel_tol=1e-5)
