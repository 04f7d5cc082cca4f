"""BERT beside GPT-2: one text, both models, and what a mask decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kvviz.translation import N_
from kvviz.translation import gettext as _
from kvviz.ui.pages.bert_vs_gpt2 import blank, context, look, masks, rows, settings, writing
from kvviz.ui.pages.bert_vs_gpt2.readings import Workbench
from kvviz.ui.pages.bert_vs_gpt2.settings import EXPERIMENTS, TwinSettings
from kvviz.ui.pages.bert_vs_gpt2.state import NAME, PREFIX, TwinsState
from kvviz.ui.pages.bert_vs_gpt2.view import TwinsView
from kvviz.ui.parts.experiments_page import ExperimentsPage
from kvviz.ui.parts.model_choice import choose_model
from kvviz.ui.shell.errors_shown import bounded

DRAW = {
    "look": look.draw,
    "append": rows.draw_append,
    "edit": rows.draw_edit,
    "masks": masks.draw,
    "blank": blank.draw,
    "write": writing.draw,
    "context": context.draw,
}


@bounded
def show() -> None:
    """Draw the page."""
    BertVsGpt2Page(TwinsState.here(NAME)).draw()


class BertVsGpt2Page(ExperimentsPage[TwinsState]):
    """One drawing of the page."""

    TITLE = N_("BERT beside GPT-2")
    CHOICE = N_("What to do with the text")
    EXPERIMENTS = EXPERIMENTS
    MODELS = ("model", "bert")
    RESULT = "kvviz-twins-result"

    @property
    def are_twins(self) -> bool:
        """Whether the models are those that ship, which are alike in all but mask and objective."""
        wanted, usual = self.state.settings, TwinSettings()
        return (wanted.model, wanted.bert) == (usual.model, usual.bert)

    @property
    def caption(self) -> str:
        """Name of the line below the title: twins are only those that ship."""
        return "bert-vs-gpt2" if self.are_twins else "bert-vs-gpt2-others"

    def parse(
        self, parameters: Mapping[str, str]
    ) -> tuple[TwinSettings, TwinsView, tuple[str, ...]]:
        """Read a link: settings and view, and a phrase on each value that could not be used."""
        return settings.parse(parameters)

    def write(self) -> dict[str, str]:
        """Return the parameters that lead back to what is shown."""
        return settings.write(self.state.settings, self.state.view)

    def choose_models(self) -> dict[str, str]:
        """Draw the lists of both families."""
        return {
            "model": choose_model("GPT-2", f"{PREFIX}model", "gpt2"),
            "bert": choose_model("BERT", f"{PREFIX}bert", "bert"),
        }

    def texts(self, do: str) -> dict[str, str]:
        """Return the text that both models read; a word in context has two of its own."""
        return {} if do == "context" else {"text": _("Text")}

    def draw_experiment(self, card: DeltaGenerator, *places: DeltaGenerator) -> None:
        """Draw the experiment that is chosen."""
        DRAW[self.state.settings.do](Workbench(self.state, self.environment, *places), card)

    def offer_remedy(self) -> None:
        """Draw a button that goes back to the models that ship, where another one is chosen."""
        if self.are_twins:
            return
        state, usual = self.state, TwinSettings()

        def take() -> None:
            state.take(replace(state.settings, model=usual.model, bert=usual.bert), state.view)

        st.button(_("Take the twins that ship"), key=f"{PREFIX}remedy", on_click=take)
