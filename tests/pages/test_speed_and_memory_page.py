import csv
import io
import re
import time
from dataclasses import replace
from datetime import date
from threading import Event

import pytest

from kvviz.analysis.cost import step_costs
from kvviz.analysis.kept_bytes import Keeping
from kvviz.analysis.race_table import race_csv
from kvviz.analysis.speed_up import speed_ups
from kvviz.engine.timing import ceilings, step_profile
from kvviz.engine.timing import race as engine_race
from kvviz.lessons import published_speedups
from kvviz.lessons.lesson_files import LessonError
from kvviz.lessons.published_speedups import published_speed_ups
from kvviz.ui.pages.speed_and_memory.live_race import LiveRace
from kvviz.ui.pages.speed_and_memory.race_controls import found_wrong
from kvviz.ui.pages.speed_and_memory.result_part import right_answer, said_of_tokens, verdict
from kvviz.ui.pages.speed_and_memory.settings import RaceSettings, race_fields
from kvviz.ui.parts.quantity import factor, seconds
from kvviz.ui.shell.environment import Environment
from tests.pages.conftest import PATIENCE_S, Page
from tests.races import made_up_race

SHORT = {"prompt_tokens": "6", "new": "5", "repeats": "2"}


class SpeedPage(Page):
    @property
    def speed(self):
        return self.app.session_state["speed_page"]

    def finish(self):
        until = time.monotonic() + PATIENCE_S
        while "speed_page" in self.app.session_state and self.speed.timing:
            assert time.monotonic() < until, "what is timed did not end"
            for one in (self.speed, self.speed.parts, self.speed.roof):
                if one.job is not None:
                    one.job.wait(1.0)
            self.app.run()
        return self

    def hook(self, name):
        found = re.search(rf'data-kvviz="race"[^>]* data-{name}="([^"]*)"', self.html)
        return found and found[1]

    @property
    def link(self):
        texts = dict(self.app.query_params)
        return {name: text if isinstance(text, str) else text[0] for name, text in texts.items()}


@pytest.fixture
def opened(model):
    return lambda **parameters: SpeedPage("speed_and_memory", parameters)


def test_it_opens_with_a_question_and_what_others_have_published(opened):
    page = opened(**SHORT)
    assert page.errors == []
    assert "GPT-2 mini reads 6 tokens and writes 5 more" in page.html
    assert page.hook("n-new") is None
    assert page.html.count('<tr><th scope="row">') == len(published_speed_ups())
    for one in published_speed_ups():
        assert one.source in page.html
        assert one.looked_up in page.html


def test_an_answer_starts_the_race_and_every_figure_is_of_that_race(opened):
    page = opened(**SHORT).press("ask:cache-speed-up:0")
    assert page.errors == []
    race = page.speed.finished.race
    assert (race.n_prompt, race.n_new, race.n_repeats) == (6, 5, 2)
    assert page.hook("n-new") == "5"
    assert page.hook("same-tokens") == "true"
    assert float(page.hook("speed-up")) == pytest.approx(speed_ups(race).last, abs=1e-4)
    rows = 6 + 5 - 1
    assert page.hook("cache-bytes") == str(rows * race.model.cache_bytes_per_token)
    assert f"= {rows * race.model.cache_bytes_per_token:,} B" in page.html
    assert "exactly that" in page.html
    right = right_answer(speed_ups(race).last)
    assert ("Right. " if right == 0 else "You said less than 2×. ") in page.html
    assert 'data-kvviz="question"' not in page.html
    assert page.link == SHORT
    assert {"speed-up-curve", "cache-bytes", "roofline"} == set(page.charts)
    assert "int8, by formula only" in page.html


def test_a_race_takes_a_window_and_every_formula_with_it(opened):
    page = opened(cache="window:3 1", **SHORT)
    assert page.notes == []
    assert "once with a cache of the last 3 rows and the first and once without" in page.html
    page.press("ask:cache-speed-up:show")
    assert page.errors == []
    race = page.speed.finished.race
    assert (page.hook("rows"), page.hook("sinks")) == ("4", "1")
    assert page.hook("cache-bytes") == str(3 * race.model.cache_bytes_per_token)
    assert "as fast with a cache of the last 3 rows and the first." in page.html
    # Two of nine new rows or so: FLOPs by formula are fewer than with every row.
    flops = [
        step_costs(race.model, 6, 5, use_cache=on, keeping=Keeping(rows=4)).flops.sum()
        for on in (True, False)
    ]
    assert float(page.hook("flops")) == pytest.approx(flops[1] / flops[0], abs=1e-4)
    assert f"min(tokens so far, 4) of them, its own among them: {flops[0]:,} FLOPs" in page.html
    assert "exactly that" in page.html
    assert page.link == {"cache": "window:3+1", **SHORT}
    # Each lane has the text of its own side.
    lanes = re.findall(r'<section class="kvviz-lane .*?<p>(.*?)</p>', page.html, re.DOTALL)
    assert len(lanes) == 2
    assert (lanes[0] == lanes[1]) == race.same_tokens


def test_a_step_is_cut_into_parts_and_the_roof_is_measured_on_request(opened):
    page = opened(**SHORT).press("ask:cache-speed-up:show")
    assert 'data-kvviz="step-parts"' not in page.html
    page.press("speed:profile")
    assert page.errors == []
    profiles = page.speed.parts.result
    assert [(one.n_new, one.n_keys) for one in profiles.values()] == [(1, 10), (10, 10)]
    assert f'<td data-label="1 row">{seconds(profiles["1 row"].parts["MLP"])}</td>' in page.html
    assert 'data-kvviz="step-parts"' in page.html
    page.press("speed:roof")
    assert page.errors == []
    assert "of the roof" in page.html
    assert page.speed.roof.result.dtype == "float32"
    # Another race is another machine state: what was measured beside the old one goes.
    page.press("speed:start")
    assert page.speed.parts.result is None
    assert page.speed.roof.result is None


def test_a_race_that_does_not_fit_is_refused_with_a_way_on_and_loses_nothing(opened, monkeypatch):
    page = opened(**SHORT).press("ask:cache-speed-up:show")
    monkeypatch.setattr(engine_race, "free_bytes", lambda _: 300_000)
    page.app.number_input(key="speed:batch").set_value(50).run()
    page.press("speed:start")
    (error,) = page.errors
    assert "batch of 50 does not fit" in error.replace("\\", "")
    assert "B of cache" in error
    assert page.hook("n-new") == "5"
    monkeypatch.undo()
    page.press("speed:remedy")
    assert page.errors == []
    assert 1 <= int(page.hook("batch")) <= 25


def test_memory_that_runs_out_in_the_race_leaves_the_page_alive(opened, monkeypatch):
    page = opened(**SHORT)

    def full(self):
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(engine_race.Runner, "step", full)
        page.press("speed:start")
    (error,) = page.errors
    assert "memory" in error
    page.press("speed:start")
    assert page.errors == []
    assert page.hook("n-new") == "5"


def test_more_tokens_than_positions_end_in_a_button_that_fits(opened):
    page = opened(prompt_tokens="1000", new="40", repeats="1")
    page.press("speed:start")
    (error,) = page.errors
    assert "1,024" in error.replace("\\", "")
    assert page.app.button(key="speed:remedy").label == "Race 512 prompt and 40 new tokens"


def test_a_control_that_says_nonsense_is_named_and_nothing_runs(opened):
    page = opened(**SHORT)
    page.app.number_input(key="speed:batch").set_value(0).run()
    page.press("speed:start")
    assert page.speed.finished is None
    assert "Batch: 1 to 4,096, and it is 0." in page.html


def test_nonsense_in_a_link_gives_the_default_and_a_line(opened):
    page = opened(new="-3", batch="many", dtype="int3", repeats="2")
    assert page.errors == []
    (note,) = page.notes
    assert all(name in note for name in ("new", "batch", "dtype"))
    assert page.app.number_input(key="speed:new").value == RaceSettings.new
    assert page.app.number_input(key="speed:repeats").value == 2


def test_a_link_says_what_it_was_written_from():
    settings = RaceSettings("kvviz/gpt2-mini", 5, 7, 3, 9, "float16", "window:9")
    fields = race_fields(1024)
    for none in ("window:1", "window:0+4", "heavy:8", "on", "window:9,positions=renumbered"):
        assert fields.parse({"cache": none})[0] == RaceSettings()
        assert len(fields.parse({"cache": none})[1]) == 1
    assert fields.parse(fields.write(settings)) == (settings, ())
    assert fields.write(RaceSettings(device="cpu")) == {}


def test_a_model_that_may_not_be_loaded_is_not(opened, monkeypatch):
    monkeypatch.setenv("KVVIZ_MODELS", "bundled")
    page = opened(model="somebody/else", **SHORT)
    # It is asked about by its name, and not by what the list says where another is typed.
    assert "else reads 6 tokens" in page.html
    page.press("speed:start")
    assert "does not load that model" in page.errors[0]
    assert page.speed.job is None


def test_the_verdict_says_what_the_numbers_say():
    within = made_up_race([(1.0,) * 4], [(0.5, 3.0, 3.0, 3.0)])
    (rule, below, why) = verdict(speed_ups(within), within)
    assert (
        rule
        == "At 4 tokens the rule of 2× to 4× holds here: it stays at 2× or more from 3 tokens on."
    )
    assert below.startswith("It is below 1× at 1 of the 4 lengths, none of them over 1:")
    assert "a row alone takes 1.00 s, and one among 8 takes 375.0 ms" in why
    more = made_up_race([(1.0,) * 3], [(2.0, 8.0, 8.0)])
    assert verdict(speed_ups(more), more)[:2] == [
        "That is more than the rule of 2× to 4× promises: it stays at 2× or more from 1 token on "
        "and it stays at 4× or more from 2 tokens on.",
        "At no length is it below 1×.",
    ]
    less = made_up_race([(1.0, 1.0)], [(1.5, 1.5)])
    assert verdict(speed_ups(less), less)[0].endswith("is less than the rule of 2× to 4× promises.")
    slower = made_up_race([(1.0, 1.0)], [(0.5, 0.5)])
    assert "makes it slower here" in verdict(speed_ups(slower), slower)[0]
    other = replace(less, uncached_token_ids=less.token_ids + 1)
    assert "different tokens" in verdict(speed_ups(other), other)[-1]
    # Where rows went that is why, and no last digit.
    kept = replace(other, rows=3, sinks=1)
    assert said_of_tokens(kept) == ["The cache let rows go, so that it went on with another text."]
    assert "wrote the same all the same" in said_of_tokens(replace(less, rows=3))[0]
    assert [one[:9] for one in said_of_tokens(replace(other, rows=6))] == ["No row ha", "The two s"]
    assert said_of_tokens(less) == []


def test_the_right_answer_is_the_range_that_holds_the_measurement():
    assert [right_answer(one) for one in (0.5, 1.99, 2.0, 3.9, 4.0, 10.0, 99.0)] == [
        0, 0, 1, 1, 2, 3, 3
    ]  # fmt: skip


def test_what_cannot_be_raced_is_said_control_by_control():
    environment = Environment.read({"KVVIZ_MAX_NEW_TOKENS": "50"})
    wrong = RaceSettings("", prompt_tokens=0, new=51, batch=5000, repeats=26, cache="heavy:8")
    assert len(found_wrong(wrong, environment)) == 6
    assert found_wrong(RaceSettings(new=50), environment) == ()


def test_numbers_are_said_with_their_unit():
    assert [factor(one) for one in (0.97, 1.0, 4.26, 9.96, 502.5)] == [
        "0.97×", "1.0×", "4.3×", "10×", "502×"
    ]  # fmt: skip
    assert [seconds(one) for one in (0.00123, 0.0123, 1.234, 25.31)] == [
        "1.23 ms", "12.3 ms", "1.23 s", "25.3 s"
    ]  # fmt: skip


def test_the_csv_has_a_line_a_step():
    race = made_up_race([(1.0, 1.0), (3.0, 1.0)], [(2.0, 6.0), (3.0, 5.0)], batch=2)
    first, second = csv.DictReader(io.StringIO(race_csv(race)))
    assert (first["with_cache_ms"], first["without_cache_ms"]) == ("2000.0", "2500.0")
    assert float(second["speed_up"]) == (8 / 2 + 8 / 4) / 2
    assert int(second["cache_bytes"]) == 6 * 192 * 2
    assert int(first["with_cache_flops"]) == int(first["without_cache_flops"]) > 0


def test_a_published_figure_without_a_source_is_refused(tmp_path, monkeypatch):
    assert len(published_speed_ups()) >= 8
    text = published_speedups.FILE.read_text()
    for damage in (
        text.replace('source = "', 'origin = "', 1),
        text.replace("= 4.73", "= -1"),
        text.replace('looked_up = "', 'looked_up = "about ', 1),
        text.replace('looked_up = "2026-11-23"', 'looked_up = "2026-11-31"', 1),
    ):
        file = tmp_path / "published_speedups.toml"
        file.write_text(damage)
        with monkeypatch.context() as patch:
            patch.setattr(published_speedups, "FILE", file)
            with pytest.raises(LessonError, match="Entry 1"):
                published_speed_ups.__wrapped__()


def test_every_published_figure_says_where_it_stands_and_when_it_was_read():
    for one in published_speed_ups():
        assert "/" in one.source
        assert date(2026, 11, 1) <= date.fromisoformat(one.looked_up)
    batches = [one.batch for one in published_speed_ups() if one.who == "nanochat fork"]
    assert batches == [1, 4, 8, 16, 32, 64, 93]


def test_a_race_can_be_watched_and_cancelled(opened, monkeypatch):
    page, go_on = opened(**SHORT), Event()
    plain = engine_race.Runner.step

    def held(self):
        if self.n_done == 2:
            assert go_on.wait(PATIENCE_S)
        return plain(self)

    monkeypatch.setattr(engine_race.Runner, "step", held)
    page.app.button(key="speed:start").click().run()
    until = time.monotonic() + PATIENCE_S
    # Whichever side has taken less time so far goes next, so either may be the one that is held.
    while True:
        live = page.under_way["live"]
        if "2 of 5 tokens" in [lane["line"] for lane in live["lanes"].values()]:
            break
        assert time.monotonic() < until, live
        time.sleep(0.05)
    assert live["hook"] == "race-warm-up"
    for side, lane in live["lanes"].items():
        assert lane["text"] == "".join(page.speed.live.lanes[side].tokens)
    assert max(lane["share"] for lane in live["lanes"].values()) == 1.0
    assert page.under_way["said"].startswith("Warm-up, both sides in turns: step ")
    page.cancel()
    go_on.set()
    page.finish()
    assert page.errors == []
    assert "cancelled before a round was complete" in page.notes[0]
    assert page.speed.finished is None


@pytest.mark.parametrize(
    ("name", "module", "held", "last"),
    [("profile", step_profile, "_walk", 18), ("roof", ceilings, "synchronise", 16)],
)
def test_what_is_measured_beside_the_race_can_be_watched_and_cancelled(
    opened, monkeypatch, name, module, held, last
):
    page, go_on = opened(**SHORT).press("ask:cache-speed-up:show"), Event()
    measurement = page.speed.parts if name == "profile" else page.speed.roof
    plain = getattr(module, held)

    def slow(*arguments):
        # Held in the fourth repeat, so that the page has something to tell; it is finished still.
        if measurement.job.step == 3:
            assert go_on.wait(PATIENCE_S)
        return plain(*arguments)

    monkeypatch.setattr(module, held, slow)
    page.app.button(key=f"speed:{name}").click().run()
    until = time.monotonic() + PATIENCE_S
    while measurement.job.step < 3:
        assert time.monotonic() < until, "nothing was measured"
        time.sleep(0.05)
    assert page.under_way["said"].endswith(f": 3 of {last}")
    assert page.under_way["fraction"] == 3 / last
    page.app.run()
    # Nothing else is timed meanwhile, or both would measure each other.
    other = "roof" if name == "profile" else "profile"
    assert page.app.button(key=f"speed:{other}").disabled
    page.cancel()
    go_on.set()
    page.finish()
    assert page.errors == []
    assert measurement.result is None
    assert f"Cancelled after 4 of {last}" in page.html
    assert not page.app.button(key=f"speed:{other}").disabled
    # The button is there again, and what it starts ends well.
    monkeypatch.undo()
    page.press(f"speed:{name}")
    assert measurement.result is not None
    assert "Cancelled" not in page.html


def test_a_race_stops_what_is_measured_beside_the_one_before(opened, monkeypatch):
    page, go_on = opened(**SHORT).press("ask:cache-speed-up:show"), Event()
    plain = step_profile._walk

    def slow(*arguments):
        assert go_on.wait(PATIENCE_S)
        return plain(*arguments)

    monkeypatch.setattr(step_profile, "_walk", slow)
    page.app.button(key="speed:profile").click().run()
    job = page.speed.parts.job
    page.app.button(key="speed:start").click().run()
    assert job.cancelled()
    assert page.speed.parts.job is None
    go_on.set()
    page.finish()
    assert page.speed.parts.result is None


def test_a_measurement_that_fails_says_why_and_can_be_made_again(opened, monkeypatch):
    page = opened(**SHORT).press("ask:cache-speed-up:show")

    def full(*arguments):
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(step_profile, "_walk", full)
        page.press("speed:profile")
    (error,) = page.errors
    assert "memory" in error
    page.press("speed:profile")
    assert page.errors == []
    assert page.speed.parts.result is not None


def test_a_new_round_begins_with_empty_lanes():
    live = LiveRace(n_new=2, repeats=1)

    def step(side, number, index, text):
        return engine_race.RaceStep(side, number, index, text, 0.5, 1, 8)

    live.hear(step("cached", 0, 0, " a"))
    live.hear(step("cached", 0, 1, " b"))
    assert (live.lanes["cached"].tokens, live.lanes["cached"].seconds) == ([" a", " b"], 1.0)
    assert live.line == "Warm-up, both sides in turns"
    live.hear(step("uncached", 1, 0, " a"))
    assert live.lanes["cached"].tokens == []
    assert live.lanes["uncached"].tokens == [" a"]
    assert live.line == "Round 1 of 1"
