from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvviz.engine.models.token_text import TokenTexts, shown
from tests.parity.tiny_berts import tiny_wordpiece
from tests.parity.tiny_models import tiny_tokenizer

TOKENIZER = tiny_tokenizer()
TEXTS = TokenTexts(TOKENIZER)


class PieceTokenizer:
    """Stands in for tokenizers that are not byte-level: its pieces are given."""

    def __init__(self, *pieces):
        self.pieces = pieces

    def get_added_vocab(self):
        return {}

    def convert_ids_to_tokens(self, token_id):
        return self.pieces[token_id] if token_id < len(self.pieces) else None


def ids_of(text):
    return TOKENIZER(text, add_special_tokens=False)["input_ids"]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"", ""),
        (b" cat", " cat"),
        ("é".encode(), "é"),
        (b"\xe2\x80", "‹E2 80›"),
        (b"a\xe2\x80", "a‹E2 80›"),
        (b"\x99b", "‹99›b"),
        (b"\xff\xfe", "‹FF FE›"),
        (b"\xed\xa0\x80", "‹ED A0 80›"),
        (b"a\x00\nb", "a\x00\nb"),
    ],
)
def test_bytes_are_shown_as_text_or_in_hex(raw, text):
    assert shown(raw) == text


@given(st.binary(max_size=12))
def test_shown_bytes_are_unicode(raw):
    assert len(shown(raw).encode()) >= len(raw)


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=30))
def test_tokens_joined_give_the_text(text):
    assert TEXTS.joined(ids_of(text)) == text


@given(st.text(st.characters(max_codepoint=127), max_size=30))
def test_texts_of_tokens_joined_give_the_text_where_no_character_is_cut(text):
    assert "".join(map(TEXTS.text, ids_of(text))) == text


def test_half_characters_are_shown_one_by_one_and_joined():
    ids = ids_of("😀")
    assert [TEXTS.text(token_id) for token_id in ids] == ["‹F0›", "‹9F›", "‹98›", "‹80›"]
    assert TEXTS.joined(ids[:3]) == "‹F0 9F 98›"
    assert TEXTS.joined(ids) == "😀"


def test_special_tokens_are_shown_as_they_are_written():
    assert TEXTS.text(0) == "<|endoftext|>"


def test_added_tokens_are_not_taken_for_bytes():
    tokenizer = tiny_tokenizer()
    tokenizer.add_tokens(["Ġé"])  # in the byte alphabet: a space and the byte E9
    texts = TokenTexts(tokenizer)
    assert texts.text(tokenizer.convert_tokens_to_ids("Ġé")) == "Ġé"


def test_id_without_a_token_gets_a_name():
    assert TEXTS.text(319) == "‹token 319›"
    assert TEXTS.text(10**6) == "‹token 1000000›"


def test_pieces_that_are_not_byte_level():
    texts = TokenTexts(PieceTokenizer("▁the", "##ing", "<0xE2>", "<0x41>", "Ġx", "\ud83d"))
    shown_pieces = [texts.text(token_id) for token_id in range(7)]
    assert shown_pieces == [" the", "##ing", "‹E2›", "A", "Ġx", "?", "‹token 6›"]


def test_pieces_of_words_read_as_words(tmp_path):
    tokenizer = tiny_wordpiece()
    texts = TokenTexts(tokenizer)
    ids = tokenizer("on the mats, and", add_special_tokens=False)["input_ids"]
    assert texts.joined(ids) == "on the mats, and"
    assert texts.joined(ids, goes_on=True) == " on the mats, and"
    place = ids.index(tokenizer.convert_tokens_to_ids("##s"))
    assert texts.joined(ids[place:], goes_on=True) == "s, and"
    assert [texts.text(one) for one in ids[place : place + 2]] == ["##s", ","]
    assert TEXTS.joined(ids_of(" on the"), goes_on=True) == " on the"
