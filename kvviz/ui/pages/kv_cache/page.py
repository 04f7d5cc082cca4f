"""KV cache, step by step: run a prompt and watch which rows are computed and which are reused."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from kvviz.translation import N_
from kvviz.translation import gettext as _
from kvviz.ui.pages.kv_cache import branches, controls, difference, edited_token, run_tree, settings
from kvviz.ui.pages.kv_cache.run_tree import RunTree
from kvviz.ui.parts import cards
from kvviz.ui.parts.run_page import RunPage
from kvviz.ui.parts.view import View
from kvviz.ui.shell.errors_shown import bounded
from kvviz.ui.work import shipped_runs
from kvviz.ui.work.branch_path import Fork
from kvviz.ui.work.keeping import EVERY_ROW
from kvviz.ui.work.run_settings import RunSettings
from kvviz.ui.work.shown_run import ShownRun


@bounded
def show() -> None:
    """Draw the page."""
    KVCachePage().draw()


class KVCachePage(RunPage):
    """One drawing of the page."""

    NAME = settings.PAGE
    KEY = "kv"
    FAMILY = "gpt2"
    TITLE = N_("KV cache, step by step")
    CAPTION = "kv-cache"
    ONE_WAY_ONLY = N_(
        "A saved run holds one way only. To see the other, type its prompt and press Run."
    )
    CONTROLS = controls.CONTROLS
    SHIPPED = shipped_runs.GPT2

    def parse(self, parameters: Mapping[str, str]) -> tuple[RunSettings, View, tuple[str, ...]]:
        """Read a link: run and view, and a phrase on each value that could not be used."""
        return settings.parse(parameters, self.environment.max_new_tokens)

    def write(self, shown: ShownRun, view: View) -> dict[str, str]:
        """Return the parameters that lead to a run that was made here, and a view of it."""
        return settings.write(shown.settings, view)

    def take_branch(self, step: int, token: int) -> None:
        """Take in that a person pressed another of the likely tokens after a step."""
        if self.state.shown is not None:
            problem = branches.begin(self.state, self.state.shown, Fork(step, (token,)))
            self.state.notes = (problem,) if problem else ()

    def one_way_only(self, shown: ShownRun) -> str:
        """Say why a run is shown one way only; nothing where it can be made the other way too."""
        if shown.settings.cache == EVERY_ROW:
            return super().one_way_only(shown)
        return _(
            "A run that keeps its rows in a way of its own is shown by itself. The tab “The run” "
            "has the one with every row, and without any."
        )

    def draw_above(self) -> None:
        """Draw the runs of this prompt as tabs, once there is more than one."""
        tree = RunTree.here()
        if self.state.shown is not None:
            tree.take(self.state.shown)
        # Always there, so that the tabs, which come with a second run, move nothing.
        with st.container(key="kvviz-above", gap=None):
            run_tree.draw(self.state, tree)

    def draw_results(self, shown: ShownRun) -> None:
        """Draw the cards, the question about an edited token, branches, and both ways compared."""
        cards.draw(shown, lambda: edited_token.draw(self.state))
        branches.draw(self.state, RunTree.here())
        difference.draw(self.state)
