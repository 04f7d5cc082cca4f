import re
from dataclasses import replace
from threading import Event

import pytest

from kvviz.analysis import head_measures
from kvviz.lessons import lessons
from kvviz.ui.pages.encoder_decoder import cross_rows
from kvviz.ui.pages.encoder_decoder import page as encoder_decoder_page
from kvviz.ui.pages.encoder_decoder.attention_shares import AttentionShares, telling_head
from kvviz.ui.pages.encoder_decoder.blanks import as_read, blanks, n_blanks
from kvviz.ui.pages.encoder_decoder.controls import beginning_that_fits
from kvviz.ui.pages.encoder_decoder.filled import fills, final_sentinels, parts, why_open
from kvviz.ui.pages.encoder_decoder.settings import parse, parse_encoder, usual, write
from kvviz.ui.parts import saving
from kvviz.ui.parts.experiment import Record
from kvviz.ui.parts.view import View
from kvviz.ui.shell.plain_text import percent
from kvviz.ui.work import runs
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.model_store import model_store
from tests.factories import make_card, make_trace
from tests.pages.conftest import Page
from tests.parity.tiny_t5s import TinyT5

TEXT = "I saw a ___ in the ____."


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A random T5 of a few thousand parameters, its encoder deeper than its decoder."""
    shape = {"num_layers": 3, "num_decoder_layers": 2}
    return TinyT5("page", config=shape).save(tmp_path_factory.mktemp("t5"))


@pytest.fixture
def page(folder, monkeypatch):
    """Open the page by a link that names that model, which this installation allows."""
    monkeypatch.setenv("KVVIZ_MODELS", str(folder))
    return lambda **parameters: Page("encoder_decoder", {"model": str(folder), **parameters})


def test_the_first_run_shows_both_caches_with_and_without(page):
    opened = page(prompt=TEXT, new="5")
    assert opened.errors == opened.notes == []
    header = opened.player
    n = len(header["encoder"]["tokens"])
    assert "".join(token["text"] for token in header["encoder"]["tokens"]).count("<extra_id_") == 2
    assert header["n_prompt"] == 1
    on, off = header["runs"]
    assert on["n_cross_computed"] == [n, 0, 0, 0, 0]
    assert on["n_cross_reused"] == [0, n, n, n, n]
    assert off["n_cross_computed"] == [n] * 5
    assert opened.state.shown.settings.prompt == TEXT
    assert f"{n} cross rows, written once" in opened.html
    assert dict(opened.app.query_params)["prompt"] == TEXT


def test_the_estimate_of_a_run_is_what_its_encoder_and_its_steps_took(page, monkeypatch):
    off = page(prompt=TEXT, new="5").state.shown.comparison.uncached
    counted = off.encoder.flops + sum(step.flops for step in off.steps)
    assert runs.uncached_flops(off.model, 1, 5, off.encoder.n_tokens) == counted
    monkeypatch.setattr(runs, "BOTH_UP_TO_FLOPS", counted - 1)
    runs.kept_runs().forget()
    costly = page(prompt=TEXT, new="5")
    assert [run["cache"] for run in costly.player["runs"]] == ["on"]
    assert "its rows are by formula" in costly.html
    asked_for = page(prompt=TEXT, new="5", cache="off")
    assert [run["cache"] for run in asked_for.player["runs"]] == ["on", "off"]


def test_what_was_predicted_is_answered_once_the_next_step_is_in_view(page, monkeypatch):
    opened = page(prompt=TEXT, new="4")
    n = opened.state.shown.trace.cross.n_encoder
    assert f"The encoder has read {n} tokens" in opened.html
    opened.press("ask:cross-rows:2")
    assert f"You say all {n}. Now do it" in opened.html
    # What the player's own callback finds, here outside of a script.
    record = opened.app.session_state["kvviz:experiments"]
    monkeypatch.setattr(Record, "here", lambda: record)
    assert not cross_rows.looked(opened.state)
    opened.state.view = replace(opened.state.view, step=1)
    assert cross_rows.looked(opened.state)
    opened.app.run()
    assert f"You said all {n}. Step 1 computed 0 cross-attention rows and read all {n} again" in (
        opened.html
    )
    assert 'data-n-cross-computed="0"' in opened.html


def test_who_would_rather_see_it_sees_it(page):
    opened = page(prompt=TEXT, new="3").press("ask:cross-rows:show")
    assert "Step 1 computed 0 cross-attention rows" in opened.html
    assert "You said" not in opened.html
    assert "Right" not in opened.html


def test_a_text_that_is_too_long_is_refused_and_kept(page):
    opened = page(prompt=TEXT, new="3")
    long = "word " * 2000
    opened.app.text_area(key="ed:text").set_value(long).run()
    opened.press("ed:run")
    (error,) = opened.errors
    assert "does not fit into the model's context" in error
    assert opened.app.text_area(key="ed:text").value == long
    assert opened.player["n_steps"] == 3
    # A control that stands in the way says so itself, in place of the error before.
    opened.app.text_area(key="ed:text").set_value("word " * 5000).run()
    opened.press("ed:run")
    assert "The text may have 20,000 characters, and it has 25,000." in opened.html
    assert opened.errors == []


def test_of_a_text_that_is_too_long_the_beginning_is_offered_as_it_was_typed(page):
    opened = page(prompt=TEXT, new="3")
    long = "A ___ and\n a <extra_id_7>." + " And so on." * 200
    opened.app.text_area(key="ed:text").set_value(long).run()
    opened.press("ed:run")
    assert len(opened.errors) == 1
    assert opened.app.button(key="ed:remedy").label == "Read the beginning that fits"
    opened.press("ed:remedy")
    assert opened.errors == []
    typed = opened.app.text_area(key="ed:text").value
    assert typed.startswith("A ___ and\n a <extra_id_7>. And so on.")
    assert long.startswith(typed)
    assert opened.state.shown.settings.prompt == typed
    n_read, n_ctx = opened.state.shown.trace.encoder.n_tokens, opened.state.shown.trace.model.n_ctx
    assert n_ctx - 10 < n_read <= n_ctx


def test_a_beginning_ends_between_words_where_there_are_any():
    t5 = model_store().get(usual())
    for text in ("Once ___ upon " * 400, "猫" * 2000, "word" * 1000):
        beginning = beginning_that_fits(text, t5)
        assert text.startswith(beginning)
        n_tokens = len(t5.tokenize_whole(as_read(beginning)).token_ids)
        assert t5.card.n_ctx - 8 < n_tokens <= t5.card.n_ctx
        assert beginning.endswith(("Once", "___", "upon", "猫", "w", "o", "r", "d"))


def test_a_model_of_another_kind_is_sent_to_its_page(page, folder, kv_cache):
    opened = page(model="kvviz/gpt2-mini")
    (error,) = opened.errors
    assert "This page is for a T5, which has two caches" in error
    assert "KV cache, step by step" in error
    opened = Page("encoder_decoder", {"model": "kvviz/bert-mini"})
    (error,) = opened.errors
    assert "keeps no KV cache" in error
    assert "open the page “BERT beside GPT" in error
    assert "trace" not in error
    other = kv_cache(model=str(folder))
    (error,) = other.errors
    assert "This page is for a decoder, which has one cache" in error.replace("\\", "")
    assert "T5's two caches" in error


def test_a_saved_run_opens_on_its_own_page_only(page, kv_cache):
    opened = page(prompt=TEXT, new="3")
    saved = saving.npz(opened.state.shown.trace)
    again = page(prompt=TEXT, new="2")
    assert 'data-tags="measured"' in again.html
    again.app.file_uploader(key="kv:upload").upload("run.npz", saved).run()
    # What was measured elsewhere is not said to be measured here.
    assert 'data-tags="recorded"' in again.html
    assert again.errors == []
    assert again.player["n_steps"] == 3
    other = kv_cache(new="2")
    other.app.file_uploader(key="kv:upload").upload("run.npz", saved).run()
    (error,) = other.errors
    assert "This run belongs on another page" in error
    assert other.player["n_steps"] == 2
    of_gpt2 = saving.npz(other.state.shown.trace)
    again.app.file_uploader(key="kv:upload").upload("other.npz", of_gpt2).run()
    (error,) = again.errors
    assert "a GPT-2." in error.replace("\\", "")


def filled(html):
    """Return the text of the page with its blanks filled in."""
    (text,) = re.findall('data-kvviz="filled"[^>]*>(.*?)</p>', html)
    return text


def test_the_blanks_of_a_saved_run_are_filled_in_again(page):
    opened = Page("encoder_decoder", {"new": "24"})
    saved = saving.npz(opened.state.shown.trace)
    assert "<extra_id_" in opened.state.shown.trace.prompt
    again = page(prompt=TEXT, new="2")
    again.app.file_uploader(key="kv:upload").upload("run.npz", saved).run()
    assert again.state.shown.origin == "file"
    assert filled(again.html) == filled(opened.html)
    assert "extra_id" not in filled(again.html)
    title = re.search("<title>(.*)</title>", saving.html_page(again.state.shown, View()))[1]
    assert "___" in title
    assert "extra_id" not in title


def test_without_a_model_of_its_own_the_page_says_what_to_do(monkeypatch):
    monkeypatch.setattr(encoder_decoder_page, "bundled_models", lambda family: {})
    opened = Page("encoder_decoder", {})
    (note,) = opened.notes
    assert "Name one in the sidebar" in note
    assert opened.errors == []


def test_a_text_without_a_blank_is_pointed_out(page):
    opened = page(prompt="No blank here", new="2")
    (note,) = opened.notes
    assert "This text has no blank" in note


def test_nonsense_in_a_link_gives_the_usual_values_and_one_line():
    settings, view, unusable = parse({"new": "-1", "cache": "maybe", "layer": "2"}, 64)
    assert settings == usual()
    assert (view.cache, view.layer) == ("on", 2)
    assert [phrase.split()[0] for phrase in unusable] == ["new", "cache"]
    assert write(settings, view) == {"layer": "2"}


def test_one_new_token_or_half_a_head_in_a_link_gives_the_usual_and_a_line():
    page = Page("encoder_decoder", {"new": "1", "encoder_layer": "1"})
    (note,) = page.notes
    assert "new is '1', not a whole number from 2 to" in note
    assert "encoder_layer is 1, and encoder_head is missing beside it" in note
    assert page.state.shown.settings.new == usual().new
    assert page.app.number_input(key="ed:new").value == usual().new
    assert 'data-kvviz="question"' in page.html
    assert dict(page.app.query_params) == {}
    assert parse_encoder({"encoder_head": "x", "encoder_layer": "1"})[0] is None
    assert parse_encoder({"encoder_head": "2", "encoder_layer": "1"}) == ((1, 2), ())


def test_blanks_become_sentinels_in_their_order():
    assert as_read(TEXT) == "I saw a<extra_id_0> in the<extra_id_1>."
    assert as_read("a_b") == "a_b"


def test_sentinels_that_were_typed_keep_their_number_and_blanks_take_others():
    read = as_read("I saw a <extra_id_0> in the ___.")
    assert read == "I saw a <extra_id_0> in the<extra_id_1>."
    assert as_read("___ a <extra_id_1> b ___") == "<extra_id_0> a <extra_id_1> b<extra_id_2>"
    assert as_read(read) == read
    for text, n in (("<extra_id_5>", 1), ("<extra_id_5> ___ __", 3), ("<extra_id_0>" * 2, 1)):
        assert n_blanks(text) == n, text
    many = "<extra_id_31> <extra_id_0>" + " ___" * 40
    numbers = [blank.number for blank in blanks(many)]
    assert numbers[:4] == [31, 0, 1, 2]
    assert len(set(numbers)) == len(numbers)
    # No number that a tokenizer would know by that name.
    assert n_blanks("<extra_id_007> <extra_id_99999>") == 0


def test_a_text_with_typed_sentinels_alone_has_blanks(page):
    opened = page(prompt="I saw a <extra_id_5>.", new="2")
    assert opened.notes == []


def test_a_text_as_the_encoder_read_it_is_filled_in_by_the_numbers_of_its_sentinels():
    assert parts("A <extra_id_1> or<extra_id_0>", {0: " cat", 1: " dog"}) == [
        ("given", "A"),
        ("filled", " dog"),
        ("given", " or"),
        ("filled", " cat"),
    ]


def test_answers_are_put_into_their_blanks():
    chosen = ["<extra_id_0>", " red", " ball", "<extra_id_1>", "▁garden", "<extra_id_0>", " no"]
    found = fills(chosen)
    assert found == {0: " red ball", 1: " garden"}
    assert parts(TEXT, found) == [
        ("given", "I saw a"),
        ("filled", " red ball"),
        ("given", " in the"),
        ("filled", " garden"),
        ("given", "."),
    ]
    assert ("open", " ___") in parts(TEXT, {0: " red"})
    assert fills([" no", " sentinel"]) == {}


def test_blanks_that_stay_open_are_explained():
    usual_run = Page("encoder_decoder", {})
    assert "left-open" not in usual_run.html
    short = Page("encoder_decoder", {"new": "3"})
    n = n_blanks(usual().prompt)
    said = f"{n - 1} of {n} blanks are open: the 3 new tokens ran out. Ask for more and run again."
    assert said in short.html
    trace = replace(short.state.shown.trace, stopped="cancelled")
    assert (
        why_open("a ___ ___", {0: " b"}, trace) == "1 of 2 blanks is open: the run was cancelled."
    )
    trace = replace(trace, stopped="end-of-text")
    assert why_open("a ___ ___", {}, trace).endswith("without a word for them.")
    assert why_open("a <extra_id_77>", {}, trace) == (
        "kvviz/t5-mini has no <extra_id_77>: give that blank a lower number."
    )
    assert why_open("a <extra_id_77> ___", {}, trace).endswith(
        "lower number. 1 of 2 blanks is open: the model ended its answer without a word for it."
    )
    assert why_open("No blank.", {}, trace) == ""


def test_a_slow_run_can_be_cancelled_and_shows_its_steps_so_far(page, monkeypatch):
    opened, go_on = page(prompt=TEXT, new="2"), Event()
    report = Job.report

    def held(self, step, n_steps):
        report(self, step, n_steps)
        if step == 3:
            assert go_on.wait(60)

    monkeypatch.setattr(Job, "report", held)
    opened.app.number_input(key="ed:new").set_value(40).run()
    opened.app.button(key="ed:run").click().run()
    opened.cancel()
    opened.app.run()
    assert opened.under_way["stopping"]
    assert opened.under_way["said"] == "Stopping after this step…"
    go_on.set()
    opened.finish()
    assert opened.errors == []
    assert opened.player["n_steps"] == 3
    assert any("here are the 3 steps that were done, of 40" in note for note in opened.notes)
    assert "the run was cancelled." in opened.html


def test_a_run_ends_with_the_sentinel_after_that_of_the_last_blank():
    page = Page("encoder_decoder", {"new": "24"})
    trace = page.state.shown.trace
    n = n_blanks(usual().prompt)
    assert trace.stopped == "stop-token"
    assert trace.tokens[-1] == f"<extra_id_{n}>"
    assert sorted(fills(trace.tokens[1:])) == list(range(n + 1))
    assert page.html.count('<mark class="kvviz-filled"') == n
    assert f"The run ended with &lt;extra_id_{n}&gt;" in page.html


def test_the_encoder_is_seen_to_look_both_ways_and_the_decoder_not():
    page = Page("encoder_decoder", {})
    trace = page.state.shown.trace
    measures = head_measures(trace.encoder)
    assert f"{percent(measures.forward.mean())} ahead, 0 % ahead" in page.html
    at = telling_head(measures)
    layer, head = divmod(at, trace.model.n_heads)
    assert f'data-kvviz="encoder-head" data-layer="{layer}" data-head="{head}"' in page.html
    assert page.charts == {"attention-map": trace.encoder.n_tokens}
    assert "encoder_head" not in dict(page.app.query_params)
    page.app.selectbox(key="ed:encoder-list:3x8").select_index(1).run()
    ahead = float(measures.forward[0, 1])
    assert 'data-kvviz="encoder-head" data-layer="0" data-head="1"' in page.html
    assert f"<b>{percent(ahead)}</b> of its attention" in page.html
    link = dict(page.app.query_params)
    assert (link["encoder_layer"], link["encoder_head"]) == ("0", "1")
    again = Page("encoder_decoder", link)
    assert 'data-kvviz="encoder-head" data-layer="0" data-head="1"' in again.html
    assert dict(again.app.query_params) == link


def test_of_a_long_input_the_beginning_is_drawn_and_all_is_counted():
    page = Page("encoder_decoder", {"prompt": "Once upon a time " * 50 + "___.", "new": "3"})
    assert page.errors == []
    assert page.charts == {"attention-map": 128}
    assert "Drawn are the first 128 tokens." in page.html
    trace = page.state.shown.trace
    assert trace.encoder.n_tokens > 200
    assert f"{percent(head_measures(trace.encoder).forward.mean())} ahead" in page.html


def test_a_head_that_the_encoder_lacks_is_answered_with_another_and_a_line():
    page = Page("encoder_decoder", {"encoder_layer": "7", "encoder_head": "1"})
    assert page.errors == []
    assert any("Asked for was head 1 of layer 7" in line.value for line in page.app.caption)
    assert 'data-kvviz="encoder-head"' in page.html
    assert dict(page.app.query_params) == {}
    odd = Page("encoder_decoder", {"encoder_layer": "x"})
    assert "encoder_layer is 'x'" in odd.notes[0]


def test_the_player_opens_on_the_head_in_which_a_sentinel_finds_its_blank():
    page = Page("encoder_decoder", {})
    found = AttentionShares.of(page.state.shown.trace).own_blank
    layer, head = divmod(int(found.argmax()), found.shape[1])
    assert found.max() > 0.9
    assert (page.player["view"]["layer"], page.player["view"]["head"]) == (layer, head)
    assert f'data-kvviz="own-blank" data-layer="{layer}" data-head="{head}"' in page.html
    without = Page("encoder_decoder", {"prompt": "No blank here."})
    assert "own-blank" not in without.html


def test_a_text_without_blanks_or_with_all_of_them_has_no_final_sentinel():
    t5 = model_store().get(usual())
    assert final_sentinels(t5, "No blank.") == ()
    assert final_sentinels(t5, "A<extra_id_31>.") == ()
    (last,) = final_sentinels(t5, "A<extra_id_0> and<extra_id_1>.")
    assert t5.token_text(last) == "<extra_id_2>"


def test_what_is_said_is_what_the_trace_counted():
    trace = make_trace(1, 4, card=make_card(2, 2, 4, family="t5"), n_encoder=6)
    verdict = cross_rows.told(trace, trace.cross)
    assert "Step 1 computed 0 cross-attention rows and read all 6" in verdict.told
    assert verdict.right == [{0}]
    uncached = make_trace(1, 4, card=trace.model, n_encoder=6, use_cache=False)
    verdict = cross_rows.told(uncached, uncached.cross)
    assert "Step 1 computed 6 cross-attention rows and read all 0" in verdict.told
    assert "of its own rows 1 computed" in cross_rows.numbers(trace, trace.cross)[1]
    assert "all 24 are the same" in cross_rows.numbers(trace, trace.cross)[-1]


def test_every_example_text_has_a_blank():
    assert all(as_read(entry.text) != entry.text for entry in lessons().inputs)


def test_a_choice_that_arrives_after_a_link_has_forgotten_its_list_is_let_go(page):
    """Back in the browser and a click at once: the server hears the click after the link."""
    opened = page(prompt=TEXT, new="2")
    (box,) = [one for one in opened.app.selectbox if str(one.key).startswith("ed:encoder-list")]
    box.select_index(1)
    del opened.app.session_state[box.key]
    opened.app.run()
    assert opened.errors == []
    assert "encoder_head" not in dict(opened.app.query_params)
