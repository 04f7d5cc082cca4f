from dataclasses import replace

import numpy as np
import pytest

from kvviz.analysis import HeadMeasures, row_changes
from kvviz.errors import LinkError
from kvviz.ui.pages.bert_vs_gpt2 import picture
from kvviz.ui.pages.bert_vs_gpt2.patterns import checked_view
from kvviz.ui.pages.bert_vs_gpt2.payload import (
    CHANGED,
    FORBIDDEN,
    FULL,
    NEW,
    SAME,
    ChangedRows,
    Pair,
    n_bytes,
    pack,
)
from kvviz.ui.pages.bert_vs_gpt2.view import TwinCell, TwinsView
from tests.factories import make_encoding
from tests.payload_reader import unpack

LEFT = make_encoding(token_ids=np.arange(1, 5), family="gpt2")
RIGHT = replace(make_encoding(token_ids=np.array([9, 1, 2, 3, 4, 8]), seed=3), text=LEFT.text)
PAIR = Pair(LEFT, RIGHT, ("one", "other"), ("", ""))
VIEW = {"layer": 1, "head": 1, "look": "mask"}


def test_twins_share_a_grid_in_which_bert_has_two_slots_more():
    header, _ = unpack(pack(PAIR))
    assert header["n_slots"] == header["n_units"] == 6
    assert header["left"]["slots"] == [1, 2, 3, 4]
    assert header["right"]["slots"] == [0, 1, 2, 3, 4, 5]
    assert header["left"]["units"] == [1, 2, 3, 4]


def test_weights_travel_to_half_a_step_and_masked_cells_as_such():
    _, arrays = unpack(pack(PAIR))
    for name, encoding in (("left", LEFT), ("right", RIGHT)):
        layers = range(encoding.model.n_layers)
        packed = np.stack([arrays[f"{name}.pattern.{layer}"] for layer in layers])
        weights = encoding.patterns
        assert np.array_equal(packed == FORBIDDEN, np.isnan(weights))
        seen = ~np.isnan(weights)
        # A byte is the weight to the nearest 1/254; float32 rounding adds less than 1e-6.
        assert np.abs(packed[seen] / FULL - weights[seen]).max() <= 0.5 / FULL + 1e-6


def test_rows_are_told_apart_as_same_changed_and_new():
    keys = LEFT.all_keys.copy()
    keys[1, 0, 2, 0] += np.float32(0.5)
    left = row_changes(LEFT, replace(LEFT, all_keys=keys))
    longer = make_encoding(token_ids=np.array([9, 1, 2, 3, 4, 8, 7]), seed=3)
    right = row_changes(RIGHT, longer)
    _, arrays = unpack(pack(replace(PAIR, changes=(ChangedRows(left, right),))))
    states = arrays["0.left.rows"]
    assert states[1].tolist() == [SAME, SAME, CHANGED, SAME]
    assert states[0].tolist() == [SAME] * 4
    assert arrays["0.left.largest"][1, 2] == pytest.approx(0.5, abs=1e-6)  # rounded to float32
    assert (arrays["0.right.rows"][:, -1] == NEW).all()


def test_a_veiled_picture_holds_nothing_that_answers_the_question():
    header, arrays = unpack(pack(PAIR, veiled=True))
    assert arrays == {}
    assert header["veiled"] is True


@pytest.mark.parametrize(
    "message",
    [None, "layer", {}, {"layer": 9, "head": 0, "look": "mask"},
     {"layer": True, "head": 0, "look": "mask"}, {"layer": 0, "head": -1, "look": "mask"},
     {"layer": 0, "head": 0, "look": "<b>"},
     # The mask of the first forbids it, it is beyond the text, and there is no such side.
     VIEW | {"cell": {"which": "left", "query": 1, "key": 2}},
     VIEW | {"cell": {"which": "right", "query": 6, "key": 0}},
     VIEW | {"cell": {"which": "__class__", "query": 1, "key": 0}},
     VIEW | {"cell": {"which": "left", "query": 1, "key": True}}],
)  # fmt: skip
def test_what_the_browser_sends_is_checked(message):
    with pytest.raises(LinkError):
        checked_view(message, PAIR)


def test_a_view_of_the_pair_is_taken():
    assert checked_view(VIEW, PAIR) == TwinsView(1, 1, "mask")
    message = VIEW | {"cell": {"which": "right", "query": 1, "key": 5}}
    assert checked_view(message, PAIR).cell == TwinCell(1, 5, "right")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (TwinsView(), (1, 1)),
        (TwinsView(layer=0), (0, 0)),
        (TwinsView(head=0), (1, 0)),
        (TwinsView(layer=0, head=1), (0, 1)),
        (TwinsView(layer=9), (9, 1)),
    ],
)
def test_the_first_view_is_where_the_two_look_at_different_sides_most_clearly(
    monkeypatch, asked, found
):
    """Head (0, 0) is further apart but looks at eight tokens; the second model has a layer more."""
    left = HeadMeasures(np.zeros((2, 2)), np.array([[3.0, 0.0], [0.1, 0.1]]), np.zeros((2, 2)))
    right = HeadMeasures(
        np.array([[0.9, 0.1], [0.5, 0.8], [1.0, 1.0]]),
        np.array([[0.0, 0.0], [0.1, 0.2], [0.0, 0.0]]),
        np.zeros((3, 2)),
    )
    pair = Pair(make_encoding(3), make_encoding(3), ("a", "b"), ("", ""))
    of = {id(pair.left): left, id(pair.right): right}
    monkeypatch.setattr(picture, "head_measures", lambda encoding: of[id(encoding)])
    view = picture.first_view(pair, asked)
    assert (view.layer, view.head) == found


def test_where_all_of_it_is_too_much_the_layer_on_show_is_sent_whole_and_the_others_small():
    all_of_it = pack(PAIR)
    header, arrays = unpack(pack(PAIR, layer=1, most_bytes=n_bytes(PAIR) - 1))
    whole_header, whole = unpack(all_of_it)
    assert whole_header["left"]["layers"] == list(range(LEFT.model.n_layers))
    assert header["left"]["layers"] == header["right"]["layers"] == [1]
    assert "left.thumbnails" not in whole
    for name, encoding in (("left", LEFT), ("right", RIGHT)):
        assert {one for one in arrays if one.startswith(f"{name}.pattern")} == {f"{name}.pattern.1"}
        for one in ("pattern.1", "queries.1", "keys.1", "value_rest.1", "measures"):
            assert np.array_equal(arrays[f"{name}.{one}"], whole[f"{name}.{one}"])
        small = arrays[f"{name}.thumbnails"]
        card = encoding.model
        assert small.shape[:2] == (card.n_layers, card.n_heads)
        # As few tokens as these have a cell each.
        assert np.abs(small / 255 - np.nan_to_num(encoding.patterns)).max() <= 0.5 / 255 + 1e-6


def test_what_it_comes_to_is_what_is_sent():
    sent = sum(
        array.nbytes
        for name, array in unpack(pack(PAIR))[1].items()
        if "measures" not in name and "scale" not in name
    )
    assert n_bytes(PAIR) == sent
