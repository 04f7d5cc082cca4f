"""Your turn: predict which rows change when a token is edited, then see it done."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from kvviz.trace import Conversation
from kvviz.translation import gettext as _
from kvviz.translation import ngettext
from kvviz.ui.parts import cards
from kvviz.ui.parts.experiment import Choice, Experiment, Record, Verdict, Work
from kvviz.ui.parts.run_state import RunState
from kvviz.ui.shell.errors_shown import bounded
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.work import runs
from kvviz.ui.work.admission import Ask
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.model_store import model_store
from kvviz.ui.work.shared_drawings import shared_drawings
from kvviz.ui.work.shown_run import ShownRun

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel

Rows = np.ndarray[tuple[int, int], np.dtype[np.bool_]]
"""Which rows changed, shape (n_layers, n_rows)."""

LATEST_POSITION = 4
SPARE_WORDS = ("one", "dog", "red", "big", "the", "no", "is", "her", "two", "a")


@dataclass(frozen=True)
class Edit:
    """A prompt in which one word was replaced so that exactly one token differs.

    Attributes:
        asked: The edited prompt, or the conversation with an edited turn.
        text: What of it was edited: the prompt, or that turn.
        position: Position of the token that differs.
        word: The word that stands there now.
        n_rows: Tokens of the prompt, before and after.
    """

    asked: str | Conversation
    text: str
    position: int
    word: str
    n_rows: int


@dataclass(frozen=True)
class _Words:
    """The words of a prompt, or of all turns of a conversation, each with its place."""

    asked: str | Conversation

    @property
    def texts(self) -> list[str]:
        """What people have written: one text, or one a turn."""
        if isinstance(self.asked, str):
            return [self.asked]
        return [turn.content for turn in self.asked.turns]

    @cached_property
    def all(self) -> list[tuple[int, int, str]]:
        """Number of the text, place in it, and the word."""
        return [
            (number, place, word)
            for number, text in enumerate(self.texts)
            for place, word in enumerate(text.split(" "))
        ]

    def swapped(self, word: int, spare: str) -> tuple[str | Conversation, str]:
        """Return all with another word in that place, and the text that it stands in."""
        number, place, _word = self.all[word]
        words = self.texts[number].split(" ")
        text = " ".join([*words[:place], spare, *words[place + 1 :]])
        if isinstance(self.asked, str):
            return text, text
        turns = [*self.asked.turns]
        turns[number] = replace(turns[number], content=text)
        return Conversation(tuple(turns)), text


def edit(model: LoadedModel, asked: str | Conversation, near: int | None = None) -> Edit | None:
    """Find an edit of one token, or None if no word can be swapped.

    Of a long prompt only the words around that place are tried: each try cuts the whole prompt
    into tokens.

    Args:
        model: Whose tokens they are.
        asked: The prompt, or the conversation.
        near: The position that is wanted: what can be swapped nearest to it is. None for one that
            is not far into the prompt.
    """
    before = np.array(model.begun_ids(asked))
    words = _Words(asked)
    wanted = min(LATEST_POSITION, before.size // 2) if near is None else near
    # A guess: wherever the search begins, it goes on until it has passed the place on either side.
    n_words = len(words.all)
    first = min(wanted * n_words // max(before.size, 1), n_words)
    found: list[Edit] = []
    for number in range(first, n_words):
        if swapped := _swapped(model, before, words, number):
            found.append(swapped)
            if swapped.position >= wanted:
                break
    for number in reversed(range(first)):
        if swapped := _swapped(model, before, words, number):
            found.append(swapped)
            if swapped.position <= wanted:
                break
    return min(found, key=lambda one: (abs(one.position - wanted), one.position), default=None)


def _swapped(model: LoadedModel, before: np.ndarray, words: _Words, number: int) -> Edit | None:
    """Swap one word for the first spare one that changes a single token, or None."""
    word = words.all[number][2]
    for spare in SPARE_WORDS if word else ():
        if word == spare:
            continue
        asked, text = words.swapped(number, spare)
        after = np.array(model.begun_ids(asked))
        if after.size == before.size and (after != before).sum() == 1:
            return Edit(asked, text, int(np.flatnonzero(after != before)[0]), spare, before.size)
    return None


@st.fragment
@bounded
def draw(state: RunState) -> None:
    """Draw the question, and after an answer the result of really running the edited prompt."""
    shown = state.shown
    if shown is None:
        return
    change: Edit | None = None
    model, record = model_store().peek(shown.settings), Record.here()
    key = ("edit", (shown.settings, state.edited))
    if shown.origin == "run" and key in record.results:
        change = record.results[key]
    elif shown.origin == "run" and model is not None:
        change = record.kept(
            key,
            lambda: shared_drawings.of(
                shown, key, lambda: edit(model, shown.settings.asked, state.edited)
            ),
        )
    if change is None:
        waits = _("Run a prompt of a few plain words, and a question waits here.")
        if shown.origin == "shipped":
            waits = _("A question waits here, once the model is loaded that answers it.")
        cards.heading(_("Your turn"), waits)
        return
    st.html(
        # The player leads here from the making of a row.
        '<div class="kvviz-figure" role="heading" aria-level="3" data-kvviz="edited-token" '
        f'data-position="{change.position}">{plain_html(_("Your turn"))}</div>'
    )
    experiment(shown, change).draw()


def experiment(shown: ShownRun, change: Edit) -> Experiment:
    """Return the experiment with one edit of a run's prompt."""
    after, n_rows = change.n_rows - change.position, change.n_rows
    offered = {n: f"{n}" for n in sorted({0, 1, after, n_rows})}
    offered[n_rows] = _("all {n}").format(n=n_rows)
    return Experiment(
        "edited-token",
        [Choice(offered)],
        lambda changed: told(changed, change),
        words={
            "position": change.position,
            "token": shown.trace.tokens[change.position].strip(),
            "word": change.word,
            "n_rows": n_rows,
        },
        about=(shown.settings, change),
        work=Work(
            "edited-token",
            (shown.settings, change),
            _("Running both prompts"),
            lambda job: changed_rows(shown, change, job),
            Ask((change.text,), new=1),
        ),
    )


def changed_rows(shown: ShownRun, change: Edit, job: Job) -> Rows:
    """Run both prompts and return which rows differ in any bit, shape (n_layers, n_rows)."""
    model = model_store().get(shown.settings)
    once = replace(shown.settings.plain, new=1)
    edited = {"chat" if isinstance(change.asked, Conversation) else "prompt": change.asked}
    before = runs.run(model, once, job, both=False)
    after = runs.run(model, replace(once, **edited), job, both=False)
    return runs.changed_rows(before.trace, after.trace, change.n_rows)


def told(changed: Rows, change: Edit) -> Verdict:
    """Return what was measured."""
    counts = changed.sum(axis=1)
    right = int(counts[-1])
    names = [_("row {n}").format(n=number) for number in range(change.n_rows)]
    strip = "".join(
        f'<i class="{"kvviz-new" if row else "kvviz-kept"}" title="{plain_html(name)}"></i>'
        for name, row in zip(names, changed[-1], strict=True)
    )
    kept = change.n_rows - right
    read_out = ngettext(
        "{kept} row kept, {changed} changed", "{kept} rows kept, {changed} changed", kept
    ).format(kept=kept, changed=right)
    listed = _("Rows changed in each layer, from the first: {list}.").format(
        list=", ".join(f"{count}" for count in counts)
    )
    return Verdict(
        [{right}],
        ngettext(
            "{n} of {all} row changed in the last layer.",
            "{n} of {all} rows changed in the last layer.",
            change.n_rows,
        ).format(n=right, all=change.n_rows),
        [
            _(
                "Ran “{prompt}” and compared the bits of every key and value row with those of "
                "the prompt."
            ).format(prompt=change.text)
        ],
        html='<div class="kvviz-strip" role="img" '
        f'aria-label="{plain_html(read_out)}">{strip}</div>'
        f'<p class="kvviz-body">{plain_html(listed)}</p>',
    )
