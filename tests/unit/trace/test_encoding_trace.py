import dataclasses

import numpy as np
import pytest

from kvviz.errors import TraceError
from kvviz.trace import encoding_flops
from tests.factories import make_card, make_encoding

ENCODING = make_encoding(hide=(2, 4))


def changed(name, where, value):
    array = getattr(ENCODING, name).copy()
    array[where] = value
    return {name: array}


def test_a_two_sided_pattern_is_the_softmax_of_scaled_products():
    enc = make_encoding()
    scores = enc.queries[1, 0].astype(np.float64) @ enc.keys(1)[0].T.astype(np.float64) / 2
    expected = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    np.testing.assert_allclose(enc.pattern(1, 0), expected, atol=1e-6)  # float32 products
    assert enc.patterns.shape == (2, 2, 6, 6)
    np.testing.assert_array_equal(enc.patterns[1, 0], enc.pattern(1, 0))


@pytest.mark.parametrize("family", ["gpt2", "bert"])
def test_a_causal_mask_hides_what_follows(family):
    pattern = make_encoding(family=family, mask="causal").pattern(0, 1)
    upper = np.triu_indices(6, k=1)
    assert np.isnan(pattern[upper]).all()
    assert np.isnan(pattern).sum() == upper[0].size
    np.testing.assert_allclose(np.nansum(pattern, axis=1), 1, atol=1e-6)  # float32 sums


def test_a_position_bias_moves_the_scores():
    enc = make_encoding(family="t5")
    products = enc.queries[0, 1] @ enc.keys(0)[1].T
    np.testing.assert_array_equal(enc.scores(0, 1), products + enc.position_bias[1])
    assert enc.top_ids.shape == (6, 0)


def test_query_heads_share_key_heads_in_order():
    enc = make_encoding(n_heads=4, n_kv_heads=2)
    expected = enc.queries[0, 3] @ enc.keys(0)[1].T * np.float32(0.5)
    np.testing.assert_array_equal(enc.scores(0, 3), expected)


def test_rows_and_hidden_states_are_given_by_layer():
    np.testing.assert_array_equal(ENCODING.keys(1), ENCODING.all_keys[1])
    np.testing.assert_array_equal(ENCODING.values(0), ENCODING.all_values[0])
    np.testing.assert_array_equal(ENCODING.hidden(2), ENCODING.hidden_states[2])


@pytest.mark.parametrize(
    "ask",
    [
        lambda: ENCODING.keys(2),
        lambda: ENCODING.values(-1),
        lambda: ENCODING.hidden(3),
        lambda: ENCODING.pattern(0, 2),
    ],
)
def test_what_does_not_exist_is_refused(ask):
    with pytest.raises(TraceError, match="There is no"):
        ask()


def test_arrays_cannot_be_changed():
    for name in ("token_ids", "all_keys", "hidden_states", "spans", "label_logprobs"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(ENCODING, name)[0] = 0


def test_labels_of_a_gpt2_are_the_next_tokens():
    enc = make_encoding(family="gpt2")
    assert enc.label_ids.tolist() == [*enc.token_ids[1:], -1]
    assert np.isnan(enc.label_logprobs).tolist() == [False] * 5 + [True]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tokens": ["a"]}, "a text for each"),
        ({"mask": "model"}, "causal or bidirectional"),
        ({"seconds": -1.0}, "from 0 on"),
        ({"seconds": float("nan")}, "from 0 on"),
        ({"flops": -1}, "from 0 on"),
        ({"queries": ENCODING.queries[:, :, 1:]}, "queries does not have the shape"),
        ({"hidden_states": ENCODING.hidden_states[1:]}, "hidden_states does not have"),
        ({"position_bias": np.zeros((2, 5, 6), np.float32)}, "position_bias does not have"),
        (changed("all_keys", 0, np.inf), "not finite"),
        (changed("queries", 0, 1e30) | changed("all_keys", 0, 1e30), "overflow"),
        (changed("spans", 1, [3, 2]), "Token 1 does not"),
        (changed("spans", 1, [0, 10**6]), "Token 1 does not"),
        (changed("spans", 0, [0, 1]), "Token 0 does not"),
        ({"hidden_positions": (4, 2)}, "ascend"),
        ({"hidden_positions": (2, 4, 6)}, "ascend"),
        ({"hidden_positions": (2,)}, "Token 4 differs"),
        (changed("top_probs", 0, [0.1, 0.2, 0.3]), "most likely token comes first"),
        (changed("top_probs", 0, [1.1, 0.2, 0.1]), "lie in"),
        ({"top_probs": ENCODING.top_probs[:, :2]}, "top_probs does not have the shape"),
        (changed("label_ids", 1, 3), "labels are others"),
        (changed("label_logprobs", 2, np.nan), "NaN where there is none"),
        (changed("label_logprobs", 2, 0.1), "NaN where there is none"),
        (changed("label_logprobs", 1, -1), "NaN where there is none"),
        ({"label_logprobs": ENCODING.label_logprobs.astype(np.float64)}, "float32 number"),
        (changed("top_ids", 0, 64), "vocabulary has 64 entries"),
        ({"vocabulary": {}}, "has none"),
        ({"text": ENCODING.text + "\ud800"}, "half a character"),
        ({"model": make_card(family="bert", n_ctx=5)}, "the model 5"),
    ],
)
def test_parts_that_contradict_each_other_are_refused(changes, words):
    with pytest.raises(TraceError, match=words):
        dataclasses.replace(ENCODING, **changes)


def test_flops_leave_out_a_head_that_is_not_there():
    with_head, without = make_card(family="bert"), make_card(family="bert", has_head=False)
    assert encoding_flops(with_head, 3) - encoding_flops(without, 3) == 2 * 3 * 8 * (8 + 64)


def test_an_encoding_says_what_it_is():
    assert repr(ENCODING) == "<EncodingTrace tests/random: 6 tokens, bidirectional mask>"
