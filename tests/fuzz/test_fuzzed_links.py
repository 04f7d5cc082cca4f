"""A thousand links to each page: what they say is used or said to be unusable, and never obeyed."""

from dataclasses import fields
from random import Random
from urllib.parse import parse_qsl, urlencode

import pytest

from kvviz.ui.pages.bert_vs_gpt2 import settings as bert_vs_gpt2
from kvviz.ui.pages.cache_lab import settings as cache_lab
from kvviz.ui.pages.encoder_decoder import settings as encoder_decoder
from kvviz.ui.pages.kv_cache import settings as kv_cache
from kvviz.ui.pages.language_modelling import settings as language_modelling
from kvviz.ui.pages.model_sizes.choice import choice_fields
from kvviz.ui.pages.speed_and_memory.settings import race_fields
from kvviz.ui.parts.view import VIEW_FIELDS
from kvviz.ui.shell.links import lines_about
from kvviz.ui.work.run_settings import run_fields
from tests.fuzz.cases import any_text, each

PAGES = {
    "kv_cache": [run_fields(), VIEW_FIELDS],
    "bert_vs_gpt2": [bert_vs_gpt2.SETTINGS_FIELDS, bert_vs_gpt2.VIEW_FIELDS],
    "language_modelling": [language_modelling.text_fields(), language_modelling.VIEW_FIELDS],
    "encoder_decoder": [encoder_decoder.run_fields(), VIEW_FIELDS],
    "cache_lab": [cache_lab.SETTINGS_FIELDS, cache_lab.view_fields("keep")],
    "speed_and_memory": [race_fields()],
    "model_sizes": [choice_fields()],
}
"""What each page reads of a link; the start page reads nothing of its own."""
PARSED = {
    "kv_cache": kv_cache.parse,
    "bert_vs_gpt2": bert_vs_gpt2.parse,
    "language_modelling": language_modelling.parse,
    "encoder_decoder": lambda link: encoder_decoder.parse(link, 1024),
    "cache_lab": cache_lab.parse,
}
"""Of pages that put several together."""
TRIED = (
    "", "0", "-0", "1", "+1", " 5 ", "1_0", "٣", "１２", "0x10", "1e3", "1e400", "-1", "nan", "inf",
    "9" * 30, "9" * 5000, "0." + "3" * 400, "true", "None", "on", "off", "both", "12.7", "4.8x",
    "5.262-0.11.12", "5.1-", "-".join(["5.1"] * 9), "window:60+4", "window:60 4", "heavy:64",
    "window:" + "9" * 400, "quantised:2/4,group=8", "quantised:0/0", "zero:1.2.3", "full", "look",
    '[{"role":"user","content":"<b>"}]', '[{"role":"user"}]', "[" * 3000, '{"a":' * 2000,
    "kvviz/gpt2-mini", "../../x", "float32", "llama", "%00", "&a=b", "\x00", "a\nb",
)  # fmt: skip
"""What somebody may try; the rest is chance."""


def any_value(draw: Random) -> str:
    text = draw.choice(TRIED) if draw.random() < 0.7 else any_text(draw, surrogates=False)
    if draw.random() < 0.2:
        place = draw.randrange(len(text) + 1)
        text = text[:place] + draw.choice(".+-:,/x 07") + text[place:]
    return text


def as_sent(link: dict[str, str]) -> dict[str, str]:
    """Return a link as a server reads it that a browser sends."""
    return dict(parse_qsl(urlencode(link), keep_blank_values=True))


@pytest.mark.parametrize("page", PAGES)
def test_a_link_says_what_is_used_or_is_said_to_be_unusable(page):
    names = sorted({name for one in PAGES[page] for name in one.readers})

    def check(draw: Random) -> None:
        chosen = draw.sample(names, draw.randrange(1, min(5, len(names)) + 1))
        link = as_sent({name: any_value(draw) for name in chosen})
        assert set(link) <= {*chosen}
        for own in PAGES[page]:
            value, unusable = own.parse(link)
            of_this = [name for name in own.readers if name in link]
            assert len(unusable) <= len(of_this)
            for one in fields(value):
                usual, found = getattr(own.usual, one.name), getattr(value, one.name)
                if usual is not None:
                    assert type(found) is type(usual), one.name
            # What it says is written again as the same, or left out where it is too long.
            again, wrong = own.parse(as_sent(own.write(value)))
            assert wrong == ()
            written = own.write(value)
            for name in written:
                assert getattr(again, name) == getattr(value, name)
            for line in lines_about(unusable):
                assert "\n" not in line
                assert len(line) < 100 + 200 * len(unusable)
        if page in PARSED:
            PARSED[page](link)

    each(1000, check)


def test_which_head_of_an_encoder_is_looked_at():
    def check(draw: Random) -> None:
        link = {name: any_value(draw) for name in ("encoder_layer", "encoder_head")}
        head, unusable = encoder_decoder.parse_encoder(as_sent(link))
        assert (head is None) == bool(unusable)

    each(1000, check)
