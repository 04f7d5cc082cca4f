"""The choice between what was recorded and what is measured here, for the stories' experiments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

import streamlit as st

from kvviz.translation import gettext as _
from kvviz.translation import ngettext
from kvviz.ui.pages.cache_lab import recorded
from kvviz.ui.pages.cache_lab.bench import Bench
from kvviz.ui.pages.cache_lab.settings import LENGTHS, LabSettings
from kvviz.ui.pages.cache_lab.state import PREFIX
from kvviz.ui.pages.cache_lab.story_losses import StoryLosses, read_stories
from kvviz.ui.parts.experiment import Choice, Experiment, Outcome, Record, Verdict, Work
from kvviz.ui.parts.figure_tag import Tag
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.work.equal_work import Asker

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel

T = TypeVar("T")


class Found(NamedTuple, Generic[T]):
    """A result, and where it comes from.

    Attributes:
        result: The result.
        is_recorded: Whether it was made elsewhere.
    """

    result: T
    is_recorded: bool

    @property
    def tags(self) -> list[Tag]:
        """What is said above its figures."""
        return ["recorded" if self.is_recorded else "measured"]


def choose_length(bench: Bench) -> None:
    """Draw how many tokens of each story are read here, and take the choice on."""
    tokens = st.selectbox(
        _("Tokens to read here"),
        LENGTHS,
        key=f"{PREFIX}tokens",
        format_func="{:,}".format,
        persist_state="session",
        width=190,
    )
    bench.state.change(tokens=tokens)


def found(
    bench: Bench,
    work_of: Callable[[], Work],
    shipped: Callable[[], T | None],
    *,
    lengths: bool = True,
    key: str = "here",
) -> Found[T]:
    """Return what is recorded of the model that ships, or what is measured here once it is asked.

    Of another model there is no record, so that it is measured here at once.

    Args:
        bench: The page's bench.
        work_of: Returns what measures it here, once the number of tokens is known.
        shipped: Returns what is recorded, None where nothing is.
        lengths: Whether the number of tokens is chosen here.
        key: End of the key of the button, another one where two such stand on a page.

    Raises:
        RunCancelledError: If the person cancelled it.
    """
    record = shipped() if bench.settings.model == LabSettings.model else None
    with (
        bench.card,
        st.container(horizontal=True, vertical_alignment="bottom", key=f"kvviz-lab-{key}"),
    ):
        if lengths:
            choose_length(bench)
        work = work_of()
        seen, asked = Record.here().seen, (f"{work.name}-here", work.about)
        if record is not None and asked not in seen:
            # not for people: a key
            st.button(_("Measure it here"), key=f"{PREFIX}{key}", on_click=seen.add, args=(asked,))
    if record is not None and asked not in seen:
        return Found(record, True)
    return Found(bench.result(work), False)


def is_asked(bench: Bench, work: Work, key: str) -> bool:
    """Whether it is to be measured here what nobody asked for first: a button says so.

    It is for what stands below a first answer, where no record is: of another model, or not made
    yet.

    Args:
        bench: The page's bench; the button stands in its card.
        work: What measures it.
        key: End of the button's key.
    """
    seen, asked = Record.here().seen, (f"{work.name}-here", work.about)
    if asked in seen:
        return True
    with bench.card:
        # not for people: a key
        st.button(_("Measure it here"), key=f"{PREFIX}{key}", on_click=seen.add, args=(asked,))
    return False


def story_work(bench: Bench, name: str, words: str, ways: Mapping[str, str]) -> Work:
    """Return the work that reads one held-out story here, as far as is chosen.

    Args:
        bench: The page's bench.
        name: What kind of work it is.
        words: What to say while it goes on.
        ways: The ways of keeping rows to read it with, in the engine's words by their names.
    """
    n_read = bench.settings.tokens

    def do(model: LoadedModel, asker: Asker) -> StoryLosses:
        return read_stories(
            model,
            ways,
            n_read=n_read,
            n_stories=1,
            progress=asker.report,
            cancel=asker.cancelled,
        )

    return bench.task(name, n_read, words, do)


def ask(bench: Bench, found: Found[StoryLosses], experiment: Experiment) -> Outcome | None:
    """Draw a question on stories with what is said of where its answer comes from."""
    with bench.card:
        outcome = experiment.draw()
        st.html(said(found.is_recorded, found.result.n_stories, found.result.n_read))
    return outcome


def story_experiment(
    bench: Bench,
    found: Found[StoryLosses],
    question: str,
    answers: Mapping[str, str],
    tell: Callable[[], Verdict],
    **words: object,
) -> Experiment:
    """Return a question that is answered by stories: told at once where they are recorded.

    Args:
        bench: The page's bench.
        found: What came of the stories.
        question: Its id in the lessons.
        answers: What can be chosen, marked for translation, by name.
        tell: Returns what came out.
        words: What stands in the question's braces.
    """
    return Experiment(
        question,
        [Choice({name: _(label) for name, label in answers.items()})],
        lambda _none: tell(),
        words=words,
        about=(bench.settings.model, found.is_recorded, bench.settings.tokens),
        is_open=found.is_recorded,
    )


def said(is_recorded: bool, n_stories: int, n_read: int) -> str:
    """Return the line on where a result comes from, as HTML."""
    stories = ngettext("{n} held-out story", "{n} held-out stories", n_stories).format(n=n_stories)
    if is_recorded:
        told = _(
            "Recorded: {machine}; {stories} that no model was trained on, {tokens:,} tokens of "
            "each, fed token by token; the second half counts."
        ).format(machine=recorded.machine(), stories=stories, tokens=n_read)
    else:
        told = _(
            "Measured here: {stories} that no model was trained on, {tokens:,} tokens, fed token "
            "by token; the second half counts. Of one story there is no error to be told."
        ).format(stories=stories, tokens=n_read)
    name = "recorded" if is_recorded else "measured-here"
    return f'<p class="kvviz-source" data-kvviz="{name}">{plain_html(told)}</p>'
