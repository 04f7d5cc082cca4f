"""The runs of one prompt as tabs: the plain one, other ways of keeping rows, and branches."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import streamlit as st

from kvviz.translation import gettext as _
from kvviz.ui.pages.kv_cache.settings import PAGE
from kvviz.ui.parts.run_state import RunState
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.work.keeping import EVERY_ROW
from kvviz.ui.work.run_settings import RunSettings
from kvviz.ui.work.shown_run import ShownRun

MOST_RUNS = 12
"""Tabs that are kept; beyond, those go that no other stands on."""
TABS = "kv:tree"
"""Key of the tabs."""


@dataclass
class RunTree:
    """What was run of one prompt.

    Attributes:
        runs: Each run after the one that it is set beside.
        names: What each is called.
    """

    runs: list[RunSettings] = field(default_factory=list)
    names: dict[RunSettings, str] = field(default_factory=dict)

    @classmethod
    def here(cls) -> RunTree:
        """Return the tree of this person's page."""
        return st.session_state.setdefault(f"{PAGE}:tree", cls())

    def take(self, shown: ShownRun) -> None:
        """Take in the run on screen, with those that it stands on; another prompt begins anew."""
        if shown.origin != "run":
            self.runs.clear()
            return
        settings = shown.settings
        if self.runs and self.runs[0].plain != settings.plain:
            self.runs.clear()
            self.names.clear()
        taken = () if shown.branch is None else shown.branch.taken
        one: RunSettings | None = settings
        while one is not None:
            if one not in self.runs:
                self.runs.append(one)
            self.names[one] = named(one, taken)
            one = one.beside
        for old in [one for one in self.runs if one != settings]:
            if len(self.runs) > MOST_RUNS and all(other.beside != old for other in self.runs):
                self.runs.remove(old)
        # What a run stands on sorts right before it.
        self.runs.sort(key=lambda one: (one.cache != EVERY_ROW, one.cache, _steps_and_tokens(one)))

    def others(self, shown: ShownRun) -> list[RunSettings]:
        """Return all but the run on screen, first the one that it is set beside."""
        beside = shown.settings.beside
        others = [one for one in self.runs if one not in (shown.settings, beside)]
        return [beside, *others] if beside is not None and beside in self.runs else others


def _steps_and_tokens(settings: RunSettings) -> tuple[tuple[int, tuple[int, ...]], ...]:
    return tuple((fork.step, fork.tokens) for fork in settings.branch.forks)


def named(settings: RunSettings, taken: tuple[str, ...]) -> str:
    """Return what a run is called among those of its prompt.

    Args:
        settings: The run.
        taken: What was taken at each fork of the way to it, as text.
    """
    n_forks = len(settings.branch)
    if n_forks:
        fork = settings.branch.forks[-1]
        # Translators: a branch of a run, by the word that was taken instead of the run's own.
        name = _("“{token}” after step {step}").format(
            token=_short(taken[n_forks - 1]), step=fork.step
        )
        return "↳ " * n_forks + name
    return _("The run") if settings.cache == EVERY_ROW else settings.cache


def _short(text: str) -> str:
    text = text.strip(" ").replace("\n", "↵") or "␣"
    return text if len(text) <= 24 else f"{text[:23]}…"


def draw(state: RunState, tree: RunTree) -> None:
    """Draw the tabs, where there is more than one run."""
    shown = state.shown
    if shown is None or len(tree.runs) < 2:
        return
    with st.container(key="kvviz-run-tree", gap=None):
        hooks = f'data-n-runs="{len(tree.runs)}" data-shown="{plain_html(told(shown.settings))}"'
        st.html(f'<div data-kvviz="run-tree" {hooks}></div>')
        # Always the run on screen, also while another is made.
        st.session_state[TABS] = tree.runs.index(shown.settings)
        st.segmented_control(
            _("Runs of this prompt"),
            range(len(tree.runs)),
            key=TABS,
            format_func=lambda number: tree.names[tree.runs[number]],
            label_visibility="collapsed",
            required=True,
            on_change=_choose,
        )


def told(settings: RunSettings) -> str:
    """Return a run as its link tells it from the others of its prompt."""
    said = (settings.cache, f"{settings.branch}")
    return " ".join(one for one in said if one and one != EVERY_ROW) or EVERY_ROW


def _choose() -> None:
    """Ask for the run whose tab was chosen."""
    state, tree = RunState.here(PAGE), RunTree.here()
    number, shown = st.session_state.get(TABS), state.shown
    if shown is None or type(number) is not int or not 0 <= number < len(tree.runs):
        return
    wanted = tree.runs[number]
    forks = shown.settings.branch.forks
    is_above = forks[: len(wanted.branch)] == wanted.branch.forks and len(wanted.branch) < len(
        forks
    )
    # Back in the run that was left one looks at where it was left.
    step = forks[len(wanted.branch)].step if is_above else 0
    state.wanted, state.by_link = wanted, False
    state.coming = replace(state.view, step=step, cell=None)
