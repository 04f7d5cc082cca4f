"""What a link says is shown and not obeyed, on every page."""

import pytest

from tests.pages.conftest import opened_by_link

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
