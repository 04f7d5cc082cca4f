"""The prompt as a conversation: by a link, by hand, and what happens where it cannot be."""

from __future__ import annotations

import json

import pytest

from kvviz.trace.conversation import Conversation, Turn
from tests.pages.conftest import as_read
from tests.tiny_chat import ALTERNATING, SPECIAL, tiny_chat

MODEL, REFUSES = "kvviz/tiny-chat", "kvviz/tiny-refuses"
HELLO = json.dumps([{"role": "user", "content": "The cat sat"}])


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home where two tiny models were added, each with a template of its own."""
    folder = tmp_path_factory.mktemp("home")
    tiny_chat(folder / "models" / "tiny-chat")
    tiny_chat(folder / "models" / "tiny-refuses", ALTERNATING)
    return folder


@pytest.fixture(autouse=True)
def at_home(home, monkeypatch):
    monkeypatch.setenv("KVVIZ_HOME", str(home))


def turns_of(page):
    state = page.app.session_state
    n = state["kv:chat:n"]
    return [(state[f"kv:chat:{i}:role"], state[f"kv:chat:{i}:text"]) for i in range(n)]


def say(page, text):
    page.app.chat_input(key="kv:chat:say").set_value(text).run()
    return page.finish()


def test_a_link_opens_a_conversation_that_goes_on_by_hand(kv_cache):
    page = kv_cache(model=MODEL, chat=HELLO, new="3")
    assert page.errors == page.notes == []
    assert page.player["special_ids"] == [SPECIAL]
    assert page.player["tokens"][0]["id"] == SPECIAL
    assert "◇ marks a special token" in page.html
    assert json.loads("".join(page.app.query_params["chat"])) == json.loads(HELLO)
    assert "prompt" not in page.app.query_params
    assert "kv:prompt" not in {area.key for area in page.app.text_area}
    first = page.state.shown
    answered = "".join(first.trace.tokens[first.trace.n_prompt :])
    assert 'data-kvviz="chat-answer"' in page.html
    assert 'data-kvviz="number-format">Runs in ' in page.html

    say(page, "and the dog")
    assert turns_of(page) == [
        ("user", "The cat sat"),
        ("assistant", answered),
        ("user", "and the dog"),
    ]
    assert page.state.shown.trace.conversation.messages[-1]["content"] == "and the dog"
    page.press("kv:chat:1:remove")
    page.press("kv:chat:system")
    page.app.text_area(key="kv:chat:0:text").input("Be brief.").run()
    page.app.selectbox(key="kv:chat:1:role").set_value("assistant").run()
    page.press("kv:run")
    assert page.errors == []
    assert page.state.shown.settings.chat == Conversation(
        (Turn("system", "Be brief."), Turn("assistant", "The cat sat"), Turn("user", "and the dog"))
    )

    # A turn left empty is one sentence, and all stays as typed.
    page.press("kv:chat:add")
    page.press("kv:run")
    (error,) = map(as_read, page.errors)
    assert "Turn 4 is empty." in error
    assert len(turns_of(page)) == 4

    # The prompt waits beside it, and the other way round.
    page.app.toggle(key="kv:chat").set_value(False).run()
    assert page.app.text_area(key="kv:prompt").value
    page.press("kv:run")
    assert not page.state.shown.settings.chat
    page.app.toggle(key="kv:chat").set_value(True).run()
    assert len(turns_of(page)) == 4


def test_it_begins_with_the_prompt_and_goes_with_a_model_that_takes_none(kv_cache):
    page = kv_cache(prompt="The dog", new="2")
    assert not page.app.toggle
    page.app.selectbox(key="kv:model").set_value(MODEL).run()
    page.app.toggle(key="kv:chat").set_value(True).run()
    assert turns_of(page) == [("user", "The dog")]
    page.press("kv:run")
    assert page.state.shown.settings.chat.turns == (Turn("user", "The dog"),)
    page.app.selectbox(key="kv:model").set_value("kvviz/gpt2-mini").run()
    assert page.app.text_area(key="kv:prompt").value == "The dog"
    page.press("kv:run")
    assert page.state.shown.settings.prompt == "The dog"


def test_a_template_that_fails_is_one_sentence_and_nothing_is_lost(kv_cache):
    talk = [{"role": "system", "content": "Be brief."}, *json.loads(HELLO)]
    page = kv_cache(model=REFUSES, chat=json.dumps(talk), new="2")
    (error,) = map(as_read, page.errors)
    assert f"The chat template of {REFUSES} fails on this conversation." in error
    assert "It says: No system here." in error
    assert turns_of(page) == [("system", "Be brief."), ("user", "The cat sat")]


@pytest.mark.parametrize(
    ("chat", "words"),
    [
        ("hello", "chat is 'hello', not a conversation"),
        ("[]", "chat is '[]', not a conversation"),
        ("x" * 30_000, "not a conversation"),
    ],
)
def test_nonsense_in_a_link_gives_the_usual_prompt_and_one_line(kv_cache, chat, words):
    page = kv_cache(chat=chat, new="2")
    (note,) = page.notes
    assert words in note
    assert page.player["prompt"] == "Once upon a time there was a"


def test_a_link_asks_a_model_that_takes_no_conversation(kv_cache):
    page = kv_cache(chat=HELLO, new="2")
    (error,) = map(as_read, page.errors)
    assert "kvviz/gpt2-mini takes no conversation" in error
