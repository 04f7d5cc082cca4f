"""The prompt as a conversation: turns that can be written, changed, added and taken away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kvviz.trace import Conversation, GenerationTrace
from kvviz.trace.conversation import MOST_TURNS, ROLES, Turn
from kvviz.translation import N_
from kvviz.translation import gettext as _
from kvviz.ui.pages.kv_cache.settings import PAGE
from kvviz.ui.parts.press import Press
from kvviz.ui.parts.run_state import RunState
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.work.chat_templates import takes_conversation
from kvviz.ui.work.model_store import model_store
from kvviz.ui.work.run_settings import LONGEST_PROMPT, RunSettings

ON = "kv:chat"
"""Key of the switch, and beginning of all others."""
N_TURNS = f"{ON}:n"
SAY = f"{ON}:say"
PROMPT, RUN = "kv:prompt", "kv:run"
ROLE_NAMES = {"system": N_("system"), "user": N_("user"), "assistant": N_("assistant")}


@dataclass(frozen=True)
class ChatBox:
    """A conversation as its controls say it.

    Attributes:
        conversation: The turns.
        line: Where the label is drawn.
        answer: Where the model's answer is told.
    """

    conversation: Conversation
    line: DeltaGenerator
    answer: DeltaGenerator

    def tell(self) -> None:
        """Draw what the model has answered, if the run on screen is of this conversation."""
        answered = _answer(self.conversation)
        if answered:
            with self.answer.container():
                st.html(
                    f'<div class="kvviz-answer" data-kvviz="chat-answer">'
                    f"<b>{plain_html(_('The model goes on'))}</b>"
                    f"<p>{plain_html(answered)}</p></div>"
                )


def values(settings: RunSettings) -> Iterator[tuple[str, object]]:
    """Yield key and value of the controls that say what is to be gone on from.

    What is not said keeps its place: a prompt beside a conversation, and the other way round.
    """
    if settings.chat:
        yield ON, True
        yield N_TURNS, len(settings.chat.turns)
        for number, turn in enumerate(settings.chat.turns):
            yield _key(number, "role"), turn.role
            yield _key(number, "text"), turn.content
        return
    if takes_conversation(settings.model):
        yield ON, False
    yield PROMPT, settings.prompt


def draw(model: str) -> ChatBox | None:
    """Draw the switch, and the turns where it is on; None where a prompt is wanted.

    Nothing is drawn for a model that takes no conversation.
    """
    if not takes_conversation(model):
        return None
    is_on = st.toggle(
        _("Conversation"),
        key=ON,
        on_change=_begin,
        persist_state="session",
        help=_(
            "The model’s chat template makes one text of the turns, with special tokens that say "
            "who speaks. That text is what the model reads."
        ),
    )
    if not is_on:
        return None
    _begin()
    with st.container(key="kvviz-chat", gap="small"):
        line = st.empty()
        turns = [_turn(number) for number in range(_n_turns())]
        _add(turns)
        answer = st.empty()
        st.chat_input(_("Say more"), key=SAY, max_chars=LONGEST_PROMPT, on_submit=_say)
    return ChatBox(Conversation(tuple(turns)), line, answer)


def _turn(number: int) -> Turn:
    """Draw one turn and return what it says."""
    with st.container(key=f"kvviz-turn-{number}", gap=None):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            role = st.selectbox(
                _("Who speaks in turn {number}").format(number=number + 1),
                ROLES,
                key=_key(number, "role"),
                format_func=lambda role: _(ROLE_NAMES[role]),
                label_visibility="collapsed",
                persist_state="session",
                width=130,
            )
            st.button(
                _("Remove"),
                key=_key(number, "remove"),
                type="tertiary",
                on_click=_remove,
                args=(number,),
                disabled=_n_turns() == 1,
                help=_("Takes turn {number} away").format(number=number + 1),
            )
        text = st.text_area(
            _("What is said in turn {number}").format(number=number + 1),
            key=_key(number, "text"),
            height=68,
            label_visibility="collapsed",
            persist_state="session",
        )
    return Turn(role, text or "")


def _add(turns: list[Turn]) -> None:
    """Draw the ways to have one more turn."""
    is_full = len(turns) >= MOST_TURNS
    with st.container(horizontal=True, gap="small"):
        st.button(
            _("Add a turn"), key=f"{ON}:add", type="tertiary", icon=":material/add:",
            on_click=_append, disabled=is_full,
        )  # fmt: skip
        if turns[0].role != "system":
            st.button(
                _("Add a system turn"),
                key=f"{ON}:system",
                type="tertiary",
                on_click=lambda: _put([Turn("system", ""), *_said()]),
                disabled=is_full,
                help=_("The first turn, which tells the model how to behave."),
            )


def _begin() -> None:
    """Begin a conversation with the prompt, or a prompt where a link brought none."""
    if not st.session_state.get(ON):
        st.session_state.setdefault(PROMPT, RunSettings().prompt)
    elif not _n_turns():
        _put([Turn("user", st.session_state.get(PROMPT) or RunSettings().prompt)])


def _append() -> None:
    turns = _said()
    _put([*turns, Turn("assistant" if turns[-1].role == "user" else "user", "")])


def _remove(number: int) -> None:
    turns = _said()
    _put(turns[:number] + turns[number + 1 :])


def _say() -> None:
    """Take in what was typed below the turns: the user's next one, which is asked at once.

    The answer to what was said before stays in the conversation.
    """
    said, turns = st.session_state.get(SAY), _said()
    if not said:
        return
    if turns[-1].role == "user" and not turns[-1].content.strip():
        turns.pop()
    elif answered := _answer(Conversation(tuple(turns))):
        turns = _answered(turns, answered)
    _put([*turns, Turn("user", said)][-MOST_TURNS:])
    Press(RUN).keep()


def _answered(turns: list[Turn], answer: str) -> list[Turn]:
    """Return turns with an answer behind them; the assistant's last one goes on with it."""
    if turns[-1].role == "assistant":
        return [*turns[:-1], Turn("assistant", turns[-1].content + answer)]
    return [*turns, Turn("assistant", answer)]


def _answer(conversation: Conversation) -> str:
    """Return what the run on screen says to a conversation; nothing if it is of another."""
    shown = RunState.here(PAGE).shown
    if shown is None or not conversation or shown.settings.chat != conversation:
        return ""
    return said_by(shown.trace, shown.n_asked)


def said_by(trace: GenerationTrace, n_asked: int | None = None) -> str:
    """Return the text of the tokens that a run generated, without the special ones.

    Args:
        trace: The run.
        n_asked: Tokens of what a person wrote, where that is not the run's own prompt.
    """
    first = trace.n_prompt if n_asked is None else n_asked
    ids = [int(i) for i in trace.token_ids[first:] if int(i) not in trace.special_ids]
    model = model_store().named(trace.model.name)
    if model is not None:
        return model.text_of(ids)
    return "".join(trace.vocabulary[i] for i in ids)


def _said() -> list[Turn]:
    return [
        Turn(st.session_state.get(_key(number, "role"), "user"),
             st.session_state.get(_key(number, "text")) or "")
        for number in range(_n_turns())
    ]  # fmt: skip


def _put(turns: list[Turn]) -> None:
    """Make the controls say these turns, before they are drawn."""
    st.session_state[N_TURNS] = len(turns)
    for number, turn in enumerate(turns):
        st.session_state[_key(number, "role")] = turn.role
        st.session_state[_key(number, "text")] = turn.content


def _n_turns() -> int:
    return st.session_state.get(N_TURNS, 0)


def _key(number: int, part: str) -> str:
    return f"{ON}:{number}:{part}"
