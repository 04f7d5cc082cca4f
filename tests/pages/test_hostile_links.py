"""What a link says is shown and not obeyed, on every page."""

import re
from html.parser import HTMLParser

import pytest

from tests.pages.conftest import Page, html_of, opened_by_link

HOSTILE = "![x](http://evil.test/a.png) [Click](http://evil.test) www.evil.test a@evil.test $x^2$"
LINKS = {
    "start": ("lost", "lost"),
    "kv_cache": ("cache", "model"),
    "bert_vs_gpt2": ("do", "bert"),
    "language_modelling": ("seed", "model"),
    "encoder_decoder": ("new", "model"),
    "cache_lab": ("cache", "model"),
    "speed_and_memory": ("batch", "model"),
    "model_sizes": ("on", "row"),
}
"""For each page a parameter that takes few values, and one that names a model."""
WORD_JOINER = "\u2060"


@pytest.mark.parametrize("page", LINKS)
def test_markup_in_a_link_is_escaped(page):
    choice, model = LINKS[page]
    app = opened_by_link(page, {choice: HOSTILE, model: HOSTILE})
    assert not app.exception
    said = [element.value for element in (*app.info, *app.warning, *app.error)]
    quoted = [text for text in said if "evil" in text]
    assert quoted
    for text in quoted:
        assert text.replace(WORD_JOINER, "").count("evil.test/a.png") <= 1
        for mark in "![]$":
            assert text.count(mark) == text.count(f"\\{mark}"), text
        # Links are made of bare addresses after the escapes are gone, so these are broken as well.
        bare = text.replace("\\", "")
        assert all(link not in bare for link in ("http://evil", "www.evil", "a@evil")), text


MARKUP = (
    '<script>alert(1)</script> <img src=x onerror="alert(1)"> <a href="javascript:alert(1)">x</a>'
)
TEXTS = {
    "kv_cache": {"prompt": MARKUP, "new": "2"},
    "language_modelling": {"text": MARKUP},
    "encoder_decoder": {"prompt": MARKUP, "new": "2"},
}
"""Of each page that makes a run of a text or reads it by itself, a link with one of markup."""
UNHEARD_OF = {"script", "iframe", "object", "embed", "img", "link", "base", "form", "meta"}


class Elements(HTMLParser):
    """The elements of a page's HTML."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, attrs))


@pytest.mark.parametrize("page", TEXTS)
def test_markup_in_a_text_is_read_by_models_and_by_no_browser(page):
    app = Page(page, TEXTS[page]).app
    assert not app.exception
    assert not app.error
    elements = Elements()
    elements.feed(html_of(app))
    elements.close()
    assert elements.found
    for tag, attributes in elements.found:
        assert tag not in UNHEARD_OF
        for name, text in attributes:
            assert not name.startswith("on"), (tag, attributes)
            assert "javascript:" not in (text or "") or name.startswith("data-"), (tag, attributes)
    for said in (*app.markdown, *app.caption, *app.info):
        bare = re.sub(r"\\.", "", said.value)
        assert "<img" not in bare
        assert "<script" not in bare
