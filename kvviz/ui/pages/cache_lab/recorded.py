"""Results that were made elsewhere and ship, so that the page shows its point at once.

`python -m kvviz.ui.pages.cache_lab.recorded` makes them anew with the bundled model; do so when
it, a way of keeping rows, or a held-out story changes. It takes a while, and what it takes says
nothing: only losses are kept.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

import kvviz
from kvviz.translation import gettext as _
from kvviz.ui.pages.cache_lab.judgement import Judgement
from kvviz.ui.pages.cache_lab.needle import Gains
from kvviz.ui.pages.cache_lab.row_effects import Effects
from kvviz.ui.pages.cache_lab.settings import LabSettings
from kvviz.ui.pages.cache_lab.story_losses import StoryLosses
from kvviz.ui.parts.experiment import Experiment, Outcome
from kvviz.ui.shell.plain_text import plain_html

FILE = Path(kvviz.__file__).parent / "lessons" / "examples" / "cache-lab.json"
N_READ, N_STORIES, N_SPANS = 256, 4, 3
"""Tokens of each story, stories, and spans that are said twice."""
N_READ_FOR_SINKS, N_STORIES_FOR_SINKS = 448, 3
"""A window without sinks loses more the longer the text is, and few ways are read here."""

N_STORIES_IN_BITS = 3


def of_keep(wanted: LabSettings) -> Judgement | None:
    """Return what came of the page's own text, None where something else is asked for."""
    usual = LabSettings()
    asked = wanted.text, wanted.model, wanted.cache
    if asked != (usual.text, usual.model, usual.cache):
        return None
    return Judgement.from_json(_stored()["keep"])


def of_bits(wanted: LabSettings) -> Judgement | None:
    """Return what came of packing the page's own text, None where something else is asked for."""
    usual = LabSettings()
    asked, stored = (wanted.text, wanted.model, wanted.bits), _stored().get("bits")
    if stored is None or asked != (usual.text, usual.model, usual.bits):
        return None
    return Judgement.from_json(stored)


def of_statements() -> StoryLosses | None:
    """Return what came of packing held-out stories, None where that is still to be made."""
    return _losses("statements")


def of_surgery(wanted: LabSettings) -> Effects | None:
    """Return what changing rows of the page's own text does, in the head that it takes by itself.

    None where something else is asked for.
    """
    usual = LabSettings()
    stored = _stored().get("surgery")
    asked = wanted.text, wanted.model, wanted.cut.kind, wanted.cut.part
    if stored is None or asked != (usual.text, usual.model, usual.cut.kind, usual.cut.part):
        return None
    return Effects.from_json(stored)


def of_stories() -> StoryLosses | None:
    """Return what came of the held-out stories, None where that is still to be made."""
    return _losses("stories")


def of_sinks() -> StoryLosses | None:
    """Return what came of windows with sinks on longer stories, None likewise."""
    return _losses("sinks")


def of_numbers() -> StoryLosses | None:
    """Return what came of fewer numbers a row on held-out stories, None likewise."""
    return _losses("numbers")


def of_sparing() -> StoryLosses | None:
    """Return what came of few rows in some layers on held-out stories, None likewise."""
    return _losses("sparing")


def of_needles() -> Gains | None:
    """Return what came of spans that were said twice, None where that is still to be made."""
    stored = _stored().get("needles")
    return None if stored is None else Gains.from_json(stored)


def machine() -> str:
    """Return on what it was made."""
    made = _stored()["made"]
    return f"{made['model']}, {made['processor']}, torch {made['torch']}"


def ask(experiment: Experiment, told: str, *, is_recorded: bool) -> Outcome | None:
    """Draw an experiment, and where its numbers come from if they ship.

    Args:
        experiment: The experiment.
        told: A sentence on that, and on how to get others; what they were made on stands in the
            braces.
        is_recorded: Whether they ship.
    """
    outcome = experiment.draw()
    if is_recorded:
        said = plain_html(told.format(machine=machine()))
        st.html(f'<p class="kvviz-source" data-kvviz="recorded">{said}</p>')
    return outcome


def source(published: str, *, is_recorded: bool) -> str:
    """Return the source of a verdict, and that its numbers were recorded if they were.

    Args:
        published: Where what was judged was published; may be empty.
        is_recorded: Whether the numbers ship.
    """
    said = [_("Recorded, and shipped.")] if is_recorded else []
    return " ".join([*said, *([published] if published else [])])


def _losses(part: str) -> StoryLosses | None:
    stored = _stored().get(part)
    return None if stored is None else StoryLosses.from_json(stored)


@cache
def _stored() -> dict[str, Any]:
    return json.loads(FILE.read_text(encoding="utf-8"))


def make(*parts: str) -> None:
    """Make the parts that are named, or all, and store them beside what is stored."""
    from kvviz.ui.pages.cache_lab.control import control_words
    from kvviz.ui.pages.cache_lab.judgement import judgement
    from kvviz.ui.pages.cache_lab.needle import read_needles
    from kvviz.ui.pages.cache_lab.row_effects import effects, telling_head
    from kvviz.ui.pages.cache_lab.shares import every_share
    from kvviz.ui.pages.cache_lab.story_losses import read_stories
    from kvviz.ui.pages.cache_lab.story_ways import BUDGETS, all_ways, sink_ways, spared_ways
    from kvviz.ui.pages.cache_lab.tried_packings import tried_words

    usual = LabSettings()
    model = kvviz.load_model(usual.model)
    facts = kvviz.trace_generation(model, usual.text, max_new_tokens=1).environment

    def tell(done: int, n: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{done} / {n}", end="", file=sys.stderr)  # noqa: T201 - a person waits

    def second_half(ways: list[str]) -> dict[str, Any]:
        ids = [*model.first_ids, *model.tokenize(usual.text)]
        return judgement(
            model, ids, ways, n_prompt=len(ids) // 2, progress=tell, cancel=_never
        ).to_json()

    def of_ways(ways: dict[str, str], n_read: int, n_stories: int) -> dict[str, Any]:
        return read_stories(
            model, ways, n_read=n_read, n_stories=n_stories, progress=tell, cancel=_never
        ).to_json()

    def keep() -> dict[str, Any]:
        control = control_words(usual.cache.for_engine)
        assert control is not None
        return second_half([usual.cache.for_engine, control])

    def stories() -> dict[str, Any]:
        return of_ways(all_ways(BUDGETS), N_READ, N_STORIES)

    def sinks() -> dict[str, Any]:
        return of_ways(sink_ways(), N_READ_FOR_SINKS, N_STORIES_FOR_SINKS)

    def needles() -> dict[str, Any]:
        return read_needles(model, n_spans=N_SPANS, progress=tell, cancel=_never).to_json()

    def bits() -> dict[str, Any]:
        return second_half([usual.bits.for_engine, usual.bits.other_way.for_engine])

    def statements() -> dict[str, Any]:
        return of_ways(tried_words(), N_READ, N_STORIES_IN_BITS)

    def numbers() -> dict[str, Any]:
        return of_ways(
            every_share(2 * model.card.n_kv_heads * model.card.d_head), N_READ, N_STORIES
        )

    def sparing() -> dict[str, Any]:
        return of_ways(spared_ways(model.card.n_layers), N_READ, N_STORIES)

    def surgery() -> dict[str, Any]:
        read = kvviz.trace_generation(model, usual.text, max_new_tokens=1)
        return effects(
            model, read, *telling_head(read), usual.cut, progress=tell, cancel=_never
        ).to_json()

    stored = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    stored["made"] = {
        "model": model.card.name,
        **{name: facts[name] for name in ("processor", "torch")},
    }
    for part in (keep, stories, sinks, needles, bits, statements, numbers, sparing, surgery):
        if not parts or part.__name__ in parts:
            stored[part.__name__] = part()
            FILE.write_text(json.dumps(stored) + "\n", encoding="utf-8")


def _never() -> bool:
    return False


if __name__ == "__main__":
    make(*sys.argv[1:])
