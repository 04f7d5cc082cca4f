from dataclasses import replace
from urllib.parse import parse_qs, urlparse

import numpy as np
import pytest
import streamlit as st

from kvviz.analysis import head_roles, telling_head
from kvviz.engine import trace_generation
from kvviz.lessons import lessons
from kvviz.player.cell import Cell
from kvviz.ui.parts import player, saving
from kvviz.ui.parts.experiment import work
from kvviz.ui.shell import history
from kvviz.ui.work import runs
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.run_settings import RunSettings
from kvviz.ui.work.shown_run import ShownRun
from kvviz.ui.work.ticket_queue import TicketQueue
from tests.factories import make_comparison, make_trace
from tests.pages.conftest import step_back_to
from tests.parity.tiny_decoders import FULL, SLIDING, TinyDecoder
from tests.trace_files import without_digest


def test_the_first_visit_runs_the_usual_prompt_both_ways(kv_cache, timed_as_shipped):
    page = kv_cache()
    assert page.errors == page.notes == []
    header = page.player
    assert header["prompt"] == lessons().prompts[0].text
    assert header["n_steps"] == 16
    assert [run["cache"] for run in header["runs"]] == ["on", "off"]
    on, off = header["runs"]
    assert on["n_computed"] == [header["n_prompt"]] + [1] * 15
    assert off["n_computed"] == [header["n_prompt"] + step for step in range(16)]
    assert on["n_timings"] == off["n_timings"] == 3
    assert header["view"]["step"] == 0
    assert header["view"]["cache"] == "on"


def test_a_long_run_is_made_once_each_way(kv_cache, timed_as_shipped):
    runs_made = kv_cache(prompt="The dog saw the cat.", new="64").player["runs"]
    assert [run["n_timings"] for run in runs_made] == [1, 1]


def test_a_link_sets_every_control_and_the_view(kv_cache):
    page = kv_cache(prompt="The dog", new="3", temperature="0.7", top_k="5", top_p="0.9", seed="11",
                    layer="2", head="4", step="2", cache="both")  # fmt: skip
    assert page.errors == page.notes == []
    assert page.app.text_area(key="kv:prompt").value == "The dog"
    numbers = {key: page.app.number_input(key=f"kv:{key}").value
               for key in ("new", "temperature", "top_k", "top_p", "seed")}  # fmt: skip
    assert numbers == {"new": 3, "temperature": 0.7, "top_k": 5, "top_p": 0.9, "seed": 11}
    assert page.player["view"] == {"step": 2, "layer": 2, "head": 4, "cache": "both", "cell": None}
    options = page.state.shown.trace.options
    assert (options.temperature, options.top_k, options.top_p, options.seed) == (0.7, 5, 0.9, 11)


def test_nonsense_in_a_link_gives_the_usual_run_and_one_line(kv_cache):
    page = kv_cache(new="-3", step="minus", layer="99", head="<u>", cache="maybe")
    assert page.errors == []
    assert page.player["n_steps"] == 16
    (line, beyond) = page.notes
    assert "new is '-3', not a whole number from 1 to 1,024" in line
    assert "<u>" not in page.html
    assert "layer is 99, but this run has layers 0 to 5" in beyond


def test_the_address_names_the_run_on_screen_and_leaves_defaults_out(kv_cache):
    page = kv_cache()
    assert dict(page.app.query_params) == {}
    page.app.text_area(key="kv:prompt").set_value("The cat & the dog").run()
    page.app.number_input(key="kv:new").set_value(4).run()
    assert dict(page.app.query_params) == {}
    page.press("kv:run")
    assert dict(page.app.query_params) == {"prompt": "The cat & the dog", "new": "4"}
    assert page.player["n_steps"] == 4


def test_what_was_typed_survives_a_failed_run_and_the_run_before_stays(kv_cache):
    page = kv_cache(new="2")
    long = "word " * 5000
    page.app.text_area(key="kv:prompt").set_value(long).run()
    page.press("kv:run")
    (error,) = page.errors
    assert "Prompt and new tokens do not fit" in error
    assert "5,002 prompt tokens" in error
    assert "Shorten the prompt to 1,022 tokens" in error
    assert page.app.text_area(key="kv:prompt").value == long
    assert page.player["n_steps"] == 2


def test_what_was_typed_survives_a_visit_to_another_page(kv_cache):
    page = kv_cache(new="2")
    page.app.text_area(key="kv:prompt").set_value("Half a thought").run()
    page.app.switch_page("../../../pages/start.py").run()
    page.app.switch_page("../../../pages/kv_cache.py").run()
    assert page.app.text_area(key="kv:prompt").value == "Half a thought"
    assert page.finish().player["n_steps"] == 2


def test_a_page_that_is_come_back_to_shows_the_view_that_its_address_names(kv_cache):
    page = kv_cache(prompt="The dog", new="4")
    page.state.view = replace(page.state.view, step=2)
    page.app.switch_page("../../../pages/start.py").run()
    page.app.switch_page("../../../pages/kv_cache.py").run()
    assert page.app.query_params["step"] in ("2", ["2"])
    assert page.player["view"]["step"] == 2


def test_a_page_that_is_come_back_to_before_the_other_was_drawn_shows_that_view_too(
    kv_cache, monkeypatch
):
    # The browser has taken the page down by then, and mounts the player from what it was given.
    page = kv_cache(prompt="The dog", new="4")
    page.state.view = replace(page.state.view, step=2)
    with monkeypatch.context() as patch:
        patch.setattr(history, "listen", lambda *_, **__: st.stop())
        page.app.switch_page("../../../pages/start.py").run()
    page.app.switch_page("../../../pages/kv_cache.py").run()
    assert page.player["view"]["step"] == 2

    page.state.view = replace(page.state.view, step=3)
    step_back_to(page.app, "kv_cache", **page.state.address.written)
    assert page.player["view"]["step"] == 3, "no run of the script was for another page"


def test_controls_that_were_forgotten_say_again_what_is_on_screen_and_no_others(kv_cache):
    page = kv_cache(prompt="The dog", new="4")
    page.app.text_area(key="kv:prompt").set_value("Half a thought").run()
    page.app.switch_page("../../../pages/start.py").run()
    # As when the page is left while its controls are drawn for the first time.
    del page.app.session_state["kv:new"]
    page.app.switch_page("../../../pages/kv_cache.py").run()
    assert page.app.number_input(key="kv:new").value == 4
    assert page.app.text_area(key="kv:prompt").value == "Half a thought"


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [
        ("", "The prompt is empty"),
        ("  \n\t ", "nothing but white space"),
    ],
)
def test_a_prompt_without_words_has_its_own_sentence(kv_cache, prompt, sentence):
    page = kv_cache(new="2")
    page.app.text_area(key="kv:prompt").set_value(prompt).run()
    page.press("kv:run")
    (error,) = page.errors
    assert sentence in error
    assert page.player["n_steps"] == 2


@pytest.mark.parametrize(
    "prompt",
    [
        "The cat 🐱 said 👩‍👩‍👧 hello",
        "שלום עולם, hello",
        "日本の猫は小さい",
        "<script>alert(1)</script><b onload=x>",
        "**bold** [link](javascript:alert(1)) $x$ :red[no]",
        "bell \x07 and escape \x1b[31m",
        "turned \u202earound\u202c",
    ],
)
def test_any_text_runs_and_is_shown_as_text(kv_cache, prompt):
    page = kv_cache(prompt=prompt, new="2")
    assert page.errors == []
    assert page.player["prompt"] == prompt
    assert page.player["n_steps"] == 2
    assert "<script>alert" not in page.html
    assert "<b onload" not in page.html
    assert not any("<script" in note for note in page.notes)


@pytest.mark.parametrize("new", [0, -7, 1025, 10**9])
def test_a_number_of_tokens_out_of_range_is_refused_by_the_control(kv_cache, new):
    page = kv_cache(new="2")
    page.app.number_input(key="kv:new").set_value(new).run()
    assert f"New tokens: 1 to 1,024, and it is {new:,}." in page.html
    page.press("kv:run")
    assert page.errors == []
    assert page.app.number_input(key="kv:new").value == new
    assert page.player["n_steps"] == 2


def test_a_link_to_a_model_that_does_not_ship_waits_for_a_click(kv_cache):
    page = kv_cache(model="some/model", new="2")
    assert page.players == []
    (note,) = page.notes
    assert "some/model" in note.replace("\\", "")
    assert "Press Run" in note
    assert page.app.text_input(key="kv:model:other").value == "some/model"


@pytest.fixture
def local(monkeypatch):
    """Let the visitor sit at this machine, as in a browser on localhost."""
    from kvviz.ui.work import runs

    monkeypatch.setattr(runs, "is_local_visitor", lambda: True)


def test_a_visitor_from_elsewhere_cannot_have_other_models_loaded(kv_cache, monkeypatch, tmp_path):
    from kvviz.ui.work import runs

    monkeypatch.setattr(runs, "is_local_visitor", lambda: False)
    page = kv_cache(new="2")
    page.app.selectbox(key="kv:model").set_value("another model…").run()
    page.app.text_input(key="kv:model:other").set_value(str(tmp_path)).run()
    page.press("kv:run")
    (error,) = page.errors
    assert "This installation does not load that model" in error
    assert page.app.text_input(key="kv:model:other").value == str(tmp_path)


def test_a_folder_without_weights_and_a_damaged_file_are_told_apart(kv_cache, local, tmp_path):
    page = kv_cache(new="2")
    empty = tmp_path / "empty"
    empty.mkdir()
    page.app.selectbox(key="kv:model").set_value("another model…").run()
    page.app.text_input(key="kv:model:other").set_value(str(empty)).run()
    page.press("kv:run")
    (first,) = page.errors
    assert "config" in first
    from kvviz.ui.work.model_names import WEIGHTS

    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for file in (WEIGHTS / "gpt2-mini").iterdir():
        data = file.read_bytes()
        (damaged / file.name).write_bytes(data[:5000] if file.suffix == ".safetensors" else data)
    page.app.text_input(key="kv:model:other").set_value(str(damaged)).run()
    page.press("kv:run")
    (second,) = page.errors
    assert "safetensors" in second
    assert second != first
    assert page.player["n_steps"] == 2


def test_an_unknown_bundled_name_and_an_empty_field_have_their_sentences(kv_cache):
    page = kv_cache(new="2")
    page.app.selectbox(key="kv:model").set_value("another model…").run()
    assert "Type the name or the folder of a model." in page.html
    page.app.text_input(key="kv:model:other").set_value("kvviz/no-such").run()
    page.press("kv:run")
    (error,) = page.errors
    assert "no\\-such" in error


def test_without_a_network_a_hub_name_says_so(kv_cache, local, monkeypatch):
    from huggingface_hub.errors import LocalEntryNotFoundError

    from kvviz.engine.models import model_source

    def unreachable(*args, local_files_only=False, **kwargs):
        if local_files_only:
            raise LocalEntryNotFoundError("not in the hub cache")
        raise ConnectionError("no route to host")

    monkeypatch.setattr(model_source, "snapshot_download", unreachable)
    page = kv_cache(new="2")
    page.app.selectbox(key="kv:model").set_value("another model…").run()
    page.app.text_input(key="kv:model:other").set_value("someone/some-gpt2").run()
    page.press("kv:run")
    (error,) = page.errors
    assert "Something went wrong that should not have" not in error
    assert "the hub cannot be reached" in error


def test_an_accident_is_one_calm_sentence_with_a_reference(kv_cache, monkeypatch, caplog):
    from kvviz.ui.work import runs

    page = kv_cache(new="2")

    def broken(*args, **kwargs):
        raise ZeroDivisionError("secret inner words")

    monkeypatch.setattr(runs, "run", broken)
    page.press("kv:run")
    (error,) = page.errors
    assert "Something went wrong that should not have" in error
    assert "secret" not in error
    reference = error.split("`")[1]
    assert any(reference in record.getMessage() for record in caplog.records)
    assert any(record.exc_info for record in caplog.records)


def test_a_cancelled_run_shows_the_steps_so_far(kv_cache, monkeypatch):
    from kvviz.ui.work.jobs import Job

    report = Job.report

    def cancel_at_five(self, step, n_steps):
        report(self, step, n_steps)
        if step == 5:
            self.cancel()

    page = kv_cache(new="2")
    monkeypatch.setattr(Job, "report", cancel_at_five)
    page.app.number_input(key="kv:new").set_value(40).run()
    page.press("kv:run")
    assert page.errors == []
    assert page.player["n_steps"] == 5
    assert any("here are the 5 steps that were done, of 40" in note for note in page.notes)


def test_cancelling_the_run_without_cache_keeps_the_whole_cached_run(kv_cache, monkeypatch):
    from kvviz.ui.work.jobs import Job

    report = Job.report

    def cancel_later(self, step, n_steps):
        report(self, step, n_steps)
        if step == 13:
            self.cancel()

    page = kv_cache(new="2")
    monkeypatch.setattr(Job, "report", cancel_later)
    page.app.number_input(key="kv:new").set_value(10).run()
    page.press("kv:run")
    assert page.player["n_steps"] == 10
    assert [run["cache"] for run in page.player["runs"]] == ["on"]
    assert page.notes == ["The run without the cache was cancelled; the one with it is complete."]


@pytest.mark.parametrize("cancelled_at", [9, 10, 11])
def test_cancelling_around_the_end_of_the_cached_run_loses_none_of_it(
    kv_cache, monkeypatch, cancelled_at
):
    from kvviz.ui.work.jobs import Job

    report = Job.report

    def cancel_then(self, step, n_steps):
        report(self, step, n_steps)
        if step == cancelled_at:
            self.cancel()

    page = kv_cache(new="2")
    monkeypatch.setattr(Job, "report", cancel_then)
    page.app.number_input(key="kv:new").set_value(10).run()
    page.press("kv:run")
    assert page.errors == []
    assert page.player["n_steps"] == min(cancelled_at, 10)


def test_a_costly_run_is_made_with_the_cache_alone_until_asked_for(kv_cache, monkeypatch):
    from kvviz.ui.work import runs

    monkeypatch.setattr(runs, "BOTH_UP_TO_FLOPS", 1.0)
    assert [run["cache"] for run in kv_cache(new="3").player["runs"]] == ["on"]
    page = kv_cache(new="3", cache="off")
    assert [run["cache"] for run in page.player["runs"]] == ["on", "off"]
    assert page.player["view"]["cache"] == "off"


def test_the_cards_show_their_arithmetic(kv_cache, model):
    page = kv_cache(new="16")
    card, n_prompt, n = model.card, page.player["n_prompt"], page.player["n_steps"]
    cached, uncached = n_prompt + n - 1, n * n_prompt + n * (n - 1) // 2
    assert f"{cached:,} computed instead of {uncached:,}" in page.html
    assert f"{uncached / cached:.0f}× fewer rows" in page.html
    per_token = 2 * card.n_layers * card.n_heads * card.d_head * 4
    assert f"{per_token:,} B per token" in page.html
    assert (
        f"2 × {card.n_layers} layers × {card.n_heads} heads × {card.d_head} numbers × 4 bytes = "
        "what the tensors really hold" in page.html
    )
    assert f"{cached * per_token:,} B in the tensors" in page.html
    assert f"Same {n} tokens both ways" in page.html


def test_a_prediction_is_answered_by_running_the_edited_prompt(kv_cache, model):
    page = kv_cache(new="2")
    asked = page.html
    record = page.app.session_state["kvviz:experiments"]
    change = record.results["edit", (page.state.shown.settings, None)]
    before = model.token_text(model.tokenize(page.player["prompt"])[change.position]).strip()
    assert f"Suppose token {change.position}, “{before}”, became “{change.word}”" in asked
    assert "rows changed" not in asked
    page.press("ask:edited-token:1")
    after = change.n_rows - change.position
    assert f"You said 1. {after} of {change.n_rows} rows changed in the last layer." in page.html
    each = ", ".join(["1", *[str(after)] * (model.card.n_layers - 1)])
    assert f"Rows changed in each layer, from the first: {each}." in page.html


def test_float64_shows_that_the_difference_is_rounding(kv_cache):
    page = kv_cache(new="4")
    assert "Largest logit difference" in page.html
    page.press("kv:float64")
    assert "In float64:" in page.html
    assert "So it is rounding" in page.html
    steps, both_ways, measures = 4, 2, 3
    assert page.charts == {"step-cost": steps * both_ways * measures}


@pytest.mark.parametrize(
    ("name", "button", "told"),
    [
        ("edited-token", "ask:edited-token:1", "rows changed in"),
        ("float64", "kv:float64", "In float64:"),
    ],
)
def test_a_second_run_that_is_cancelled_can_be_done_again(
    kv_cache, monkeypatch, name, button, told
):
    with monkeypatch.context() as patch:
        patch.setattr(work, "watch", lambda job, key, room: job.cancel())
        page = kv_cache(new="2").press(button)
    assert page.errors == []
    assert told not in page.html
    assert "Cancelled: nothing was kept of it." in page.html
    page.press(f"do:{name}:again")
    assert told in page.html
    assert "Cancelled" not in page.html


def test_tokens_that_differ_are_said_to_part_and_where(kv_cache):
    from kvviz.analysis import agreement
    from kvviz.trace import CacheComparison
    from kvviz.ui.pages.kv_cache.difference import parting, tokens_line

    same = kv_cache(new="4").state.shown.comparison
    other = kv_cache(new="4", temperature="1", seed="3").state.shown.comparison.uncached
    parted = CacheComparison(same.cached, other, same.logit_differences[:1])
    first = next(i for i in range(7, 11) if same.cached.token_ids[i] != other.token_ids[i])
    assert tokens_line(agreement(same)) == "Same 4 tokens both ways"
    assert tokens_line(agreement(parted)) == "The tokens differ"
    words = parting(parted, agreement(parted))
    assert f"They part at position {first}, chosen after step {first - 7}" in words


def test_a_saved_run_opens_again_and_a_foreign_file_says_what_it_is(kv_cache, tmp_path):
    from kvviz.ui.parts.saving import npz

    page = kv_cache(new="3", prompt="The dog")
    saved = npz(page.state.shown.trace)
    other = kv_cache(new="2")
    other.app.file_uploader(key="kv:upload").upload("run.npz", saved).run()
    other.finish()
    assert other.errors == []
    assert other.player["prompt"] == "The dog"
    assert isinstance(other.state.shown, ShownRun)
    assert other.state.shown.origin == "file"
    assert other.notes == []
    old = without_digest(saved)
    other.app.file_uploader(key="kv:upload").upload("old.npz", old).run()
    assert "without a checksum" in other.notes[0]
    for name, data in (("broken.npz", saved[: len(saved) // 2]), ("cat.png", b"\x89PNG not a run")):
        other.app.file_uploader(key="kv:upload").upload(name, data).run()
        (error,) = other.errors
        assert "Something went wrong that should not have" not in error
        assert other.player["prompt"] == "The dog"
    other.press("kv:run")
    assert other.player["n_steps"] == 2
    other.app.run()
    assert other.player["n_steps"] == 2, "the file in the field was opened again"


def test_the_offline_file_and_the_table_are_made_of_the_run_on_screen(kv_cache):
    from kvviz.analysis import to_csv
    from kvviz.ui.parts.saving import html_page

    page = kv_cache(new="3", prompt="The dog")
    assert len(html_page(page.state.shown, page.state.view)) > 10_000
    assert to_csv(page.state.shown.trace).count("\n") >= 4


def test_a_long_prompt_has_no_link_but_a_file(kv_cache, monkeypatch):
    from kvviz.ui.shell import links

    monkeypatch.setattr(links, "LONGEST_LINK", 100)
    page = kv_cache(new="2")
    page.app.text_area(key="kv:prompt").set_value("猫" * 12).run()
    page.press("kv:run")
    assert page.errors == []
    assert "prompt" not in page.app.query_params
    assert any("too long for a link" in caption.value for caption in page.app.caption)


def test_settings_out_of_their_ranges_each_have_a_sentence(kv_cache):
    page = kv_cache(new="2", temperature="0.5")
    for key, value, sentence in (
        ("temperature", -1.0, "Temperature: 0 to 10, and it is -1."),
        ("top_k", 0, "Top-k: 1 or more, or empty for all, and it is 0."),
        ("top_p", 1.5, "Top-p: above 0 up to 1, or empty for all, and it is 1.5."),
        ("seed", -1, "Seed: 0 to 4,294,967,295, and it is -1."),
    ):
        page.app.number_input(key=f"kv:{key}").set_value(value).run()
        assert sentence in page.html
    assert page.state.shown.settings == RunSettings(new=2, temperature=0.5)


def test_a_wrong_environment_is_said_in_words(kv_cache, monkeypatch):
    monkeypatch.setenv("KVVIZ_CONCURRENCY", "lots")
    page = kv_cache()
    (error,) = page.errors
    assert "KVVIZ" in error.replace("\\", "")
    assert "lots" in error


def test_links_of_the_page_guide_are_what_the_page_understands():
    assert parse_qs(urlparse("?" + lessons().page_guide[1].query).query) == {"cache": ["both"]}


def test_a_head_without_a_role_in_the_run_shows_the_one_it_has_on_the_probe(kv_cache):
    shown = kv_cache().state.shown
    here = {(role.layer, role.head): role for role in head_roles(shown.trace)}
    idle = [role for role in shown.induction_heads if (role.layer, role.head) not in here]
    assert here
    assert idle
    assert set(shown.roles) == {*here.values(), *idle}
    assert all(role.role == "induction" for role in shown.induction_heads)


def test_a_run_that_does_not_fit_is_offered_with_fewer_tokens(kv_cache):
    page = kv_cache(new="2")
    page.app.text_area(key="kv:prompt").set_value("The cat. " * 339).run()
    page.app.number_input(key="kv:new").set_value(500).run()
    page.press("kv:run")
    (error,) = page.errors
    assert "Prompt and new tokens do not fit" in error
    label = page.app.button(key="kv:remedy").label
    room = int(label.split()[1].replace(",", ""))
    assert 0 < room < 500
    assert label == f"Generate {room:,} new tokens instead"
    page.press("kv:remedy")
    assert page.errors == []
    assert page.player["n_prompt"] + room == 1024


def test_a_control_in_the_way_takes_the_place_of_the_error_before(kv_cache):
    page = kv_cache(new="2")
    page.app.text_area(key="kv:prompt").set_value("The cat. " * 1100).run()
    page.press("kv:run")
    assert len(page.errors) == 1
    page.app.number_input(key="kv:new").set_value(0).run()
    page.press("kv:run")
    assert "New tokens: 1 to" in page.html
    assert page.errors == []
    assert page.player["n_steps"] == 2


def test_a_model_that_cannot_be_had_is_offered_as_the_bundled_one(kv_cache, local):
    page = kv_cache(new="2")
    page.app.selectbox(key="kv:model").set_value("another model…").run()
    page.app.text_input(key="kv:model:other").set_value("/no/such/folder").run()
    page.press("kv:run")
    assert len(page.errors) == 1
    assert page.app.button(key="kv:remedy").label == "Run it with GPT-2 mini"
    page.press("kv:remedy")
    assert page.errors == []
    assert page.app.selectbox(key="kv:model").value == "kvviz/gpt2-mini"


def test_a_model_whose_layers_see_a_window_is_run_also_where_rows_fall_out(
    kv_cache, local, tmp_path
):
    windows = {"sliding_window": 16, "layer_types": [SLIDING, SLIDING, FULL]}
    folder = TinyDecoder("mixed", "Gemma3", config=windows).save(tmp_path)
    page = kv_cache(new="3", prompt="The cat sat")
    page.app.selectbox(key="kv:model").set_value("another model…").run()
    page.app.text_input(key="kv:model:other").set_value(str(folder)).run()
    page.press("kv:run")
    assert page.errors == []
    assert page.player["model"]["windows"] == [16, 16, 0]
    assert "2 × 3 layers × 1 KV head × 6 numbers × 4 bytes" in page.html
    assert page.player["n_rows"] < 16
    page.app.number_input(key="kv:new").set_value(40).run()
    page.press("kv:run")
    assert page.errors == []
    assert page.player["n_rows"] > 16
    # No branch is offered of a run whose rows have gone.
    assert 'data-kvviz="branches"' not in page.html
    assert "lets rows go that fall out of its windows" in page.html
    # Of three heads over one, and two layers of three in a window.
    savings, held = page.player["savings"], page.player["runs"][0]["cache_bytes"]
    assert savings["no_groups"] == [3 * n for n in held]
    n_rows = page.player["n_rows"]
    counted = (
        f"tensors hold {held[-1]:,} B; by formula {held[-1]:,} B, and {savings['no_windows'][-1]:,}"
    )
    assert f"After {n_rows} rows the {counted} B without windows." in page.html
    assert savings["no_windows"][-1] == page.player["n_rows"] * 2 * 3 * 6 * 4 > held[-1]


def test_control_characters_in_a_prompt_are_pointed_out(kv_cache):
    page = kv_cache(prompt="ring \x07 the bell", new="2")
    assert "It holds 1 control character" in page.html
    assert "control character" not in kv_cache(prompt="ring the bell\nagain", new="2").html


def test_a_file_of_a_stranger_may_not_unpack_without_end(kv_cache, monkeypatch):
    page = kv_cache(new="2")
    saved = saving.npz(page.state.shown.trace)
    monkeypatch.setattr(saving, "MAX_UPLOAD_BYTES", len(saved) // 2)
    page.app.file_uploader(key="kv:upload").upload("run.npz", saved).run()
    (error,) = page.errors
    assert f"{len(saved) // 2:,}" in error
    assert page.state.shown.origin == "run"


def test_an_opened_run_is_the_one_that_can_be_taken_away(kv_cache):
    saved = saving.npz(kv_cache(new="3").state.shown.trace)
    page = kv_cache(new="2")
    page.app.file_uploader(key="kv:upload").upload("run.npz", saved).run()
    assert "A saved run has no link; pass its file on." in [
        caption.value for caption in page.app.caption
    ]


def test_runs_that_end_after_different_steps_say_what_is_left_out(model, monkeypatch):
    def parted(*_, **__):
        return replace(
            make_comparison(n_new=5),
            uncached=make_trace(n_new=3, use_cache=False),
            logit_differences=np.zeros(3),
        )

    monkeypatch.setattr("kvviz.engine.trace_both", parted)
    job = Job(lambda job: runs.run(model, RunSettings(), job, both=True), TicketQueue(1))
    assert job.wait(60)
    assert job.error is None
    assert job.result.n_steps == 3
    assert job.result.note == (
        "The run with the cache took 5 steps, the one without 3, since their tokens part. "
        "The player shows the 3 steps that both took."
    )


def the_player_says(page, monkeypatch, view, number):
    """Run a page whose player tells a view, as it told the one of that number."""
    say = [{**view, "number": number}]

    def component(*, key, data, on_view_change, **_others):
        st.session_state[key] = {"view": say.pop()} if say else {}
        on_view_change()

    monkeypatch.setattr(player, "_component", lambda: component)
    page.app.run()
    assert page.errors == []


@pytest.mark.parametrize(("behind", "step"), [(0, 2), (1, 0)])
def test_a_view_from_before_the_player_took_on_another_is_not_heard(
    kv_cache, monkeypatch, behind, step
):
    """The back button, while what the player said a moment ago is still on its way."""
    page = kv_cache(prompt="The cat", new="3", layer="0", head="0")
    view = {"step": 2, "layer": 1, "head": 1, "cache": "on"}
    the_player_says(page, monkeypatch, view, page.state.view_number - behind)
    assert page.state.view.step == step


def test_a_script_that_the_tokenizer_cuts_is_shown_in_its_characters_and_said_once(kv_cache):
    page = kv_cache(prompt="옛 a", new="3", cache="on")
    first = page.player["tokens"][:4]
    assert [token["text"] for token in first] == ["옛·1/3", "옛·2/3", "옛·3/3", " a"]
    assert [token.get("bytes") for token in first] == ["‹EC›", "‹98›", "‹9B›", None]
    assert page.html.count("have read English only") == 1
    assert "have read English only" not in kv_cache(prompt="The cat", new="3", cache="on").html


def test_a_link_opens_the_making_of_a_row_and_the_page_says_it_again(kv_cache):
    page = kv_cache(prompt="The cat", new="3", step="1", cell="2.1")
    assert page.errors == []
    assert page.player["view"]["cell"] == {"query": 2, "key": 1, "cross": False}
    assert dict(page.app.query_params)["cell"] == "2.1"


def test_a_cell_that_a_link_asks_for_and_the_run_does_not_have_is_one_line(kv_cache):
    page = kv_cache(prompt="The cat", new="3", step="1", cell="9.1")
    assert page.errors == []
    assert page.player["view"]["cell"] is None
    assert "cell is 9.1, which is no cell of step 1" in page.notes[0]
    assert "cell" not in dict(page.app.query_params)


@pytest.mark.parametrize(
    ("cell", "is_heard"),
    [
        ({"query": 2, "key": 1, "cross": False}, True),
        ({"query": 2, "key": 3, "cross": False}, False),
        ({"query": 2, "key": "1", "cross": False}, False),
        ({"query": 2, "key": 1, "cross": True}, False),
        ("2.1", False),
    ],
)
def test_the_player_may_name_only_a_cell_that_the_run_has(kv_cache, monkeypatch, cell, is_heard):
    page = kv_cache(prompt="The cat", new="3", layer="0", head="0")
    view = {"step": 1, "layer": 0, "head": 0, "cache": "on", "cell": cell}
    the_player_says(page, monkeypatch, view, page.state.view_number)
    assert (page.state.view.step, page.state.view.cell) == (
        (1, Cell(2, 1)) if is_heard else (0, None)
    )


def test_the_head_shown_first_has_something_to_show_and_a_link_decides(kv_cache):
    page = kv_cache()
    view, trace = page.player["view"], page.state.shown.trace
    assert (view["layer"], view["head"]) == telling_head(trace)
    copying = kv_cache(prompt="The cat")
    found = [role for role in head_roles(copying.state.shown.trace) if role.role == "induction"]
    best = max(found, key=lambda role: role.score)
    view = copying.player["view"]
    assert (view["layer"], view["head"]) == (best.layer, best.head)
    view = kv_cache(layer="0", head="2").player["view"]
    assert (view["layer"], view["head"]) == (0, 2)


def test_the_heads_of_a_long_run_are_not_compared_and_one_with_a_role_is_shown(model):
    long = trace_generation(model, "Once upon a time there was a", max_new_tokens=130)
    shown = ShownRun(RunSettings(), long)
    roles = {(role.layer, role.head): role.role for role in head_roles(long)}
    assert telling_head(long) is None
    assert roles[shown.opening_head] in ("induction", "previous-token")
