"""The page on learning from plain text, without a browser, on the real engine and GPT-2 mini."""

import json
import math
import re
import shutil
import threading
import time
from dataclasses import replace

import pytest

from kvviz.errors import RunCancelledError
from kvviz.lessons import lessons
from kvviz.ui.pages.language_modelling import controls, masked_tokens, training_film
from kvviz.ui.pages.language_modelling.next_token import milliseconds, odds
from kvviz.ui.pages.language_modelling.readings import (
    HIDDEN_SHARE,
    columns_of,
    compare_free,
    read_masked,
    read_next,
)
from kvviz.ui.pages.language_modelling.settings import TextSettings
from kvviz.ui.pages.language_modelling.training_film import learnt_in_order
from kvviz.ui.parts.experiment import SHOW_ME
from kvviz.ui.work import runs
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.model_store import model_store
from tests.pages.conftest import PATIENCE_S, Drawn, opened_by_link, step_back_to

NAME = "language_modelling_page"
SHORT = "The cat sat on the mat and the dog sat on the cat."


class Lesson(Drawn):
    """The page under test, and what a reader of it would look for."""

    def __init__(self, parameters):
        self.app = opened_by_link("language_modelling", parameters)
        self.finish()

    @property
    def state(self):
        return self.app.session_state[NAME]

    @property
    def record(self):
        return self.app.session_state["kvviz:experiments"]

    def free_run(self, given):
        return self.record.results["free", (self.state.reading.settings, given, "")]

    def finish(self):
        """Rerun the page as a browser would until everything it waits for is done."""
        until = time.monotonic() + PATIENCE_S
        while (job := self.state.job) is not None:
            assert time.monotonic() < until, "the reading did not end"
            job.wait(1.0)
            self.app.run()
        return self

    def press(self, key):
        self.app.button(key=key).click().run()
        return self.finish()

    def read(self, text):
        self.app.text_area(key="lm:text").set_value(text).run()
        return self.press("lm:read")

    def labels(self, question):
        """Return the words on a question's buttons, by their keys."""
        return {
            button.key: button.label.replace("\\", "")
            for button in self.app.button
            if str(button.key).startswith(f"ask:{question}:")
        }

    @property
    def errors(self):
        assert not self.app.exception, self.app.exception
        return [error.value.replace("\\", "") for error in self.app.error]

    def component(self, name, key):
        """Return what a component was given to draw."""
        (found,) = [
            one.proto
            for one in self.app.get("bidi_component")
            if one.proto.component_name == name and one.proto.id.endswith(key)
        ]
        return json.loads(found.json)

    @property
    def columns(self):
        return self.component("kvviz_token_columns", "lm-next")

    @property
    def hidden(self):
        return self.component("kvviz_token_columns", "lm-masked")

    @property
    def film(self):
        return self.component("kvviz_training_film", "lm-film")


@pytest.fixture
def lesson():
    """Open the page by a link and wait for its reading."""
    return lambda **parameters: Lesson(parameters)


@pytest.fixture
def local(monkeypatch):
    """Let the visitor sit at this machine, as in a browser on localhost."""
    from kvviz.ui.work import runs

    monkeypatch.setattr(runs, "is_local_visitor", lambda: True)


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory):
    """A folder with a BERT of random weights that reads with the bundled tokenizer."""
    import torch
    from safetensors.torch import save_file
    from tokenizers import Tokenizer
    from transformers import BertConfig, BertForMaskedLM

    from kvviz.ui.work.model_names import WEIGHTS
    from training.tokenizer import save_tokenizer

    folder = tmp_path_factory.mktemp("tiny-bert")
    torch.manual_seed(0)
    config = BertConfig(vocab_size=4096, hidden_size=24, num_hidden_layers=2, num_attention_heads=3,
                        intermediate_size=40, max_position_embeddings=40)  # fmt: skip
    config.architectures = ["BertForMaskedLM"]
    module = BertForMaskedLM(config)
    tied = set(module.all_tied_weights_keys)
    weights = {name: w for name, w in module.state_dict().items() if name not in tied}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(config.to_json_string())
    tokenizer = Tokenizer.from_file(str(WEIGHTS / "gpt2-mini" / "tokenizer.json"))
    save_tokenizer(tokenizer, folder, family="bert", n_ctx=40)
    return str(folder)


def test_the_first_visit_shows_the_losses_and_offers_to_be_asked(lesson):
    page = lesson()
    assert page.errors == []
    assert page.columns["revealed"] is True
    assert "” cost " in page.html
    assert page.labels("most-surprising") == {}
    # The others are asked about, as ever.
    assert page.labels("masked-labels")
    page.press("cover:most-surprising")
    assert page.columns["revealed"] is False
    assert page.labels("most-surprising")
    assert dict(page.app.query_params) == {"ask": "1"}


def tags(page):
    """Return where the page says that the numbers of its parts come from, the film left out."""
    in_next, hidden, _film, forcing = re.findall(r'data-tags="([a-z]+)"', page.html)
    return [in_next, hidden, forcing]


def test_what_the_first_visit_shows_is_recorded_and_what_is_asked_for_then_is_measured(lesson):
    page = lesson()
    assert tags(page) == ["recorded"] * 3
    assert 'data-kvviz="recorded"' in page.html
    assert page.columns["columns"]
    # No time is told of a pass that was made elsewhere.
    assert " ms" not in page.html
    page.press("ask:masked-labels:show").press("lm:again")
    assert tags(page) == ["recorded", "measured", "recorded"]
    assert tags(lesson(given="5")) == ["recorded", "recorded", "measured"]
    page.press("lm:read")
    assert tags(page) == ["measured"] * 3
    assert 'data-kvviz="recorded"' not in page.html
    assert " ms" in page.html
    # What was opened stays open: it is the same text.
    assert page.columns["revealed"] is True
    assert page.errors == []


def test_back_to_the_text_that_ships_shows_it_as_it_was_read(lesson):
    page = lesson().read(SHORT)
    assert tags(page) == ["measured"] * 3
    step_back_to(page.app, "language_modelling")
    page.finish()
    assert tags(page) == ["recorded"] * 3
    assert page.state.reading.settings.text == lessons().texts[0].text


def test_a_link_has_the_first_visit_asked_before_it_shows_any_loss(lesson):
    page = lesson(ask="1")
    assert page.errors == []
    reading = page.columns
    assert reading["revealed"] is False
    assert all(column["bits"] is None and not column["guesses"] for column in reading["columns"])
    fed = [column["fed"] for column in reading["columns"]]
    asked = [column["asked"] for column in reading["columns"]]
    assert asked == [*fed[1:], None]
    assert "".join(fed).replace("␣", " ") == lessons().texts[0].text
    assert dict(page.app.query_params) == {"ask": "1"}


def test_a_label_that_is_a_part_of_a_character_is_told_as_the_token_that_goes_in_next(lesson):
    page = lesson(text="The cat 🐱 sat on the mat.")
    page.press("ask:most-surprising:show")
    columns = page.columns["columns"]
    fed = [column["fed"] for column in columns]
    assert "🐱·2/4" in fed
    assert [column["asked"] for column in columns] == [*fed[1:], None]
    # Among what was expected the label has the same name, and nothing else has it.
    for column in columns[:-1]:
        at = [guess for guess, _ in column["guesses"]]
        assert at.count(column["asked"]) == (0 < column["rank"] <= len(at))


def test_a_hidden_part_of_a_character_and_one_in_the_free_run_are_told_as_such(lesson):
    from kvviz.engine import load_model, trace_encoding

    model = load_model("kvviz/bert-mini", device="cpu")
    text = "The cat 🐱 sat."
    plain = trace_encoding(model, text, top_k=1)
    parts = [at for at, token in enumerate(plain.tokens_in_place) if "🐱" in token]
    columns = columns_of(trace_encoding(model, text, hide=parts[1:3]))
    asked = [column["asked"] for column in columns if column["asked"]]
    assert asked == ["🐱·2/4", "🐱·3/4"]
    assert {columns[at]["kind"] for at in parts[1:3]} == {"hidden"}

    free = lesson(text="The cat 🐱 sat on the mat.", given="2").free_run(2)
    true, forced, _wrote = free.tokens
    assert [text for text in true if "🐱" in text] == [f"🐱·{part}/4" for part in (1, 2, 3, 4)]
    pairs = zip(true, forced, free.found.true_ids, free.found.forced_ids, strict=True)
    assert all((text == guess) == (one == other) for text, guess, one, other in pairs)


def test_a_right_prediction_and_a_wrong_one_get_their_sentences(lesson):
    page = lesson(ask="1")
    offered = page.labels("most-surprising")
    costs = {word.text: word.bits for word in page.state.reading.words}
    dearest = max((label for label in offered.values() if label in costs), key=costs.__getitem__)
    right = next(key for key, label in offered.items() if label == dearest)
    page.press(right)
    assert f"Right. “{dearest}” cost {costs[dearest]:.1f} bits" in page.html
    again = lesson(ask="1")
    wrong = next(key for key, label in offered.items() if label in costs and label != dearest)
    again.press(wrong)
    assert f"You said {offered[wrong]}. “{dearest}” cost" in again.html


def test_a_question_that_was_not_asked_is_not_answered(lesson):
    page = lesson(text="dog cat")
    assert page.labels("masked-labels") == page.labels("most-surprising") == {}
    assert '<p class="kvviz-told" data-kvviz="masked-labels">From 1, the hidden one' in page.html
    assert "Right." not in page.html


def test_the_cost_of_a_word_opens_token_by_token(lesson):
    text = "Once upon a time there was a dog. The dog saw the moon and ate a piano."
    page = lesson(text=text).press("ask:most-surprising:show")
    word = max(page.state.reading.words, key=lambda word: word.bits)
    columns = page.columns["columns"]
    parts = [(columns[place - 1]["bits"], columns[place]["fed"]) for place in word.positions]
    assert len(parts) > 1
    sum_of = " + ".join(f"{bits:.2f} ({token})" for bits, token in parts)
    assert f"“{word.text}”: {sum_of} = {word.bits:.2f} bits." in page.html
    question = lessons().question("most-surprising")
    assert question.why in page.html
    assert question.source in page.html


def test_the_page_speaks_the_language_of_the_address_from_its_columns_to_its_film(
    lesson, monkeypatch
):
    monkeypatch.setenv("KVVIZ_PSEUDO", "1")
    page = lesson(text=SHORT, lang="en-XA")
    assert page.errors == []
    for component in (page.columns, page.film):
        assert component["translation"]["language"] == "en-XA"
    assert page.columns["wait"].startswith("⟦")
    page.press("ask:most-surprising:show")
    assert "⟦" in page.html.split('data-kvviz="most-surprising"')[1][:200]
    assert "translation" not in lesson(text=SHORT).columns


def test_what_was_learnt_is_one_sentence_for_one_two_and_three_things():
    steps = [("that it is a", 1), ("that it is b", 4096), ("that it is c", 8192)]
    assert learnt_in_order("It", steps[:1]) == "It learnt first that it is a, after 1 token."
    assert learnt_in_order("It", steps[1:]) == (
        "It learnt first that it is b, after 4,096 tokens, and then that it is c, after 8,192."
    )
    assert learnt_in_order("It", steps) == (
        "It learnt first that it is a, after 1 token, then that it is b, after 4,096, and then "
        "that it is c, after 8,192."
    )


def test_odds_have_three_digits_and_beyond_a_million_are_a_power_of_ten():
    assert odds(0.5) == "71 %"
    assert odds(3) == "1 in 8"
    assert odds(19) == "1 in 524,000"
    assert odds(144.1) == "about 1 in 10⁴³"
    assert odds(5000.0) == "about 1 in 10¹⁵⁰⁵"


def test_a_text_that_grows_in_the_press_has_its_sentence(lesson):
    text = "Zyx qwv; jkq xzz vvb qqp zxj kwq xvq zzx"
    page = lesson(text=text).press("ask:most-surprising:show")
    pressed = math.ceil(page.state.reading.summary.total_bits / 8)
    assert pressed > len(text)
    assert (
        f"Not even a perfect coder could press it with this model: its {len(text)} bytes would "
        f"become about {pressed}." in page.html
    )
    usual = lesson(text=SHORT).press("ask:most-surprising:show")
    assert f"A perfect coder would press the text from {len(SHORT)} bytes to about" in usual.html


def test_a_text_that_the_twins_cut_otherwise_is_not_called_the_same_tokens(lesson):
    page = lesson(text="The cat [MASK] on the mat and looked at the dog.")
    n_plain = sum(column["kind"] != "special" for column in page.hidden["columns"])
    assert f"BERT mini reads this text as {n_plain} tokens." in page.html
    assert n_plain != page.state.reading.summary.n_tokens
    page.app.run()  # Now that both models are there, whichever tests came before.
    label = page.app.get("html")
    assert any(f", {n_plain} / 1,022 in BERT mini" in str(one.proto.body) for one in label)


def test_the_count_knows_the_model_that_has_less_room(lesson, monkeypatch):
    page = lesson(text=SHORT)
    page.app.run()
    n_tokens = page.state.reading.summary.n_tokens
    assert f">{n_tokens} / 1,022 tokens<" in page.html
    # Also before that model is there.
    wanted = page.state.reading.settings
    peek = model_store().peek
    monkeypatch.setattr(
        model_store(), "peek", lambda of: None if of.model == wanted.bert else peek(of)
    )
    assert controls.count(wanted) == (f"{n_tokens} / 1,022 tokens", False)
    assert controls.count(replace(wanted, text=" dog" * 1025)) == ("1,025 / 1,022 tokens", True)
    monkeypatch.undo()
    page.app.text_area(key="lm:text").set_value(" dog" * 1023).run()
    assert "1,023 / 1,022 tokens, too long for BERT mini" in page.html
    assert "kvviz-over" in page.html


def test_the_time_of_a_pass_is_the_least_of_several(lesson, timed_as_shipped, monkeypatch):
    import kvviz.engine

    read, times = kvviz.engine.trace_encoding, []

    def stalled(*args, **kwargs):
        encoding = read(*args, **kwargs)
        # What the browser's work has been seen to do to the first of them.
        times.append(encoding.seconds + (0 if times else 0.9))
        return replace(encoding, seconds=times[-1])

    monkeypatch.setattr(kvviz.engine, "trace_encoding", stalled)
    reading = read_next(TextSettings(text=SHORT), Free())
    assert reading.n_passes == len(times) > 3
    assert reading.seconds == min(times) < 0.9
    monkeypatch.undo()
    page = lesson(text=SHORT).press("ask:most-surprising:show")
    told = milliseconds(page.state.reading)
    assert f"in one pass of {told}." in page.html
    assert f"The pass was made {reading.n_passes} times and took {told} at the least" in page.html


def test_a_long_text_is_read_once_more_at_most(timed_as_shipped):
    reading = read_next(TextSettings(text="word " * 1000), Free())
    assert reading.n_passes <= 2


class Free:
    """A job that is cancelled at the nth look."""

    def __init__(self, n_looks=None):
        self.n_looks = n_looks

    def report(self, step, n_steps):
        pass

    def cancelled(self):
        if self.n_looks is None:
            return False
        self.n_looks -= 1
        return self.n_looks < 0


@pytest.mark.parametrize("n_looks", range(3))
@pytest.mark.parametrize(
    "read",
    [
        lambda job: read_next(TextSettings(text=SHORT), job),
        lambda job: read_masked(TextSettings(text=SHORT), 0, job),
        lambda job: compare_free(TextSettings(text=SHORT), 4, job),
    ],
)
def test_what_was_cancelled_delivers_nothing(read, n_looks):
    with pytest.raises(RunCancelledError):
        read(Free(n_looks))


def test_a_cancelled_reading_leaves_the_text_before_and_says_so(lesson, monkeypatch):
    import kvviz.engine

    page, read, go = lesson(text=SHORT), kvviz.engine.trace_encoding, threading.Event()

    def held(*args, **kwargs):
        go.wait(PATIENCE_S)
        return read(*args, **kwargs)

    monkeypatch.setattr(kvviz.engine, "trace_encoding", held)
    page.app.text_area(key="lm:text").set_value("The king had a red boat.").run()
    page.app.button(key="lm:read").click().run()
    page.cancel()
    go.set()
    page.finish()
    assert page.errors == []
    assert page.notes == ["The reading was cancelled. Below is the text before, as it was read."]
    assert page.state.reading.settings.text == SHORT
    assert page.app.text_area(key="lm:text").value == "The king had a red boat."
    assert dict(page.app.query_params) == {"text": SHORT}


def test_a_reading_that_is_cancelled_when_it_is_through_is_let_go(lesson):
    page = lesson(text=SHORT)
    job = Job(lambda job: read_next(TextSettings(text=ENDED), job), runs.queue(2))
    assert job.wait(PATIENCE_S)
    job.cancel()
    page.state.job = job
    page.app.run()
    assert page.notes[0].startswith("The reading was cancelled.")
    assert page.state.reading.settings.text == SHORT


def test_a_step_back_leaves_what_was_typed_since(lesson):
    page = lesson(text=SHORT)
    page.app.text_area(key="lm:text").set_value("Half a thought").run()
    step_back_to(page.app, "language_modelling", text="The king had a red boat.")
    page.finish()
    assert page.app.text_area(key="lm:text").value == "Half a thought"
    assert page.state.reading.settings.text == "The king had a red boat."


def test_the_numbers_are_those_of_the_engine(lesson):
    import numpy as np

    import kvviz

    page = lesson(text=SHORT).press("ask:most-surprising:show")
    model = kvviz.load_model("kvviz/gpt2-mini")
    encoding = kvviz.trace_encoding(model, SHORT, top_k=50)
    bits = -encoding.label_logprobs[:-1].astype(np.float64) / np.log(2)
    drawn = [column["bits"] for column in page.columns["columns"]][:-1]
    # Rounded to four places for the way to the browser.
    np.testing.assert_allclose(drawn, bits, atol=5.1e-5)
    n = encoding.token_ids.size
    assert f"{n - 1} labels" in page.html
    assert f"{bits.mean():.2f} bits a token" in page.html
    assert f"Perplexity {2 ** bits.mean():,.1f}" in page.html
    characters = len(SHORT) - int(encoding.spans[0, 1])
    assert f"{bits.sum() / characters:.2f} bits a character" in page.html
    first = page.columns["columns"][0]
    assert first["guesses"][0][1] == pytest.approx(float(encoding.top_probs[0, 0]), abs=1e-6)
    assert len(first["guesses"]) == 6


def test_a_link_carries_the_text_and_what_is_looked_at(lesson):
    page = lesson(text=SHORT, given="5", point="7")
    assert page.errors == page.notes[1:] == []
    assert page.app.text_area(key="lm:text").value == SHORT
    assert page.film["point"] == 7
    assert page.app.select_slider[0].value == 5
    assert dict(page.app.query_params) == {"text": SHORT, "given": "5", "point": "7"}


def test_nonsense_in_a_link_gives_the_usual_page_and_one_line(lesson):
    page = lesson(seed="-1", given="many", point="<b>", text="")
    assert page.errors == []
    line = page.notes[0]
    assert "seed is '-1', not a whole number" in line
    assert "point is '<b>'" in line
    assert page.state.reading.settings.text == lessons().texts[0].text
    assert page.film["point"] == 0


def test_what_no_text_and_no_film_has_gives_the_usual_page_and_one_line_too(lesson):
    page = lesson(text=SHORT, given="9999", point="9999", lang="xx")
    assert page.errors == []
    (line,) = page.notes
    last = max(page.state.reading.cuts)
    assert f"given is 9999, but of this text 1 to {last} tokens can be given" in line
    n_points = len(page.film["films"][0]["points"])
    assert f"point is 9999, but the film has points 0 to {n_points - 1}" in line
    assert "lang is 'xx', not the code of a language that is spoken here" in line
    assert page.film["point"] == 0
    assert page.app.select_slider[0].value != last
    assert dict(page.app.query_params) == {"text": SHORT}
    page.press("lm:read")
    assert page.notes == []


def test_a_link_cannot_cut_a_text_within_a_word(lesson):
    text = "The elephantine tyrannosaurus slept in the red house."
    cuts = lesson(text=text).state.reading.cuts
    within = next(n for n in range(1, max(cuts)) if n not in cuts)
    (line,) = lesson(text=text, given=str(within)).notes
    assert f"given is {within}, but this text cannot be cut after {within} tokens" in line


def test_the_address_names_the_text_on_screen(lesson):
    page = lesson()
    page.app.text_area(key="lm:text").set_value("A dog & a cat met a bird.").run()
    assert dict(page.app.query_params) == {}
    page.press("lm:read")
    assert dict(page.app.query_params) == {"text": "A dog & a cat met a bird."}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty"),
        (" \n ", "white space"),
        ("The", "one token has no next token"),
        ("word " * 3000, "does not fit"),
    ],
)
def test_a_text_that_cannot_be_read_has_its_sentence_and_nothing_is_lost(lesson, text, sentence):
    page = lesson(text=SHORT).read(text)
    (error,) = page.errors
    assert sentence in error
    assert "Something went wrong" not in error
    assert page.app.text_area(key="lm:text").value == text
    assert page.state.reading.settings.text == SHORT


def test_a_text_over_the_limit_of_the_box_takes_the_place_of_the_error_before(lesson):
    page = lesson(text=SHORT).read(" ")
    assert len(page.errors) == 1
    page.read("word " * 5000)
    assert "The text may have 20,000 characters, and it has 25,000." in page.html
    assert page.errors == []
    assert page.state.reading.settings.text == SHORT


def test_a_text_that_is_too_long_can_be_cut_by_a_button(lesson):
    page = lesson(text=SHORT).read("word " * 3000)
    page.press("lm:remedy")
    assert page.errors == []
    n_tokens = page.state.reading.summary.n_tokens
    assert n_tokens <= 1024
    assert n_tokens > 900


@pytest.mark.parametrize(
    "text",
    [
        "The cat 🐱 said 👩‍👩‍👧 hello",
        "שלום עולם, hello",
        "日本の猫は小さい。犬は大きい。",
        "<script>alert(1)</script><b onload=x>",
        "**bold** [link](javascript:alert(1)) $x$ :red[no]",
        "bell \x07 and escape \x1b[31m",
        "one\n\ntwo\tthree",
    ],
)
def test_any_text_is_read_and_shown_as_text(lesson, text):
    page = lesson(text=text)
    assert page.errors == []
    for question in ("most-surprising", "departs"):
        if page.labels(question):
            page.press(f"ask:{question}:show")
    assert page.errors == []
    assert page.columns["revealed"] is True
    assert "<script>alert" not in page.html
    assert "<b onload" not in page.html


def test_free_running_departs_where_the_forced_prediction_first_slips(lesson):
    page = lesson().press("lm:read").press("ask:departs:show")
    found = page.free_run(8).found
    assert 0 < found.departs_at < found.n_places
    first_slip = int((found.forced_ids != found.true_ids).argmax())
    assert found.departs_at == first_slip
    assert f"It goes its own way after {found.departs_at} of {found.n_places}." in page.html
    assert f"{found.n_forced_right} of {found.n_places} right, forced" in page.html
    assert f"{found.n_free_right} of {found.n_places} right, free" in page.html


def test_the_free_run_is_hidden_until_it_was_predicted(lesson):
    page = lesson(given="8")
    assert "right, free" not in page.html
    assert 'data-departs-at=""' in page.html
    page.press("ask:departs:show")
    assert 'data-departs-at="8"' in page.html


ENDED = "They lived happily ever after. Then the dog ran to the big red house and sat on the mat."


def test_a_free_run_that_ends_its_text_leaves_the_forced_side_whole(lesson):
    page = lesson(text=ENDED, given="6")
    asked = "how many of the next 16 will"
    assert asked in page.html
    assert page.html.count('class="kvviz-place"') == 16
    page.press("ask:departs:show")
    found = page.free_run(6).found
    assert (found.n_places, found.n_written) == (16, 1)
    assert "It ends the text at once, so its row is shorter." in page.html
    assert page.html.count('class="kvviz-ended"') == 15
    assert f"{found.n_forced_right} of 16 right, forced" in page.html
    assert "0 of 16 right, free" in page.html
    assert "It wrote 1 of 16, the last of them the end of a text." in page.html


def test_the_lines_of_a_text_end_in_one_sign(lesson):
    page = lesson(text="The cat sat.\nThe dog ran to the cat.", given="6")
    assert '<p class="kvviz-given" role="caption">The cat sat.↵The' in page.html
    assert "␊" not in page.html


def test_the_film_is_told_from_the_file_and_the_order_is_right(lesson):
    page = lesson()
    film = page.film
    (gpt2,) = [one for one in film["films"] if one["family"] == "gpt2"]
    recorded = training_film.films()["gpt2"]
    assert [point["n_tokens"] for point in gpt2["points"]] == [one.n_tokens for one in recorded]
    last = recorded[-1].predictions[0].guesses[0]
    assert gpt2["points"][-1]["said"][0]["guesses"][0] == [
        last.token.replace(" ", "␣"), last.probability
    ]  # fmt: skip
    marks = list(training_film.milestones(recorded).values())
    n_seen, label = min((n, label) for label, n in marks if n is not None)
    page.press(f"ask:learnt-first:{marks.index((label, n_seen))}")
    assert (
        f"Right. GPT-2 mini learnt first {label}, after {n_seen:,} tokens, then that" in page.html
    )
    n_last, last = max((n, label) for label, n in marks if n is not None)
    assert f", and then {last}, after {n_last:,}." in page.html


def test_without_a_film_the_page_says_so(lesson, monkeypatch, tmp_path):
    monkeypatch.setattr(training_film, "films", dict)
    page = lesson(text=SHORT)
    assert any("holds no training film" in note for note in page.notes)
    assert page.errors == []


def test_a_damaged_film_has_its_sentence_and_leaves_the_rest(lesson, monkeypatch, tmp_path):
    (tmp_path / "gpt2-mini").mkdir()
    (tmp_path / "gpt2-mini" / "film.jsonl").write_text("{")
    monkeypatch.setattr(training_film, "WEIGHTS", tmp_path)
    page = lesson(text=SHORT)
    (error,) = page.errors
    assert "training film cannot be read" in error
    assert page.columns["columns"]


def test_a_film_about_other_sentences_has_its_sentence_too(lesson, monkeypatch, tmp_path):
    folder = training_film.WEIGHTS / "gpt2-mini"
    (tmp_path / "gpt2-mini").mkdir()
    shutil.copy(folder / "config.json", tmp_path / "gpt2-mini")
    real = (folder / "film.jsonl").read_text(encoding="utf-8")
    changed = real.replace("Once upon a", "Twice upon a")
    assert changed != real
    (tmp_path / "gpt2-mini" / "film.jsonl").write_text(changed, encoding="utf-8")
    monkeypatch.setattr(training_film, "WEIGHTS", tmp_path)
    page = lesson(text=SHORT)
    (error,) = page.errors
    assert "other sentences than film.toml tells of" in error.replace("\\", "")
    assert page.columns["columns"]


def test_without_a_bert_that_part_says_so_and_the_others_work(lesson, monkeypatch):
    monkeypatch.setattr(masked_tokens, "bundled_models", lambda family: {})
    page = lesson(text=SHORT)
    assert any("holds no BERT" in note for note in page.notes)
    assert page.errors == []
    assert page.columns["columns"]


def test_hidden_tokens_are_asked_for_and_no_others(lesson, local, tiny_bert, monkeypatch):
    monkeypatch.setenv("KVVIZ_MODELS", "*")
    page = lesson(text=SHORT, bert=tiny_bert, seed="3")
    assert page.errors == []
    assert page.hidden["revealed"] is False
    page.press("ask:masked-labels:show")
    columns = page.hidden["columns"]
    asked = [column for column in columns if column["asked"] is not None]
    n_plain = sum(column["kind"] != "special" for column in columns)
    assert len(asked) == max(1, round(HIDDEN_SHARE * n_plain))
    assert {column["fed"] for column in asked} == {"[MASK]"}
    assert all(column["kind"] == "hidden" and column["bits"] > 0 for column in asked)
    assert [c["kind"] for c in (columns[0], columns[-1])] == ["special", "special"]
    before = [column["asked"] for column in columns]
    page.press("lm:again")
    assert page.app.query_params["seed"] == "4"
    assert [column["asked"] for column in page.hidden["columns"]] != before


def test_a_text_beyond_bert_s_limit_and_a_wrong_kind_have_sentences_of_their_own(
    lesson, local, tiny_bert, monkeypatch
):
    monkeypatch.setenv("KVVIZ_MODELS", "*")
    page = lesson(text="word " * 60, bert=tiny_bert)
    (error,) = page.errors
    assert "kvviz/" not in error
    assert "40 positions" in error
    assert page.columns["columns"]
    page.press("lm:less")
    assert page.errors == []
    assert 30 < len(page.hidden["columns"]) <= 40
    page = lesson(text=SHORT, bert="kvviz/gpt2-mini")
    (error,) = page.errors
    assert "needs a model that fills in hidden tokens" in error
    page = lesson(text=SHORT, model=tiny_bert)
    (error,) = page.errors
    assert "needs a model that foresees the next token" in error
    page.press("lm:remedy")
    assert page.errors == []
    assert page.state.reading.settings.model == TextSettings().model


@pytest.mark.parametrize("bert", ["no/such", "/nonexistent/dir", "kvviz/gpt2-mini"])
def test_a_bert_that_is_none_can_be_changed_by_a_button(lesson, local, bert):
    page = lesson()
    page.app.selectbox(key="lm:bert").set_value("another model…").run()
    page.app.text_input(key="lm:bert:other").set_value(bert).run()
    page.read(SHORT)
    assert len(page.errors) == 1
    page.app.text_area(key="lm:text").set_value(f"{SHORT} Then it").run()
    assert page.app.button(key="lm:usual-bert").label == "Read it with BERT mini"
    page.press("lm:usual-bert")
    assert page.errors == []
    assert page.hidden["columns"]
    assert page.app.text_area(key="lm:text").value == f"{SHORT} Then it"


def test_a_gpt2_in_the_place_of_a_bert_is_called_as_it_is_written(lesson):
    (error,) = lesson(text=SHORT, bert="kvviz/gpt2-mini").errors
    assert "kvviz/gpt2-mini is a GPT-2." in error


def test_a_link_to_a_model_that_does_not_ship_waits_for_a_click(lesson):
    page = lesson(model="some/model")
    assert page.state.reading is None
    assert any("some/model" in note.replace("\\", "") for note in page.notes)
    assert page.app.text_input(key="lm:model:other").value == "some/model"
    assert page.film["films"]


def test_answers_are_kept_for_their_text_and_asked_anew_for_another(lesson):
    page = lesson(text=SHORT).press("ask:most-surprising:show")
    page.press("lm:read")
    key = "most-surprising", page.state.reading.settings
    assert page.record.given[key].answers == SHOW_ME
    assert not page.labels("most-surprising")
    page.read("The king and the queen had a red boat.")
    assert page.labels("most-surprising")


def test_what_was_typed_survives_a_visit_to_another_page(lesson):
    page = lesson(text=SHORT)
    page.app.text_area(key="lm:text").set_value("Half a thought").run()
    page.app.switch_page("../../../pages/start.py").run()
    page.app.switch_page("../../../pages/language_modelling.py").run()
    page.finish()
    assert page.app.text_area(key="lm:text").value == "Half a thought"
    assert page.state.reading.settings.text == SHORT


def test_a_page_that_is_come_back_to_shows_the_point_that_its_address_names(lesson):
    page = lesson(text=SHORT)
    page.state.view = replace(page.state.view, point=3)
    page.app.switch_page("../../../pages/start.py").run()
    page.app.switch_page("../../../pages/language_modelling.py").run()
    page.finish()
    assert page.app.query_params["point"] in ("3", ["3"])
    assert page.film["point"] == 3


def test_an_accident_in_one_part_leaves_the_others(lesson, monkeypatch):
    from kvviz.ui.pages.language_modelling import teacher_forcing

    def broken(*args, **kwargs):
        raise ZeroDivisionError("secret inner words")

    monkeypatch.setattr(teacher_forcing, "compare_free", broken)
    page = lesson(text=SHORT)
    (error,) = page.errors
    assert "Something went wrong that should not have" in error
    assert "secret" not in error
    assert page.columns["columns"]
    assert page.film["films"]


def test_a_slider_that_is_moved_after_its_text_has_gone_is_let_go(lesson):
    page = lesson(text=SHORT)
    slider = page.app.select_slider[0]
    usual = slider.value
    slider.set_value(slider.options[0])
    # Its message was on its way when the text was read anew.
    page.state.show(page.state.reading)
    page.app.run()
    assert page.errors == []
    assert page.app.select_slider[0].value == usual
    assert dict(page.app.query_params) == {"text": SHORT}
