from dataclasses import replace

import pytest

from kvviz.errors import TraceError
from kvviz.trace import encoding_flops, forward_flops
from tests.factories import make_card


def test_flops_of_a_model_small_enough_to_count_by_hand():
    # One layer, one head of width 2, MLP of 8, vocabulary of 3; one row that looks at 5 keys.
    card = make_card(n_layers=1, n_heads=1, d_head=2, d_vocab=3)
    qkv, out = 3 * (2 * 2 * 2), 2 * 2 * 2
    mlp = 2 * (2 * 2 * 8)
    scores, weighted = 2 * 2 * 5, 2 * 5 * 2
    assert forward_flops(card, 1, 5) == qkv + out + mlp + scores + weighted + 2 * 2 * 3


def test_grouped_heads_and_windows_count_by_hand():
    # Six query heads of width 2 over two KV heads in a stream of 5; 3 rows, and 7 keys in the layer
    # that sees all, 3 + 3 in the one with a window of 4.
    card = replace(make_card(2, 6, 2, n_kv_heads=2, d_vocab=11, windows=(0, 4)), d_model=5)
    queries_and_out, keys_and_values = 2 * (2 * 3 * 5 * 12), 2 * (2 * 3 * 5 * 4)
    mlp = 2 * (2 * 3 * 5 * card.d_mlp)
    attention = 2 * (2 * 3 * 7 * 12) + 2 * (2 * 3 * 6 * 12)
    layers = 2 * (queries_and_out + keys_and_values + mlp)
    assert forward_flops(card, 3, 7) == layers + attention + 2 * 5 * 11


def test_logits_are_counted_once_a_row():
    card = make_card()
    one = 2 * card.d_model * card.d_vocab
    assert forward_flops(card, 4, 4, n_logits=4) - forward_flops(card, 4, 4) == 3 * one


def test_a_t5_counts_its_cross_attention_by_hand():
    # One layer, two heads of width 3 in a stream of 5, MLP of 24; 2 rows look at 4 and at 7.
    card = replace(make_card(1, 2, 3, family="t5", d_vocab=11), d_model=5)
    own = 4 * (2 * 2 * 5 * 6) + 2 * (2 * 2 * 4 * 6)
    cross = 2 * (2 * 2 * 5 * 6) + 2 * (2 * 2 * 7 * 6)
    mlp, head = 2 * (2 * 2 * 5 * 24), 2 * 2 * 5 * 11
    assert forward_flops(card, 2, 4, 2, n_encoder=7) == own + cross + mlp + head
    keys_and_values = 2 * (2 * 7 * 5 * 6)
    again = forward_flops(card, 2, 4, 2, n_encoder=7, n_cross_computed=7)
    assert again - forward_flops(card, 2, 4, 2, n_encoder=7) == keys_and_values


def test_a_gated_mlp_has_a_third_product():
    card = make_card(family="t5")
    gated = replace(card, mlp_is_gated=True)
    third = card.n_layers * 2 * 3 * card.d_model * card.d_mlp
    assert encoding_flops(gated, 3) - encoding_flops(card, 3) == third


def test_only_a_t5_attends_to_an_encoder():
    with pytest.raises(TraceError, match="Only a T5 attends to an encoder"):
        forward_flops(make_card(), 1, 1, n_encoder=2)
