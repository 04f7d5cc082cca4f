from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvviz.analysis import Unit, align_tokens
from kvviz.errors import AlignmentError
from tests.factories import make_encoding


def reading(text, pieces, special=()):
    """An encoding of the text cut into these spans, special tokens before these numbers of it."""
    spans = [list(piece) for piece in pieces]
    for place in sorted(special, reverse=True):
        spans.insert(place, [-1, -1])
    n = len(spans)
    encoding = make_encoding(token_ids=np.arange(1, n + 1), family="gpt2")
    array = np.array(spans, dtype=np.int64)
    return replace(encoding, text=text, spans=array, special=(array < 0).all(axis=1))


def test_twins_have_a_pair_for_every_token_and_bert_its_own_two():
    gpt2 = reading("The cat sat", [(0, 3), (3, 7), (7, 11)])
    bert = reading("The cat sat", [(0, 3), (3, 7), (7, 11)], special=(0, 3))
    assert align_tokens(gpt2, bert) == (
        Unit((), (0,)), Unit((0,), (1,)), Unit((1,), (2,)), Unit((2,), (3,)), Unit((), (4,))
    )  # fmt: skip


def test_a_space_may_belong_to_a_token_here_and_to_none_there():
    one = reading("The cat", [(0, 3), (3, 7)])
    other = reading("The cat", [(0, 3), (4, 7)])
    assert align_tokens(one, other) == (Unit((0,), (0,)), Unit((1,), (1,)))


def test_a_word_in_several_pieces_is_one_unit():
    one = reading("unhappy dogs", [(0, 7), (7, 12)])
    other = reading("unhappy dogs", [(0, 2), (2, 5), (5, 7), (8, 11), (11, 12)])
    assert align_tokens(one, other) == (Unit((0,), (0, 1, 2)), Unit((1,), (3, 4)))


def test_pieces_that_overlap_crosswise_join():
    one = reading("abcd", [(0, 2), (2, 4)])
    other = reading("abcd", [(0, 1), (1, 3), (3, 4)])
    assert align_tokens(one, other) == (Unit((0, 1), (0, 1, 2)),)


def test_halves_of_a_character_stay_together():
    one = reading("a🐱", [(0, 1), (1, 2), (1, 2)])
    other = reading("a🐱", [(0, 1), (1, 2)])
    assert align_tokens(one, other) == (Unit((0,), (0,)), Unit((1, 2), (1,)))


@given(st.data())
def test_every_position_is_in_exactly_one_unit_and_in_order(data):
    length = data.draw(st.integers(1, 20))

    def cut():
        places = sorted({0, length, *data.draw(st.lists(st.integers(1, length), max_size=8))})
        return list(pairwise(places))

    one, other = reading("x" * length, cut()), reading("x" * length, cut(), special=(0,))
    units = align_tokens(one, other)
    for side, encoding in (("left", one), ("right", other)):
        positions = [position for unit in units for position in getattr(unit, side)]
        assert positions == list(range(encoding.n_tokens))
    for unit in units:
        if unit.left and unit.right and -1 not in other.spans[list(unit.right)]:
            assert one.spans[unit.left[0], 0] == other.spans[unit.right[0], 0]
            assert one.spans[unit.left[-1], 1] == other.spans[unit.right[-1], 1]


def test_what_cannot_be_aligned_is_refused_with_the_reason():
    one = reading("The cat", [(0, 3), (3, 7)])
    with pytest.raises(AlignmentError, match="same text"):
        align_tokens(one, replace(one, text="The dog!"))
    blind = replace(one, spans=np.full((2, 2), -1, dtype=np.int64))
    with pytest.raises(AlignmentError, match="does not say which characters"):
        align_tokens(one, blind)
    turned = replace(one, spans=one.spans[::-1].copy())
    with pytest.raises(AlignmentError, match="stands before"):
        align_tokens(one, turned)
