"""Experiments of the cache lab with runs of other kinds, without a browser."""

from dataclasses import replace

import numpy as np
import pytest

import kvviz
from kvviz.engine import log_likelihood
from kvviz.player.lives import STATES
from kvviz.ui.pages.cache_lab import recorded
from kvviz.ui.pages.cache_lab.beams import beam_run, write_four
from kvviz.ui.pages.cache_lab.budgets import amount
from kvviz.ui.pages.cache_lab.ghosts import ghosts, slid_window
from kvviz.ui.pages.cache_lab.guessing import guess, guessed_run
from kvviz.ui.pages.cache_lab.kept_part import KeptPart
from kvviz.ui.pages.cache_lab.numbers import fewer_numbers, latent_run
from kvviz.ui.pages.cache_lab.positions import counted, positions
from kvviz.ui.pages.cache_lab.settings import (
    LAST_STEP,
    SIXTEENTHS,
    LabSettings,
    parse,
    usual_view,
    write,
)
from kvviz.ui.pages.cache_lab.shares import USUAL_WIDTH
from kvviz.ui.work.run_settings import RunSettings
from tests.pages.conftest import buffer_of
from tests.pages.test_cache_lab_page import TEXT, Lab
from tests.payload_reader import unpack

TEXTS = {
    "story": TEXT,
    "list": "1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2,",
    "code": "def add(a, b):\n    return a + b\n\ndef sub(a, b):\n    return a",
}
"""Three kinds of text, of which one says again what it said."""


class Alone:
    """Who waits for work, and never leaves."""

    def report(self, _step, _n_steps):
        """Take in nothing."""

    def cancelled(self):
        """Wait on."""
        return False


def components(lab):
    """Return the pictures of lives on the page."""
    found = lab.app.get("bidi_component")
    return [one for one in found if one.proto.component_name == "kvviz_written_lives"]


def lives_of(lab):
    """Return what is drawn of the rows of each run: the positions in each state at each step."""
    (component,) = components(lab)
    header, arrays = unpack(buffer_of(component))
    found = []
    for number in range(len(header["writers"])):
        states = {}
        for step, state, first, end in arrays[f"{number}.lives"].tolist():
            states.setdefault((step, STATES[state]), []).extend(range(first, end))
        found.append(states)
    return header, found


@pytest.mark.parametrize("gain", [1.0504, 1.0496, 1.0, 0.9526, 0.9521])
def test_the_gain_of_guesses_is_told_as_it_was_measured(model, gain):
    """To three digits, some of these would be on the other side of what counts as clear."""
    found = guessed_run.make(model, Alone(), None, TEXTS["list"], 3, 2)
    verdict = guess.told(replace(found, seconds=(0.01, 0.01 * gain)))
    exact = float(verdict.facts["gain"])
    assert exact == pytest.approx(gain, rel=1e-12)
    times = "faster" if exact > 1.05 else "slower" if exact < 1 / 1.05 else "alike"
    assert verdict.right[1] == {times}


@pytest.mark.parametrize("kind", TEXTS)
def test_what_is_told_of_guesses_is_what_the_passes_did(model, kind):
    text = TEXTS[kind]
    lab = Lab(do="guess", text=text, new="6", guesses="3")
    assert lab.errors == lab.notes == []
    assert 'data-kvviz="verdict"' not in lab.html
    # While it is asked, the run without guesses is there, and nothing of the other.
    header, (alone,) = lives_of(lab)
    assert [one["name"] for one in header["writers"]] == ["One by one"]
    assert {state for _step, state in alone} == {"computed", "read"}
    lab.press("ask:guess-and-take-back:show")
    assert lab.errors == []
    told = lab.hooks("verdict")
    run = kvviz.trace_speculative(model, text, n_draft=3, max_new_tokens=6)
    assert told["same-text"] == told["proven"] == "1"
    assert (told["n-new"], told["n-passes"]) == ("6", str(len(run.passes)))
    assert int(told["n-accepted"]) == run.n_accepted == 6 - len(run.passes)
    assert int(told["n-taken-back"]) == run.n_taken_back == run.n_proposed - run.n_accepted
    assert told["cache-bytes"] == told["full-bytes"]
    # The time is what was measured; which answer that is follows from it.
    gain = float(told["gain"])
    word = "less" if gain > 1.05 else "more" if gain < 1 / 1.05 else "as much, within 5 %"
    assert told["outcome"].endswith(f" | {word}")
    # One more is the legend's.
    assert lab.html.count('<b class="kvviz-is-shared">') == run.n_accepted + 1
    header, (guessed, plain) = lives_of(lab)
    assert header["n_steps"] == 6
    for number, one in enumerate(run.passes):
        assert guessed.get((number, "taken"), []) == one.taken_back.tolist()
        assert guessed.get((number, "read"), []) == one.reused.tolist()
        n_kept = one.fed.size - one.taken_back.size
        assert guessed[number, "computed"] == one.fed[:n_kept].tolist()
    assert {state for _step, state in plain} == {"computed", "read"}


def test_a_model_that_guesses_for_itself_is_right_and_another_tokenizer_is_refused():
    lab = Lab(do="guess", text=TEXT, new="5", draft="kvviz/gpt2-mini", guesses="2")
    lab.press("ask:guess-and-take-back:show")
    told = lab.hooks("verdict")
    assert (told["n-taken-back"], told["n-accepted"], told["n-passes"]) == ("0", "2", "3")
    # One token is all before the prompt's own pass is through: two are the least here.
    lab = Lab(do="guess", text=TEXT, new="1", draft="kvviz/bert-mini")
    assert lab.app.number_input(key="lab:new").value == 2
    lab.press("ask:guess-and-take-back:show")
    (error,) = lab.errors
    assert "A model that guesses is a decoder" in error


def test_a_link_has_no_model_loaded_to_guess_that_nobody_chose(monkeypatch):
    # Who sits at this machine may type any model, and did not type this one.
    monkeypatch.setattr("kvviz.ui.work.runs.is_local_visitor", lambda: True)
    (error,) = Lab(do="guess", text=TEXT, draft="somebody/else").errors
    assert "This installation does not load that model" in error


def test_a_link_says_who_guesses_and_how_much():
    wanted = LabSettings(do="guess", draft="kvviz/other", guesses=2)
    link = write(wanted, usual_view("guess"))
    assert link == {"do": "guess", "draft": "kvviz/other", "guesses": "2"}
    assert parse(link) == (wanted, usual_view("guess"), ())
    assert parse({"do": "guess"})[1].step == LAST_STEP
    assert len(parse({"do": "guess", "guesses": "9"})[2]) == 1


@pytest.mark.parametrize("kind", TEXTS)
def test_what_beams_hold_is_told_as_the_search_found_it(model, kind):
    found = beam_run.make(model, Alone(), TEXTS[kind], 5, 3)
    verdict, run = write_four.told(found), found.beams
    last, told = run.steps[-1], verdict.told
    # What blocks hold once, beside what each of three texts would hold alone.
    assert (told["n"], verdict.facts["proven"]) == (3, 1)
    times = 3 * last.cache_bytes / last.alone_bytes
    assert float(told["times"].rstrip("×")) == pytest.approx(times, rel=0.05)
    assert verdict.right == [{"all" if times >= 0.75 * 3 else "little" if times < 2 else "between"}]
    # Scores are mean log probabilities of the new tokens, as the model has them of the whole text.
    best, plain = (
        log_likelihood(model, ids, positions=range(run.n_prompt, len(ids))).mean
        for ids in (run.best.token_ids.tolist(), found.greedy.token_ids.tolist())
    )
    assert float(told["score"]) == pytest.approx(best, abs=2e-3)
    assert float(told["greedy"]) == pytest.approx(plain, abs=2e-3)
    if run.best.token_ids.tolist() == found.greedy.token_ids.tolist():
        assert "It is the greedy text" in told["outcome"]
    else:
        assert ("and a likelier one" in told["outcome"]) == (best > plain)


def test_the_lives_of_beams_are_drawn_as_the_search_found_them(model):
    lab = Lab(do="beams", text=TEXT, new="5", beams="3").press("ask:write-four:0")
    assert lab.errors == lab.notes == []
    told = lab.hooks("verdict")
    run = kvviz.trace_beams(model, TEXT, n_beams=3, max_new_tokens=5)
    last = run.steps[-1]
    assert (told["cache-bytes"], told["alone-bytes"]) == (
        str(last.cache_bytes),
        str(last.alone_bytes),
    )
    assert (told["n-beams"], told["n-copied"]) == ("3", str(run.n_copied))
    header, lives = lives_of(lab)
    assert len(header["writers"]) == 4
    assert header["shared"] == "read, one copy for several beams"
    for number, one in enumerate(run.found):
        for at, (step, beam) in enumerate(zip(run.steps, one.path, strict=True)):
            before = step.n_holders[beam, : step.fed[0]]
            assert lives[number].get((at, "shared"), []) == np.flatnonzero(before > 1).tolist()
            assert lives[number].get((at, "read"), []) == np.flatnonzero(before == 1).tolist()
            assert lives[number][at, "computed"] == step.fed.tolist()


LONG = {
    "story": TEXT,
    "list": TEXTS["list"] + " 3, 1, 2, 3, 1, 2, 3",
    "code": TEXTS["code"] + " - b\n\nprint(add(1, 2))\nprint(sub(3, 4))\n",
}


OF_MODEL = RunSettings(model="kvviz/gpt2-mini")


@pytest.mark.parametrize("kind", LONG)
def test_ghosts_are_told_by_layer_of_any_text(model, kind):
    part = KeptPart("window", 8, 2)
    verdict = ghosts.told(slid_window.make(model, Alone(), OF_MODEL, part, LONG[kind]))
    facts = verdict.facts
    assert verdict.right == [{"first"}]
    assert (facts["n-behind"], facts["same-layers"]) == (6, "0")
    far = {
        name: [float(off) for off in facts[name].split()]
        for name in ("keys-off", "values-off", "exact-keys-off")
    }
    for first, *above in far.values():
        assert first == 0 < min(above)
    np.testing.assert_allclose(far["keys-off"], far["exact-keys-off"], rtol=2e-2)


@pytest.mark.parametrize("kind", LONG)
def test_positions_are_told_with_the_same_rows(model, kind):
    part = KeptPart("window", 7, 2)
    verdict = positions.told(counted.make(model, Alone(), OF_MODEL, part, LONG[kind], 2))
    facts = verdict.facts
    # A learned position stands in every row, so that nobody can renumber it.
    assert "renumbered-kl" not in facts
    assert "Renumbered they cannot be here" in verdict.told["renumbered"]
    assert facts["frozen-at"] == 6
    nearer = float(facts["kept-kl"]) < float(facts["frozen-kl"])
    (right,) = verdict.right
    assert ("kept" if nearer else "frozen") in right


def test_ghosts_and_positions_show_the_window_while_they_are_asked_and_then_tell():
    lab = Lab(do="ghosts", text=LONG["story"], cache="window:6+2")
    assert lab.errors == lab.notes == []
    assert 'data-kvviz="verdict"' not in lab.html
    drawn = [one.proto.component_name for one in lab.app.get("bidi_component")]
    assert "kvviz_player" in drawn
    lab.press("ask:ghosts:1")
    assert lab.hooks("verdict")["outcome"] == "in the first layer alone"
    assert lab.html.count("<tr>") == 1 + 6
    lab = Lab(do="places", text=LONG["story"], cache="window:5+2", new="2")
    lab.press("ask:positions-after-eviction:show")
    assert lab.errors == lab.notes == []
    assert lab.hooks("verdict")["frozen-at"] == "6"
    assert "Renumbered they cannot be here" in lab.html


def test_before_it_is_said_what_one_row_costs_its_control_is_there():
    lab = Lab(do="numbers")
    assert lab.errors == lab.notes == []
    assert 'data-kvviz="verdict"' not in lab.html
    # The picture is there at once, recorded, and without the line that is asked for.
    assert lab.charts == {"loss-by-rank": 5}
    assert 'data-kvviz="recorded"' in lab.html
    table = lab.html[lab.html.index('data-kvviz="rank-table"') :]
    for share in SIXTEENTHS:
        one_row, apart = (
            amount(*recorded.of_numbers().cost(f"{kind}-{share}")) for kind in ("latent", "apart")
        )
        assert apart in table
        assert one_row not in lab.html
    assert "one row: loss" not in table


@pytest.mark.parametrize("kind", LONG)
def test_a_quarter_of_the_numbers_costs_little_whatever_is_read(model, kind):
    text = LONG[kind]
    found = latent_run.make(model, Alone(), OF_MODEL, text, 4, n_read=24)
    verdict = fewer_numbers.told(found, 4)
    facts = verdict.facts
    assert (facts["rank"], facts["width"]) == (128, USUAL_WIDTH)
    assert facts["full-bytes"] == 4 * facts["cache-bytes"]
    # LAB: +0.025 nats; of 12 tokens the standard error is several times that.
    assert abs(float(facts["more"])) < 0.3
    assert 0 < float(facts["kl"]) < float(facts["off"]) * 10
    assert 0 < float(facts["off"]) < float(facts["most-off"]) < 1
    trace = found.shown.trace
    own = kvviz.trace_generation(model, text, first=1, max_new_tokens=1)
    layer, head = verdict.told["layer"], verdict.told["head"]
    apart = np.nan_to_num(trace.pattern(layer, head) - own.pattern(layer, head))
    assert np.abs(apart).sum(axis=1)[1:].mean() / 2 == pytest.approx(found.off.max())
