from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kvviz.engine.models.token_text import shown
from kvviz.trace.cut_characters import with_characters


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        (("The", " cat"), ("The", " cat")),
        (("‹EC›", "‹98›", "‹9B›"), ("옛·1/3", "옛·2/3", "옛·3/3")),
        (("a‹EC 98›", "‹9B›b"), ("a옛·1/2", "옛·2/2b")),
        # Two characters, the second begun by the token that ends the first.
        (("‹EC 98›", "‹9B EB›", "‹82 A0›"), ("옛·1/2", "옛·2/2날·1/2", "날·2/2")),
        (("‹F0›", "‹9F›", "‹98›", "‹80›"), ("😀·1/4", "😀·2/4", "😀·3/4", "😀·4/4")),
        # A model may write bytes that make no character.
        (("‹FF FE›",), ("‹FF FE›",)),
        (("‹EC›", "x"), ("‹EC›", "x")),
        (("‹EC›", "‹98›"), ("‹EC›", "‹98›")),
        ((), ()),
    ],
)
def test_a_part_of_a_character_says_which_and_of_which(tokens, expected):
    assert with_characters(tokens) == expected


@given(
    text=st.text(st.characters(codec="utf-8"), max_size=12),
    cuts=st.lists(st.integers(0, 40), max_size=12),
)
def test_however_a_text_is_cut_its_characters_come_back(text, cuts):
    # Marks of the writing itself cannot be told from those of a text about it.
    assume(not set(text) & set("‹›·"))
    raw = text.encode("utf-8")
    places = sorted({0, len(raw), *(cut for cut in cuts if cut < len(raw))})
    tokens = [shown(raw[a:b]) for a, b in pairwise(places)]
    found = with_characters(tokens)
    assert len(found) == len(tokens)
    whole = raw.decode("utf-8")
    for character in set(whole):
        if f"{character}·" not in "".join(found):
            assert character in "".join(found)
    assert "‹" not in "".join(found)
