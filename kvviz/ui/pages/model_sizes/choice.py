"""What is chosen on the page: a model, how it is served, and the link that says so."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import Any

import streamlit as st

from kvviz.analysis.parameters import ParameterCount, count_parameters
from kvviz.lessons import lessons
from kvviz.lessons.model_table import (
    Accelerator,
    ModelRow,
    accelerator_table,
    amount,
    model_table,
)
from kvviz.translation import N_
from kvviz.translation import gettext as _
from kvviz.ui.shell.address import Link
from kvviz.ui.shell.links import (
    LinkFields,
    Reader,
    lines_about,
    one_of,
    text_up_to,
    whole,
)
from kvviz.ui.shell.page_state import PageState

NAME = "model_sizes"
PREFIX = "sizes:"
_N_PUT = f"{PREFIX}n-put"
"""How often the controls were set."""
FORMATS = {"fp32": "float32", "bf16": "bfloat16", "8bit": N_("8 bits"), "4bit": N_("4 bits")}
"""Number formats: how a link says them, and their name."""

LENGTHS = tuple(2**power for power in range(8, 21))
MOST_USERS = 1_000_000
LONGEST_FIND = 60
LONGEST_TEXT = 400
"""Characters that decoders read; without a cache that takes time with the square of them."""


@dataclass(frozen=True)
class Choice:
    """What is chosen.

    Attributes:
        row: Id of the model.
        tokens: Positions of each user's sequence.
        users: Sequences served at the same time.
        weights: Number format of the weights, a key of `FORMATS`.
        kv: Number format of the cache, likewise.
        on: Id of the accelerator.
        find: What a model of the whole table must say to be shown there; nothing shows all.
        text: What all decoders at hand read.
        stop: The place in that text that is looked at, from 0 on; None for its end.
    """

    row: str = "llama-3.1-8b"
    tokens: int = 8_192
    users: int = 1
    weights: str = "bf16"
    kv: str = "bf16"
    on: str = "h100"
    find: str = ""
    text: str = field(default_factory=lambda: lessons().texts[0].text)
    stop: int | None = None

    @property
    def model(self) -> ModelRow:
        """The model's row."""
        return models()[self.row]

    @property
    def accelerator(self) -> Accelerator:
        """The accelerator's row."""
        return accelerators()[self.on]

    @property
    def n_tokens(self) -> int:
        """The tokens, or the model's whole context if that is shorter."""
        shape = self.model.shape
        return self.tokens if shape is None else min(self.tokens, shape.n_ctx)

    @property
    def count(self) -> ParameterCount | None:
        """The model's parameters as counted, or None where its shape is not known."""
        shape = self.model.shape
        return None if shape is None else count_parameters(shape)

    @property
    def n_parameters(self) -> int | None:
        """Its parameters: counted, else as its maker writes them, else None."""
        if self.count is not None:
            return self.count.total
        published = amount(self.model.published)
        return None if published is None else published.number


@cache
def models() -> dict[str, ModelRow]:
    """Return all models by their id, the newest first."""
    return {row.id: row for row in reversed(model_table())}


@cache
def accelerators() -> dict[str, Accelerator]:
    """Return all accelerators by their id."""
    return {row.id: row for row in accelerator_table()}


@dataclass
class SizesState(PageState):
    """One person's page.

    Attributes:
        choice: What was chosen last, since widgets forget while another page is open.
    """

    choice: Choice = field(default_factory=Choice)


def choice_fields() -> LinkFields[Choice]:
    """Return what of a choice stands in a link."""
    return LinkFields(
        Choice(),
        {
            "row": one_of(tuple(models()), lambda: _("the id of a model in the table")),
            "tokens": _length(),
            "users": whole(1, MOST_USERS),
            "weights": one_of(tuple(FORMATS)),
            "kv": one_of(tuple(FORMATS)),
            "on": one_of(tuple(accelerators()), lambda: _("the id of an accelerator in the table")),
            "find": text_up_to(LONGEST_FIND),
            "text": text_up_to(LONGEST_TEXT),
            "stop": whole(0, LONGEST_TEXT),
        },
    )


def _length() -> Reader:
    """Return a reader of one of `LENGTHS`."""

    def read(text: str) -> int:
        if int(text) not in LENGTHS:
            raise ValueError
        return int(text)

    return Reader(
        read,
        lambda: _("a power of two from {least:,} to {most:,}").format(
            least=LENGTHS[0], most=LENGTHS[-1]
        ),
    )


def take_link(state: SizesState, link: Link) -> None:
    """Make the page show what a link says."""
    state.choice, unusable = choice_fields().parse(link.parameters)
    state.notes = lines_about(unusable)
    put(state.choice)


def find_box() -> None:
    """Draw the control that narrows the whole table."""
    st.text_input(
        _("Find in the table"),
        max_chars=LONGEST_FIND,
        placeholder=_("a name, a maker, MLA, Mamba-2, disclosed …"),
        key=_key("find"),
    )


def text_field(state: SizesState) -> str:
    """Draw the field of the text that decoders read, and return what it says."""
    # Streamlit can forget it between two drawings of this part alone; what was typed is not lost.
    st.session_state.setdefault(_key("text"), state.choice.text)
    text = st.text_area(
        _("The text"), key=_key("text"), height=80, max_chars=LONGEST_TEXT, on_change=_forget_stop
    )
    stop = st.session_state[_key("stop")]
    # A link cannot say that there is no text.
    state.choice = replace(state.choice, text=text or Choice().text, stop=stop)
    return text or ""


def put_stop(state: SizesState, stop: int | None) -> None:
    """Take in which place of that text is looked at, and say so in the address."""
    st.session_state[_key("stop")] = stop
    state.choice = replace(state.choice, stop=stop)
    state.address.write(choice_fields().write(state.choice))


def n_put() -> int:
    """Return how often the controls were set, by a link or a button."""
    return st.session_state.get(_N_PUT, 0)


def _forget_stop() -> None:
    st.session_state[_key("stop")] = None


def is_put() -> bool:
    """Whether the controls say anything; they forget it while another page is open."""
    return _key("row") in st.session_state


def put(choice: Choice) -> None:
    """Make the controls say a choice.

    They become new ones for Streamlit. Else what a person pressed while this was on its way to the
    browser would count here, and what was on its way would stand there.
    """
    st.session_state[_N_PUT] = st.session_state.get(_N_PUT, 0) + 1
    for one in fields(choice):
        st.session_state[_key(one.name)] = getattr(choice, one.name)


def _key(name: str) -> str:
    """Return the key of the control of a field of `Choice`."""
    return f"{PREFIX}{name}:{n_put()}"


def format_name(name: str) -> str:
    """Return what a number format is called, in the language of the page."""
    return _(FORMATS[name])


def draw(state: SizesState) -> Choice:
    """Draw the controls and return what they say."""
    with st.container(border=True, key="kvviz-card-controls"):
        columns = st.columns([2.4, 1.25, 1.0, 1.1, 1.1, 1.45], gap="small")
        columns[0].selectbox(
            _("Model"),
            list(models()),
            format_func=lambda name: f"{models()[name].name} · {models()[name].maker}",
            key=_key("row"),
        )
        columns[1].selectbox(_("Tokens a user"), LENGTHS, format_func="{:,}".format,
                             key=_key("tokens"))  # fmt: skip
        columns[2].number_input(_("Users"), min_value=1, max_value=MOST_USERS, step=1,
                                key=_key("users"))  # fmt: skip
        for column, label, name in (
            (columns[3], _("Weights in"), "weights"),
            (columns[4], _("Cache in"), "kv"),
        ):
            column.selectbox(label, list(FORMATS), format_func=format_name,
                             key=_key(name))  # fmt: skip
        columns[5].selectbox(
            _("Accelerator"),
            list(accelerators()),
            format_func=lambda name: f"{accelerators()[name].name}",
            key=_key("on"),
        )
    said: dict[str, Any] = {one.name: st.session_state[_key(one.name)] for one in fields(Choice)}
    # An emptied field says nothing.
    said["users"] = said["users"] or Choice().users
    said["text"] = said["text"] or Choice().text
    state.choice = Choice(**said)
    return state.choice
