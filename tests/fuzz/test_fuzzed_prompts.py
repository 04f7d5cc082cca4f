"""Ten thousand prompts of any Unicode, through all that a prompt goes through."""

from functools import cache
from html.parser import HTMLParser
from random import Random
from urllib.parse import parse_qsl, urlencode

import pytest

from kvviz.engine import load_model, trace_encoding, trace_generation
from kvviz.errors import PromptError
from kvviz.player import html_document
from kvviz.trace import Conversation
from kvviz.ui.pages.kv_cache.settings import parse, write
from kvviz.ui.parts.view import View
from kvviz.ui.shell.links import fits
from kvviz.ui.shell.plain_text import plain, plain_html, shortened, visible
from kvviz.ui.work.run_settings import RunSettings
from tests.fuzz.cases import HOSTILE, REFUSED, any_text, each, taken
from tests.trace_files import opened_again

MODELS = ("gpt2-mini", "bert-mini", "t5-mini", "llama-mini")
loaded = cache(lambda name: load_model(f"kvviz/{name}", device="cpu"))
MARKS = "\\`*_{}[]<>()#+-.!|~$:&^="
"""What Markdown may take for more than a letter."""


def has_halves(text: str) -> bool:
    """Whether a text holds half of a surrogate pair."""
    return any(0xD800 <= ord(one) < 0xE000 for one in text)


class Tags(HTMLParser):
    """What a browser would take for elements, and for text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, attrs))

    def handle_data(self, data):
        self.text += data


def read_as_html(text: str) -> Tags:
    tags = Tags()
    tags.feed(text)
    tags.close()
    return tags


def is_read(text: str, name: str) -> None:
    """Hold what a model's tokenizer makes of a text to the text."""
    model = loaded(name)
    whole = taken(lambda: model.tokenize_whole(text), PromptError)
    if whole is REFUSED:
        assert has_halves(text) or not text.strip() or name != "gpt2-mini"
        return
    assert not has_halves(text)
    assert 0 <= min(whole.token_ids) <= max(whole.token_ids) < model.card.d_vocab
    assert len(whole.spans) == len(whole.special) == len(whole.token_ids)
    of_text = whole.spans[~whole.special]
    assert (of_text[:, 0] <= of_text[:, 1]).all()
    assert of_text.size == 0 or 0 <= of_text.min() <= of_text.max() <= len(text)
    shown = [model.token_text(token) for token in whole.token_ids]
    assert not any(map(has_halves, shown))
    again = model.text_of(whole.token_ids)
    # Bytes stand for all of a text; the other two know pieces of some scripts only.
    assert name != "gpt2-mini" or again == text
    taken(lambda: model.prompt_ids(text, 1))


def is_shown(text: str) -> None:
    """Hold what a page shows of a text to the letters of it."""
    seen = read_as_html(plain_html(text))
    assert seen.tags == []
    assert seen.text == visible(text)
    marked = plain(text)
    for mark in MARKS[1:]:
        assert marked.count(mark) == marked.count(f"\\{mark}"), mark
    assert len(shortened(text)) <= 60


def is_linked(text: str) -> None:
    """Hold a link to leading back to the prompt that it was made of."""
    if has_halves(text):
        return  # no address can hold one, and no browser sends one
    link = dict(parse_qsl(urlencode(write(RunSettings(prompt=text), View())), True))
    settings, _, unusable = parse(link)
    assert settings.prompt == (text if text and fits(text) else RunSettings().prompt)
    assert len(unusable) == (text == "")


def is_no_conversation(text: str) -> None:
    with pytest.raises(PromptError):
        Conversation.from_json(text)


def test_ten_thousand_prompts_are_read_shown_and_linked():
    def check(draw: Random) -> None:
        text = any_text(draw)
        is_read(text, draw.choice(MODELS))
        is_shown(text)
        is_linked(text)
        is_no_conversation(text)

    each(10_000, check)


def test_some_of_them_are_run_to_the_picture():
    """A run of a token each, since what a model computes is the same for all texts."""

    def check(draw: Random) -> None:
        text, name = any_text(draw, 12), draw.choice(MODELS)
        model = loaded(name)
        try:
            if name == "bert-mini":
                trace_encoding(model, text)
                return
            trace = trace_generation(model, text, max_new_tokens=1)
        except PromptError:
            return
        assert trace.prompt == text
        opened_again(trace)

    each(100, check, usually=30)


@pytest.mark.parametrize("text", HOSTILE)
def test_an_exported_document_says_what_a_prompt_says_and_obeys_none_of_it(text):
    trace = trace_generation(loaded("gpt2-mini"), text, max_new_tokens=1)
    seen = read_as_html(html_document(trace))
    found = [tag for tag, _ in seen.tags]
    assert found == ["html", "head", "meta", "meta", "meta", "meta", "title", "style", "body",
                     "h1", "div", "noscript", "script", "script"]  # fmt: skip
    assert not [name for _, attributes in seen.tags for name, _ in attributes if name[:2] == "on"]
