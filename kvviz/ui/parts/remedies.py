"""What a person can do about an error with one click."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import streamlit as st

from kvviz.errors import ModelFamilyError, ModelFilesError, ModelNotFoundError, NetworkError
from kvviz.trace.model_card import Family
from kvviz.ui.parts.work_state import WorkState
from kvviz.ui.work.model_names import bundled_models

OF_THE_MODEL = (ModelNotFoundError, ModelFilesError, ModelFamilyError, NetworkError)
"""Errors that another model does not have."""

S = TypeVar("S")
Remedy = tuple[str, S]
"""The words of a button, and the settings that it starts."""


def another_model_helps(error: Exception | None, model: str, usual: str, family: Family) -> bool:
    """Return whether the usual model of a family, which ships, would do where another failed."""
    return isinstance(error, OF_THE_MODEL) and model != usual and usual in bundled_models(family)


def offer(state: WorkState, found: Remedy[S] | None, put: Callable[[S], None], key: str) -> bool:
    """Draw a button that does what helps against an error, where there is such a thing.

    Args:
        state: The page; it is told that the work is asked for.
        found: The button's words, and what the controls are to say.
        put: Makes the controls say it.
        key: Of the button.

    Returns:
        Whether it was pressed just now, which a fragment has to tell the page around it.
    """
    if found is None:
        return False
    label, wanted = found

    def take() -> None:
        put(wanted)
        state.asked = True

    return st.button(label, key=key, on_click=take)
