from kvviz.trace import forward_flops
from tests.factories import make_card


def test_flops_of_a_model_small_enough_to_count_by_hand():
    # One layer, one head of width 2, MLP of 8, vocabulary of 3; one row that looks at 5 keys.
    card = make_card(n_layers=1, n_heads=1, d_head=2, d_vocab=3)
    qkv, out = 3 * (2 * 2 * 2), 2 * 2 * 2
    mlp = 2 * (2 * 2 * 8)
    scores, weighted = 2 * 2 * 5, 2 * 5 * 2
    assert forward_flops(card, 1, 5) == qkv + out + mlp + scores + weighted + 2 * 2 * 3


def test_logits_are_counted_once_a_row():
    card = make_card()
    one = 2 * card.d_model * card.d_vocab
    assert forward_flops(card, 4, 4, n_logits=4) - forward_flops(card, 4, 4) == 3 * one
