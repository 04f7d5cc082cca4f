"""A run that keeps a part of its rows, and what the full cache would say at each of its steps."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kvviz.translation import gettext as _
from kvviz.ui.pages.cache_lab.bench import Bench, read_tokens
from kvviz.ui.pages.cache_lab.control import control_words
from kvviz.ui.pages.cache_lab.judgement import Judgement, judgement
from kvviz.ui.pages.cache_lab.kept_part import KeptPart
from kvviz.ui.parts.experiment import Work
from kvviz.ui.work.equal_work import Asker
from kvviz.ui.work.run_settings import RunSettings
from kvviz.ui.work.shown_run import ShownRun

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel

N_BARS = 5
Likely = tuple[tuple[str, float], ...]
"""Likely next tokens as they are shown, with their probabilities, most likely first."""


@dataclass(frozen=True, eq=False)
class KeptRun:
    """A run, and both caches beside it on the tokens that it wrote.

    Attributes:
        shown: The run, as the player shows it.
        own: What it found likely after each step.
        full: What the full cache finds likely after the same tokens.
        along: How far it and its control are from the full cache at each step.
        words: Its way in the engine's words.
        control: Those of its control, None where it has none.
    """

    shown: ShownRun
    own: tuple[Likely, ...]
    full: tuple[Likely, ...]
    along: Judgement
    words: str
    control: str | None

    @property
    def n_prompt(self) -> int:
        """Tokens of the text."""
        return self.shown.trace.n_prompt


def run_task(bench: Bench) -> Work:
    """Return the work that makes the run."""
    wanted = bench.settings
    about = wanted.cache, wanted.text, wanted.new
    return bench.run_task("run", about, _("Writing on with a part of the rows"), make)


def make(
    model: LoadedModel, asker: Asker, settings: RunSettings, part: KeptPart, text: str, new: int
) -> KeptRun:
    """Make the run, and judge each of its steps; for use on a worker thread.

    Raises:
        KvvizError: What the engine raises; `PromptError`, `ContextLengthError` and `OptionsError`
            also where the text does not suit the page or the budget.
    """
    part.check()
    part.check_beside(len(read_tokens(model, text, new)))
    words = part.for_engine
    return written_by(model, asker, settings, text, new, words, control_words(words))


def written_by(
    model: LoadedModel,
    asker: Asker,
    settings: RunSettings,
    text: str,
    new: int,
    words: str,
    control: str | None,
) -> KeptRun:
    """Write a text on with a way of keeping rows, and judge each step; on a worker thread.

    Args:
        model: A decoder.
        asker: Who waits.
        settings: How the model is asked for.
        text: The text.
        new: Tokens to write.
        words: The way, in the engine's words.
        control: Its control likewise, None where it has none.

    Raises:
        KvvizError: What the engine raises.
    """
    from kvviz.engine import trace_encoding, trace_generation
    from kvviz.engine.caches.cache_words import cache_of

    trace = trace_generation(
        model,
        text,
        max_new_tokens=new,
        cache=cache_of(words),
        n_top=N_BARS * 2,
        progress=lambda done, _all: asker.report(done, 2 * new),
        cancel=asker.cancelled,
    )
    ids, n_prompt = trace.token_ids.tolist(), trace.n_prompt
    along = judgement(
        model,
        ids,
        [one for one in (words, control) if one is not None],
        n_prompt=n_prompt,
        progress=lambda done, n: asker.report(n + done, 2 * n),
        cancel=asker.cancelled,
    )
    # One pass with every row: the same as decoding, but for the last digits.
    read = trace_encoding(model, ids[:-1], top_k=N_BARS)
    full = tuple(
        _likely(model, read.top_ids[at].tolist(), read.top_probs[at].tolist())
        for at in range(n_prompt - 1, len(ids) - 1)
    )
    own = tuple(
        _likely(model, step.top_ids.tolist()[:N_BARS], step.top_probs.tolist()[:N_BARS])
        for step in trace.steps
    )
    asked = RunSettings(settings.model, text, new, device=settings.device, dtype=settings.dtype)
    return KeptRun(ShownRun(asked, trace), own, full, along, words, control)


def _likely(model: LoadedModel, ids: list[int], probs: list[float]) -> Likely:
    return tuple((model.token_text(one), prob) for one, prob in zip(ids, probs, strict=True))


def reading_task(bench: Bench) -> Work:
    """Return the work that feeds the second half of the text to the part and to its control."""
    part = bench.settings.cache

    def ways() -> list[str]:
        words = part.for_engine
        control = control_words(words)
        return [words] if control is None else [words, control]

    return second_half(bench, "reading", part, ways)


def second_half(bench: Bench, name: str, about: Hashable, ways: Callable[[], list[str]]) -> Work:
    """Return the work that reads half of the text and feeds the other half to ways of keeping rows.

    Args:
        bench: The page's bench.
        name: What kind of work it is.
        about: What it depends on besides the text and the model.
        ways: Returns the ways, in the engine's words; asked where the work is done.
    """
    text = bench.settings.text

    def do(model: LoadedModel, asker: Asker) -> Judgement:
        ids = read_tokens(model, text, 0)
        return judgement(
            model,
            ids,
            ways(),
            n_prompt=len(ids) // 2,
            progress=asker.report,
            cancel=asker.cancelled,
        )

    # Translators: stands before "12 of 54", tokens of the text.
    return bench.task(name, (about, text), _("Reading the second half, token by token"), do)
