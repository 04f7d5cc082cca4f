"""One text, every family at hand: asked first, read by each of them here, and moved in step."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import streamlit as st

from kvviz.errors import RunCancelledError
from kvviz.lessons import lessons
from kvviz.published.catalogue import CATALOGUE, PREFIX
from kvviz.translation import gettext as _
from kvviz.ui.pages.model_sizes import choice
from kvviz.ui.pages.model_sizes.choice import SizesState
from kvviz.ui.pages.model_sizes.families import in_step, prediction, table
from kvviz.ui.pages.model_sizes.families.at_hand import Decoder, decoders
from kvviz.ui.pages.model_sizes.families.reading import (
    Failure,
    Reading,
    compared,
    settings_of,
)
from kvviz.ui.parts import float64_check, model_adding
from kvviz.ui.parts.experiment import Record, Work
from kvviz.ui.shell.errors_shown import bounded, show_error
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.work import added_models
from kvviz.ui.work.admission import Ask
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.model_store import model_store


@st.fragment
@bounded
def draw(state: SizesState, below: Callable[[str], None]) -> None:
    """Draw the part, which is drawn anew by itself.

    Args:
        state: The person's page.
        below: Draws what stands below and is about the same text, which it is given.
    """
    caption = lessons().caption("families")
    st.header(_("One text, every family at hand"), anchor=False)
    st.html(f'<p class="kvviz-body">{plain_html(caption.text)}</p>')
    with st.container(key="kvviz-families", gap="small"):
        text = choice.text_field(state).strip()
        state.address.write(choice.choice_fields().write(state.choice))
        wanted = decoders()
        # Two places that are always there, so that what follows keeps its own.
        with st.container():
            found = _found(state, wanted, text)
        with st.container():
            first = next(iter(found), None)
            if isinstance(first, Failure):
                show_error(first.error)
            elif first is not None:
                _results(state, text, first, found)
        _offers()
        st.html(f'<p class="kvviz-source">{plain_html(caption.source)}</p>')
    below(text)


def _found(
    state: SizesState, wanted: tuple[Decoder, ...], text: str
) -> tuple[Reading | Failure, ...]:
    """Return what was observed, once it is predicted, asked for, or a link looks at a place."""
    key, record = ("families", ""), Record.here()
    if state.choice.stop is not None:
        record.seen.add(key)
    outcome = prediction.experiment(wanted, text, is_open=key in record.seen).draw()
    return () if outcome is None else outcome.found


def _results(
    state: SizesState, text: str, first: Reading, found: tuple[Reading | Failure, ...]
) -> None:
    """Draw the picture, the table and the checks."""
    readings = tuple(one for one in found if isinstance(one, Reading))
    in_step.draw(
        text,
        readings,
        stop=state.choice.stop,
        view_number=choice.n_put(),
        on_stop=lambda stop: choice.put_stop(state, stop),
    )
    table.draw(found, first)
    with st.container(horizontal=True, gap="medium", vertical_alignment="center"):
        for one in readings:
            _in_float64(text, one)


def _in_float64(text: str, one: Reading) -> None:
    """Draw the check of one model in float64, or the button that asks for it."""
    key, record = ("families-float64", (text, one.decoder.name)), Record.here()
    short = one.decoder.name.removeprefix(PREFIX)
    if key not in record.seen:
        st.button(
            _("Check {model} in float64").format(model=one.decoder.title),
            key=f"families:float64:{short}",
            type="tertiary",
            on_click=record.seen.add,
            args=(key,),
        )
        return
    work = Work(
        f"families-float64-{short}",
        text,
        _("Running {model} in float64").format(model=one.decoder.title),
        lambda job: _precise(text, one.decoder, job),
        Ask((text,)),
    )
    with suppress(RunCancelledError):
        after: float = work.result()
        told = float64_check.told(one.difference, after)
        name = "float64-shrank" if float64_check.is_rounding(one.difference, after) else (
            "float64-stayed"
        )  # fmt: skip
        hooks = f'data-model="{plain_html(one.decoder.name)}" data-logit-difference="{after:.2e}"'
        st.html(
            f'<p class="kvviz-body" data-kvviz="families-float64-{short}" {hooks} '
            f'title="{plain_html(lessons().caption(name).text)}">'
            f"{plain_html(one.decoder.title)}: {told}</p>",
            width="content",
        )


def _precise(text: str, decoder: Decoder, job: Job) -> float:
    model = model_store().get(settings_of(decoder)).as_dtype("float64")

    def report(done: int, n_steps: int) -> None:
        job.report(done, n_steps)

    return compared(model, text, job, report).max_logit_difference


def _offers() -> None:
    """Draw what can be added to the models at hand, and how."""
    addable: dict[str, Any] = added_models.addable_models()
    if not addable:
        return
    with st.expander(_("Add another family"), key="kvviz-add-families"):
        for name, column in zip(addable, st.columns(len(addable), gap="medium"), strict=True):
            with column:
                model = CATALOGUE[name.removeprefix(PREFIX)].title
                title = plain_html(_("Add {model}").format(model=model))
                st.html(f'<div class="kvviz-heading" role="heading" aria-level="3">{title}</div>')
                model_adding.draw(name)
