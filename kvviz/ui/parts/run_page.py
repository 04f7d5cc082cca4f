"""A page that runs one text and plays the run; what is its own is filled in by the page."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import streamlit as st

from kvviz.lessons import lessons
from kvviz.trace.model_card import Family
from kvviz.translation import N_
from kvviz.translation import gettext as _
from kvviz.ui.parts import saving, work_bar, work_status
from kvviz.ui.parts.one_line_title import one_line_title
from kvviz.ui.parts.player import first_view, player, player_to_come
from kvviz.ui.parts.run_state import RunState
from kvviz.ui.parts.text_controls import Draft, TextControls
from kvviz.ui.parts.view import View, within
from kvviz.ui.shell import notes
from kvviz.ui.shell.address import Link
from kvviz.ui.shell.environment import Environment
from kvviz.ui.shell.links import lines_about
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.work import growing_endpoint, preload, runs, shipped_runs
from kvviz.ui.work.model_names import not_offered
from kvviz.ui.work.model_store import model_store
from kvviz.ui.work.run_settings import RunSettings
from kvviz.ui.work.run_so_far import GrowingLook
from kvviz.ui.work.shown_run import ShownRun

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel


CUT = N_(
    "The tokenizer of this model has read little or nothing of this script: it cuts a character "
    "into bytes, each a token of its own. 옛·1/3 is the first of three parts of 옛; point at one "
    "for its bytes. The models that ship with kvviz have read English only."
)

SPECIAL = N_(
    "◇ marks a special token, which stands for no text: a tokenizer puts one before a text, a chat "
    "template where a turn begins and ends, and a model ends a text or a turn with one."
)


def _nothing() -> None:
    """Draw nothing."""


class RunPage(ABC):
    """One drawing of the page.

    Attributes:
        state: What this person's page remembers.
        environment: The limits of this installation.
    """

    NAME: ClassVar[str]
    """Of the page's state in the session."""
    KEY: ClassVar[str]
    """Beginning of the keys of its widgets."""
    FAMILY: ClassVar[Family]
    """Of the models that it runs."""
    TITLE: ClassVar[str]
    """Marked for translation, as is the next."""
    ONE_WAY_ONLY: ClassVar[str]
    """Said where a saved run is to be seen the other way."""
    CAPTION: ClassVar[str]
    """Name of the line below the title, in the lessons."""
    CONTROLS: ClassVar[TextControls[RunSettings]]
    SHIPPED: ClassVar[str]
    """Of `kvviz.ui.work.shipped_runs`: the run that the page opens with."""

    def __init__(self) -> None:
        self.state = RunState.here(self.NAME)
        self.environment = Environment.read()

    @abstractmethod
    def parse(self, parameters: Mapping[str, str]) -> tuple[RunSettings, View, tuple[str, ...]]:
        """Read a link: run and view, and a phrase on each value that could not be used."""

    @abstractmethod
    def write(self, shown: ShownRun, view: View) -> dict[str, str]:
        """Return the parameters that lead to a run that was made here, and a view of it."""

    @abstractmethod
    def draw_results(self, shown: ShownRun) -> None:
        """Draw what stands below the player."""

    def as_read(self, text: str) -> str:
        """Return what the model reads of a text as typed."""
        return text

    def stops(self, model: LoadedModel, text: str) -> tuple[int, ...]:
        """Return the tokens that end a run besides the end of a text, from what is read."""
        return ()

    def opening(self, shown: ShownRun, view: View) -> View:
        """Choose the layer and the head of a run where a view leaves them open."""
        return first_view(shown, view)

    def refuses(self, wanted: RunSettings) -> str:
        """Say why a run that a link asks for cannot begin by itself; nothing where it can."""
        if self.environment.allows(wanted.model, typed_here=False):
            return ""
        if not self.environment.mode.is_open:
            return not_offered(wanted.model)
        return _(
            "This link asks for the model {model}, which is not one that ships with kvviz. "
            "Press Run if you want it to be loaded."
        ).format(model=wanted.model)

    def looked(self) -> bool:
        """Take in that the person looks at another view; return whether to draw the page anew."""
        return False

    def edit_token(self, position: int) -> None:
        """Take in which token of the prompt the person wants to change in an experiment."""
        self.state.edited = position

    def take_branch(self, step: int, token: int) -> None:  # noqa: B027 - not every page can
        """Take in that after a step another likely token is to be taken."""

    def one_way_only(self, shown: ShownRun) -> str:
        """Say why a run is shown one way only; nothing where it can be made the other way too."""
        return "" if shown.origin == "run" else _(self.ONE_WAY_ONLY)

    def draw_above(self) -> None:  # noqa: B027 - a page may have nothing there
        """Draw what stands between the status and the player."""

    def draw(self) -> None:
        """Draw the page."""
        state = self.state
        if state.address.is_come_to and state.shown is not None:
            # The player is mounted anew, and begins where its buffer says and not where one was.
            state.view_number += 1
        state.address.follow(self.take_link)
        if state.shown is not None:
            self.CONTROLS.keep(state.shown.settings)
        with st.sidebar:
            # Two places, so that what comes and goes in the first does not move the second.
            above, below = st.container(), st.container()
        with above:
            draft = self.CONTROLS.draw(self.environment)
        lead = lessons().caption(self.CAPTION).text
        one_line_title(_(self.TITLE), lead, _("The run, step by step"))
        if draft.run.take() or state.asked:
            state.asked = False
            self.run(draft)
        elif state.wanted:
            self.begin(state.wanted)
        # What is on screen already is not to wait for the same made here.
        state.collect(0 if self.stands_in else None)
        self.CONTROLS.label(draft)
        with below:
            saving.draw(state, self.FAMILY, self.opening)
        # Always there, so that the player keeps its place on the page, and with it its view.
        with st.container(key="kvviz-status"):
            self.draw_status()
        self.draw_above()
        if state.shown is not None:
            self.draw_run(state.shown)
        elif state.job is not None:
            player_to_come(self.grows, key=self.player_key)
            st.skeleton(height=640)
        if self.stands_in and state.job is not None:
            # At the end of the page: when the run is there, nothing is to move.
            work_bar.draw(state.job, "kvviz-progress")
        if state.job is None:
            self.write_address()

    @property
    def stands_in(self) -> bool:
        """Whether the run on screen is the one that ships, while the same is made here."""
        state = self.state
        shown = state.shown
        if shown is None or shown.origin != "shipped" or state.job is None:
            return False
        return state.attempt == shown.settings_at(self.environment.device)

    @property
    def player_key(self) -> str:
        """Of the player, also of that of a run under way."""
        return f"{self.KEY}-player"

    def take_link(self, link: Link) -> None:
        """Make the page show what a link says."""
        state = self.state
        wanted, view, unusable = self.parse(link.parameters)
        wanted = replace(wanted, device=self.environment.device)
        state.notes = lines_about(unusable)
        state.by_link, state.wanted = True, None
        on_screen = None if state.shown is None else state.shown.settings
        if on_screen == wanted:
            state.give_up_job()
            state.view, state.view_number = view, state.view_number + 1
            state.settle()
            return
        self.CONTROLS.take_link(wanted, on_screen, by_history=link.by_history)
        state.coming = view
        reason = self.refuses(wanted)
        if reason:
            state.notes += (reason,)
        else:
            state.wanted = wanted

    def run(self, draft: Draft[RunSettings]) -> None:
        """Do what Run asks for, unless a control stands in the way."""
        state = self.state
        # A control that stands in the way says so itself; an error before that is of the past.
        state.notes, state.error = (), None
        if draft.problems:
            return
        state.attempt = draft.settings
        if state.may_load(draft.settings.model, self.environment):
            state.coming, state.by_link = replace(state.coming or state.view, step=0), False
            self.begin(draft.settings, anew=self.is_on_screen(draft.settings))

    def is_on_screen(self, settings: RunSettings) -> bool:
        """Whether the run that these settings ask for is the one that is shown."""
        shown = self.state.shown
        return shown is not None and shown.origin == "run" and shown.settings == settings

    def begin(self, wanted: RunSettings, *, anew: bool = False) -> None:
        """Start a run in place of the one that may still be under way, or show it if it is kept.

        Args:
            wanted: What to run.
            anew: Whether to make it also where it is kept, for instance for the sake of its times.
        """
        state = self.state
        state.give_up_job()
        state.error, state.attempt, state.wanted = None, wanted, None
        want_both = (state.coming or state.view).cache != "on"
        kept = (
            None
            if anew
            else runs.made_before(wanted, self.environment, self.FAMILY, want_both=want_both)
        )
        if kept is not None:
            state.show(kept)
            return
        has_stand_in = self.has_stand_in(wanted)
        state.job = runs.start(
            wanted,
            self.environment,
            want_both=want_both,
            anew=anew,
            family=self.FAMILY,
            as_read=self.as_read,
            stops=self.stops,
            load_later_s=preload.AFTER_A_PAGE_S if has_stand_in else 0.0,
        )
        if has_stand_in:
            state.show(shipped_runs.shipped_run(self.SHIPPED))
        elif not self.is_on_screen(wanted):
            # Whatever comes first, the run or its end: a link's view is kept to.
            step = state.coming.step if state.coming and state.by_link else None
            state.job.look = self.growing_look(state.coming or state.view, step)

    def has_stand_in(self, wanted: RunSettings) -> bool:
        """Whether the run that ships is shown until the same is made here: nothing is there yet.

        Where the model is loaded already, the run is here as soon.
        """
        is_first = self.state.shown is None and model_store().peek(wanted) is None
        return is_first and shipped_runs.ships(self.SHIPPED, wanted)

    def growing_look(self, view: View, step: int | None) -> GrowingLook:
        """Return how a run that is under way is looked at, to come to a view of it.

        Args:
            view: The view.
            step: Where to stay; None to go with the run.
        """

        def choose(shown: ShownRun) -> tuple[int, int]:
            # What the page chooses by a whole run it may not find yet, nor what a link names.
            inside, _ = within(view, shown.trace, shown.n_steps)
            found = self.opening(shown, replace(inside, step=0, cell=None))
            return found.layer or 0, found.head or 0

        return GrowingLook(choose, step, view.cache)

    @property
    def grows(self) -> str | None:
        """Where the browser asks for the run under way, if it is to be seen while it is made."""
        job = self.state.job
        return None if job is None or job.look is None else growing_endpoint.address(job)

    def write_address(self) -> None:
        """Put the run on screen and the view into the address bar; a file has no address."""
        shown, state = self.state.shown, self.state
        if shown is not None:
            state.address.write(self.write(shown, state.view) if shown.origin != "file" else {})

    def draw_status(self) -> None:
        """Draw what a run under way, a failed one or an odd link have to say."""
        state = self.state
        shown, attempt = state.shown, state.attempt
        before = _("Below is the run before, as it was.")
        if shown is not None and shown.origin == "shipped":
            before = _("Below is a run that ships with kvviz, recorded elsewhere.")
        work_status.draw(
            state,
            before=before if shown else "",
            under_way=_nothing if self.stands_in else None,
            remedy=lambda error: None if attempt is None else self.CONTROLS.remedy(error, attempt),
            put=self.CONTROLS.put,
            key=f"{self.KEY}:remedy",
        )
        if shown is not None and shown.note:
            notes.draw([shown.note], ":material/stop_circle:")

    def draw_run(self, shown: ShownRun) -> None:
        """Draw the player and what stands below it."""
        state = self.state

        def moved(view: View) -> bool:
            state.view = view
            self.write_address()
            return self.looked()

        def other_way(cache: str) -> None:
            why_not = self.one_way_only(shown)
            if not why_not:
                state.view = replace(state.view, cache=cache)
                self.begin(shown.settings)
            else:
                # The player waits for that run until it is told to begin anew.
                state.view_number += 1
                state.notes = (why_not,)
            st.rerun()

        player(
            shown,
            self.opening(shown, state.view),
            key=self.player_key,
            view_number=state.view_number,
            grows=self.grows,
            on_view=moved,
            on_cache=other_way,
            on_edit=self.edit_token,
            on_branch=self.take_branch,
        )
        if shown.trace.tokens_in_place != tuple(shown.trace.tokens):
            st.html(f'<p class="kvviz-source">{plain_html(_(CUT))}</p>')
        if shown.trace.special_ids.intersection(shown.trace.token_ids.tolist()):
            st.html(f'<p class="kvviz-source">{plain_html(_(SPECIAL))}</p>')
        self.draw_results(shown)
