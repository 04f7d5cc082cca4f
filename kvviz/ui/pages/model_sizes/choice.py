"""What is chosen on the page: a model, how it is served, and the link that says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any

import streamlit as st

from kvviz.analysis.parameters import ParameterCount, count_parameters
from kvviz.lessons.model_table import (
    Accelerator,
    ModelRow,
    accelerator_table,
    amount,
    model_table,
)
from kvviz.ui.shell.address import Address, Link
from kvviz.ui.shell.links import line_about, one_of, values_of, whole

PREFIX = "sizes:"
FORMATS = {"fp32": "float32", "bf16": "bfloat16", "8bit": "8 bits", "4bit": "4 bits"}
"""Number formats: how a link says them, and their name."""

LENGTHS = tuple(2**power for power in range(8, 21))
MOST_USERS = 1_000_000


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
    """

    row: str = "llama-3.1-8b"
    tokens: int = 8_192
    users: int = 1
    weights: str = "bf16"
    kv: str = "bf16"
    on: str = "h100"

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
class SizesState:
    """One person's page.

    Attributes:
        address: Its address bar.
        choice: What was chosen last, since widgets forget while another page is open.
        notes: Lines about the link that was opened.
    """

    address: Address = field(default_factory=Address)
    choice: Choice = field(default_factory=Choice)
    notes: tuple[str, ...] = ()

    @classmethod
    def here(cls) -> SizesState:
        """Return this session's state, new if there is none."""
        if "model_sizes" not in st.session_state:
            st.session_state["model_sizes"] = cls()
        return st.session_state["model_sizes"]


def parse(parameters: Mapping[str, str]) -> tuple[Choice, tuple[str, ...]]:
    """Read a link's query parameters.

    Returns:
        The choice, with the default where a parameter could not be used, and a phrase on each.
    """
    formats = one_of(tuple(FORMATS))
    readers = {
        "row": _id_in(models(), "the id of a model in the table"),
        "tokens": _length,
        "users": whole(1, MOST_USERS),
        "weights": formats,
        "kv": formats,
        "on": _id_in(accelerators(), "the id of an accelerator in the table"),
    }
    values, unusable = values_of(parameters, readers)
    return Choice(**values), unusable


def write(choice: Choice) -> dict[str, str]:
    """Return the parameters that lead back to a choice, defaults left out."""
    default = Choice()
    return {
        one.name: str(getattr(choice, one.name))
        for one in fields(choice)
        if getattr(choice, one.name) != getattr(default, one.name)
    }


def follow_link(state: SizesState, link: Link) -> None:
    """Make the page show what a link says."""
    state.choice, unusable = parse(link.parameters)
    line = line_about(unusable)
    state.notes = (line,) if line else ()
    put(state.choice)


def put(choice: Choice) -> None:
    """Make the controls say a choice."""
    for one in fields(choice):
        st.session_state[f"{PREFIX}{one.name}"] = getattr(choice, one.name)


def is_put() -> bool:
    """Whether the controls say anything; they forget it while another page is open."""
    return f"{PREFIX}row" in st.session_state


def draw(state: SizesState) -> Choice:
    """Draw the controls and return what they say."""
    with st.container(border=True, key="kvviz-card-controls"):
        columns = st.columns([2.4, 1.25, 1.0, 1.1, 1.1, 1.45], gap="small")
        columns[0].selectbox(
            "Model",
            list(models()),
            format_func=lambda name: f"{models()[name].name} · {models()[name].maker}",
            key=f"{PREFIX}row",
        )
        columns[1].selectbox("Tokens a user", LENGTHS, format_func="{:,}".format,
                             key=f"{PREFIX}tokens")  # fmt: skip
        columns[2].number_input("Users", min_value=1, max_value=MOST_USERS, step=1,
                                key=f"{PREFIX}users")  # fmt: skip
        for column, label, name in (
            (columns[3], "Weights in", "weights"),
            (columns[4], "Cache in", "kv"),
        ):
            column.selectbox(label, list(FORMATS), format_func=FORMATS.__getitem__,
                             key=f"{PREFIX}{name}")  # fmt: skip
        columns[5].selectbox(
            "Accelerator",
            list(accelerators()),
            format_func=lambda name: f"{accelerators()[name].name}",
            key=f"{PREFIX}on",
        )
    said: dict[str, Any] = {
        one.name: st.session_state[f"{PREFIX}{one.name}"] for one in fields(Choice)
    }
    # An emptied field says nothing.
    said["users"] = said["users"] or Choice().users
    state.choice = Choice(**said)
    return state.choice


def _id_in(known: Mapping[str, object], what: str) -> Callable[[str], str]:
    read = one_of(tuple(known))
    read.__doc__ = what
    return read


def _length(text: str) -> int:
    if int(text) not in LENGTHS:
        raise ValueError
    return int(text)


_length.__doc__ = f"a power of two from {LENGTHS[0]:,} to {LENGTHS[-1]:,}"
