"""The cache lab, without a browser."""

import re

import numpy as np
import pytest

import kvviz
from kvviz import caches
from kvviz.engine import judge_all
from kvviz.errors import OptionsError
from kvviz.lessons.held_out import held_out_stories
from kvviz.ui.pages.cache_lab import recorded
from kvviz.ui.pages.cache_lab.kept_part import WAYS, KeptPart, kept_part
from kvviz.ui.pages.cache_lab.needle import BEFORE, said_twice
from kvviz.ui.pages.cache_lab.settings import SIXTEENTHS, USUAL_VIEW, LabSettings, parse, write
from kvviz.ui.pages.cache_lab.story_losses import StoryLosses, read_stories
from kvviz.ui.pages.cache_lab.story_ways import BUDGETS, LINES, sink_words
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


def test_an_open_example_stands_below_its_picture_on_a_telephone_and_what_is_asked_does_not():
    below = 'class="kvviz-ask kvviz-of-example"'
    lab = Lab(do="budgets")
    assert below in lab.html
    # The picture goes when it is covered, so that nothing stands above the question.
    lab.press("cover:loss-by-budget")
    assert below not in lab.html
    assert below not in Lab(do="budgets", ask="1").html
    # Of a run that stays where it is the question stays too, or it would leave the screen.
    lab = Lab()
    assert below in lab.html
    lab.press("cover:keep-a-part")
    assert dict(lab.app.query_params)["ask"] in ("1", ["1"])
    assert below in lab.html
    assert below in lab.press("ask:keep-a-part:show").html
    assert below not in Lab(text=TEXT, new="2", cache="window:8").html


def test_the_first_run_is_recorded_and_any_other_is_made_here():
    lab = Lab()
    assert set(re.findall(r'data-tags="([a-z]+)"', lab.html)) == {"recorded"}
    assert "So is the run below" in lab.html
    other = Lab(new="3")
    assert set(re.findall(r'data-tags="([a-z]+)"', other.html)) == {"measured"}
    assert "the run below is made here" in other.html


def test_every_way_has_a_term_or_a_source():
    assert all(way.source for name, way in WAYS.items() if name != "random")


@pytest.mark.parametrize(
    ("do", "charts"),
    [
        ("budgets", {"loss-by-budget"}),
        ("sinks", {"sink-losses", "sink-heads", "loss-by-layer"}),
        ("needle", {"needle-gain"}),
    ],
)
def test_what_is_recorded_is_told_at_once_and_says_so(do, charts, model):
    lab = Lab(do=do)
    assert lab.errors == lab.notes == []
    told = re.findall(r'data-kvviz="verdict"([^>]*)>', lab.html)
    # Below sinks another question stands open.
    assert len(told) == 1 + (do == "sinks")
    assert all('data-recorded="1"' in one for one in told)
    assert set(lab.charts) == charts
    assert 'data-kvviz="recorded"' in lab.html
    assert "data-tags=" in lab.html
    assert len(lab.app.get("popover")) >= 1


def test_the_recorded_stories_are_read_by_the_model_that_ships(model):
    from kvviz.engine import log_likelihood

    found, texts = recorded.of_stories(), list(held_out_stories().values())
    assert found.n_stories >= 3
    ids = [*model.first_ids, *model.tokenize(texts[0])][: found.n_read]
    scored = log_likelihood(model, ids, positions=range(found.n_read // 2, found.n_read))
    assert scored.positions.size == found.n_scored
    # One pass sums in another order than one a token.
    assert found.full[0] == pytest.approx(-scored.mean, abs=1e-3)


def test_the_record_has_the_order_that_larger_measurements_had():
    """Signs and orders of what was measured before on longer documents; digits are of these."""
    found = recorded.of_stories()

    def cost(name, rows):
        return found.cost(LINES[name].words(rows))[0]

    for rows in BUDGETS:
        assert all(cost(name, rows) > 0 for name in LINES)
        assert cost("lot-sinks", rows) < cost("lot", rows)
    assert cost("window", BUDGETS[0]) > cost("window", BUDGETS[-1])
    assert cost("sinks", BUDGETS[0]) < cost("window", BUDGETS[0])
    sinks = recorded.of_sinks()
    without, *with_some = (sinks.cost(words)[0] for words in sink_words().values())
    assert max(with_some) < without
    # Without the control a score would be credited with what the sinks do.
    assert cost("lot-sinks", BUDGETS[0]) < cost("heavy", BUDGETS[0])
    # The first layer carries most of the damage, by lot and by a score; one row of fewer numbers
    # costs less than as many apart, and a quarter little.
    sparing = recorded.of_sparing()
    for rule in ("lot", "heavy"):
        by_layer = [sparing.cost(f"{rule}:{layer}-{layer}")[0] for layer in range(6)]
        assert by_layer[0] > 3 * max(by_layer[1:])
    numbers = recorded.of_numbers()
    for share in SIXTEENTHS:
        assert numbers.cost(f"latent-{share}")[0] < numbers.cost(f"apart-{share}")[0]
    assert abs(numbers.cost("latent-8")[0]) < 0.01
    assert 0 < numbers.cost("latent-4")[0] < 0.05 < numbers.cost("latent-2")[0]
    needles = recorded.of_needles()
    assert needles.mean("full").min() > 0.5
    assert needles.mean("sinks")[0] > 0.5
    assert needles.mean("sinks")[-1] < 0.3 * needles.mean("full")[-1]


def test_stories_and_spans_are_fed_as_they_stand(model):
    words = ["window:3+1", "random:4+1,recent=0.5"]
    done = []
    found = read_stories(
        model,
        {one: one for one in words},
        n_read=12,
        n_stories=2,
        progress=lambda *at: done.append(at),
        cancel=lambda: False,
    )
    assert (found.n_stories, found.n_scored) == (2, 6)
    assert done[-1] == (22, 22)
    again = StoryLosses.from_json(found.to_json())
    for one in words:
        np.testing.assert_allclose(again.more[one], found.more[one], atol=1e-5)
    text = list(held_out_stories().values())[1]
    (own,) = judge_all(model, model.tokenize(text)[:12], [caches.Window(3, 1)], first=6)
    assert found.more[words[0]][1] == pytest.approx(own.loss_nats - own.full_loss_nats)


def test_a_span_is_said_twice_with_so_many_tokens_between():
    ids = said_twice(range(100, 400), [7, 8, 9], 5)
    assert ids[BEFORE : BEFORE + 3] == ids[-3:] == [7, 8, 9]
    assert ids[:BEFORE] == list(range(100, 100 + BEFORE))
    assert ids[BEFORE + 3 : -3] == list(range(100 + BEFORE, 100 + BEFORE + 5))
