from dataclasses import replace

import pytest

from kvviz.errors import TraceError
from kvviz.trace.architecture import Architecture

PLAIN = Architecture("decoder", "GQA", 4, 8, 2, 16, 128, 100, 64, d_mlp=256)


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
