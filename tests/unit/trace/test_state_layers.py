from dataclasses import replace

import pytest

from kvviz.errors import TraceError
from kvviz.trace.state_layers import StateLayers

PLAIN = StateLayers("Mamba-2", 3, 8, 16, 32, n_groups=2, d_conv=4)


@pytest.mark.parametrize(
    ("changes", "n_matrix", "n_channels"),
    [
        ({}, 8 * 16 * 32, 8 * 32 + 2 * 2 * 16),
        ({"kind": "Gated DeltaNet"}, 8 * 16 * 32, 8 * 32 + 2 * 2 * 16),
        ({"kind": "KDA"}, 8 * 16 * 32, 8 * 32 + 2 * 8 * 16),
        ({"kind": "Mamba", "n_heads": 1}, 16 * 32, 32),
        ({"kind": "short convolution", "n_heads": 1, "d_key": 0}, 0, 32),
        ({"kind": "RG-LRU", "n_heads": 1, "d_key": 1}, 32, 32),
        ({"kind": "RWKV-4", "n_heads": 1, "d_key": 3}, 96, 64),
        ({"kind": "lightning attention", "d_conv": 0}, 8 * 16 * 32, 256),
    ],
)
def test_a_state_holds_matrices_and_the_last_inputs_of_its_channels(changes, n_matrix, n_channels):
    state = replace(PLAIN, **changes)
    assert (state.n_matrix_numbers, state.n_channels) == (n_matrix, n_channels)
    assert state.n_conv_numbers == n_channels * state.d_conv


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": "magic"}, "'magic'"),
        ({"d_key": -1}, "d_key is -1"),
        ({"n_heads": 2.0}, "n_heads is 2.0"),
        ({"n_layers": 0}, "n_layers is 0"),
        ({"d_key": 0, "d_conv": 0}, "It holds none"),
    ],
)
def test_a_state_that_cannot_be_is_refused_by_what_is_wrong(changes, words):
    with pytest.raises(TraceError) as caught:
        replace(PLAIN, **changes)
    assert words in str(caught.value)
