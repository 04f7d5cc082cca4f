from dataclasses import replace

import numpy as np
import pytest

from kvviz.analysis import row_changes
from kvviz.errors import TraceError
from tests.factories import make_encoding


def altered(encoding, layer, head, position, by, of="all_keys"):
    rows = getattr(encoding, of).copy()
    rows[layer, head, position, 0] += np.float32(by)
    return replace(encoding, **{of: rows})


def test_nothing_changes_between_an_encoding_and_itself():
    one = make_encoding(n_tokens=6)
    found = row_changes(one, one)
    assert (found.n_changed, found.n_rows, found.n_new) == (0, 12, 0)
    assert found.n_reusable == 6
    assert not found.other_token.any()
    assert not found.largest.any()


@pytest.mark.parametrize("of", ["all_keys", "all_values"])
def test_one_number_of_one_head_changes_its_row_and_no_other(of):
    one = make_encoding(n_tokens=6, n_layers=3, n_heads=2)
    found = row_changes(one, altered(one, 1, 1, 4, 0.5, of))
    assert np.argwhere(found.changed).tolist() == [[1, 4]]
    assert found.largest[1, 4] == pytest.approx(0.5, abs=1e-6)  # the sum is rounded to float32
    assert found.by_layer.tolist() == [0, 1, 0]
    assert found.n_reusable == 4


def test_the_last_bit_counts():
    one = make_encoding(n_tokens=4)
    keys = one.all_keys.copy()
    keys[0, 0, 2, 1] = np.nextafter(keys[0, 0, 2, 1], np.float32(9))
    found = row_changes(one, replace(one, all_keys=keys))
    assert found.changed[0].tolist() == [False, False, True, False]
    assert 0 < found.largest[0, 2] < 1e-5


def test_a_longer_text_is_compared_over_what_both_have():
    ids = np.array([5, 6, 7, 8])
    before = make_encoding(token_ids=ids, family="gpt2", seed=1)
    after = make_encoding(token_ids=np.array([5, 6, 9, 8, 3]), family="gpt2", seed=2)
    found = row_changes(before, after)
    assert found.changed.shape == (2, 4)
    assert found.n_new == 1
    assert found.other_token.tolist() == [False, False, True, False]
    assert row_changes(after, before).n_new == 0


def test_other_models_and_other_masks_are_not_compared():
    one = make_encoding(family="bert")
    with pytest.raises(TraceError, match="same mask"):
        row_changes(one, replace(one, mask="causal"))
    with pytest.raises(TraceError, match="same model"):
        row_changes(one, replace(one, model=replace(one.model, name="another")))


def test_rows_of_float64_are_not_judged_by_what_float32_keeps_of_them():
    one = make_encoding(n_tokens=4)
    wide = replace(one, model=replace(one.model, dtype="float64"))
    with pytest.raises(TraceError, match="keeps rows in float32"):
        row_changes(wide, wide)
