"""BERT beside GPT-2 without a browser: every experiment on the twins that ship."""

import re
from unittest.mock import ANY

import numpy as np
import pytest

from kvviz.analysis import head_measures
from kvviz.engine import trace_encoding
from kvviz.engine.asking import scoring
from kvviz.player.lives import STATES
from kvviz.ui.pages.bert_vs_gpt2 import rows, settings, writing
from kvviz.ui.pages.bert_vs_gpt2.look import bucket
from kvviz.ui.pages.bert_vs_gpt2.masks import suffered
from kvviz.ui.pages.bert_vs_gpt2.payload import CHANGED, NEW, OTHER_TOKEN
from kvviz.ui.pages.bert_vs_gpt2.recorded_pair import recorded_pair
from kvviz.ui.pages.bert_vs_gpt2.settings import EXPERIMENTS, TwinSettings
from kvviz.ui.pages.bert_vs_gpt2.state import PICTURE
from kvviz.ui.pages.bert_vs_gpt2.view import TwinCell, TwinsView
from kvviz.ui.parts.experiment import Choice, work
from kvviz.ui.parts.experiment.verdict import judged
from kvviz.ui.shell.plain_text import percent, plain
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.model_store import model_store
from kvviz.ui.work.run_settings import LARGEST_SEED, RunSettings
from tests.pages.conftest import Drawn, buffer_of, opened_by_link
from tests.parity.published import ODD_PAIR, save_bert, save_gpt2
from tests.payload_reader import unpack

TEXT = "Tom played with his red ball. It rolled under the bed and he could not find it."
"""Other than the page's own, which is recorded."""


class Twins(Drawn):
    """The page under test, and what a reader of it would look for."""

    def __init__(self, parameters):
        self.app = opened_by_link("bert_vs_gpt2", parameters)

    def show_me(self):
        (button,) = [one for one in self.app.button if one.label == "Just show me"]
        button.click().run()
        return self

    @property
    def pictures(self):
        """The component on the page, if it is there; a question has one of its own."""
        found = self.app.get("bidi_component")
        return [one for one in found if one.proto.component_name == "kvviz_patterns"]

    @property
    def picture(self):
        """Header of the buffer that the component was given."""
        (component,) = self.pictures
        header, _ = unpack(buffer_of(component))
        return header

    @property
    def state(self):
        return self.app.session_state["bert_vs_gpt2_page"]

    @property
    def record(self):
        return self.app.session_state["kvviz:experiments"]

    @property
    def encodings(self):
        """What the picture was drawn from."""
        pair = self.app.session_state[f"{PICTURE}:memory"]["pair"]
        return pair.left, pair.right

    def result(self, name):
        """A result of long work, by the first word of its key."""
        (found,) = [value for key, value in self.record.results.items() if key[0] == name]
        return found

    @property
    def names(self):
        return {array["name"] for array in self.picture["arrays"]}

    def verdict(self):
        """The answers that came out right, in the order of the choices."""
        (outcome,) = re.findall(r'data-kvviz="verdict"[^>]*data-outcome="(.*?)"', self.html)
        return outcome.split(" | ")

    def told(self):
        """The sentence that says what came out."""
        (text,) = re.findall(r'data-kvviz="verdict"[^>]*>(.*?)</p>', self.html)
        return text

    def cells(self, table):
        """The lines of a table, cells as text."""
        (text,) = re.findall(rf'data-kvviz="{table}">.*?<tbody>(.*?)</tbody>', self.html)
        lines = re.findall(r"<tr>(.*?)</tr>", text)
        return [
            [re.sub(r"<.*?>", "", cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", line)]
            for line in lines
        ]


@pytest.fixture
def twins(model):
    return lambda **parameters: Twins(parameters)


def test_the_first_visit_shows_what_was_recorded_and_offers_to_be_asked(twins):
    page = twins()
    assert page.errors == page.notes == []
    assert page.picture["veiled"] is False
    assert {"left.pattern.0", "right.pattern.5"} <= page.names
    ahead = float(head_measures(page.encodings[1]).forward.mean())
    assert page.verdict() == ["none", bucket(ahead)]
    # Nobody was asked, so nobody was right, and no focus is taken.
    assert 'data-right="0"' in page.html
    assert page.told().startswith("Over all heads GPT-2 mini gave 0 % of its attention")
    assert "Recorded with torch 2.13.0" in page.html
    assert not page.record.results
    page.app.button(key="cover:look-ahead").click().run()
    assert page.picture["veiled"] is True
    assert 'data-kvviz="verdict"' not in page.html
    assert dict(page.app.query_params) == {"ask": "1"}
    # It holds for the session: the next text is asked about as before.
    page.show_me()
    assert page.picture["veiled"] is False
    assert not [one for one in page.app.button if str(one.key).startswith("cover:")]


def test_what_was_recorded_is_what_the_models_make_of_the_text():
    usual = TwinSettings()
    for recorded, name in zip(recorded_pair(), (usual.model, usual.bert), strict=True):
        live = trace_encoding(model_store().get(RunSettings(model=name)), usual.text)
        assert recorded.model.revision == live.model.revision
        assert recorded.tokens == live.tokens
        # Another machine may add in another order; 48 heads in float32 differ by far less.
        for name in ("patterns", "queries", "all_keys", "all_values", "hidden_states"):
            a, b = getattr(recorded, name), getattr(live, name)
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-4)


def test_a_text_of_ones_own_is_asked_about_and_so_are_other_models(twins):
    for changed in ({"text": "The cat sat on the mat."}, {"bert": "kvviz/gpt2-mini"}):
        page = twins(**changed)
        assert 'data-kvviz="recorded"' not in page.html
        assert 'data-kvviz="verdict"' not in page.html


def test_a_link_has_the_first_visit_asked_before_it_shows(twins):
    page = twins(ask="1")
    assert page.errors == page.notes == []
    assert page.picture["veiled"] is True
    assert page.picture["arrays"] == []
    assert page.picture["left"]["mask"] == "causal"
    assert page.picture["right"]["mask"] == "bidirectional"
    page.show_me()
    ahead = [float(head_measures(side).forward.mean()) for side in page.encodings]
    assert ahead[0] == 0 < ahead[1]
    assert page.verdict() == ["none", bucket(ahead[1])]
    assert page.told() == (
        "Over all heads GPT-2 mini gave 0 % of its attention to tokens still to come, "
        f"and BERT mini {percent(ahead[1])}."
    )
    assert page.picture["veiled"] is False
    both = 2 * 6 * 8
    assert page.charts == {
        f"head-comparison-{measure}": both for measure in ("forward", "entropy", "distance")
    }
    assert {"left.pattern.5", "right.pattern.0", "left.measures", "right.measures"} <= page.names
    assert dict(page.app.query_params) == {"ask": "1"}


def test_answers_are_told_right_and_wrong(twins):
    page = twins(ask="1")
    first, second = (one for one in page.app.button_group if str(one.key).startswith("ask:"))
    first.set_value("up to a third").run()
    assert 'data-kvviz="verdict"' not in page.html
    _, second = (one for one in page.app.button_group if str(one.key).startswith("ask:"))
    seen = bucket(float(head_measures(page.encodings[1]).forward.mean()))
    second.set_value(seen).run()
    assert page.verdict() == ["none", seen]
    assert page.told().startswith("Right for BERT mini, not for GPT-2 mini. Over all heads")
    assert 'data-right="1" data-asked="2"' in page.html


def test_in_another_language_labels_are_translated_and_answers_are_not(twins, monkeypatch):
    monkeypatch.setenv("KVVIZ_PSEUDO", "1")
    page = twins(do="append", lang="en-XA")
    first, _ = (one for one in page.app.button_group if str(one.key).startswith("ask:"))
    assert len(first.options) == 3
    assert all(label.startswith(plain("⟦")) for label in first.options)
    first.set_value("none").run()
    _, second = (one for one in page.app.button_group if str(one.key).startswith("ask:"))
    second.set_value("all").run()
    assert page.errors == []
    (given,) = page.record.given.values()
    assert given.answers == ("none", "all")
    assert page.picture["rows_note"].startswith("⟦")
    assert next(iter(page.picture)) == "translation"
    # What was answered in one language is an answer in the other.
    page.app.query_params["lang"] = "en"
    page.app.run()
    assert page.told().startswith("Right. In layer 5 GPT-2 mini changed 0 of its 22 rows")
    assert page.verdict() == ["none", "all"]
    assert page.picture["rows_note"].startswith("columns = positions")


def test_an_answer_is_judged_before_it_is_told_what_came_out():
    choices = [Choice.of(("none", "all"), name) for name in ("A", "B")]
    right = [{"none"}, {"all"}]
    assert judged(choices, right, ()) == ""
    assert judged(choices, right, ("none", "all")) == "Right. "
    assert judged(choices, right, ("all", "all")) == "Right for B, not for A. "
    assert judged(choices, right, ("all", "none")) == "You said all and none. "


def test_an_appended_word_changes_no_row_of_gpt2_and_all_of_bert_above_the_first_layer(twins):
    page = twins(do="append")
    assert page.errors == []
    n = len(page.picture["left"]["tokens"]) - 1
    assert page.picture["changes"] == [{"title": "", "sides": []}]
    assert page.picture["left"]["marked"] == [n]
    page.show_me()
    assert page.verdict() == ["none", "all"]
    assert page.told() == (
        f"In layer 5 GPT-2 mini changed 0 of its {n} rows, and BERT mini {n + 2} of its "
        f"{n + 2} rows."
    )
    readings = page.result("read")
    from kvviz.analysis import row_changes

    left, right = row_changes(readings[0], readings[2]), row_changes(readings[1], readings[3])
    assert left.n_changed == 0
    assert right.by_layer.tolist() == [1] + [n + 2] * (readings[1].model.n_layers - 1)
    assert right.other_token.nonzero()[0].tolist() == [n + 1]


def test_what_came_out_is_said_where_no_answer_foresaw_it(twins, monkeypatch):
    monkeypatch.setattr(rows, "right_answers", lambda changes, *_: {f"7 of {changes.n_rows}"})
    page = twins(do="append").show_me()
    n_rows = [side.n_tokens - 1 for side in page.encodings]
    n_layers = page.encodings[0].model.n_layers
    assert page.verdict() == [f"7 of {n * n_layers}" for n in n_rows]


def test_an_edited_word_leaves_gpt2_what_stands_before_it(twins):
    page = twins(do="edit").show_me()
    assert page.errors == []
    assert page.verdict() == ["from the edit on", "all"]
    left, right = page.picture["left"], page.picture["right"]
    n, at = len(left["tokens"]), left["marked"][0]
    assert page.told() == (
        f"In layer 5 GPT-2 mini changed {n - at} of its {n} rows, none of them before the edit, "
        f"and BERT mini {n + 2} of its {n + 2} rows, {at + 1} of them before it."
    )
    edited = "".join(left["tokens"][position] for position in left["marked"])
    assert edited.strip() == page.state.settings.by
    # [CLS] stands before the twin's.
    assert right["marked"] == [position + 1 for position in left["marked"]]


def test_swapped_masks_swap_who_could_keep_a_cache(twins, model):
    page = twins(do="masks").show_me()
    assert page.errors == []
    assert page.verdict() == ["no", "yes"]
    n = len(page.picture["left"]["tokens"]) - 1
    assert page.told() == (
        f"With the masks swapped GPT-2 mini kept {n} of its {6 * n} rows, and BERT mini "
        f"{6 * (n + 1)} of its {6 * (n + 2)} rows (the other 6 are where another token stands "
        "now): a cache would be impossible in the one and exact in the other."
    )
    lines = page.cells("mask-losses")
    # One figure for one thing: what the verdict says was kept, the table and the map say changed.
    _, arrays = unpack(buffer_of(page.pictures[0]))
    said = re.findall(r"([\d,]+) of its ([\d,]+) rows", page.told())
    for side, line, (kept, of) in zip(("left", "right"), lines[1::2], said, strict=True):
        states = arrays[f"1.{side}.rows"]
        n_changed, n_rows = np.isin(states, (CHANGED, OTHER_TOKEN)).sum(), (states != NEW).sum()
        assert line[2] == f"{n_changed} of {n_rows}"
        assert (int(kept), int(of)) == (n_rows - n_changed, n_rows)
    assert [line[1] for line in lines] == [
        "looks back", "looks both ways", "looks both ways", "looks back"
    ]  # fmt: skip
    assert [line[3] for line in lines] == ["yes", "no", "no", "yes"]
    from kvviz.engine import log_likelihood

    ids = page.encodings[0].token_ids.tolist()
    alone = [-log_likelihood(model, ids, mask=mask).mean for mask in ("causal", "bidirectional")]
    assert [line[4] for line in lines[:2]] == [f"{loss:.2f}" for loss in alone]
    # What the lesson says: weights predict worse under the mask that they were not trained with.
    assert alone[0] < alone[1]
    own, other = lines[2][4], lines[3][4]
    assert (
        f"Under the other mask the loss of GPT-2 mini rose from {alone[0]:.2f} to {alone[1]:.2f} "
        f"and the loss of BERT mini rose from {own} to {other} nats a token.</p>"
    ) in page.html
    assert float(lines[2][4]) < float(lines[3][4])
    assert page.picture["left"]["mask"] == "bidirectional"
    assert page.picture["right"]["mask"] == "causal"


def test_a_blank_is_filled_in_three_ways(twins):
    page = twins(do="blank")
    assert "Lily <span></span> with her red ball" in page.html
    assert page.pictures == []
    page.show_me()
    assert page.errors == []
    for name, passes in (("left", 1), ("both", 1)):
        assert f'data-kvviz="blank-{name}"' in page.html
        assert re.search(
            rf'data-kvviz="blank-{name}" data-rank="\d+" data-passes="{passes}"', page.html
        )
    tried = re.search(r'data-kvviz="blank-tried" data-rank="(\d+)" data-passes="(\d+)"', page.html)
    # GPT-2's 64 from the left, and those of BERT's six and of the answer that are not among them.
    assert 64 <= int(tried[2]) <= 71


def test_ways_that_are_as_good_are_both_named(twins):
    page = twins(do="blank").show_me()
    found = page.result("blank")
    ranks = [guess.answer_rank for guess in (found.left, found.tried, found.both)]
    ways = ["GPT-2 mini, left side", "GPT-2 mini, by trying", "BERT mini"]
    best = [way for way, rank in zip(ways, ranks, strict=True) if rank == min(ranks)]
    assert len(best) == 2, "the usual blank is one that both ways of weighing both sides get right"
    assert page.verdict() == [" and ".join(best)]
    n_tried = found.tried.n_weighed
    assert page.told() == (
        f"“played” came out as number {ranks[0]} of 4,096 for GPT-2 mini from the left, number "
        f"{ranks[1]} of the {n_tried} words that it tried, and number {ranks[2]} of 4,096 for BERT "
        "mini."
    )


def test_a_link_names_the_cell_that_is_open_until_the_text_is_another():
    page = Twins({"cell": "3.9b"})
    assert page.picture["view"]["cell"] == {"which": "right", "query": 3, "key": 9}
    assert dict(page.app.query_params)["cell"] == "3.9b"
    page.app.text_area(key="bg:text").set_value("The cat sat").run()
    assert "cell" not in page.app.query_params
    # GPT-2 does not look ahead; what the link says besides is there.
    beyond = Twins({"cell": "3.9", "layer": "2"})
    (note,) = beyond.notes
    assert "which is no cell of the pattern of GPT-2 mini for this text" in note
    assert beyond.picture["view"] == {"layer": 2, "head": ANY, "look": "attention", "cell": None}
    assert dict(beyond.app.query_params) == {"layer": "2"}


def test_three_continuations_are_written_counted_and_judged(twins):
    page = twins(do="write", new="6", step="2").show_me()
    assert page.errors == []
    (lives,) = [
        one for one in page.app.get("bidi_component")
        if one.proto.component_name == "kvviz_written_lives"
    ]  # fmt: skip
    assert unpack(buffer_of(lives))[0]["step"] == 2
    lines = page.cells("writing")
    n = len(page.app.session_state["bert_vs_gpt2_page"].settings.text.split())
    assert [line[1] for line in lines] == ["6", "6", "24"]
    rows = [int(line[2].replace(",", "")) for line in lines]
    assert rows[0] < rows[1] < rows[2]
    assert rows[0] >= n + 5
    judged = [one.by_gpt2 for one in page.result("write")]
    assert [line[4] for line in lines] == [f"{nats:.2f}".replace("-", "−") for nats in judged]
    likeliest = [
        line[0] for line, nats in zip(lines, judged, strict=True) if nats == max(judged)
    ]  # fmt: skip
    assert page.verdict() == likeliest
    own, append, refine = (line[4] for line in lines)
    assert page.told() == (
        f"As a judge GPT-2 mini gives its own text {own} nats a token, BERT mini’s {append} where "
        f"it was written [MASK] by [MASK] and {refine} where over and over; the rows computed are "
        f"{rows[0]}, {rows[1]} and {rows[2]}."
    )
    # The lives count the same rows as the table.
    (lives,) = [
        one for one in page.app.get("bidi_component")
        if one.proto.component_name == "kvviz_written_lives"
    ]  # fmt: skip
    header, arrays = unpack(buffer_of(lives))
    assert [one["cache"] for one in header["writers"]] == ["on", "off"]
    for number in (0, 1):
        _, states, first, end = arrays[f"{number}.lives"].T
        assert (end - first)[states == STATES.index("computed")].sum() == rows[number]
        assert (states == STATES.index("read")).any() == (number == 0)


def test_the_vector_of_a_word_moves_in_bert_alone(twins):
    page = twins(do="context").show_me()
    assert page.errors == []
    assert page.verdict() == ["only in BERT mini"]
    gpt2, bert = page.cells("context")
    assert page.told() == (
        "Between the two texts the vector of “kind” is apart by a cosine distance of 0 in GPT-2 "
        f"mini and of up to {bert[1]} in BERT mini."
    )
    assert gpt2[1:] == ["0", "none", "every layer"]
    assert float(bert[1]) > 0
    assert bert[3] == "layer 0"
    assert page.charts == {"vector-shifts": 2 * 7}


@pytest.mark.parametrize(
    ("do", "cancelled"), [("look", "read"), ("masks", "losses"), ("blank", "blank")]
)
def test_what_takes_long_can_be_cancelled_and_done_again(twins, monkeypatch, do, cancelled):
    real = work.watch

    def press_cancel(job, key, room):
        if key.startswith(f"kvviz-do:{cancelled}:"):
            job.cancel()
        else:
            real(job, key, room)

    monkeypatch.setattr(work, "watch", press_cancel)
    page = twins(do=do, text=TEXT)
    if cancelled != "read":
        page.show_me()
    assert page.errors == []
    assert page.html.count("Cancelled: nothing was kept of it.") == 1
    # What is known without it stays.
    assert len(page.pictures) == (do == "masks")
    monkeypatch.setattr(work, "watch", real)
    page.app.button(key=f"do:{cancelled}:again").click().run()
    assert page.errors == []
    assert "Cancelled" not in page.html
    if do == "look":
        page.show_me()
    assert page.verdict()


@pytest.mark.parametrize("do", EXPERIMENTS)
def test_models_that_take_long_are_waited_for_again_and_again(twins, monkeypatch, do):
    """As with models many times as large: nothing is done before its progress is drawn."""
    monkeypatch.setattr(work, "TELL_AFTER_S", 0.0)
    waits = []
    real = work.watch

    def late(job, key, *others):
        waits.append(key)
        return real(job, key, *others)

    monkeypatch.setattr(work, "watch", late)
    page = twins(do=do, new="3", text=TEXT).show_me()
    assert page.errors == []
    assert page.verdict()
    assert waits
    assert len(set(waits)) == len(waits)


def test_progress_of_writing_and_judging_only_grows_and_comes_to_its_end(twins, monkeypatch):
    told = []
    monkeypatch.setattr(scoring, "LOGITS_AT_ONCE", 1)
    monkeypatch.setattr(Job, "report", lambda job, step, n_steps: told.append((step, n_steps)))
    page = twins(do="write", new="3")
    told.clear()
    page.show_me()
    assert page.errors == []
    total = 3 * (1 + 1 + writing.N_SWEEPS) + 3 * (1 + 3)
    assert {n_steps for _, n_steps in told} == {total}
    steps = [step for step, _ in told]
    assert steps == sorted(steps)
    assert steps[-1] == total
    assert len(set(steps)) == total


def test_the_first_head_is_one_in_which_the_two_look_at_different_sides(twins):
    page = twins()
    layer, head = page.picture["view"]["layer"], page.picture["view"]["head"]
    left, right = (head_measures(side) for side in page.encodings)
    assert left.forward[layer, head] == 0
    assert right.forward[layer, head] > 0.4
    # Neither is a bare diagonal, and neither is grey all over.
    assert min(one.entropy[layer, head] for one in (left, right)) > 1
    assert right.entropy[layer, head] < np.log2(page.encodings[1].n_tokens) - 0.3


def test_a_link_leads_to_the_experiment_and_the_head(twins):
    page = twins(do="append", text="The cat sat on", word="mats", layer="2", head="5", look="mask")
    assert page.errors == page.notes == []
    assert page.picture["view"] == {"layer": 2, "head": 5, "look": "mask", "cell": None}
    assert page.picture["left"]["tokens"][:4] == ["The", " cat", " sat", " on"]
    assert dict(page.app.query_params) == {
        "do": "append", "text": "The cat sat on", "word": "mats", "layer": "2", "head": "5",
        "look": "mask",
    }  # fmt: skip


def test_nonsense_in_a_link_gives_the_usual_page_and_one_line(twins):
    page = twins(do="dance", at="-1", layer="99", new="1e9")
    assert page.errors == []
    for phrase in ("do is 'dance'", "at is '-1'", "new is '1e9'"):
        assert phrase in page.notes[0]
    assert "layer is 99, but these models have layers 0 to 5." in page.notes[1]
    assert dict(page.app.query_params) == {}


@pytest.mark.parametrize("do", ["append", "masks"])
def test_white_space_at_the_end_of_a_text_does_not_make_the_new_word_replace_it(twins, do):
    page = twins(do=do, text="The cat sat on the \n").show_me()
    assert page.errors == []
    assert page.picture["left"]["tokens"] == ["The", " cat", " sat", " on", " the", " sad"]
    assert page.picture["left"]["marked"] == [5]
    if do == "append":
        assert page.told().startswith("In layer 5 GPT-2 mini changed 0 of its 5 rows,")
        assert 'data-kvviz="recut"' not in page.html
    assert page.app.text_area(key="bg:text").value == "The cat sat on the \n"


def test_the_token_that_is_edited_is_the_one_that_is_named_also_where_the_text_is_cut_anew(twins):
    page = twins(do="edit", text="The cat sat on the mat.", at="7", by="s")
    (question,) = re.findall(r'data-kvviz="question">(.*?)</p>', page.html)
    assert question.startswith("Token 7, “.”, becomes “s”."), question
    page.show_me()
    assert page.picture["left"]["tokens"][-2:] == [" m", "ats"]
    (told,) = re.findall(r'data-kvviz="recut">(.*?)</p>', page.html)
    assert "GPT-2 mini 7 tokens where it read 8 and BERT mini 9 tokens where it read 10." in told


def test_a_space_that_is_a_token_has_a_name(twins):
    page = twins(do="edit", text="The cat  sat", at="2")
    (question,) = re.findall(r'data-kvviz="question">(.*?)</p>', page.html)
    assert question.startswith("Token 2, “␣”, becomes"), question


def test_a_place_in_a_link_that_the_text_lacks_is_the_usual_one_and_a_line(twins):
    for do, name, key, usual in (("edit", "at", "at", 5), ("blank", "blank", "blank", 1)):
        page = twins(do=do, **{name: "9999"})
        (note,) = page.notes
        assert note.startswith(f"{name} is 9,999, but no token of this text"), note
        (box,) = [one for one in page.app.selectbox if one.key.startswith(f"bg:{key}:")]
        assert box.value == usual
        assert name not in page.app.query_params
    page = twins(do="context", focus="99")
    assert page.notes[0].startswith("focus is 99, but")
    # Nobody asked for a place that a text of their own does not have.
    page = twins(do="edit", at="12")
    page.app.text_area(key="bg:text").set_value("The cat sat").run()
    assert page.notes == []


def test_what_is_too_long_to_write_on_is_refused_before_it_is_asked(twins):
    page = twins(do="write", text=("the " * 506).strip(), new="5")
    (error,) = page.errors
    assert (
        "The text has 506 tokens and 5 are to be written; together they may be 510."
        in error.replace("\\", "")
    )
    assert "Write 4 tokens or fewer" in error
    assert 'data-kvviz="question"' not in page.html
    assert 'data-kvviz="question"' in twins(do="write", text=("the " * 506).strip(), new="4").html


def test_a_text_that_is_far_too_long_is_refused_and_kept(twins):
    page = twins()
    page.app.text_area(key="bg:text").set_value("word " * 5_000).run()
    (error,) = page.errors
    told = " ".join(error.replace("\\", "").replace("*", "").split())
    assert "may have 4,000 characters. It has 25,000. Shorten" in told
    assert len(page.app.text_area(key="bg:text").value) == 25_000


def test_a_page_takes_back_the_links_that_it_writes(twins):
    page = twins(text="The cat")
    page.app.text_area(key="bg:text").set_value("").run()
    assert dict(page.app.query_params) == {"text": ""}
    again = twins(**dict(page.app.query_params))
    assert again.notes == []
    assert again.app.text_area(key="bg:text").value == ""
    assert settings.write(TwinSettings(bert="", model=""), TwinsView()) == {}
    assert twins(do="write", new="2").app.number_input(key="bg:seed").max == LARGEST_SEED


def test_losses_are_told_as_they_came_out():
    found = {("gpt2", "causal"): 2.0, ("gpt2", "bidirectional"): 1.5,
             ("bert", "bidirectional"): 1.001, ("bert", "causal"): 1.002}  # fmt: skip
    assert suffered(found, ("A", "B")) == (
        "Under the other mask the loss of A fell from 2.00 to 1.50 and the loss of B stayed at "
        "1.00 nats a token. One text may come out so by chance, a short one above all: try a "
        "longer one."
    )


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"do": "append", "word": " "}, "There is no word to append"),
        ({"do": "masks", "word": " "}, "There is no word to append"),
        ({"do": "context", "one": "😀 a", "other": "😀 b"}, "No token of the common beginning"),
        ({"text": "word " * 540}, "too long for this page"),
        ({"text": "word " * 700, "model": "kvviz/gpt2-mini"}, "too long for this page"),
        ({"text": "   "}, "white space"),
        ({"do": "blank", "text": "The"}, "no word to hide"),
        ({"do": "edit", "by": "ball"}, "the word which stands there"),
        ({"do": "context", "one": "A cat", "other": "A cat"}, "are the same"),
        ({"do": "context", "one": "The cat", "other": "A dog"}, "no beginning in common"),
        ({"bert": "kvviz/gpt2-mini"}, "This place on the page is for a BERT"),
        ({"model": "kvviz/bert-mini"}, "This place on the page is for a GPT-2"),
        ({"bert": "kvviz/no-such"}, "no-such"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence_and_nothing_is_lost(twins, parameters, sentence):
    page = twins(**parameters)
    (error,) = page.errors
    assert sentence in error.replace("\\", "")
    kept = {**parameters}
    kept.pop("do", None)
    shown = settings.parse(dict(page.app.query_params))[0]
    assert all(getattr(shown, name) == value for name, value in kept.items())


def test_a_model_of_the_wrong_kind_is_put_right_with_one_click(twins):
    page = twins(bert="kvviz/gpt2-mini", text="The cat sat")
    page.app.button(key="bg:remedy").click().run()
    assert page.errors == []
    assert page.picture["right"]["mask"] == "bidirectional"
    assert page.app.text_area(key="bg:text").value == "The cat sat"


def test_a_link_to_a_model_that_does_not_ship_waits_for_the_person(twins):
    page = twins(bert="some/model")
    assert "some/model" in page.notes[0].replace("\\", "")
    assert page.errors == []
    assert page.app.session_state["bert_vs_gpt2_page"].settings.bert == "kvviz/bert-mini"


def test_what_was_typed_survives_a_visit_to_another_page(twins):
    page = twins(do="append", text="Half a thought", word="more")
    page.app.switch_page("../../../pages/start.py").run()
    page.app.switch_page("../../../pages/bert_vs_gpt2.py").run()
    assert page.app.text_area(key="bg:text").value == "Half a thought"
    assert page.app.text_input(key="bg:word").value == "more"
    assert page.picture["left"]["tokens"][-1] == " more"


def test_markup_is_text_everywhere(twins):
    page = twins(do="write", text="<b onload=x>*The* cat", new="1").show_me()
    assert page.errors == []
    assert "<b onload" not in page.html


@pytest.fixture(scope="module")
def odd_pair(tmp_path_factory):
    """A GPT-2 and a BERT that share neither depth nor heads nor tokenizer."""
    gpt2, bert = (tmp_path_factory.mktemp(name) for name in ("gpt2", "bert"))
    return {"model": str(save_gpt2(gpt2)), "bert": str(save_bert(bert))}


@pytest.mark.parametrize("do", EXPERIMENTS)
def test_every_experiment_can_be_done_with_two_models_that_are_no_twins(odd_pair, monkeypatch, do):
    monkeypatch.setenv("KVVIZ_MODELS", "*")
    page = Twins(odd_pair | ODD_PAIR | {"do": do}).show_me()
    assert page.errors == page.notes == []
    assert all(page.verdict())
    if do == "append":
        assert "the last layer (1 in the one, 2 in the other)" in page.html
    if do == "blank":
        bars = page.html.split('data-kvviz="blank-both"')[1].split("</ol>")[0]
        words = [re.sub(r"<.*?>", "", word) for word in re.findall(r"<code>.*?</code>", bars)]
        assert words.count("sat") == 1
        assert "␣sat" not in words


def test_two_folders_of_one_name_are_told_apart(tmp_path, monkeypatch):
    folders = [tmp_path / kind / "model" for kind in ("gpt2", "bert")]
    for folder, save in zip(folders, (save_gpt2, save_bert), strict=True):
        folder.mkdir(parents=True)
        save(folder)
    monkeypatch.setenv("KVVIZ_MODELS", "*")
    links = {"model": str(folders[0]), "bert": str(folders[1]), "text": "the cat sat"}
    page = Twins(links).show_me()
    assert page.errors == []
    assert page.picture["left"]["name"] == "model (GPT-2)"
    assert page.picture["right"]["name"] == "model (BERT)"
    heads = sum(side.model.n_layers * side.model.n_heads for side in page.encodings)
    assert set(page.charts.values()) == {heads}, "a dot for every head of both"


def test_every_setting_survives_its_link():
    wanted = TwinSettings(do="edit", text="a b", word="c", at=1, by="d", blank=2, new=5, seed=9,
                          one="x y", other="x z", focus=0, model="m", bert="n")  # fmt: skip
    view = TwinsView(1, 2, "mask", TwinCell(12, 7, "right"), 3)
    assert settings.parse(settings.write(wanted, view)) == (wanted, view, ())
    assert settings.write(TwinSettings(), TwinsView()) == {}
    assert set(EXPERIMENTS) == {"look", "append", "edit", "masks", "blank", "write", "context"}
