from dataclasses import replace

import pytest

from kvviz.errors import TraceError
from kvviz.trace.architecture import Architecture
from kvviz.trace.compressed_rows import CompressedRows
from kvviz.trace.state_layers import StateLayers

PLAIN = Architecture("decoder", "GQA", 4, 8, 2, 16, 128, 100, 64, d_mlp=256)


ROWS = CompressedRows(1, 4, 1, 128, 2, 16, 2, 8, 4)
STATE = StateLayers("Mamba-2", 3, 8, 16, 32, n_groups=2, d_conv=4)


def test_layers_that_do_not_attend_or_have_no_mlp_are_left_out():
    mixed = replace(PLAIN, state=STATE, n_layers_without_attention=3, n_layers_without_mlp=1)
    assert (mixed.n_attention_layers, mixed.n_dense_layers) == (1, 3)


def test_layers_without_experts_are_dense():
    assert PLAIN.n_dense_layers == 4
    mixed = replace(PLAIN, n_experts=4, n_active_experts=2, d_expert=32, n_expert_layers=3)
    assert mixed.n_dense_layers == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"attention": "GQA!"}, "GQA!"),
        ({"layout": "tree"}, "tree"),
        ({"biases": "some"}, "some"),
        ({"d_model": -1}, "d_model is -1"),
        ({"n_layers": 4.0}, "n_layers is 4.0"),
        ({"n_layers": True}, "n_layers is True"),
        ({"n_kv_heads": 8}, "8 query and 8 KV heads are not GQA"),
        ({"n_kv_heads": 3}, "are not GQA"),
        ({"attention": "MHA"}, "are not MHA"),
        ({"attention": "MQA"}, "are not MQA"),
        ({"attention": "MLA"}, "are not MLA"),
        ({"n_window_layers": 5, "window": 8}, "5 of 4 layers have a window"),
        ({"n_window_layers": 2}, "a window of 0"),
        ({"window": 8}, "0 layers have a window of 8"),
        ({"n_experts": 4}, "experts"),
        ({"n_experts": 4, "n_active_experts": 5, "d_expert": 9, "n_expert_layers": 4}, "5 of 4"),
        ({"n_layers_without_attention": 5}, "5 of 4 layers do not attend"),
        ({"state": replace(STATE, n_layers=5)}, "5 of 4 layers keep a state"),
        (
            {"n_layers_without_attention": 3, "n_window_layers": 2, "window": 8},
            "2 of 1 layer have a window",
        ),
        ({"compressed": ROWS}, "2 of 4 layers compress rows under GQA"),
        ({"attention": "CSA", "n_kv_heads": 1}, "are not CSA"),
        (
            {"attention": "CSA", "n_kv_heads": 1, "compressed": replace(ROWS, n_fine=9)},
            "10 of 4 layers compress rows under CSA",
        ),
        ({"attention": "none"}, "8 query and 2 KV heads are not none"),
        ({"n_index_layers": 2, "n_index_heads": 4}, "an indexer of 4 heads, 0 wide"),
        ({"n_index_layers": 5, "n_index_heads": 4, "d_index": 8}, "5 layers have an indexer"),
        (
            {"n_experts": 4, "n_active_experts": 1, "d_expert": 9, "n_expert_layers": 5},
            "5 of 4 layers have experts",
        ),
    ],
)
def test_an_impossible_shape_is_refused_by_what_is_wrong(changes, words):
    with pytest.raises(TraceError) as caught:
        replace(PLAIN, **changes)
    assert words in str(caught.value)


@pytest.mark.parametrize("value", [0, -1, 2.0, True])
def test_compressed_rows_need_whole_numbers(value):
    with pytest.raises(TraceError, match=f"coarse is {value!r}"):
        replace(ROWS, coarse=value)
