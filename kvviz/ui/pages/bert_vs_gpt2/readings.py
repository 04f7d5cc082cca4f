"""Texts read by both models, on a worker thread and remembered."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from streamlit.delta_generator import DeltaGenerator

from kvviz.errors import ContextLengthError, ModelFamilyError
from kvviz.trace import EncodingTrace
from kvviz.translation import N_, ngettext
from kvviz.translation import gettext as _
from kvviz.ui.pages.bert_vs_gpt2.settings import LONGEST_TEXT, TwinSettings
from kvviz.ui.pages.bert_vs_gpt2.state import TwinsState
from kvviz.ui.parts.experiment import Work
from kvviz.ui.shell.environment import Environment
from kvviz.ui.work.admission import Ask
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.model_names import called
from kvviz.ui.work.model_store import model_store
from kvviz.ui.work.run_settings import RunSettings

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel

Which = Literal["gpt2", "bert"]
MaskChoice = Literal["model", "causal", "bidirectional"]

MOST_TOKENS = 512
"""What a published BERT reads at most. Of the twins that ship one layer is then 6 MB, and a cell of
a pattern a pixel wide; other layers are sent as small pictures, and whole when they are looked at.
"""

ROOM = 320
"""Height in pixels that is held free for a picture while it is worked on."""

TITLES = {"gpt2": "GPT-2", "bert": "BERT"}
NOTES = {
    "gpt2": N_("decoder only · predicts the next token"),
    "bert": N_("encoder only · fills in hidden tokens"),
}


@dataclass(frozen=True)
class ReadRequest:
    """A text that one of the models is to read.

    Attributes:
        which: Which model.
        text: The text.
        mask: ``model``, ``causal`` or ``bidirectional``.
    """

    which: Which
    text: str
    mask: MaskChoice = "model"


@dataclass(frozen=True)
class Workbench:
    """What every experiment works with.

    Attributes:
        state: The page's memory, with what is asked for.
        environment: The limits of this installation.
        waiting: Where work under way is drawn.
        above: Where stands what comes before the picture.
        stage: Where the picture stands. These places are always there, so that it keeps its own.
    """

    state: TwinsState
    environment: Environment
    waiting: DeltaGenerator
    above: DeltaGenerator
    stage: DeltaGenerator

    @property
    def settings(self) -> TwinSettings:
        """What is asked for, as far as the controls have been drawn."""
        return self.state.settings

    def names(self) -> tuple[str, str]:
        """Return what the two models are called on the page, which tells them apart."""
        left, right = called(self.settings.model), called(self.settings.bert)
        if left == right:
            return f"{left} ({TITLES['gpt2']})", f"{right} ({TITLES['bert']})"
        return left, right

    def model(self, which: Which) -> LoadedModel:
        """Return a model, loading it if need be; for use on a worker thread.

        Raises:
            ModelFamilyError: If it is of another kind than its place on the page.
            KvvizError: What `kvviz.engine.load_model` raises.
        """
        name = self.settings.model if which == "gpt2" else self.settings.bert
        model = model_store().get(RunSettings(model=name, device=self.environment.device))
        if model.card.family != which:
            raise ModelFamilyError(
                _("This place on the page is for a {kind}.").format(kind=TITLES[which]),
                found=_("{model} is a {kind}.").format(model=name, kind=model.family.title),
                fix=_("Choose another model at the left."),
            )
        return model

    def task(self, name: str, about: Hashable, words: str, do: Callable[[Job], Any]) -> Work:
        """Return a piece of work with the two models.

        Args:
            name: What kind of work it is.
            about: What it depends on besides the two models.
            words: What to say while it goes on.
            do: The work; it may report to the job, and should look whether it is cancelled.
        """
        settings = self.settings
        texts = (settings.one, settings.other) if settings.do == "context" else (settings.text,)
        asks = Ask(texts, settings.new if settings.do == "write" else 0)
        return Work(name, (settings.model, settings.bert, about), words, do, asks)

    def result(self, task: Work) -> Any:
        """Return what a piece of work gives, drawn where work of this page is waited for.

        Raises:
            RunCancelledError: If the person cancelled it.
        """
        return task.result(self.waiting, ROOM)

    def read(self, *requests: ReadRequest) -> tuple[EncodingTrace, ...]:
        """Let the models read texts.

        Texts that one model reads are read as equally many rows, so that they can be compared bit
        for bit.

        Raises:
            KvvizError: What loading or reading raises; `ContextLengthError` also if a text is
                longer than the page can draw.
        """
        for request in requests:
            require_page_long(request.text)

        def do(job: Job) -> tuple[EncodingTrace, ...]:
            models = {which: self.model(which) for which in ("gpt2", "bert")}
            return read_alike(requests, models, job.report)

        return self.result(self.task("read", requests, _("Both models read the text"), do))


def read_alike(
    requests: Sequence[ReadRequest],
    models: Mapping[str, LoadedModel],
    told: Callable[[int, int], object] = lambda done, n: None,
) -> tuple[EncodingTrace, ...]:
    """Let models read texts, those of one model as equally many rows.

    Args:
        requests: Which model reads which text.
        models: A GPT-2 and a BERT, by family.
        told: Hears how many texts are read, and of how many.

    Raises:
        KvvizError: What reading raises; `ContextLengthError` also if a text is longer than the page
            can draw.
    """
    from kvviz.engine import trace_encoding

    found: list[EncodingTrace] = []
    lengths = [models[one.which].tokenize_whole(one.text).token_ids for one in requests]
    for number, (request, ids) in enumerate(zip(requests, lengths, strict=True), start=1):
        model = models[request.which]
        if len(ids) <= model.card.n_ctx:
            require_short(len(ids))
        n_rows = max(
            len(other)
            for one, other in zip(requests, lengths, strict=True)
            if one.which == request.which
        )
        found.append(trace_encoding(model, request.text, mask=request.mask, pad_to=n_rows))
        told(number, len(requests))
    return tuple(found)


def require_page_long(text: str) -> None:
    """Refuse a text of more characters than the page takes, before it is cut into tokens.

    Raises:
        ContextLengthError: With its length.
    """
    if len(text) > LONGEST_TEXT:
        raise ContextLengthError(
            _("A text on this page may have {most:,} characters.").format(most=LONGEST_TEXT),
            # Translators: It is the text, the number one of characters.
            found=_("It has {n:,}.").format(n=len(text)),
            fix=_("Shorten the text."),
        )


def require_short(n_tokens: int) -> None:
    """Refuse a text of more tokens than the page can draw.

    Raises:
        ContextLengthError: With its length.
    """
    if n_tokens > MOST_TOKENS:
        raise ContextLengthError(
            _("The text is too long for this page, which draws every head of both models."),
            found=ngettext(
                "It has {n:,} token; the page takes {most}.",
                "It has {n:,} tokens; the page takes {most}.",
                n_tokens,
            ).format(n=n_tokens, most=MOST_TOKENS),
            fix=_("Shorten the text."),
        )
