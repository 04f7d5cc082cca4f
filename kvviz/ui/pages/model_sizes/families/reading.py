"""A text as one decoder reads it: its beginning at once, then a token a step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kvviz.errors import KvvizError, RunCancelledError
from kvviz.player.lives import lives
from kvviz.trace import CacheComparison, ModelCard
from kvviz.translation import gettext as _
from kvviz.ui.pages.model_sizes.families.at_hand import Decoder
from kvviz.ui.shell.environment import Environment
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.model_store import model_store
from kvviz.ui.work.run_settings import RunSettings

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel

AT_ONCE = 1 / 3
"""Share of the text that is read in the prefill, up to the end of a word."""


@dataclass(frozen=True, eq=False)
class Life:
    """What became of the rows in some layers.

    Attributes:
        spans: As `kvviz.player.lives.life_spans` packs them.
        n_layers: In so many layers.
        window: Positions that a query of these layers sees, where other layers see others; else 0.
        n_evicted: Rows of one KV head of such a layer that were gone in the end.
    """

    spans: np.ndarray[Any, np.dtype[np.int32]]
    n_layers: int
    window: int
    n_evicted: int


@dataclass(frozen=True, eq=False)
class Reading:
    """What was observed of one decoder that read the text.

    Attributes:
        decoder: Which one.
        card: Its shape, as it is loaded.
        tokens: The tokens, as they read in the text.
        special: Which of them stand for no text.
        ends: The character of the text up to which each token reads.
        n_first: Tokens that the prefill read.
        cache_bytes: Bytes of the cache after each step, measured.
        lives: Those that rows of its layers have, each once.
        difference: The largest difference of any logit at any step, with the cache and without.
        is_proven: Whether every row kept the very bits that it was written with.
    """

    decoder: Decoder
    card: ModelCard
    tokens: tuple[str, ...]
    special: tuple[bool, ...]
    ends: tuple[int, ...]
    n_first: int
    cache_bytes: tuple[int, ...]
    lives: tuple[Life, ...]
    difference: float
    is_proven: bool

    @property
    def n_tokens(self) -> int:
        """Tokens that the text is cut into; each has a row in every layer that keeps it."""
        return len(self.tokens)

    @property
    def n_rows(self) -> int:
        """Rows that are there in the end, over all layers and not their KV heads."""
        return sum(life.n_layers * (self.n_tokens - life.n_evicted) for life in self.lives)

    @property
    def bytes_per_token(self) -> float:
        """Bytes that the cache holds in the end for a token that was read."""
        return self.cache_bytes[-1] / self.n_tokens

    def step_at(self, end: int) -> int:
        """Return the step after which the text is read up to a character."""
        return max(sum(one <= end for one in self.ends) - self.n_first, 0)


@dataclass(frozen=True)
class Failure:
    """A decoder that could not read the text.

    Attributes:
        decoder: Which one.
        error: Why.
    """

    decoder: Decoder
    error: KvvizError


def settings_of(decoder: Decoder) -> RunSettings:
    """Return what loads a decoder: in float32, in which families are compared."""
    return RunSettings(model=decoder.name, device=Environment.read().device, dtype="float32")


def read(text: str, wanted: tuple[Decoder, ...], job: Job) -> tuple[Reading | Failure, ...]:
    """Let decoders read a text, one after the other.

    Raises:
        RunCancelledError: If the person cancelled it.
    """
    found: list[Reading | Failure] = []
    for number, decoder in enumerate(wanted):

        def report(done: int, n_steps: int, number: int = number) -> None:
            # Each takes its own time; one part for each is what can be known.
            job.report(round(100 * (number + done / n_steps)), 100 * len(wanted))

        try:
            found.append(_reading(text, decoder, job, report))
        except RunCancelledError:
            raise
        except KvvizError as error:
            found.append(Failure(decoder, error))
    return tuple(found)


def _reading(text: str, decoder: Decoder, job: Job, report: Any) -> Reading:
    model = model_store().get(settings_of(decoder))
    report(0, 1)
    ends, special = ends_of(model, text)
    both = compared(model, text, job, report)
    run = both.cached
    packed = dict(lives("on", run, len(run.steps)))
    spans, life_of = packed["on.lives"], packed["on.life_of"][:, 0]
    windows = model.card.windows or (0,) * model.card.n_layers
    kept = run.live(len(run.steps) - 1, 0).shape[1]
    told: list[Life] = []
    for life in range(int(life_of.max()) + 1):
        layers = np.flatnonzero(life_of == life)
        live = run.live(len(run.steps) - 1, int(layers[0]))[0].sum()
        own = spans[spans[:, 0] == life][:, 1:]
        window = windows[layers[0]] if life_of.max() else 0
        told.append(Life(own, layers.size, window, kept - int(live)))
    return Reading(
        decoder=decoder,
        card=model.card,
        tokens=run.tokens_in_place[: run.n_rows],
        special=special,
        ends=ends,
        n_first=run.n_prompt,
        cache_bytes=tuple(step.cache_bytes for step in run.steps),
        lives=tuple(told),
        difference=both.max_logit_difference,
        is_proven=run.reuse_is_proven,
    )


def compared(model: LoadedModel, text: str, job: Job, report: Any) -> CacheComparison:
    """Read a text with the cache and without, and compare.

    Raises:
        RunCancelledError: If the person cancelled it.
    """
    from kvviz.engine import trace_both

    ends, _special = ends_of(model, text)
    first = max(1, sum(end <= beginning(text) for end in ends))
    both = trace_both(
        model, text, max_new_tokens=1, first=first, progress=report, cancel=job.cancelled
    )
    if job.cancelled():
        raise RunCancelledError(_("Cancelled: nothing was kept of it."))
    return both


def ends_of(model: LoadedModel, text: str) -> tuple[tuple[int, ...], tuple[bool, ...]]:
    """Return up to which character each token reads, and which tokens stand for no text."""
    ids, whole = model.begun_ids(text), model.tokenize_whole(text)
    own = whole.spans[~whole.special, 1]
    ends = np.maximum.accumulate(np.concatenate([np.zeros(len(model.first_ids), int), own]))
    # White space at the end may belong to no token.
    ends[-1] = len(text)
    return tuple(ends.tolist()), tuple(token_id in model.special_ids for token_id in ids)


def beginning(text: str) -> int:
    """Return the character up to which the prefill reads: the end of a word about a third in."""
    wanted = round(len(text) * AT_ONCE)
    ends = [at for at, character in enumerate(text) if character.isspace() and at > 0]
    return min([*ends, len(text)], key=lambda end: abs(end - wanted))


def stops(readings: tuple[Reading, ...]) -> tuple[int, ...]:
    """Return the characters at which every decoder has read the same text, and no more.

    They are those at which a token of each of them ends, from where all have read their beginning.
    """
    common = set.intersection(*(set(one.ends) for one in readings))
    first = max(one.ends[one.n_first - 1] for one in readings)
    last = min(one.ends[-1] for one in readings)
    return tuple(sorted({end for end in common if end >= first} | {last}))
