import gc
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvviz.analysis import attention_distance, attention_entropy, forward_share, head_measures
from kvviz.errors import PatternError
from tests.factories import make_encoding


def test_the_example_of_the_docstring():
    assert forward_share(np.array([[0.25, 0.75], [0.5, 0.5]])).tolist() == [0.75, 0.0]


def test_nothing_lies_ahead_under_a_causal_mask():
    encoding = make_encoding(n_tokens=7, family="gpt2")
    measures = head_measures(encoding)
    assert (measures.forward == 0).all()
    assert (head_measures(make_encoding(n_tokens=7)).forward > 0).all()


@given(st.integers(1, 12), st.integers(0, 2**31))
def test_behind_ahead_and_itself_make_one(n, seed):
    weights = np.random.default_rng(seed).random((n, n)) + 1e-3
    weights /= weights.sum(axis=1, keepdims=True)
    behind = forward_share(weights[::-1, ::-1])[::-1]
    # Sums of at most 12 float64 weights, so a few units of 1e-16.
    assert behind + forward_share(weights) + weights.diagonal() == pytest.approx(1, abs=1e-12)


def test_each_head_has_the_mean_over_its_own_queries():
    encoding = make_encoding(n_tokens=5, n_layers=2, n_heads=3)
    measures = head_measures(encoding)
    for layer, head in np.ndindex(2, 3):
        pattern = encoding.pattern(layer, head)
        assert measures.forward[layer, head] == forward_share(pattern).mean()
        assert measures.entropy[layer, head] == attention_entropy(pattern).mean()
        assert measures.distance[layer, head] == attention_distance(pattern).mean()


def test_a_pattern_of_two_texts_has_no_ahead():
    with pytest.raises(PatternError, match="over itself"):
        forward_share(np.full((2, 3), 1 / 3))


def test_an_encoding_is_measured_once_and_let_go_with_it(monkeypatch):
    encoding = make_encoding(5)
    found = head_measures(encoding)
    assert head_measures(make_encoding(5)) is not found
    monkeypatch.setattr(type(encoding), "pattern", lambda *_: pytest.fail("measured again"))
    assert head_measures(encoding) is found
    with pytest.raises(ValueError, match="read-only"):
        found.entropy[0, 0] = 9.0
    gone = weakref.ref(found)
    del found, encoding
    gc.collect()
    assert gone() is None
