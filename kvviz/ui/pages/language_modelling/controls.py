"""The controls of the page: the text, and who reads it."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from kvviz.errors import ContextLengthError
from kvviz.lessons import lessons
from kvviz.translation import N_
from kvviz.translation import gettext as _
from kvviz.ui.pages.language_modelling.settings import LONGEST_TEXT, TextSettings
from kvviz.ui.parts.model_choice import choose_model, put_model, values_for
from kvviz.ui.parts.press import Press
from kvviz.ui.parts.remedies import Remedy, another_model_helps
from kvviz.ui.parts.text_controls import Draft, TextControls, counted, examples, text_field
from kvviz.ui.shell.environment import Environment
from kvviz.ui.shell.errors_shown import show_problems
from kvviz.ui.work.admission import is_read
from kvviz.ui.work.model_names import bundled_positions, called
from kvviz.ui.work.model_store import model_store

N_MARKS = 2
"""What BERT puts before a text and behind it."""


def values(wanted: TextSettings) -> dict[str, object]:
    """Return the key and the value of each control."""
    said: dict[str, object] = {"lm:text": wanted.text}
    return (
        said
        | values_for("lm:model", "gpt2", wanted.model)
        | values_for("lm:bert", "bert", wanted.bert)
    )


def put_bert(bert: str) -> None:
    """Set who fills in hidden tokens, and leave what is typed."""
    put_model("lm:bert", "bert", bert)


def draw(environment: Environment) -> Draft[TextSettings]:
    """Draw the controls and return what they say."""
    with st.sidebar:
        model = choose_model(_("Next token"), "lm:model", "gpt2")
        bert = choose_model(_("Hidden tokens"), "lm:bert", "bert")
    with st.container(border=True, key="kvviz-card-lm-text"):
        line, text = text_field(_("Your text"), "lm:text", height=88)
        wanted = TextSettings(text, model, bert, environment.device)
        problems = found_wrong(wanted)
        show_problems(problems)
        with st.container(horizontal=True, key="kvviz-lm-buttons", gap="small"):
            run = Press.draw(_("Read it"), "lm:read", type="primary", shortcut="Ctrl+Enter")
            examples(_("Example texts"), lessons().texts, "lm", "lm:text", width="content")
    return Draft(wanted, problems, run, line)


def count(wanted: TextSettings) -> tuple[str, bool]:
    """Return a text's length beside the room for it, and whether it is too long for a model.

    The room is that of the model that has less, as far as both are loaded or ship. Where they cut
    the text into other tokens, each has its own count.

    Raises:
        KvvizError: If the text is nothing that a model can read.
    """
    model, bert = (model_store().peek(wanted.of(name)) for name in (wanted.model, wanted.bert))
    if model is None or not is_read(wanted.text):
        return "", False
    n_tokens = model.count_tokens(wanted.text) if wanted.text else 0
    room = model.card.n_ctx
    positions = bundled_positions(wanted.bert, "bert")
    if bert is not None:
        positions = bert.card.n_ctx if bert.card.family == "bert" else None
    room_there = room if positions is None else positions - N_MARKS
    told = counted(n_tokens, min(room, room_there))
    if n_tokens > room or not wanted.text.strip():
        return told, n_tokens > room
    n_read = n_tokens
    # Until it is loaded, it is taken to cut the text as the other does, as the twins do.
    if bert is not None and positions is not None:
        n_read = int((~bert.tokenize_whole(wanted.text).special).sum())
    if n_read != n_tokens:
        told = _("{counted}, {n:,} / {room:,} in {model}").format(
            counted=counted(n_tokens, room), n=n_read, room=room_there, model=called(wanted.bert)
        )
    if n_read <= room_there:
        return told, False
    # Translators: {counted} is a text's length in tokens beside the room for it.
    return _("{counted}, too long for {model}").format(
        counted=told, model=called(wanted.bert)
    ), True


def found_wrong(wanted: TextSettings) -> tuple[str, ...]:
    """Return a sentence on each control that cannot be used as it is."""
    problems: list[str] = []
    if not wanted.model or not wanted.bert:
        problems.append(_("Type the name or the folder of a model."))
    if len(wanted.text) > LONGEST_TEXT:
        problems.append(
            _("The text may have {most:,} characters, and it has {n:,}.").format(
                most=LONGEST_TEXT, n=len(wanted.text)
            )
        )
    return tuple(problems)


def remedy(error: Exception, attempt: TextSettings) -> Remedy[TextSettings] | None:
    """Return what to try instead of a reading that failed, and the words of its button."""
    if isinstance(error, ContextLengthError):
        cut = beginning_that_fits(attempt)
        if not cut:
            return None
        return _("Read the beginning that fits both models"), replace(attempt, text=cut)
    usual = TextSettings.model
    if another_model_helps(error, attempt.model, usual, "gpt2"):
        return _("Read it with {model}").format(model=called(usual)), replace(attempt, model=usual)
    return None


def bert_remedy(error: Exception, attempt: TextSettings) -> Remedy[str] | None:
    """Return who fills in hidden tokens instead of a model that cannot, and the button's words."""
    usual = TextSettings.bert
    if not another_model_helps(error, attempt.bert, usual, "bert"):
        return None
    return _("Read it with {model}").format(model=called(usual)), usual


def beginning_that_fits(attempt: TextSettings) -> str:
    """Return as many whole words of a text as both models have positions for, as far as loaded."""
    known = [model_store().peek(attempt.of(name)) for name in (attempt.model, attempt.bert)]
    loaded = [model for model in known if model is not None]
    if not loaded:
        return ""
    room = min(model.card.n_ctx for model in loaded) - N_MARKS
    ends: list[int] = []
    for model in loaded:
        whole = model.tokenize_whole(attempt.text)
        spans = whole.spans[~whole.special]
        ends.append(int(spans[min(room, len(spans)) - 1, 1]) if len(spans) else 0)
    shortest = attempt.text[: max(min(ends), 0)]
    return shortest[: shortest.rfind(" ")] if " " in shortest else shortest


CONTROLS = TextControls(N_("Your text"), values, draw, count, remedy)
