"""The cache lab: keep a part of the rows, and measure what that costs beside the control."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kvviz.translation import N_
from kvviz.translation import gettext as _
from kvviz.ui.pages.cache_lab import budgets, forgetful, keep, settings, sinks
from kvviz.ui.pages.cache_lab.beams import write_four
from kvviz.ui.pages.cache_lab.bench import Bench
from kvviz.ui.pages.cache_lab.bits import fewer_bits
from kvviz.ui.pages.cache_lab.ghosts import ghosts
from kvviz.ui.pages.cache_lab.guessing import guess
from kvviz.ui.pages.cache_lab.many import many
from kvviz.ui.pages.cache_lab.numbers import fewer_numbers
from kvviz.ui.pages.cache_lab.positions import positions
from kvviz.ui.pages.cache_lab.settings import EXPERIMENTS, LabSettings
from kvviz.ui.pages.cache_lab.sharing import share
from kvviz.ui.pages.cache_lab.state import NAME, PREFIX, LabState, said_by_controls
from kvviz.ui.pages.cache_lab.surgery import surgery
from kvviz.ui.parts.experiments_page import ExperimentsPage
from kvviz.ui.parts.model_choice import choose_model, put_model
from kvviz.ui.parts.view import View
from kvviz.ui.shell.errors_shown import bounded

DRAW = {
    "keep": keep.draw,
    "budgets": budgets.draw,
    "sinks": sinks.draw,
    "needle": forgetful.draw,
    "bits": fewer_bits.draw,
    "surgery": surgery.draw,
    "share": share.draw,
    "many": many.draw,
    "guess": guess.draw,
    "ghosts": ghosts.draw,
    "places": positions.draw,
    "beams": write_four.draw,
    "numbers": fewer_numbers.draw,
}


@bounded
def show() -> None:
    """Draw the page."""
    CacheLabPage(LabState.here(NAME)).draw()


class CacheLabPage(ExperimentsPage[LabState]):
    """One drawing of the page."""

    TITLE = N_("Cache lab")
    CHOICE = N_("What to try")
    EXPERIMENTS = EXPERIMENTS
    MODELS = ("model",)
    HEIGHTS: ClassVar[Mapping[str, int]] = {"prompts": 220}
    RESULT = "kvviz-lab-result"

    @property
    def caption(self) -> str:
        """Name of the line below the title."""
        return "cache-lab"

    def parse(self, parameters: Mapping[str, str]) -> tuple[LabSettings, View, tuple[str, ...]]:
        """Read a link: settings and view, and a phrase on each value that could not be used."""
        return settings.parse(parameters)

    def write(self) -> dict[str, str]:
        """Return the parameters that lead back to what is shown."""
        return settings.write(self.state.settings, self.state.view)

    def choose_models(self) -> dict[str, str]:
        """Draw the list of decoders."""
        return {"model": choose_model(_("Model"), f"{PREFIX}model", "gpt2", any_decoder=True)}

    def texts(self, do: str) -> dict[str, str]:
        """Return the text that an experiment goes by; none where held-out stories are read."""
        called = {
            "prompts": (
                _("Several prompts, one a line") if do == "share" else _("Prompts, one a line")
            ),
            "text": _("First text") if do == "share" else _("Text"),
            "other": _("Second text"),
        }
        return {name: called[name] for name in settings.texts_of(do)}

    def draw_experiment(self, card: DeltaGenerator, *places: DeltaGenerator) -> None:
        """Draw the experiment that is chosen."""
        DRAW[self.state.settings.do](Bench(self.state, self.environment, card, *places))

    def offer_remedy(self) -> None:
        """Draw a button that goes back to what ships, where something else is asked for."""
        state = self.state
        usual = LabSettings(do=state.settings.do)
        if state.settings == usual:
            return

        def take() -> None:
            # The texts stay: they are what was typed.
            typed = {name: getattr(state.settings, name) for name in state.TEXTS}
            kept = replace(usual, **{name: text for name, text in typed.items() if text})
            state.settings = kept
            for name, value in said_by_controls(kept).items():
                st.session_state[f"{PREFIX}{name}"] = value
            put_model(f"{PREFIX}model", "gpt2", kept.model, any_decoder=True)

        st.button(_("Take the usual model and budget"), key=f"{PREFIX}remedy", on_click=take)
