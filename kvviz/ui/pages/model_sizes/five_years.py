"""Five years of caches: GPT-2 mini beside Llama mini on one text, and a row put elsewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from kvviz.lessons import lessons
from kvviz.translation import N_
from kvviz.translation import gettext as _
from kvviz.ui.pages.model_sizes.choice import PREFIX
from kvviz.ui.pages.model_sizes.turned_pairs import Pairs, pairs_picture
from kvviz.ui.parts.experiment import Choice, Experiment, Verdict, Work
from kvviz.ui.parts.quantity import in_bytes
from kvviz.ui.shell.errors_shown import bounded
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.work import runs
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.model_names import called
from kvviz.ui.work.model_store import model_store
from kvviz.ui.work.run_settings import RunSettings

OLD, NEW = "kvviz/gpt2-mini", "kvviz/llama-mini"
LONGEST_TEXT = 4000
N_PLACES = 100

SAME_ROW = 1e-3
"""Rows this near are one but for rounding. In float32 the angle at place 1,000 is off by 6e-5, and
six layers and their sums add to that; a row that is really another is off by a tenth and more."""

WORSE = {
    0: N_("not at all: as well or better"),
    5: N_("by up to 5 %"),
    15: N_("by 5 to 15 %"),
    100: N_("by more than 15 %"),
}
BOTH, ONE, NEITHER = "both", "one", "neither"


@dataclass(frozen=True)
class TextRead:
    """What a model made of a text.

    Attributes:
        model: Its name.
        row_bytes: Bytes of the cache a token, of the tensors that hold it.
        nats: Mean loss, in nats a token.
        bits: The same loss, in bits a character.
        n_scored: Tokens that were scored.
        first_share: For each layer the mean share of attention that its heads give to position 0,
            from the third query on.
    """

    model: str
    row_bytes: int
    nats: float
    bits: float
    n_scored: int
    first_share: tuple[float, ...]


def draw() -> None:
    """Draw the section: a text to type, and what the two models make of it."""
    st.header(_("Five years of caches"), anchor=False)
    st.html(f'<p class="kvviz-body">{plain_html(lessons().caption("five-years").text)}</p>')
    st.session_state.setdefault(f"{PREFIX}text", lessons().texts[0].text)
    text = st.text_area(
        _("A text for both"),
        key=f"{PREFIX}text",
        max_chars=LONGEST_TEXT,
        persist_state="session",
    ).strip()
    _experiments(text)


@bounded
def _experiments(text: str) -> None:
    five_years(text).draw()
    positions(text).draw()


def five_years(text: str) -> Experiment:
    """Return the experiment that reads a text with both models."""
    return Experiment(
        "five-years",
        [Choice({limit: _(words) for limit, words in WORSE.items()})],
        told,
        words={"old": called(OLD), "new": called(NEW)},
        about=text,
        work=Work(
            "five-years",
            text,
            _("Both models read the text"),
            lambda job: [text_read(name, text, job) for name in (OLD, NEW)],
        ),
    )


def text_read(name: str, text: str, job: Job) -> TextRead:
    """Run a text through a model, watched, and score every token of it but the first.

    Both models are asked for the same tokens: what stands first a GPT-2 has nothing to tell by.
    """
    from kvviz.engine import log_likelihood

    settings = RunSettings(model=name, prompt=text, new=1)
    model = model_store().get(settings)
    trace = runs.run(model, settings, job, both=False).trace
    words = model.tokenize(text)
    first = len(model.first_ids)
    places = range(first + 1, first + len(words))
    scores = log_likelihood(
        model, [*model.first_ids, *words], positions=places, cancel=job.cancelled
    )
    n_characters = len(model.text_of(words[1:], goes_on=True))
    n_layers, n_heads = trace.model.n_layers, trace.model.n_heads
    shares = [
        np.mean([np.nanmean(trace.pattern(layer, head)[2:, 0]) for head in range(n_heads)])
        for layer in range(n_layers)
    ]
    return TextRead(
        name,
        trace.steps[0].cache_bytes // len(trace.steps[0].computed),
        -scores.mean,
        -scores.total / math.log(2) / max(1, n_characters),
        len(scores.positions),
        tuple(float(share) for share in shares),
    )


def told(read: Sequence[TextRead]) -> Verdict:
    """Say what the smaller cache saves and what the loss is beside the older model's."""
    old, new = read
    worse = 100 * (new.nats / old.nats - 1)
    right = next(limit for limit in WORSE if worse <= limit or limit == max(WORSE))
    names = {"old": called(old.model), "new": called(new.model)}
    return Verdict(
        [{right}],
        {
            **names,
            "old_bytes": in_bytes(old.row_bytes),
            "new_bytes": in_bytes(new.row_bytes),
            "old_nats": f"{old.nats:.3f}",
            "new_nats": f"{new.nats:.3f}",
            "percent": f"{worse:+.1f} %",
        },
        [
            *(
                _("{model}: {nats:.3f} nats a token, {bits:.3f} bits a character.").format(
                    model=called(one.model), nats=one.nats, bits=one.bits
                )
                for one in read
            ),
            *(
                # Translators: {shares} are percentages, a layer each.
                _("{model} gives position 0, layer by layer: {shares}.").format(
                    model=called(one.model),
                    shares=", ".join(f"{share:.0%}" for share in one.first_share),
                )
                for one in read
            ),
        ],
        _("Measured here on {n:,} tokens of your text; the first is not scored.").format(
            n=old.n_scored
        ),
        facts={
            "old-bytes": old.row_bytes,
            "new-bytes": new.row_bytes,
            "old-nats": f"{old.nats:.6f}",
            "new-nats": f"{new.nats:.6f}",
        },
        hook="five-years",
    )


def positions(text: str) -> Experiment:
    """Return the experiment that puts the rows of a text elsewhere."""
    return Experiment(
        "moved-rows",
        [
            Choice(
                {
                    BOTH: _("in both"),
                    NEW: _("only in {model}").format(model=called(NEW)),
                    OLD: _("only in {model}").format(model=called(OLD)),
                    NEITHER: _("in neither"),
                }
            )
        ],
        told_of_moves,
        words={"old": called(OLD), "new": called(NEW), "n": N_PLACES},
        about=text,
        work=Work(
            "moved-rows",
            text,
            _("Both models read the text at two places"),
            lambda job: [moved(name, text, job) for name in (OLD, NEW)],
        ),
    )


@dataclass(frozen=True)
class Moved:
    """How far rows that a cache can offer elsewhere are from those that a run has there.

    Attributes:
        model: Its name.
        keys: For each layer the farthest key, in lengths of the one wanted.
        unturned: The same of the keys as they were kept.
        values: The same of the values.
        pairs: Pairs of numbers of one key: as kept, further on, and turned.
    """

    model: str
    keys: tuple[float, ...]
    unturned: tuple[float, ...]
    values: tuple[float, ...]
    pairs: Pairs

    @property
    def can_move(self) -> bool:
        """Whether all rows are those of a run there but for rounding."""
        return max(*self.keys, *self.values) <= SAME_ROW


def moved(name: str, text: str, job: Job) -> Moved:
    """Read a text at two places, and compare the rows that a cache can offer with those there."""
    from kvviz.engine import how_far, rows_at_two_places

    model = model_store().get(RunSettings(model=name))
    ids = [*model.first_ids, *model.tokenize(text)]
    rows = rows_at_two_places(model, ids, N_PLACES)
    job.report(1, 1)

    def farthest(offered: np.ndarray, wanted: np.ndarray) -> tuple[float, ...]:
        return tuple(float(one) for one in how_far(offered, wanted).max(axis=(1, 2)))

    return Moved(
        name,
        farthest(rows.best_keys, rows.moved_keys),
        farthest(rows.keys, rows.moved_keys),
        farthest(rows.values, rows.moved_values),
        Pairs.of(rows.keys[0, 0, -1], rows.moved_keys[0, 0, -1], rows.best_keys[0, 0, -1]),
    )


def _percent(shares: Sequence[float]) -> str:
    """Return the largest share, to a place that is not zero."""
    largest = 100 * max(shares)
    return (
        f"{largest:.0f} %"
        if largest >= 1
        else f"{np.format_float_positional(largest, 1, fractional=False)} %"
    )


def told_of_moves(read: Sequence[Moved]) -> Verdict:
    """Say in which model rows can be used elsewhere, with the differences that were measured."""
    old, new = read
    outcome = {(True, True): BOTH, (False, True): NEW, (True, False): OLD}
    right = outcome.get((old.can_move, new.can_move), NEITHER)
    return Verdict(
        [{right}],
        {
            "old": called(old.model),
            "new": called(new.model),
            "turned": _percent(new.keys),
            "unturned": _percent(new.unturned),
            "added": _percent(old.keys),
            "values": _percent(old.values),
            "n": N_PLACES,
        },
        [
            # Translators: {keys} and {values} are numbers, a layer each.
            _("{model}, farthest key of each layer: {keys}; farthest value: {values}.").format(
                model=called(one.model),
                keys=", ".join(f"{far:.1e}" for far in one.keys),
                values=", ".join(f"{far:.1e}" for far in one.values),
            )
            for one in read
        ],
        _("Measured here: each text read from position 0 and from position {n}.").format(
            n=N_PLACES
        ),
        html=pairs_picture({called(one.model): one.pairs for one in read}, N_PLACES),
        facts={
            "turned": f"{max(new.keys):.3e}",
            "unturned": f"{max(new.unturned):.3e}",
            "added": f"{max(old.keys):.3e}",
        },
        hook="moved-rows",
    )
