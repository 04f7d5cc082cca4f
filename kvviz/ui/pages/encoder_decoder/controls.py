"""The controls in the sidebar: a text with blanks, and the T5 that fills them in."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from kvviz.errors import ContextLengthError
from kvviz.lessons import lessons
from kvviz.translation import N_, ngettext
from kvviz.translation import gettext as _
from kvviz.ui.pages.encoder_decoder.blanks import MOST_BLANKS, as_read, n_blanks
from kvviz.ui.pages.encoder_decoder.settings import LEAST_NEW, MODEL, NEW
from kvviz.ui.parts.model_choice import choose_model, values_for
from kvviz.ui.parts.press import Press
from kvviz.ui.parts.remedies import Remedy, another_model_helps
from kvviz.ui.parts.text_controls import (
    TEXT_HEIGHT,
    Draft,
    TextControls,
    counted,
    examples,
    text_field,
)
from kvviz.ui.shell.environment import Environment
from kvviz.ui.shell.errors_shown import show_problems
from kvviz.ui.work.admission import is_read
from kvviz.ui.work.model_names import called
from kvviz.ui.work.model_store import model_store
from kvviz.ui.work.run_settings import LONGEST_PROMPT, RunSettings

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel


def values(settings: RunSettings) -> dict[str, object]:
    """Return the key and the value of each control."""
    said: dict[str, object] = {"ed:text": settings.prompt, "ed:new": settings.new}
    return said | values_for("ed:model", "t5", settings.model)


def draw(environment: Environment) -> Draft[RunSettings]:
    """Draw the controls and return what they say."""
    model = choose_model(_("Model"), "ed:model", "t5")
    line, text = text_field(
        _("Text with blanks"),
        "ed:text",
        height=TEXT_HEIGHT,
        about=_("Two or more underscores are a blank. The model is asked what belongs there."),
    )
    examples(_("Example texts"), lessons().inputs, "ed", "ed:text")
    new = st.number_input(_("New tokens"), key="ed:new", step=1, persist_state="session")
    settings = RunSettings(model=model, prompt=text, new=int(new or 0), device=environment.device)
    problems = found_wrong(settings, environment)
    show_problems(problems)
    run = Press.draw(_("Run"), "ed:run", type="primary", width="stretch", shortcut="Ctrl+Enter")
    return Draft(settings, problems, run, line)


def count(settings: RunSettings) -> tuple[str, bool]:
    """Return a text's length beside the room for it, and whether it is too long.

    Raises:
        KvvizError: If the text is nothing that the model can read.
    """
    model = model_store().peek(settings)
    if model is None or not settings.prompt.strip() or not is_read(settings.prompt):
        return "", False
    n_tokens = len(model.tokenize_whole(as_read(settings.prompt)).token_ids)
    return counted(n_tokens, model.card.n_ctx), n_tokens > model.card.n_ctx


def found_wrong(settings: RunSettings, environment: Environment) -> tuple[str, ...]:
    """Return a sentence on each control that cannot be run as it is."""
    problems: list[str] = []
    length, found, most = (
        len(settings.prompt),
        n_blanks(settings.prompt),
        environment.max_new_tokens,
    )
    if not settings.model:
        problems.append(_("Type the name or the folder of a T5."))
    if length > LONGEST_PROMPT:
        problems.append(
            _("The text may have {most:,} characters, and it has {n:,}.").format(
                most=LONGEST_PROMPT, n=length
            )
        )
    if found > MOST_BLANKS:
        problems.append(
            _("A text may have {most} blanks, and it has {n:,}.").format(most=MOST_BLANKS, n=found)
        )
    if not LEAST_NEW <= settings.new <= most:
        problems.append(
            _(
                "New tokens: {least} to {most:,}, and it is {n:,}. With one, no second step would "
                "be there to look at."
            ).format(least=LEAST_NEW, most=most, n=settings.new)
        )
    return tuple(problems)


def remedy(error: Exception, attempt: RunSettings) -> Remedy[RunSettings] | None:
    """Return what to try instead of a run that failed, and the words of its button.

    Returns:
        None where only the person can know what to change.
    """
    if isinstance(error, ContextLengthError):
        model = model_store().peek(attempt)
        if model is not None and attempt.new > model.card.n_ctx - 1:
            words = ngettext(
                "Generate {n:,} new token instead", "Generate {n:,} new tokens instead", NEW
            ).format(n=NEW)
            return words, replace(attempt, new=NEW)
        beginning = beginning_that_fits(attempt.prompt, model) if model is not None else ""
        if beginning:
            return _("Read the beginning that fits"), replace(attempt, prompt=beginning)
    if another_model_helps(error, attempt.model, MODEL, "t5"):
        return _("Run it with {model}").format(model=called(MODEL)), replace(attempt, model=MODEL)
    return None


def beginning_that_fits(text: str, model: LoadedModel) -> str:
    """Return as many whole words of a text, as it was typed, as the encoder has positions for.

    A text without white space is cut between two characters.
    """

    def n_tokens(end: int) -> int:
        return len(model.tokenize_whole(as_read(text[:end])).token_ids)

    ends = [word.end() for word in re.finditer(r"\S+", text)]
    if len(ends) == 1:
        ends = list(range(1, ends[0] + 1))
    n_fitting = bisect_right(ends, model.card.n_ctx, key=n_tokens)
    return text[: ends[n_fitting - 1]] if n_fitting else ""


CONTROLS = TextControls(N_("Text with blanks"), values, draw, count, remedy)
