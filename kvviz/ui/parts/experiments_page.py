"""A page on which one experiment at a time is made with a text; a page fills in what is its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Generic, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kvviz.errors import KvvizError, RunCancelledError
from kvviz.lessons import lessons
from kvviz.translation import gettext as _
from kvviz.ui.parts.one_line_title import one_line_title
from kvviz.ui.parts.text_controls import TEXT_HEIGHT
from kvviz.ui.shell import notes
from kvviz.ui.shell.address import Link
from kvviz.ui.shell.environment import Environment
from kvviz.ui.shell.errors_shown import show_error
from kvviz.ui.shell.links import lines_about
from kvviz.ui.shell.page_state import PageState
from kvviz.ui.work import preload, runs
from kvviz.ui.work.model_names import not_offered


@dataclass
class ExperimentsState(PageState, ABC):
    """One person's page of experiments.

    Attributes:
        settings: What was asked for last, a frozen dataclass with `do`, `text` and the models.
        view: What is looked at.
        view_number: Counts the times that pictures were told to take on a view of the page's.
    """

    settings: Any = None
    view: Any = None
    view_number: int = 0

    PREFIX: ClassVar[str]
    """Beginning of the keys of the page's widgets."""
    TEXTS: ClassVar[tuple[str, ...]]
    """Settings that are typed; the control of each has its name."""

    @abstractmethod
    def take(self, settings: Any, view: Any) -> None:
        """Set page and controls to what a link asks for, before they are drawn."""

    @abstractmethod
    def change(self, **values: Any) -> None:
        """Take over what a control says, and let go of what was looked at in what was before."""

    def typed_since(self, last: Any) -> dict[str, str]:
        """Return the texts that were typed since the address was written, by their names.

        Args:
            last: The settings that the address says.
        """
        typed = {name: st.session_state.get(f"{self.PREFIX}{name}") for name in self.TEXTS}
        return {
            name: text
            for name, text in typed.items()
            if isinstance(text, str) and text != getattr(last, name)
        }


State = TypeVar("State", bound=ExperimentsState)


class ExperimentsPage(ABC, Generic[State]):
    """One drawing of the page.

    Attributes:
        state: What this person's page remembers.
        environment: The limits of this installation.
    """

    TITLE: ClassVar[str]
    """Marked for translation, as is the next."""
    CHOICE: ClassVar[str]
    """What is asked where an experiment is chosen."""
    EXPERIMENTS: ClassVar[Mapping[str, str]]
    """What can be done, by its name in links, marked likewise."""
    MODELS: ClassVar[tuple[str, ...]]
    """Settings that name a model."""
    HEIGHTS: ClassVar[Mapping[str, int]] = {}
    """Of texts that want more room than others, in pixels, by their settings."""
    RESULT: ClassVar[str]
    """Key of the place in which results stand."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.environment = Environment.read()

    @abstractmethod
    def parse(self, parameters: Mapping[str, str]) -> tuple[Any, Any, tuple[str, ...]]:
        """Read a link: settings and view, and a phrase on each value that could not be used."""

    @abstractmethod
    def write(self) -> dict[str, str]:
        """Return the parameters that lead back to what is shown."""

    @abstractmethod
    def choose_models(self) -> dict[str, str]:
        """Draw the lists of models in the sidebar; return what is chosen, by the settings."""

    @property
    @abstractmethod
    def caption(self) -> str:
        """Name of the line below the title, in the lessons."""

    @abstractmethod
    def texts(self, do: str) -> dict[str, str]:
        """Return the texts that an experiment goes by: what each is called, by its setting."""

    @abstractmethod
    def draw_experiment(self, card: DeltaGenerator, *places: DeltaGenerator) -> None:
        """Draw the experiment that is chosen.

        Args:
            card: Where its controls and its question stand.
            places: Three places below, each of which keeps its own.
        """

    @abstractmethod
    def offer_remedy(self) -> None:
        """Draw a button that goes back to what ships, where something else is asked for."""

    def draw(self) -> None:
        """Draw the page."""
        state = self.state
        if state.address.is_come_to:
            # Pictures are mounted anew, and begin where they are told and not where they began.
            state.view_number += 1
        state.address.follow(self.take_link)
        with st.sidebar:
            models = self.choose_models()
            typed = st.container()
        state.change(**models)
        lead = lessons().caption(self.caption).text
        one_line_title(_(self.TITLE), lead, _("The experiment"))
        status = st.container(key="kvviz-status")
        with st.container(border=True, key="kvviz-card-experiment"):
            self.choose(typed)
            card = st.container(key="kvviz-experiment")
        below = st.container(key=self.RESULT)
        with below:
            below_all = f"{self.RESULT}-below"  # not for people: a key
            places = st.container(), st.container(), st.container(key=below_all)
        try:
            for name in self.MODELS:
                asked = getattr(state.settings, name)
                self.environment.require(asked, typed_here=runs.is_local_visitor())
            with below:
                self.draw_experiment(card, *places)
        except RunCancelledError:
            pass  # Where it was waited for it is said, and offered to do it again.
        except KvvizError as error:
            with card:
                show_error(error)
                self.offer_remedy()
        with status:
            notes.draw(state.notes)
        state.address.write(self.write())
        preload.begin()

    def take_link(self, link: Link) -> None:
        """Make the page show what a link says."""
        state = self.state
        wanted, view, unusable = self.parse(link.parameters)
        state.notes = lines_about(unusable)
        for name in self.MODELS:
            asked = getattr(wanted, name)
            if not self.environment.allows(asked, typed_here=False):
                state.notes += (
                    not_offered(asked)
                    if not self.environment.mode.is_open
                    else _(
                        "This link asks for the model {model}, which is not one that ships with "
                        "kvviz. Choose it at the left if you want it to be loaded."
                    ).format(model=asked),
                )
                wanted = replace(wanted, **{name: getattr(type(wanted)(), name)})
        # A step back must not cost what was typed and has no address yet.
        if link.by_history:
            last, _view, _unusable = self.parse(state.address.written or {})
            wanted = replace(wanted, **state.typed_since(last))
        state.take(wanted, view)

    def choose(self, typed: DeltaGenerator) -> None:
        """Draw what can be done, and in a place of their own the texts that it is done with."""
        key = self.state.PREFIX
        do = st.segmented_control(
            _(self.CHOICE),
            list(self.EXPERIMENTS),
            key=f"{key}do",
            format_func=lambda name: _(self.EXPERIMENTS[name]),
            label_visibility="collapsed",
            persist_state="session",
            required=True,
        )
        self.state.change(do=do)
        for name, label in self.texts(self.state.settings.do).items():
            text = typed.text_area(
                label,
                key=f"{key}{name}",
                height=self.HEIGHTS.get(name, TEXT_HEIGHT),
                persist_state="session",
            )
            self.state.change(**{name: text})
