"""What a player that has the beginning of a run is sent of the rest of it."""

from dataclasses import asdict

import numpy as np
import pytest

from kvviz.errors import PayloadError
from kvviz.player import pack
from kvviz.player.growing import Growing
from tests.factories import make_card, make_trace
from tests.payload_reader import CONTRACT, unpack

TRACE = make_trace(n_prompt=9, n_new=4, n_layers=3, n_heads=4, d_head=6, n_kv_heads=2)
N_ROWS = TRACE.n_rows


def rows_first(name: str, array: np.ndarray) -> np.ndarray:
    """Return an array of a layer with its rows, or a pattern's cells, on the first axis."""
    return np.moveaxis(array, 2 if "fingerprints" in name else 1, 0)


@pytest.mark.parametrize("n_held", [1, 9, N_ROWS - 1])
def test_of_layers_only_what_came_since_is_packed_and_all_else_is_whole(n_held):
    header, whole = unpack(pack(TRACE, layer=1, growing=Growing(4)))
    later, arrays = unpack(pack(TRACE, layer=1, growing=Growing(4, n_held)))
    assert later | {"arrays": [], "growing": {}} == header | {"arrays": [], "growing": {}}
    assert later["growing"] == asdict(Growing(4, n_held))
    assert list(later["growing"]) == CONTRACT["growing"]
    assert list(arrays) == list(whole)
    n_shortened = 0
    for name, array in arrays.items():
        if array.shape == whole[name].shape:
            assert np.array_equal(array, whole[name])
            continue
        n_left_out = n_held * (n_held + 1) // 2 if ".pattern." in name else n_held
        rows = rows_first(name, whole[name])
        assert np.array_equal(rows_first(name, array), rows[n_left_out:])
        n_shortened += 1
    # Patterns and fingerprints always, and numbers whose largest one was there already.
    assert n_shortened >= 2 * TRACE.model.n_layers


def test_numbers_whose_largest_came_since_are_packed_whole(monkeypatch):
    largest = np.array(TRACE.all_keys)
    largest[0, 1, N_ROWS - 1, 0] = 10 * np.abs(largest).max()
    largest[1, :, 0, 0] = 20 * np.abs(largest).max()
    monkeypatch.setitem(TRACE.__dict__, "all_keys", largest)
    _, arrays = unpack(pack(TRACE, growing=Growing(4, N_ROWS - 1)))
    assert arrays["on.keys.0"].shape[1] == arrays["on.key_rest.0"].shape[1] == N_ROWS
    assert arrays["on.keys.1"].shape[1] == arrays["on.key_rest.1"].shape[1] == 1


def test_layers_are_left_out_where_those_of_the_whole_run_would_be_too_many():
    header, arrays = unpack(pack(TRACE, layer=2, growing=Growing(4), max_bytes_all_layers=4000))
    assert header["layers"] == [2]
    assert "thumbnails" not in arrays
    assert unpack(pack(TRACE, growing=Growing(4)))[0]["layers"] == [0, 1, 2]
    # So far they would fit.
    long = Growing(n_steps=4000)
    assert unpack(pack(TRACE, layer=2, growing=long))[0]["layers"] == [2]


def test_a_run_of_a_t5_is_packed_whole():
    run = make_trace(1, 5, card=make_card(3, 4, 6, family="t5"), n_encoder=7)
    whole, part = (unpack(pack(run, growing=Growing(4, held)))[1] for held in (0, 1))
    assert all(np.array_equal(part[name], whole[name]) for name in whole)


def test_a_layer_that_is_not_there_is_refused():
    with pytest.raises(PayloadError):
        pack(TRACE, layer=3, growing=Growing(4))
