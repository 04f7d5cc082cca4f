"""Several prompts decoded together in one pool of blocks, and each by itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from kvviz.errors import ContextLengthError, OptionsError, PromptError
from kvviz.translation import gettext as _
from kvviz.translation import ngettext
from kvviz.ui.work.equal_work import Asker
from kvviz.ui.work.run_settings import RunSettings
from kvviz.ui.work.shown_run import ShownRun

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel
    from kvviz.trace import BatchTrace, GenerationTrace

MOST_PROMPTS, MOST_PROMPT_TOKENS = 8, 128
N_TIMINGS = 2
"""How often all of it is done; the least time of each way counts."""


@dataclass(frozen=True, eq=False)
class SeveralRuns:
    """What came of some prompts.

    Attributes:
        batch: The runs together.
        shown: Each of them, as the player shows it.
        alone: Each by itself, in blocks of a pool of its own.
        seconds: Time of all passes, together and one run after another; the least of several.
    """

    batch: BatchTrace
    shown: tuple[ShownRun, ...]
    alone: tuple[GenerationTrace, ...]
    seconds: tuple[float, float]

    @cached_property
    def n_same(self) -> int:
        """Runs that wrote the same tokens both ways."""
        return sum(
            one.token_ids.tolist() == other.token_ids.tolist()
            for one, other in zip(self.batch.runs, self.alone, strict=True)
        )

    @property
    def reserved_share(self) -> float:
        """Share of rooms for the whole context that holds rows at the fullest step, 0 to 1.

        There is a room for each run that is under way then, and each row of it is its own.
        """
        step = self.batch.steps[self.batch.fullest]
        n_places = len(step.n_rows) * self.batch.runs[0].model.n_ctx
        return sum(step.n_rows.values()) / n_places

    @property
    def n_copied(self) -> int:
        """Blocks that were copied before a run wrote to them."""
        return sum(len(self.batch.copied(number)) for number in range(len(self.batch.steps)))


def prompts_of(text: str) -> list[str]:
    """Return the prompts that were typed, one a line.

    Raises:
        PromptError: If there are none.
        OptionsError: If there are too many.
    """
    found = [line.strip() for line in text.splitlines() if line.strip()]
    if not found:
        raise PromptError(_("There is no prompt."), fix=_("Type some, each on a line of its own."))
    if len(found) > MOST_PROMPTS:
        raise OptionsError(
            _("These are too many prompts to be told apart."),
            found=ngettext("Found {n} line.", "Found {n} lines.", len(found)).format(n=len(found)),
            fix=_("Take {most} of them or fewer.").format(most=MOST_PROMPTS),
        )
    return found


def make(
    model: LoadedModel, asker: Asker, settings: RunSettings, text: str, new: int, apart: int
) -> SeveralRuns:
    """Run the prompts together and one by one; for use on a worker thread.

    Args:
        model: A decoder all of whose layers see every position.
        asker: Who waits for it.
        settings: How the model was asked for.
        text: The prompts, one a line.
        new: Tokens to write behind each.
        apart: Steps after which the next prompt comes.

    Raises:
        KvvizError: What the engine raises, `ContextLengthError` also where a prompt is too long.
    """
    from kvviz.engine import caches, trace_batch, trace_generation

    prompts = prompts_of(text)
    for number, prompt in enumerate(prompts, start=1):
        check_length(model, prompt, number)
    n_all = 2 * N_TIMINGS * len(prompts) * new
    batches: list[BatchTrace] = []
    alone: list[list[GenerationTrace]] = []
    for turn in range(N_TIMINGS):
        n_done = 2 * turn * len(prompts) * new

        def tell(done: int, _most: int, before: int = n_done) -> None:
            asker.report(before + done, n_all)

        batches.append(
            trace_batch(
                model,
                prompts,
                max_new_tokens=new,
                joins=[apart * number for number in range(len(prompts))],
                progress=tell,
                cancel=asker.cancelled,
            )
        )
        runs: list[GenerationTrace] = []
        for number, prompt in enumerate(prompts):
            before = n_done + (len(prompts) + number) * new
            runs.append(
                trace_generation(
                    model,
                    prompt,
                    max_new_tokens=new,
                    cache=caches.Paged(),
                    progress=lambda done, most, before=before: tell(done, most, before),
                    cancel=asker.cancelled,
                )
            )
        alone.append(runs)
    asked = [
        RunSettings(settings.model, prompt, new, device=settings.device, dtype=settings.dtype)
        for prompt in prompts
    ]
    return SeveralRuns(
        batches[-1],
        tuple(map(ShownRun, asked, batches[-1].runs)),
        tuple(alone[-1]),
        (
            min(batch.seconds for batch in batches),
            min(sum(step.seconds for run in runs for step in run.steps) for runs in alone),
        ),
    )


def check_length(model: LoadedModel, prompt: str, number: int) -> None:
    """Refuse a prompt that is too long to be one of several.

    Raises:
        ContextLengthError: If it is.
    """
    n = len(model.tokenize(prompt))
    if n > MOST_PROMPT_TOKENS:
        raise ContextLengthError(
            _("Prompt {number} is too long to be one of several here.").format(number=number),
            found=_("It has {n:,} tokens, and {most:,} are the most.").format(
                n=n, most=MOST_PROMPT_TOKENS
            ),
            fix=_("Take a part of it."),
        )
