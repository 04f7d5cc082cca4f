"""The controls of a text: the field with its length in tokens, examples, and what was typed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kvviz.errors import KvvizError
from kvviz.lessons import Prompt
from kvviz.translation import gettext as _
from kvviz.translation import ngettext
from kvviz.ui.parts.press import Press
from kvviz.ui.parts.remedies import Remedy
from kvviz.ui.shell.environment import Environment
from kvviz.ui.shell.plain_text import plain_html

S = TypeVar("S")

TEXT_HEIGHT = 104
"""Of a text's field in the sidebar, in pixels: four lines of it."""


@dataclass(frozen=True)
class Draft(Generic[S]):
    """What the controls say now.

    Attributes:
        settings: What the button would run.
        problems: Sentences on what stands in the way, none if nothing does.
        run: A press of the button.
        line: Where the text's label is drawn.
        title: What the text is called, where not as usual; as it is shown.
        later: Draws what is known only when work that has ended was taken in.
    """

    settings: S
    problems: tuple[str, ...]
    run: Press
    line: DeltaGenerator
    title: str = ""
    later: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class TextControls(Generic[S]):
    """The controls of a page, as its settings see them.

    Attributes:
        title: What the text is called, marked for translation.
        values: Returns the key and the value of each control that says some settings.
        draw: Draws the controls and returns what they say.
        count: Returns a text's length in words, empty while no model is there to count, and whether
            it is too long. May raise a KvvizError if no model could read the text.
        remedy: Returns what to try instead of settings that failed, None where only the person can
            know.
    """

    title: str
    values: Callable[[S], dict[str, object]]
    draw: Callable[[Environment], Draft[S]]
    count: Callable[[S], tuple[str, bool]]
    remedy: Callable[[Exception, S], Remedy[S] | None]

    def put(self, settings: S) -> None:
        """Set the controls, before they are drawn."""
        for key, value in self.values(settings).items():
            st.session_state[key] = value

    def say(self, settings: S) -> bool:
        """Whether the controls say these settings, and nothing that was typed since."""
        return all(
            st.session_state.get(key, value) == value
            for key, value in self.values(settings).items()
        )

    def keep(self, settings: S) -> None:
        """Set the controls that say nothing at all, and no others, before they are drawn.

        Streamlit forgets those of a page that was left while it was drawn for the first time.
        """
        for key, value in self.values(settings).items():
            if key not in st.session_state:
                st.session_state[key] = value

    def take_link(self, settings: S, shown: S | None, *, by_history: bool) -> None:
        """Set the controls to what a link says.

        Going back must not cost what was typed since.

        Args:
            settings: What the link says.
            shown: The settings of what is on screen, None if nothing is.
            by_history: Whether the person got there by a step through the browser's history.
        """
        if not by_history or shown is None or self.say(shown):
            self.put(settings)

    def label(self, draft: Draft[S]) -> None:
        """Draw the text's label with its length in tokens, and what else had to wait."""
        try:
            words, over = self.count(draft.settings)
        except KvvizError:
            # Left to who runs the text.
            words, over = "", False
        said = f"<span>{plain_html(draft.title or _(self.title))}</span>"
        if words:
            kind = "kvviz-count kvviz-over" if over else "kvviz-count"
            said += f'<span class="{kind}">{plain_html(words)}</span>'
        draft.line.html(f'<div class="kvviz-label">{said}</div>')
        draft.later()


def text_field(
    label: str, key: str, height: int, about: str | None = None
) -> tuple[DeltaGenerator, str]:
    """Draw the field of a text; return the place of its label above, and the text."""
    line = st.empty()
    text = st.text_area(
        label,
        key=key,
        height=height,
        label_visibility="collapsed",
        persist_state="session",
        help=about,
    )
    return line, text or ""


def examples(
    label: str,
    texts: Iterable[Prompt],
    key: str,
    field: str,
    width: Literal["stretch", "content"] = "stretch",
) -> None:
    """Draw the list of example texts.

    Args:
        label: What the list is called.
        texts: The examples.
        key: Beginning of the keys of the list and of its buttons.
        field: Key of the text's field.
        width: Of the button that opens the list.
    """

    def take(text: str) -> None:
        st.session_state[field] = text

    with st.popover(label, width=width, key=f"{key}-examples"):
        for number, text in enumerate(texts):
            st.button(text.name, key=f"{key}:example:{number}", on_click=take, args=(text.text,),
                      width="stretch", help=text.shows)  # fmt: skip


def counted(n_tokens: int, room: int) -> str:
    """Return a length in tokens beside the room for it."""
    return ngettext("{n_tokens:,} / {room:,} token", "{n_tokens:,} / {room:,} tokens", room).format(
        n_tokens=n_tokens, room=room
    )
