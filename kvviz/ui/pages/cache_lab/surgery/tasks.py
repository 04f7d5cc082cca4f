"""The work of the experiment on a row that is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float64

from kvviz.trace import GenerationTrace
from kvviz.translation import gettext as _
from kvviz.ui.pages.cache_lab.bench import Bench, read_tokens
from kvviz.ui.pages.cache_lab.row_effects import effects
from kvviz.ui.parts.experiment import Work
from kvviz.ui.work.equal_work import Asker

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel

N_BARS = 5
Likely = tuple[tuple[str, float], ...]
"""Likely next tokens as they are shown, with their probabilities, most likely first."""


def read_task(bench: Bench) -> Work:
    """Return the work that reads the text, and asks for one token."""
    text = bench.settings.text

    def do(model: LoadedModel, asker: Asker) -> GenerationTrace:
        from kvviz.engine import trace_generation

        read_tokens(model, text, 1)
        return trace_generation(model, text, max_new_tokens=1, cancel=asker.cancelled)

    return bench.task("surgery-read", text, _("Reading the text"), do)


def effects_task(bench: Bench, trace: GenerationTrace, layer: int, kv_head: int) -> Work:
    """Return the work that changes each row of a head in turn."""
    cut, text = bench.settings.cut, bench.settings.text
    about = text, layer, kv_head, cut.kind, cut.part
    return bench.task(
        "surgery",
        about,
        # Translators: stands before "12 of 51", rows.
        _("Changing one row after the other"),
        lambda model, asker: effects(
            model, trace, layer, kv_head, cut, progress=asker.report, cancel=asker.cancelled
        ),
    )


def next_task(bench: Bench, trace: GenerationTrace, layer: int, kv_head: int, row: int) -> Work:
    """Return the work that asks for the next token before and after the change of one row."""
    cut, text = bench.settings.cut, bench.settings.text

    def do(model: LoadedModel, _asker: Asker) -> tuple[Likely, Likely]:
        from kvviz.engine import change_row

        found = change_row(model, trace, 0, layer, row, cut.kind, part=cut.part, kv_head=kv_head)

        def likely(log_probs: Float64[np.ndarray, " vocab"]) -> Likely:
            top = np.argsort(-log_probs, kind="stable")[:N_BARS].tolist()
            return tuple((model.token_text(one), float(np.exp(log_probs[one]))) for one in top)

        return likely(found.before), likely(found.after)

    about = text, layer, kv_head, cut.kind, cut.part, row
    return bench.task("surgery-row", about, _("Asking for the next token again"), do)
