"""The card of a model that ships or was added: what it learnt from, and what it is not for."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import streamlit as st

from kvviz.published import model_home
from kvviz.translation import gettext as _
from kvviz.ui.work.model_names import WEIGHTS

CARD = "README.md"
OPEN = "kvviz:card"
"""Name of the model whose card is open; a rerun in the background must not close it."""


def card_of(name: str) -> str | None:
    """Return the card of such a model as Markdown without its heading, None for any other.

    Args:
        name: As the person chose or typed it, such as ``kvviz/gpt2-mini``.
    """
    there = model_home.at_hand() | {f"kvviz/{path.name}": path for path in WEIGHTS.iterdir()}
    folder = there.get(name)
    if folder is None or not (folder / CARD).is_file():
        return None
    heading, _unused, body = (folder / CARD).read_text(encoding="utf-8").partition("\n")
    # A dollar sign would begin a formula.
    return (body if heading.startswith("# ") else f"{heading}\n{body}").strip().replace("$", r"\$")


def offer(name: str, key: str) -> None:
    """Draw the link that opens a model's card, if it has one, and the card while it is open.

    Args:
        name: The model.
        key: Of the link, for a page that offers several.
    """
    card = card_of(name)
    if card is None:
        return

    def opened() -> None:
        st.session_state[OPEN] = name

    st.button(
        _("about this model"),
        key=key,
        type="tertiary",
        icon=":material/description:",
        on_click=opened,
        help=_("What it learnt from, how well it does, and what it is not for."),
    )
    if st.session_state.get(OPEN) == name:
        dialog = st.dialog(Path(name).name, width="large", on_dismiss=_dismissed)
        dialog(partial(_draw, card))()


def _dismissed() -> None:
    st.session_state.pop(OPEN, None)


def _draw(card: str) -> None:
    with st.container(key="kvviz-model-card"):
        st.markdown(card)
