import numpy as np
import pytest

from kvviz.analysis import pattern_blocks
from kvviz.analysis.blocks import SINGLE_THREAD_PRODUCTS
from tests.factories import make_card, make_trace


@pytest.mark.parametrize(("n_kv_heads", "window"), [(4, 0), (2, 3), (1, 0), (1, 80)])
@pytest.mark.parametrize("firsts", [None, [0], [0, 1, 20, 77]])
def test_blocks_hold_the_patterns_that_the_trace_gives(n_kv_heads, window, firsts):
    card = make_card(n_heads=4, n_kv_heads=n_kv_heads, windows=(0, window))
    trace = make_trace(n_prompt=70, n_new=31, card=card)
    whole = np.zeros((4, trace.n_rows, trace.n_rows), dtype=np.float32)
    scale = float(trace.score_scale[1])
    rows = (trace.queries[1], trace.keys(1), scale, firsts)
    for first, weights in pattern_blocks(*rows, window=card.window(1)):
        whole[:, first : first + weights.shape[1], : weights.shape[2]] = weights
    for head in range(4):
        expected = np.nan_to_num(trace.pattern(1, head))
        # The products are summed in another order: a few float32 roundings of weights up to 1.
        np.testing.assert_allclose(whole[head], expected, atol=1e-6)
        assert not whole[head][np.triu_indices(trace.n_rows, k=1)].any()


def test_large_products_are_made_in_pieces_and_come_out_the_same(monkeypatch):
    trace = make_trace(n_prompt=130, n_new=1, d_head=32)
    arguments = (trace.queries[0], trace.keys(0), 0.2)
    assert SINGLE_THREAD_PRODUCTS < 64 * 130 * 32
    in_pieces = [weights for _, weights in pattern_blocks(*arguments)]
    monkeypatch.setattr("kvviz.analysis.blocks.SINGLE_THREAD_PRODUCTS", 1)
    by_row = [weights for _, weights in pattern_blocks(*arguments)]
    for one, other in zip(in_pieces, by_row, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)  # other order of float32 sums
