"""KV cache, step by step: run a prompt and watch which rows are computed and which are reused."""

from __future__ import annotations

from collections.abc import Mapping

from kvviz.translation import N_
from kvviz.ui.pages.kv_cache import controls, difference, edited_token, settings
from kvviz.ui.parts import cards
from kvviz.ui.parts.run_page import RunPage
from kvviz.ui.parts.view import View
from kvviz.ui.shell.errors_shown import bounded
from kvviz.ui.work import shipped_runs
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

    def draw_results(self, shown: ShownRun) -> None:
        """Draw the cards, the question about an edited token, and the comparison of both ways."""
        cards.draw(shown, lambda: edited_token.draw(self.state))
        difference.draw(self.state)
