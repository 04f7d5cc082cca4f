"""What the page asks the engine for: a text read as a lesson, by either kind of model.

A reading keeps what is drawn and lets the rest of the encoding go, which may be hundreds of
megabytes for a long text.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from kvviz.analysis.departure import Departure, departure
from kvviz.analysis.losses import (
    LossSummary,
    label_bits,
    label_ranks,
    loss_summary,
    objective,
)
from kvviz.analysis.words import Word, word_losses
from kvviz.errors import ModelFamilyError, PromptError, RunCancelledError
from kvviz.trace import EncodingTrace, ModelCard
from kvviz.trace.cut_characters import with_characters
from kvviz.trace.model_card import Family
from kvviz.translation import gettext as _
from kvviz.ui.pages.language_modelling.glyphs import glyphs
from kvviz.ui.pages.language_modelling.settings import TextSettings
from kvviz.ui.parts.figure_tag import Tag
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.model_names import FAMILY_NAMES
from kvviz.ui.work.model_store import model_store

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel

HIDDEN_SHARE = 0.15
"""Share of the tokens that BERT is asked for. Source: Devlin et al. (2019), section 3.1."""
N_RECORDED = 50
"""Tokens recorded at each place, so that ranks are known up to here."""
N_GUESSES = 6
"""Tokens of each place that are drawn."""
MOST_FREE = 32
"""Tokens that a free run writes at most."""
USUAL_GIVEN = 8
"""Tokens that are given to a free run where nobody has chosen."""
LATEST_CUT = 96
"""Tokens that may be given to a free run at most."""
MOST_PASSES = 8
PASSES_UP_TO_FLOPS = 2.0e10
"""A short text is read so often, for the sake of its time alone: the server's and the browser's own
work on the page falls into just this time. A pass of 12 ms has been seen to take 982. Long texts
are read as often as they stay below this number of operations together, some tenths of a second."""


@dataclass(frozen=True)
class Reading:
    """A text read by one model.

    Attributes:
        settings: What was asked for.
        card: The model's card.
        columns: One dictionary a token, as the component draws it.
        summary: What the losses come to.
        words: Words with their losses; empty for a model that was asked for hidden tokens only.
        n_right: Places where the likeliest token was the label.
        cuts: Numbers of tokens that a beginning of this text may have and stay the same tokens.
        seconds: Measured time of the pass, the least of `n_passes`.
        n_passes: How often the text was read to time it; 0 where no time is told.
        made_with: What it was recorded with where it ships, empty if it was made here.
    """

    settings: TextSettings
    card: ModelCard
    columns: list[dict[str, Any]]
    summary: LossSummary
    words: tuple[Word, ...]
    n_right: int
    cuts: tuple[int, ...]
    seconds: float = 0.0
    n_passes: int = 0
    made_with: str = ""

    @property
    def is_recorded(self) -> bool:
        """Whether it ships."""
        return bool(self.made_with)

    @property
    def tag(self) -> Tag:
        """Where its numbers come from."""
        return "recorded" if self.is_recorded else "measured"


@dataclass(frozen=True)
class FreeRun:
    """A free run beside the text it left.

    Attributes:
        found: The comparison.
        given: Text of the tokens given.
        tokens: Texts of the true, forced and free tokens; of the last as many as were written.
        stopped: Whether the model ended its text before all places were filled.
    """

    found: Departure
    given: str
    tokens: tuple[list[str], list[str], list[str]]
    stopped: bool


def read_next(settings: TextSettings, job: Job) -> Reading:
    """Read a text with a model that foresees the next token.

    Raises:
        ModelFamilyError: If the model is of another kind.
        PromptError: If the text is a single token, which leaves nothing to predict.
        RunCancelledError: If the job was cancelled.
        KvvizError: What loading and encoding raise.
    """
    from kvviz.engine import trace_encoding

    model = loaded(settings, settings.model, "gpt2", job)
    job.report(0, 1)
    encoding = trace_encoding(model, settings.text, top_k=recorded(model))
    go_on(job)
    if encoding.token_ids.size < 2:
        raise PromptError(
            _("A text of one token has no next token to learn from."),
            found=_("It is {found!r}.").format(found=encoding.tokens[0]),
            fix=_("Type a few words more."),
        )
    reading = reading_of(settings, encoding, word_losses(encoding), cuts=cuts_of(model, encoding))
    # Only the time of the others is wanted, so they record no more than they must.
    times = [encoding.seconds]
    n_passes = max(1, min(MOST_PASSES, int(PASSES_UP_TO_FLOPS // encoding.flops)))
    del encoding
    for n_done in range(1, n_passes):
        go_on(job)
        job.report(n_done, n_passes)
        times.append(trace_encoding(model, settings.text, top_k=1).seconds)
    go_on(job)
    return replace(reading, seconds=min(times), n_passes=n_passes)


def go_on(job: Job) -> None:
    """Go on unless the person wants it no more.

    Raises:
        RunCancelledError: If the job was cancelled.
    """
    if job.cancelled():
        raise RunCancelledError(
            _("The reading was cancelled."), fix=_("Press Read it to begin again.")
        )


def loaded(settings: TextSettings, name: str, family: Family, job: Job) -> LoadedModel:
    """Load the model that a part of the page asks, unless the person wants it no more.

    Raises:
        ModelFamilyError: If it is of another family.
        RunCancelledError: If the job was cancelled.
        KvvizError: What loading raises.
    """
    model = model_store().get(settings.of(name))
    go_on(job)
    require(model, family)
    return model


def read_masked(settings: TextSettings, seed: int, job: Job) -> Reading:
    """Read a text with a model that fills in hidden tokens, some of them hidden.

    Raises:
        ModelFamilyError: If the model is of another kind, or has no head that guesses tokens.
        RunCancelledError: If the job was cancelled.
        KvvizError: What loading and encoding raise.
    """
    from kvviz.engine import trace_encoding

    model = loaded(settings, settings.bert, "bert", job)
    job.report(0, 1)
    plain = trace_encoding(model, settings.text, top_k=1)
    go_on(job)
    hidden = chosen_places(plain, seed)
    encoding = trace_encoding(model, settings.text, hide=hidden, top_k=recorded(model))
    go_on(job)
    if not encoding.top_ids.shape[1]:
        raise ModelFamilyError(
            _("This BERT has no head that guesses hidden tokens."),
            found=_("{model} gives vectors only.").format(model=model.card.name),
            fix=_("Choose a BERT that was saved with its masked-language head."),
        )
    return reading_of(settings, encoding, ())


def compare_free(settings: TextSettings, n_given: int, job: Job) -> FreeRun:
    """Let a model go on from a beginning of the text, and compare.

    Raises:
        RunCancelledError: If the job was cancelled, however far the free run had come.
        KvvizError: What loading, encoding and generating raise.
    """
    from kvviz.engine import trace_encoding, trace_generation

    model = loaded(settings, settings.model, "gpt2", job)
    encoding = trace_encoding(model, settings.text, top_k=1)
    go_on(job)
    given = settings.text[: int(encoding.spans[n_given - 1, 1])]
    free = trace_generation(
        model,
        given,
        max_new_tokens=min(MOST_FREE, encoding.token_ids.size - n_given),
        progress=job.report,
        cancel=job.cancelled,
    )
    go_on(job)
    found = departure(encoding, free)
    # A part of a character is told as the token that it is in the text, or in what the model wrote.
    true = encoding.tokens_in_place[found.n_given : found.n_given + found.n_places]
    forced = [
        text if token_id == true_id else model.token_text(int(token_id))
        for text, token_id, true_id in zip(true, found.forced_ids, found.true_ids, strict=True)
    ]
    wrote = free.tokens_in_place[found.n_given : found.n_given + found.n_written]
    stopped = free.stopped == "end-of-text" and found.n_written < found.n_places
    return FreeRun(found, given, (list(true), forced, list(wrote)), stopped)


def given_of(reading: Reading, wanted: int | None) -> int:
    """Return how many tokens are given: what is wanted, brought to a beginning there is."""
    n = reading.summary.n_tokens
    aim = wanted if wanted is not None else min(USUAL_GIVEN, max(1, n // 2))
    return min(reading.cuts, key=lambda cut: abs(cut - aim))


def chosen_places(encoding: EncodingTrace, seed: int) -> tuple[int, ...]:
    """Return the positions to hide: 15 % of the tokens of the text, at least one, by the seed."""
    places = np.flatnonzero(~encoding.special)
    n_hidden = max(1, round(HIDDEN_SHARE * places.size))
    drawn = np.random.default_rng(seed).choice(places, size=n_hidden, replace=False)
    return tuple(sorted(drawn.tolist()))


def reading_of(
    settings: TextSettings,
    encoding: EncodingTrace,
    words: tuple[Word, ...],
    cuts: tuple[int, ...] = (),
) -> Reading:
    """Return what is kept of an encoding."""
    ranks = label_ranks(encoding)
    return Reading(
        settings=settings,
        card=encoding.model,
        columns=columns_of(encoding),
        summary=loss_summary(encoding),
        words=words,
        n_right=int((ranks == 1).sum()),
        cuts=cuts,
        seconds=encoding.seconds,
        n_passes=1,
    )


def columns_of(encoding: EncodingTrace) -> list[dict[str, Any]]:
    """Return one dictionary a token: what was fed, what was asked, and what was expected."""
    bits, ranks = label_bits(encoding), label_ranks(encoding)
    hidden, in_place = set(encoding.hidden_positions), _labels_in_place(encoding)
    columns: list[dict[str, Any]] = []
    for place, label in enumerate(encoding.label_ids.tolist()):
        is_asked = label >= 0
        names = {label: in_place[place]} if is_asked else {}
        special = bool(encoding.special[place])
        guesses = zip(
            encoding.top_ids[place, :N_GUESSES].tolist(),
            encoding.top_probs[place, :N_GUESSES].tolist(),
            strict=True,
        )
        columns.append(
            {
                "fed": glyphs(encoding.tokens_in_place[place]),
                "kind": "hidden" if place in hidden else "special" if special else "plain",
                "asked": glyphs(in_place[place]) if is_asked else None,
                "bits": round(float(bits[place]), 4) if is_asked else None,
                "rank": int(ranks[place]),
                "probability": float(2.0 ** -bits[place]) if is_asked else None,
                "guesses": [
                    [glyphs(names.get(i, encoding.vocabulary[i])), round(p, 6)] for i, p in guesses
                ]
                if is_asked
                else [],
            }
        )
    return columns


def cuts_of(model: LoadedModel, encoding: EncodingTrace) -> tuple[int, ...]:
    """Return after how many tokens the text may be cut, whole words if there are any.

    A beginning that the tokenizer would cut in another way is no beginning of these tokens.
    """
    ids, text = encoding.token_ids.tolist(), encoding.text
    at_words: list[int] = []
    anywhere: list[int] = []
    for n_given in range(1, min(len(ids) - 1, LATEST_CUT) + 1):
        end = int(encoding.spans[n_given - 1, 1])
        beginning = text[:end]
        if not beginning.strip() or model.tokenize(beginning) != ids[:n_given]:
            continue
        anywhere.append(n_given)
        if text[end : end + 1].isspace():
            at_words.append(n_given)
    return tuple(at_words or anywhere)


def recorded(model: LoadedModel) -> int:
    """Return how many likely tokens are recorded at each place."""
    return min(N_RECORDED, model.card.d_vocab)


def require(model: LoadedModel, family: Family) -> None:
    """Refuse a model that cannot be asked what this part of the page asks.

    Raises:
        ModelFamilyError: If it is of another family.
    """
    if model.card.family == family:
        return
    if family == "gpt2" and model.family.architecture == "decoder":
        what = _("This part knows no other model that foresees the next token than a GPT-2 yet.")
    elif family == "gpt2":
        what = _("This part needs a model that foresees the next token.")
    else:
        what = _("This part needs a model that fills in hidden tokens from both sides.")
    raise ModelFamilyError(
        what,
        found=_("{model} is a {family}.").format(model=model.card.name, family=model.family.title),
        fix=_("Choose a {family}-shaped model for it in the sidebar.").format(
            family=FAMILY_NAMES[family].title
        ),
    )


def _labels_in_place(encoding: EncodingTrace) -> tuple[str, ...]:
    """Return what is asked at each place as it reads in the text; where nothing is, no matter what.

    In its place a part of a character is told to be one, and of which.
    """
    if objective(encoding) == "next-token":
        return (*encoding.tokens_in_place[1:], "")
    # The text before tokens were hidden.
    return with_characters(
        [
            encoding.vocabulary[label] if label >= 0 else token
            for label, token in zip(encoding.label_ids.tolist(), encoding.tokens, strict=True)
        ]
    )
