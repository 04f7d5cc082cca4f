from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvviz.ui.shell.plain_text import plain, plain_html, shortened, visible


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.found.append(tag)

    def handle_data(self, data):
        self.text += data


@given(st.text(st.characters(codec="utf-8")))
def test_html_never_comes_out_as_a_tag_and_reads_as_typed(text):
    tags = Tags()
    tags.feed(plain_html(text))
    tags.close()
    assert tags.found == []
    assert tags.text == visible(text)


def test_the_ends_of_lines_have_the_sign_that_the_player_gives_them():
    assert visible("a\nb\tc\x00") == "a↵b⇥c␀"


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "**bold**",
        "[a](javascript:1)",
        "$x^2$",
        ":red[x]",
        "# h",
        "`c`",
    ],
)
def test_markdown_marks_are_taken_as_letters(text):
    escaped = plain(text)
    assert escaped.replace("\\", "") == text
    for mark in "*[]<>$:#`":
        assert escaped.count(mark) == escaped.count(f"\\{mark}")


def test_control_characters_and_turned_direction_are_made_visible():
    assert visible("a\x00b\x1b\x7f") == "a␀b␛␡"
    assert "\u202e" not in visible("abc\u202edef")
    assert visible("日本 שלום 🐱") == "日本 שלום 🐱"


def test_long_text_is_cut_with_a_sign():
    assert shortened("abcdef", 4) == "abc…"
    assert shortened("abcd", 4) == "abcd"


@pytest.mark.parametrize("text", ["http://evil.test", "www.evil.test", "WWW.a.b", "a@evil.test"])
def test_an_address_is_broken_where_a_link_would_be_made_of_it(text):
    """Links are made of text after its escapes are gone, so these alone would not do."""
    made = plain(text).replace("\\", "")
    assert made != text
    assert made.replace("\u2060", "") == text
    assert "\u2060" in made
