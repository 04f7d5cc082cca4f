"""What the page remembers between reruns of its script."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import streamlit as st

from kvviz.ui.pages.bert_vs_gpt2.settings import TwinSettings
from kvviz.ui.pages.bert_vs_gpt2.view import TwinsView
from kvviz.ui.parts.experiments_page import ExperimentsState
from kvviz.ui.parts.model_choice import put_model

NAME = "bert_vs_gpt2_page"
PREFIX = "bg:"
PICTURE = "bg-twins"
"""Key of the picture on the page."""
LIVES = "bg-lives"
"""Key of the lives of both models' rows."""
TYPED = ("do", "text", "word", "by", "new", "seed", "one", "other")
"""Settings whose control has the same value under the same name; the others depend on the text."""
CHOSEN = tuple(f"{PREFIX}{name}:" for name in ("at", "blank", "focus"))
"""Beginnings of the keys of lists that hold the tokens of a text."""


@dataclass
class TwinsState(ExperimentsState):
    """One person's page.

    Attributes:
        settings: What was asked for last.
        view: What is looked at.
        chosen_by_link: Lists of tokens in which a link has chosen one, until they are drawn.
    """

    settings: TwinSettings = field(default_factory=TwinSettings)
    view: TwinsView = field(default_factory=TwinsView)
    chosen_by_link: set[str] = field(default_factory=set)

    PREFIX: ClassVar[str] = PREFIX
    TEXTS: ClassVar[tuple[str, ...]] = ("text", "word", "by", "one", "other")

    def take(self, settings: TwinSettings, view: TwinsView) -> None:
        """Set page and controls to what a link asks for, before they are drawn."""
        self.settings, self.view = settings, view
        self.view_number += 1
        self.chosen_by_link = {"at", "blank", "focus"}
        for name in TYPED:
            st.session_state[f"{PREFIX}{name}"] = getattr(settings, name)
        for key in list(st.session_state):
            if str(key).startswith(CHOSEN):
                del st.session_state[key]
        put_model(f"{PREFIX}model", "gpt2", settings.model)
        put_model(f"{PREFIX}bert", "bert", settings.bert)

    def change(self, **values: Any) -> None:
        """Take over what a control says; a cell and a step are of what was asked for before."""
        changed = replace(self.settings, **values)
        if changed != self.settings:
            self.view = replace(self.view, cell=None, step=None)
        self.settings = changed
