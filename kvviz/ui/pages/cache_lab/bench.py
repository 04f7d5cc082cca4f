"""What every experiment of the page works with: a model, places to draw, work that is shared."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kvviz.errors import ContextLengthError, PromptError
from kvviz.translation import gettext as _
from kvviz.translation import ngettext
from kvviz.ui.pages.cache_lab.settings import LabSettings, texts_of
from kvviz.ui.pages.cache_lab.state import LabState
from kvviz.ui.parts.experiment import Experiment, Work
from kvviz.ui.shell.environment import Environment
from kvviz.ui.work.admission import Ask
from kvviz.ui.work.equal_work import Asker, EqualWork
from kvviz.ui.work.fitting_models import require_family
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.model_store import model_store
from kvviz.ui.work.run_settings import RunSettings
from kvviz.ui.work.run_store import RunStore

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel

LEAST_TOKENS, MOST_TOKENS = 16, 512
"""Of a text: below, a half of it says nothing; above, reading it takes longer than one waits."""
ROOM = 320
"""Height in pixels that is held free for a picture while it is worked on."""

_under_way: EqualWork[Any] = EqualWork()


@st.cache_resource(show_spinner=False)
def results() -> RunStore[Any]:
    """Return what the work of this page came to in this process, for whoever asks the same."""
    return RunStore(64 * 2**20)


@dataclass(frozen=True)
class Bench:
    """What an experiment works with.

    Attributes:
        state: The page's memory, with what is asked for.
        environment: The limits of this installation.
        card: Where text and controls stand, and below them the question.
        waiting: Where work under way is drawn.
        stage: Where the picture stands.
        below: Where stands what is told by charts. All places are there from the start, so that
            each keeps its own.
    """

    state: LabState
    environment: Environment
    card: DeltaGenerator
    waiting: DeltaGenerator
    stage: DeltaGenerator
    below: DeltaGenerator

    @property
    def settings(self) -> LabSettings:
        """What is asked for, as far as the controls have been drawn."""
        return self.state.settings

    @property
    def of_model(self) -> RunSettings:
        """How the model is asked for: in float32, in which losses are compared."""
        return self.of_model_named(self.settings.model)

    def of_model_named(self, name: str) -> RunSettings:
        """Return how another model is asked for that works beside it."""
        return RunSettings(model=name, device=self.environment.device, dtype="float32")

    def task(
        self,
        name: str,
        about: Hashable,
        words: str,
        do: Callable[[LoadedModel, Asker], Any],
    ) -> Work:
        """Return a piece of work with the model, which is done once for all who ask for it.

        Args:
            name: What kind of work it is.
            about: What it depends on besides the model.
            words: What to say while it goes on.
            do: The work; it reports to who waits, and stops where nobody does.
        """
        wanted = self.of_model
        key = name, wanted.model, about

        def at_hand() -> Any:
            model = model_store().peek(wanted)
            return None if model is None else results().find(key, model, lambda _result: True)

        def work(job: Job) -> Any:
            model = model_store().get(wanted)
            require_family(model, "gpt2")
            kept = results().find(key, model, lambda _result: True)
            if kept is None:
                kept = _under_way.do((*key, id(model)), job, lambda askers: do(model, askers))
                results().keep(key, model, kept)
            return kept

        return Work(f"lab-{name}", (wanted.model, about), words, work, self.asks, at_hand)

    @property
    def asks(self) -> Ask:
        """What an experiment asks for: to read the texts that it goes by, and to write on."""
        texts = tuple(getattr(self.settings, one) for one in texts_of(self.settings.do))
        return Ask(texts, self.settings.new if texts else 0)

    def run_task(
        self, name: str, about: tuple[Any, ...], words: str, make: Callable[..., Any]
    ) -> Work:
        """Return the work that makes a run, as `task` does any.

        Args:
            name: What kind of run it is.
            about: What is asked for besides the model.
            words: What to say while it goes on.
            make: Makes it of the model, of who waits, of how the model is asked for, and of
                `about`, part by part.
        """
        settings = self.of_model
        return self.task(
            name, about, words, lambda model, asker: make(model, asker, settings, *about)
        )

    def done(self, experiment: Experiment) -> Any:
        """Draw an experiment below its controls; return what its work gave, None before that."""
        with self.card, st.container(key="kvviz-lab-question"):
            outcome = experiment.draw(waiting=self.waiting, room=ROOM)
        return None if outcome is None else outcome.found

    def result(self, task: Work) -> Any:
        """Return what a piece of work gives, drawn where work of this page is waited for.

        Raises:
            RunCancelledError: If the person cancelled it.
            KvvizError: What the work raises.
        """
        return task.result(self.waiting, ROOM)


def read_tokens(model: LoadedModel, text: str, n_new: int) -> list[int]:
    """Return the tokens of a text that was typed, with what the model's prompts begin with.

    Args:
        model: A decoder.
        text: What was typed.
        n_new: Tokens that are to be written behind it.

    Raises:
        PromptError: If it is too short to be cut into halves.
        ContextLengthError: If it is too long for the page, or with the new tokens for the model.
    """
    ids = [*model.first_ids, *model.tokenize(text)] if text.strip() else []
    if len(ids) < LEAST_TOKENS:
        raise PromptError(
            _("A text to be read in two halves has {least} tokens or more.").format(
                least=LEAST_TOKENS
            ),
            found=ngettext("This one has {n} token.", "This one has {n} tokens.", len(ids)).format(
                n=len(ids)
            ),
            fix=_("Type a longer one."),
        )
    most = min(MOST_TOKENS, model.card.n_ctx - n_new)
    if len(ids) > most:
        raise ContextLengthError(
            _("This text is too long to be read here token by token."),
            found=_("It has {n:,} tokens, and {most:,} are the most.").format(
                n=len(ids), most=most
            ),
            fix=_("Take a part of it."),
        )
    return ids
