"""A list in which one of a few named things is chosen for an experiment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import streamlit as st

from kvviz.translation import gettext as _
from kvviz.ui.pages.cache_lab.state import PREFIX

Name = TypeVar("Name", bound=str)


def choose_named(label: str, setting: str, names: Mapping[Name, str], width: int) -> Name:
    """Draw the list and return what is chosen, by its name in links.

    Args:
        label: What is chosen.
        setting: What the control is called.
        names: What can be chosen, marked for translation, by name.
        width: Of the list, in pixels.
    """
    chosen = st.selectbox(
        label,
        list(names),
        key=f"{PREFIX}{setting}",
        format_func=lambda name: _(names[name]),
        persist_state="session",
        width=width,
    )
    assert chosen is not None  # one is chosen from the start
    return chosen
