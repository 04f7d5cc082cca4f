"""What a player that has the beginning of a run is sent of the rest of it."""

from dataclasses import asdict

import numpy as np
import pytest

from kvviz.errors import PayloadError
from kvviz.player import pack
from kvviz.player.growing import Growing
from tests.factories import make_card, make_dropping, make_trace
from tests.payload_reader import CONTRACT, unpack

TRACE = make_trace(n_prompt=9, n_new=4, n_layers=3, n_heads=4, d_head=6, n_kv_heads=2)
N_ROWS = TRACE.n_rows


def rows_first(name: str, array: np.ndarray) -> np.ndarray:
    """Return an array of a layer with its rows, or a pattern's cells, on the first axis."""
    return np.moveaxis(array, 2 if "fingerprints" in name else 1, 0)


def packed(**growing):
    return unpack(pack(TRACE, layer=1, growing=Growing(4, **growing)))


@pytest.mark.parametrize("layer_is_held", [True, False])
@pytest.mark.parametrize("n_held", [1, 9, N_ROWS - 1])
def test_of_what_is_held_only_what_came_since_is_packed(n_held, layer_is_held):
    header, whole = packed()
    later, arrays = packed(n_held=n_held, layer_is_held=layer_is_held)
    assert later | {"arrays": [], "growing": {}} == header | {"arrays": [], "growing": {}}
    assert later["growing"] == asdict(Growing(4, n_held, layer_is_held))
    assert list(later["growing"]) == CONTRACT["growing"]
    assert list(arrays) == list(whole)
    shortened = set()
    for name, array in arrays.items():
        if array.shape == whole[name].shape:
            assert np.array_equal(array, whole[name])
            continue
        n_left_out = n_held * (n_held + 1) // 2 if ".pattern." in name else n_held
        rows = rows_first(name, whole[name])
        assert np.array_equal(rows_first(name, array), rows[n_left_out:])
        shortened.add(name)
    patterns = {f"on.pattern.{layer}" for layer in (0, 1, 2)}
    # Of numbers those whose largest one was there already.
    always = {*patterns, "on.fingerprints.1"} if layer_is_held else patterns - {"on.pattern.1"}
    assert always <= shortened
    assert layer_is_held or shortened == always


def test_numbers_whose_largest_came_since_are_packed_whole(monkeypatch):
    largest = np.array(TRACE.all_keys)
    largest[0, 1, N_ROWS - 1, 0] = 10 * np.abs(largest).max()
    largest[1, :, 0, 0] = 20 * np.abs(largest).max()
    monkeypatch.setitem(TRACE.__dict__, "all_keys", largest)
    for layer, n_rows in ((0, N_ROWS), (1, 1)):
        _, arrays = unpack(pack(TRACE, layer=layer, growing=Growing(4, N_ROWS - 1)))
        for name in ("keys", "key_rest"):
            assert arrays[f"on.{name}.{layer}"].shape[1] == n_rows


def test_patterns_of_other_layers_come_where_those_of_the_whole_run_fit():
    header, arrays = packed()
    assert header["layers"] == [1]
    assert "on.keys.0" not in arrays
    assert "thumbnails" not in arrays
    # So far they would fit.
    _, arrays = unpack(pack(TRACE, layer=1, growing=Growing(n_steps=4000)))
    assert [name for name in arrays if ".pattern." in name] == ["on.pattern.1"]


def test_later_rows_of_a_pattern_do_not_see_what_a_cache_has_dropped():
    run = make_dropping(n_layers=3, n_heads=4, d_head=6, n_kv_heads=2)
    whole, part = (unpack(pack(run, growing=Growing(5, held)))[1] for held in (0, 10))
    for layer in range(3):
        seen, later = (arrays[f"on.pattern.{layer}"] for arrays in (whole, part))
        assert np.array_equal(later, seen[:, 10 * 11 // 2 :])
        # Of the first head the rows of odd positions, from the step after on.
        rows = np.split(later[0], np.cumsum([11, 12]))
        assert all((row[1:-1:2] == 0).all() and row[::2].any() for row in rows)


def test_a_run_of_a_t5_is_packed_whole():
    run = make_trace(1, 5, card=make_card(3, 4, 6, family="t5"), n_encoder=7)
    whole, part = (unpack(pack(run, growing=Growing(4, held)))[1] for held in (0, 1))
    assert all(np.array_equal(part[name], whole[name]) for name in whole)


def test_a_layer_that_is_not_there_is_refused():
    with pytest.raises(PayloadError):
        pack(TRACE, layer=3, growing=Growing(4))
