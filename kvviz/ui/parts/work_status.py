"""What stands above the results of a page: work under way, what went wrong, an odd link."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import streamlit as st

from kvviz.ui.parts import remedies, work_bar
from kvviz.ui.parts.remedies import Remedy
from kvviz.ui.parts.work_state import WorkState
from kvviz.ui.shell import notes
from kvviz.ui.shell.errors_shown import show_error

T = TypeVar("T")


def draw(
    state: WorkState,
    *,
    before: str,
    remedy: Callable[[Exception], Remedy[T] | None],
    put: Callable[[T], None],
    key: str,
    under_way: Callable[[], None] | None = None,
    lines: Iterable[str] | None = None,
) -> None:
    """Draw what work under way and failed work have to say, and the lines about a link.

    Args:
        state: The page.
        before: Says what still stands below an error; empty where nothing does.
        remedy: Returns what helps against an error.
        put: Makes the controls say what the remedy starts.
        key: Of the remedy's button.
        under_way: Draws the work under way, a bar of its progress if nothing else is given.
        lines: What there is to say besides, the page's notes if nothing else is given.
    """
    if state.job is not None:
        if under_way is not None:
            under_way()
        else:
            work_bar.draw(state.job, "kvviz-progress")
    if state.error is not None:
        show_error(state.error)
        remedies.offer(state, remedy(state.error), put, key)
        if before:
            st.caption(before)
    notes.draw(state.notes if lines is None else lines)
