"""The cache lab, without a browser."""

import re

import numpy as np
import pytest

import kvviz
from kvviz import caches
from kvviz.engine import judge_all
from kvviz.errors import OptionsError
from kvviz.ui.pages.cache_lab import recorded
from kvviz.ui.pages.cache_lab.kept_part import WAYS, KeptPart, kept_part
from kvviz.ui.pages.cache_lab.settings import USUAL_VIEW, LabSettings, parse, write
from tests.pages.conftest import Drawn, opened_by_link

TEXT = "Tim had a red ball. He threw the ball to his dog, and the dog ran to the tree and"


class Lab(Drawn):
    def __init__(self, **parameters):
        self.app = opened_by_link("cache_lab", parameters)

    def hooks(self, name):
        (found,) = re.findall(rf'data-kvviz="{name}"([^>]*)>', self.html)
        return dict(re.findall(r'data-([a-z-]+)="([^"]*)"', found))

    def press(self, key):
        self.app.button(key=key).click().run()
        return self


def test_a_text_of_ones_own_is_asked_about_and_told_with_the_control_beside_it(model):
    lab = Lab(text=TEXT, cache="heavy:8", new="3", step="2")
    assert lab.errors == lab.notes == []
    assert 'data-kvviz="verdict"' not in lab.html
    assert lab.charts == {}
    lab.press("ask:keep-a-part:0")
    assert lab.errors == []
    told, ids = lab.hooks("verdict"), model.tokenize(TEXT)
    kinds = [caches.HeavyHitters(8), caches.Random(8)]
    own, control = judge_all(model, ids, kinds, n_prompt=len(ids) // 2)
    for name, number in (
        ("loss", own.loss_nats),
        ("full-loss", own.full_loss_nats),
        ("kl", own.kl_nats),
        ("control-kl", control.kl_nats),
        ("control-loss", control.loss_nats),
    ):
        assert told[name] == f"{number:.4f}"
    assert told["cache-bytes"] == str(own.cache_bytes)
    assert told["recorded"] == "0"
    run = kvviz.trace_generation(model, TEXT, max_new_tokens=3, cache=caches.HeavyHitters(8))
    here = lab.hooks("kept-part")
    layer, head = int(here["layer"]), int(here["head"])
    live = int(run.live(2, layer)[head].sum())
    assert (here["n-live"], here["n-evicted"]) == (str(live), str(len(ids) + 2 - live))
    assert live == 8
    # Both caches are asked after the same tokens, so that what one wrote stands in both lists.
    assert lab.html.count('class="kvviz-bar-marked"') == 2
    assert lab.charts == {"kept-steps": 2 * 3}
    assert "Zhang et al. (2023)" in lab.html


def test_the_usual_text_is_told_at_once_and_its_record_is_true(model):
    usual = LabSettings()
    stored = recorded.of_keep(usual)
    ids = model.tokenize(usual.text)
    kinds = [caches.Window(12, 4), caches.Random(16, sinks=4)]
    found = judge_all(model, ids, kinds, n_prompt=len(ids) // 2)
    # Other processors sum in another order: some roundings of float32, not a row more or less.
    for one, verdict in zip(stored.caches.values(), found, strict=True):
        np.testing.assert_allclose(one.losses, verdict.losses, atol=1e-3)
        np.testing.assert_allclose(one.divergences, verdict.divergences, atol=1e-3)
        assert one.n_bytes == verdict.cache_bytes


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ("window:28+4", KeptPart("window", 32, 4)),
        ("window:32", KeptPart("window", 32)),
        ("heavy:12", KeptPart("heavy", 12)),
        ("random:32+4", KeptPart("random", 32, 4)),
        ("observed:24", KeptPart("observed", 24)),
    ],
)
def test_a_link_says_which_rows_are_kept_and_the_engine_reads_the_same(words, part):
    from kvviz.engine.caches.cache_words import cache_of

    assert kept_part(words) == part
    assert str(part) == words
    assert write(LabSettings(cache=part), USUAL_VIEW) == {"cache": words}
    cache = cache_of(part.for_engine)
    rows = cache.size + cache.sinks if part.way == "window" else cache.budget
    assert (rows, getattr(cache, "sinks", 0)) == (part.rows, part.sinks)


@pytest.mark.parametrize(
    "words", ["window:0", "window:0+4", "heavy:8+1", "random:4+4", "lru:8", "heavy:", "heavy:9999"]
)
def test_a_link_with_no_such_way_gives_the_usual_one_and_a_line(words):
    settings, _view, wrong = parse({"cache": words})
    assert settings == LabSettings()
    assert len(wrong) == 1


@pytest.mark.parametrize(
    ("part", "says"),
    [
        (KeptPart("window", 0), "Rows: 2 to 1,024"),
        (KeptPart("window", 8, 8), "8 sinks leave no room in a budget of 8"),
        (KeptPart("heavy", 2_000), "Rows: 2 to 1,024"),
    ],
)
def test_numbers_with_which_nothing_could_be_kept_are_refused(part, says):
    with pytest.raises(OptionsError, match=says):
        part.check()


def test_a_budget_above_the_text_and_a_text_too_short_get_a_sentence_and_a_way_out():
    lab = Lab(text=TEXT, cache="heavy:64")
    (error,) = lab.errors
    assert "With this budget no row has to go" in error
    lab.app.text_area(key="lab:text").set_value("Too short").run()
    (error,) = lab.errors
    assert "has 16 tokens or more" in error
    assert lab.app.text_area(key="lab:text").value == "Too short"


def test_every_way_has_a_term_or_a_source():
    assert all(way.source for name, way in WAYS.items() if name != "random")
