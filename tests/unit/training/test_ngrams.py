import numpy as np
import pytest

from training.errors import RecipeError
from training.evaluation.ngrams import KneserNey, unigram_nats


def test_a_unigram_is_the_smoothed_share():
    nats = unigram_nats(np.array([0, 0, 1]), np.array([0, 2]), d_vocab=3)
    assert np.exp(-nats) == pytest.approx([3 / 6, 1 / 6])


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_probabilities_sum_to_one_after_seen_and_unseen_contexts(n):
    draw = np.random.default_rng(0)
    train = draw.choice(12, 3000, p=np.arange(1, 13) / 78)
    model = KneserNey(train, d_vocab=13, n=n)
    for context in ([1, 2, 3, 4], [12, 12, 12, 12], [11, 0, 12, 3]):
        p = [np.exp(-model.nats(np.array([*context, w]), before=0)[-1]) for w in range(13)]
        assert sum(p) == pytest.approx(1.0, abs=1e-9)  # sums of 13 doubles
        assert min(p) > 0


def test_a_bigram_by_hand():
    # Five bigrams, ab twice and ba, ac, ca once. The formulas give Y = 3 / (3 + 2 * 1) = 0.6, so
    # one occurrence is discounted by 1 - 2 * 0.6 * 1 / 3 = 0.6; two of them by 2, as none is seen
    # three times. p(c | a) = (1 - 0.6) / 3 + (2 + 0.6) / 3 * p(c).
    a, b, c = 0, 1, 2
    model = KneserNey(np.array([a, b, a, c, a, b]), d_vocab=3, n=2)
    alone = np.exp(-KneserNey(np.array([a, b, a, c, a, b]), d_vocab=3, n=2).nats([c], c))
    p = np.exp(-model.nats(np.array([c]), before=a))[0]
    lower = (p - 0.4 / 3) / (2.6 / 3)
    assert 0 < lower < 1
    assert alone[0] == pytest.approx(0.0 / 1 + 0.6 * lower)


def test_it_learns_what_follows_what():
    train = np.tile([0, 1, 2, 3, 4, 5, 6, 7], 200)
    model = KneserNey(train, d_vocab=8)
    assert model.nats(np.array([0, 1, 2, 3, 4, 5]), before=7)[5] < 0.05
    assert model.nats(np.array([0, 1, 2, 3, 4, 2]), before=7)[5] > 3


def test_the_likeliest_token_is_the_one_of_highest_probability():
    draw = np.random.default_rng(1)
    model = KneserNey(draw.choice(12, 3000, p=np.arange(1, 13) / 78), d_vocab=13)
    contexts = draw.integers(0, 13, (6, 4))
    for context, likeliest in zip(contexts, model.likeliest(contexts), strict=True):
        nats = [model.nats(np.array([*context, w]), before=0)[-1] for w in range(13)]
        assert likeliest == np.argmin(nats)


def test_too_large_a_vocabulary_is_refused():
    with pytest.raises(RecipeError, match="50257 entries need 16 bits"):
        KneserNey(np.arange(10), d_vocab=50257)
