"""T5's two caches: an encoder reads a text once, and a decoder fills in its blanks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from kvviz.translation import N_
from kvviz.translation import gettext as _
from kvviz.ui.pages.encoder_decoder import (
    attention_shares,
    blanks,
    controls,
    cross_rows,
    filled,
    results,
    settings,
)
from kvviz.ui.parts.run_page import RunPage
from kvviz.ui.parts.view import View
from kvviz.ui.shell.errors_shown import bounded
from kvviz.ui.work import shipped_runs
from kvviz.ui.work.model_names import bundled_models
from kvviz.ui.work.run_settings import RunSettings
from kvviz.ui.work.shown_run import ShownRun

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel


@bounded
def show() -> None:
    """Draw the page."""
    EncoderDecoderPage().draw()


class EncoderDecoderPage(RunPage):
    """One drawing of the page."""

    NAME = "encoder_decoder_page"
    KEY = "ed"
    FAMILY = "t5"
    TITLE = N_("T5's two caches")
    CAPTION = "encoder-decoder"
    ONE_WAY_ONLY = N_(
        "A saved run holds one way only. To see the other, type its text and press Run."
    )
    CONTROLS = controls.CONTROLS
    SHIPPED = shipped_runs.T5

    def parse(self, parameters: Mapping[str, str]) -> tuple[RunSettings, View, tuple[str, ...]]:
        """Read a link, the head of the encoder included, which is taken on at once."""
        wanted, view, unusable = settings.parse(parameters, self.environment.max_new_tokens)
        head, unusable_too = settings.parse_encoder(parameters)
        attention_shares.choose_head(head)
        return wanted, view, unusable + unusable_too

    def write(self, shown: ShownRun, view: View) -> dict[str, str]:
        """Return the parameters that lead to a run that was made here, and a view of it."""
        return settings.write(shown.settings, view, attention_shares.head_in_view(shown.trace))

    def as_read(self, text: str) -> str:
        """Return what the encoder reads of a text as typed."""
        return blanks.as_read(text)

    def stops(self, model: LoadedModel, text: str) -> tuple[int, ...]:
        """Return the token that ends an answer."""
        return filled.final_sentinels(model, text)

    def opening(self, shown: ShownRun, view: View) -> View:
        """Choose the layer and the head of a run where a view leaves them open."""
        return attention_shares.opening_view(shown, view)

    def refuses(self, wanted: RunSettings) -> str:
        """Say why a run that a link asks for cannot begin by itself; nothing where it can."""
        if wanted.model == settings.MODEL and settings.MODEL not in bundled_models("t5"):
            return _(
                "This installation has no T5 of its own. Name one in the sidebar, such as t5-small "
                "or the folder of another, and press Run."
            )
        return super().refuses(wanted)

    def looked(self) -> bool:
        """Take in that the person looks at another view; return whether to draw the page anew."""
        return cross_rows.looked(self.state)

    def draw_status(self) -> None:
        """Draw what there is to say before the run, also of a text without a blank."""
        super().draw_status()
        shown = self.state.shown
        if shown is None or shown.origin != "run" or blanks.n_blanks(shown.settings.prompt):
            return
        st.info(
            _(
                "This text has no blank. A T5 that was only pre-trained has learnt to say what "
                "belongs into blanks; type ___ where a word is to be filled in."
            ),
            icon=":material/info:",
        )

    def draw_results(self, shown: ShownRun) -> None:
        """Draw the question that the page opens with, and what the two caches come to."""
        cross_rows.draw(self.state)
        results.draw(shown, self.write_address)
