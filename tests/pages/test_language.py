"""The language of the address reaches the lessons, the marked sentences and the front ends."""

import pytest
from streamlit.testing.v1 import AppTest

from kvviz.lessons import lessons
from kvviz.ui.pages.kv_cache.settings import parse
from tests.pages.conftest import html_of

MARKED = "tokens of each sequence"


def script():
    import streamlit as st

    from kvviz.serving import workers
    from kvviz.translation import gettext as _
    from kvviz.ui.shell import session_language
    from kvviz.ui.shell.address import Address

    def pressed():
        st.session_state["in_callback"] = _("tokens of each sequence")

    session_language.take_from_address()
    st.title(_("tokens of each sequence"))
    st.button("go", on_click=pressed)
    in_worker = []
    workers.start(lambda: in_worker.append(_("tokens of each sequence")), "test").join()
    st.header(in_worker[0])
    st.text(st.session_state.get("in_callback", ""))
    Address().write({"step": "2"})


@pytest.fixture
def app():
    return AppTest.from_function(script, default_timeout=30)


def is_pseudo(text):
    return text.startswith("⟦") and MARKED not in text


def test_english_is_spoken_where_the_address_names_no_language(app):
    app.run()
    assert (app.title[0].value, app.header[0].value) == (MARKED, MARKED)
    assert dict(app.query_params) == {"step": "2"}


def test_the_language_of_the_address_reaches_script_worker_callback_and_the_next_link(
    app, monkeypatch
):
    monkeypatch.setenv("KVVIZ_PSEUDO", "1")
    app.query_params["lang"] = "en-XA"
    app.run()
    assert is_pseudo(app.title[0].value)
    assert is_pseudo(app.header[0].value)
    assert dict(app.query_params) == {"step": "2", "lang": "en-XA"}
    app.button[0].click().run()
    assert is_pseudo(app.text[0].value)


def test_a_link_that_repeats_no_language_leaves_the_session_its_own(app, monkeypatch):
    monkeypatch.setenv("KVVIZ_PSEUDO", "1")
    app.query_params["lang"] = "en-XA"
    app.run()
    del app.query_params["lang"]
    app.run()
    assert is_pseudo(app.title[0].value)
    app.query_params["lang"] = "en"
    app.run()
    assert app.title[0].value == MARKED


def test_the_pseudo_language_is_not_there_for_people(app, monkeypatch):
    monkeypatch.delenv("KVVIZ_PSEUDO", raising=False)
    app.query_params["lang"] = "en-XA"
    app.run()
    assert app.title[0].value == MARKED
    assert parse({"lang": "en-XA"})[2]


def test_a_page_shows_its_lessons_and_its_player_in_the_language_of_the_address(start, monkeypatch):
    monkeypatch.setenv("KVVIZ_PSEUDO", "1")
    page = start(lang="en-XA")
    assert page.errors == []
    guide = lessons("en-XA").page_guide[0]
    assert guide.question in html_of(page.app)
    entry = page.player["translation"]
    assert entry["language"] == "en-XA"
    assert next(iter(page.player)) == "translation"
    english = start()
    assert "translation" not in english.player
