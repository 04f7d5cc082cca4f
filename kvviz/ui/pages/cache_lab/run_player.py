"""A run of the page in the player that all pages have."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from kvviz.ui.pages.cache_lab import settings
from kvviz.ui.pages.cache_lab.bench import Bench
from kvviz.ui.pages.cache_lab.settings import LAST_STEP
from kvviz.ui.pages.cache_lab.state import PLAYER, LabState
from kvviz.ui.parts.player import first_view, player
from kvviz.ui.parts.view import View, within
from kvviz.ui.shell.page_list import title_of
from kvviz.ui.work.shown_run import ShownRun


def shown_view(state: LabState, shown: ShownRun) -> View:
    """Return what is looked at in the run, inside it and with nothing left open."""
    view = state.view
    if view.step == LAST_STEP:
        view = replace(view, step=shown.n_steps - 1)
    view, _unusable = within(view, shown.trace, shown.n_steps)
    return first_view(shown, view)


def draw(bench: Bench, shown: ShownRun, only: str) -> None:
    """Draw the run.

    Args:
        bench: The page's bench.
        shown: The run.
        only: What to say to who asks for the run without the cache, which is on another page; its
            title stands in the braces.
    """
    state = bench.state

    def moved(view: View) -> bool:
        before = shown_view(state, shown)
        state.view = view
        state.address.write(settings.write(state.settings, view))
        return (before.step, before.layer, before.head) != (view.step, view.layer, view.head)

    def other_way(_cache: str) -> None:
        state.notes = (only.format(page=title_of("kv_cache")),)
        state.view_number += 1
        st.rerun()

    player(
        shown,
        shown_view(state, shown),
        key=PLAYER,
        view_number=state.view_number,
        on_view=moved,
        on_cache=other_way,
    )
