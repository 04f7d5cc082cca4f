"""How a row came about, as the player asks for it and a page answers; what a file carries of it."""

import gc
from dataclasses import replace
from threading import Event

import numpy as np
import pytest
import streamlit as st

from kvviz.engine import trace_generation
from kvviz.errors import LinkError
from kvviz.player import fingerprint, html_document
from kvviz.player.head_origin import OriginAsked
from kvviz.ui.parts import player, saving
from kvviz.ui.parts.player import checked_request
from kvviz.ui.parts.view import View
from kvviz.ui.shell import served_bytes
from kvviz.ui.work import row_origins
from kvviz.ui.work.model_store import ModelStore
from kvviz.ui.work.run_settings import RunSettings
from kvviz.ui.work.shared_drawings import shared_drawings
from kvviz.ui.work.shown_run import ShownRun
from tests.pages.conftest import Page
from tests.payload_reader import CONTRACT, unpack

HEAD = {"layer": 1, "head": 1, "cross": False, "cache": "on"}


@pytest.fixture
def page(model):
    return Page("kv_cache", {"prompt": "The cat", "new": "3", "layer": "0", "head": "0"})


def fetched(given):
    """Return the buffers that a player's voucher leads to."""
    names = [one.removeprefix(f"{served_bytes.ADDRESS}/") for one in given["addresses"]]
    return [served_bytes.find(name).data for name in names]


def origin_in(given, name="head_origin"):
    """Return what a player is given besides its run, None if there is nothing."""
    own, *more = fetched(given)
    assert name not in unpack(own)[1]
    return unpack(unpack(more[0])[1][name].tobytes()) if more else None


def asked(page, monkeypatch, message, event="wanted"):
    """Run a page whose player tells something; return the voucher that it is given then."""
    say, given = [message], []

    def component(*, key, data, on_view_change, on_wanted_change, on_lost_change):
        st.session_state[key] = {event: say.pop()} if say else {}
        {"wanted": on_wanted_change, "lost": on_lost_change}[event]()
        given.append(data)

    monkeypatch.setattr(player, "_component", lambda: component)
    page.app.run()
    page.app.run()
    assert page.errors == []
    return given[-1]


def test_the_run_is_not_sent_again_for_what_a_row_was_made_of(page, monkeypatch):
    shown = page.state.shown
    before = asked(page, monkeypatch, {})["addresses"]
    message = {"id": fingerprint(shown.subject), "origin": HEAD}
    assert asked(page, monkeypatch, message)["addresses"][:-1] == before


def test_a_run_that_is_kept_no_more_is_there_again_once_a_player_has_missed_it(page, monkeypatch):
    voucher = asked(page, monkeypatch, {})
    (before,) = fetched(voucher)
    (address,) = voucher["addresses"]
    shared_drawings.forget()
    gc.collect()
    assert served_bytes.find(address.removeprefix(f"{served_bytes.ADDRESS}/")) is None
    assert fetched(asked(page, monkeypatch, address, "lost")) == [before]


def test_what_a_row_was_made_of_comes_with_the_run_when_it_is_asked_for(page, monkeypatch):
    shown = page.state.shown
    run_id = fingerprint(shown.subject)
    assert origin_in(asked(page, monkeypatch, {})) is None
    header, arrays = origin_in(asked(page, monkeypatch, {"id": run_id, "origin": HEAD}))
    assert sorted(header) == sorted([*CONTRACT["origin"], "arrays"])
    assert {name: header[name] for name in HEAD} == HEAD
    assert (header["id"], header["refused"]) == (run_id, "")
    rotary = {"query_norm", "key_norm", "cos", "sin"}
    assert set(arrays) == set(CONTRACT["arrays_of_an_origin"]) - {"encoder_hidden"} - rotary
    trace = shown.trace
    for part, rows in (
        ("query", trace.queries[1, 1]),
        ("key", trace.keys(1)[1]),
        ("value", trace.values(1)[1]),
    ):
        made = arrays["hidden"].astype(float) @ arrays[f"{part}_weight"] + arrays[f"{part}_bias"]
        assert abs(np.abs(made - rows).max() - header["within"][part]) <= 1e-9


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"layer": 99}, "cannot have"),
        ({"layer": "1"}, "cannot have"),
        ({"layer": True}, "cannot have"),
        ({"head": -1}, "cannot have"),
        ({"cross": True}, "cannot have"),
        ({"cache": "both"}, "cannot have"),
        ({"cache": ["on"]}, "cannot have"),
    ],
)
def test_the_player_may_ask_only_about_a_head_that_the_run_has(page, change, why):
    shown = page.state.shown
    with pytest.raises(LinkError, match=why):
        checked_request({"id": fingerprint(shown.subject), "origin": HEAD | change}, shown)


def test_a_question_about_another_run_is_left_unheard(page, monkeypatch):
    with pytest.raises(LinkError, match="another run than the one on screen"):
        checked_request({"id": "0" * 32, "origin": HEAD}, page.state.shown)
    assert origin_in(asked(page, monkeypatch, {"id": "0" * 32, "origin": HEAD})) is None


def test_why_a_model_cannot_tell_is_one_sentence(page, monkeypatch):
    shown = page.state.shown
    told = []
    for settings in (
        {"origin": "file", "settings": shown.settings.__class__(model="somebody/gpt2")},
        {"trace": damaged(shown.trace), "comparison": None},
    ):
        other = replace(shown, **settings)
        told.append(row_origins.answer(other, OriginAsked(1, 1)))
    assert "comes from a file" in told[0]
    assert "does not give the rows of this run" in told[1]
    monkeypatch.setattr(row_origins, "MOST_SECONDS", 0.0)
    slow = Slow()
    monkeypatch.setattr(row_origins, "model_store", lambda: slow)
    assert "no time" in row_origins.answer(shown, OriginAsked(1, 1))
    slow.may_end.set()


def test_the_model_of_a_file_is_loaded_where_it_ships(monkeypatch):
    """No file can have the app load any other model."""
    settings = RunSettings(model="kvviz/llama-mini", prompt="The cat", new=2)
    store = ModelStore()
    run = trace_generation(ModelStore().get(settings), settings.prompt, max_new_tokens=2)
    monkeypatch.setattr(row_origins, "model_store", lambda: store)
    told = row_origins.answer(ShownRun(settings, run, origin="file"), OriginAsked(1, 5))
    assert np.abs(told.rows("key") - run.keys(1)[1]).max() <= told.within["key"]
    assert store.peek(settings) is not None


class Slow:
    """A model that takes its time to load."""

    def __init__(self):
        self.may_end = Event()

    def peek(self, settings):
        return None

    def get(self, settings):
        self.may_end.wait(30)
        raise LinkError("It never came.")


def damaged(trace):
    """Return the run with another key, as no model of it gives."""
    keys = trace.all_keys.copy()
    keys[1, 1, 0, 0] += 1
    return replace(trace, all_keys=keys)


def test_a_file_carries_the_head_on_show_where_the_model_is_loaded(page, monkeypatch):
    carried = []
    monkeypatch.setattr(
        saving, "html_document", lambda *args, origins, **rest: carried.append(origins) or ""
    )
    shown = page.state.shown
    saving.html_page(shown, View(layer=1, head=1))
    assert list(carried[0]) == [OriginAsked(1, 1)]
    assert len(html_document(shown.subject, origins=carried[0])) > len(html_document(shown.subject))
    monkeypatch.setattr(row_origins, "MOST_BYTES_IN_A_FILE", 100)
    saving.html_page(shown, View(layer=1, head=1))
    assert carried[1] == {}


def test_the_run_without_the_cache_is_asked_about_as_such(page):
    shown = page.state.shown
    assert row_origins.run_of(shown, OriginAsked(0, 0, cache="off")) is shown.comparison.uncached
    assert row_origins.run_of(shown, OriginAsked(0, 0, cache="on")) is shown.trace


def test_the_token_that_is_looked_at_is_the_one_that_the_experiment_changes(page, monkeypatch):
    shown = page.state.shown
    run_id = fingerprint(shown.subject)
    assert f'data-kvviz="edited-token" data-position="{1}"' in page.html
    asked(page, monkeypatch, {"id": run_id, "edit": 0})
    assert page.state.edited == 0
    assert 'data-kvviz="edited-token" data-position="0"' in page.html
    for message in ({"edit": 2}, {"edit": "0"}, {"edit": -1}):
        with pytest.raises(LinkError, match="cannot have"):
            checked_request({"id": run_id} | message, shown)
    with pytest.raises(LinkError, match="cannot have"):
        checked_request({"id": "0" * 32, "edit": 0}, shown)
    page.state.show(shown)
    assert page.state.edited is None, "it was of the run before"
