"""A quarter of the bytes a token: how much worse does the newer model foretell a text?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from kvviz.analysis import RoleName, all_role_scores
from kvviz.figures.attention_map import attention_map
from kvviz.translation import N_, ngettext
from kvviz.translation import gettext as _
from kvviz.ui.pages.model_sizes.families.at_hand import decoders
from kvviz.ui.pages.model_sizes.five_years.pair import NEW, OLD, loaded, settings_of
from kvviz.ui.pages.model_sizes.five_years.paired_loss import (
    PairedLoss,
    held_out_loss,
    n_pieces,
    paired_loss,
)
from kvviz.ui.parts import chart
from kvviz.ui.parts.experiment import Choice, Experiment, Verdict, Work
from kvviz.ui.parts.quantity import NO_BREAK, in_bytes
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.work import runs
from kvviz.ui.work.admission import Ask
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.model_names import called

WORSE = {
    0: N_("not at all: as well, or better"),
    5: N_("by up to 5 %"),
    15: N_("by 5 to 15 %"),
    100: N_("by more than 15 %"),
}
"""Answers by the most percent that each means; the last one means all above."""

LOOKS: dict[RoleName, str] = {
    "previous-token": N_("looks most at the token before"),
    "first-token": N_("looks most at the first token"),
    "induction": N_("looks most at what followed the same token before"),
}
"""What is asked of the heads of each model."""


@dataclass(frozen=True)
class Look:
    """The head of a model that looks most at some place.

    Attributes:
        layer: Its layer.
        head: Its number there.
        share: Mean share of its attention that goes there, on the text.
    """

    layer: int
    head: int
    share: float


@dataclass(frozen=True, eq=False)
class TextRead:
    """What was observed of a model that read the text.

    Attributes:
        model: Its name.
        row_bytes: Bytes of its cache a token, of the tensors that hold it.
        looks: For each place the head that looks there most; none where the text has no such place.
        pattern: That of the head that looks at the first token most, NaN where it must not look.
        tokens: What its rows and columns are.
    """

    model: str
    row_bytes: int
    looks: dict[RoleName, Look]
    pattern: np.ndarray[Any, np.dtype[np.float32]]
    tokens: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Found:
    """What both models made of the text, and of stories that neither has learnt from.

    Attributes:
        read: What was observed of each, the older first.
        own: What the text costs them.
        held_out: What the stories cost them.
    """

    read: tuple[TextRead, TextRead]
    own: PairedLoss
    held_out: PairedLoss


def draw(text: str) -> None:
    """Draw the experiment, and the patterns once it is told."""
    outcome = experiment(text).draw()
    if outcome is not None:
        _patterns(outcome.found.read)


def experiment(text: str) -> Experiment:
    """Return the experiment on a text."""
    return Experiment(
        "five-years",
        [Choice({limit: _(words) for limit, words in WORSE.items()})],
        told,
        words={"old": called(OLD), "new": called(NEW), "n": _sharing()},
        about=text,
        work=Work(
            "five-years",
            text,
            _("Both models read"),
            lambda job: read_by_both(text, job),
            Ask((text,)),
        ),
    )


def _sharing() -> int:
    """Return how many query heads of the newer model share a KV head, by its config."""
    new = next(one for one in decoders() if one.name == NEW)
    return new.n_heads // new.n_kv_heads


def read_by_both(text: str, job: Job) -> Found:
    """Have both models read a text, watched, and score it and the held-out stories."""
    n = n_pieces() + 2
    read: list[TextRead] = []
    for name in (OLD, NEW):
        read.append(text_read(name, text, job))
        job.report(len(read), n)
    own = paired_loss([loaded(name) for name in (OLD, NEW)], text, job.cancelled)
    return Found((read[0], read[1]), own, held_out_loss(job, len(read), n))


def text_read(name: str, text: str, job: Job) -> TextRead:
    """Run a text through a model, watched."""
    settings = settings_of(name, text)
    trace = runs.run(loaded(name), settings, _Quietly(job), both=False).trace
    looks: dict[RoleName, Look] = {}
    for role, shares in all_role_scores(trace).items():
        layer, head = (int(one) for one in np.unravel_index(shares.argmax(), shares.shape))
        looks[role] = Look(layer, head, float(shares[layer, head]))
    at_first = looks.get("first-token", Look(0, 0, 0.0))
    return TextRead(
        name,
        trace.steps[0].cache_bytes // len(trace.steps[0].computed),
        looks,
        trace.pattern(at_first.layer, at_first.head).astype(np.float32),
        trace.tokens_in_place[: trace.n_rows],
    )


class _Quietly:
    """Who waits for a run that is a piece of a job: the job tells its own pieces."""

    def __init__(self, job: Job) -> None:
        self.cancelled = job.cancelled

    def report(self, step: int, n_steps: int, /) -> None:
        """Take in how far it is."""

    def show(self, so_far: object, /) -> None:
        """Take in what there is of it by now."""


def told(found: Found) -> Verdict:
    """Say what the smaller cache saves, and what the losses are beside the older model's."""
    old, new = found.read
    worse = found.held_out.percent_more
    right = next(limit for limit in WORSE if worse <= limit or limit == max(WORSE))
    names = {"old": called(old.model), "new": called(new.model)}
    held, own = found.held_out, found.own
    return Verdict(
        [{right}],
        {
            **names,
            "old_bytes": in_bytes(old.row_bytes),
            "new_bytes": in_bytes(new.row_bytes),
            "stories": ngettext("{n} held-out story", "{n} held-out stories", n_pieces()).format(
                n=n_pieces()
            ),
            "old_bits": f"{held.bits[0]:.3f}",
            "new_bits": f"{held.bits[1]:.3f}",
            "percent": _more(worse),
            "old_own": f"{own.bits[0]:.3f}",
            "new_own": f"{own.bits[1]:.3f}",
            "own_percent": _more(own.percent_more),
        },
        [
            *(
                _(
                    "{what}, {model}: {nats:,.2f} nats over {n:,} tokens = {a_token:.3f} a token; "
                    "divided by ln 2 and {characters:,} characters = {bits:.3f} bits."
                ).format(
                    what=what,
                    model=called(one.model),
                    nats=loss.nats[number],
                    n=loss.n_tokens,
                    a_token=loss.a_token[number],
                    characters=loss.n_characters,
                    bits=loss.bits[number],
                )
                for what, loss in ((_("Held-out stories"), held), (_("Your text"), own))
                for number, one in enumerate(found.read)
            ),
            _(
                "The first token of a text is left out, which {model} has nothing to tell by."
            ).format(model=names["old"]),
        ],
        _("Measured here, as this command does: {command}.").format(
            command=f"python -m kvviz loss --model {NEW} --text FILE"  # not for people: typed
        ),
        html=looks_table(found.read),
        facts={
            "old-bytes": old.row_bytes,
            "new-bytes": new.row_bytes,
            "old-bits": f"{held.bits[0]:.6f}",
            "new-bits": f"{held.bits[1]:.6f}",
            "old-own": f"{own.bits[0]:.6f}",
            "new-own": f"{own.bits[1]:.6f}",
        },
        hook="five-years",
    )


def _more(percent: float) -> str:
    """Return how much more or less something is, as read in a sentence."""
    if abs(percent) < 0.05:
        return _("as much")
    said = f"{abs(percent):.1f}{NO_BREAK}%"
    return (_("{percent} more") if percent > 0 else _("{percent} less")).format(percent=said)


def looks_table(read: Sequence[TextRead]) -> str:
    """Return which head of each model looks most at which place, as an HTML table."""
    names = [_("The head that …"), *(called(one.model) for one in read)]
    head = "".join(f'<th scope="col">{plain_html(name)}</th>' for name in names)
    rows = "".join(
        f'<tr data-role="{role}"><th scope="row">{plain_html(_(words))}</th>'
        + "".join(
            f'<td data-label="{plain_html(name)}">{plain_html(_look(one.looks.get(role)))}</td>'
            for name, one in zip(names[1:], read, strict=True)
        )
        + "</tr>"
        for role, words in LOOKS.items()
    )
    return (
        f'<table class="kvviz-table" data-kvviz="looks"><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _look(look: Look | None) -> str:
    if look is None:
        return _("this text has no such place")
    return _("layer {layer}, head {head}: {share:.0%}").format(
        layer=look.layer, head=look.head, share=look.share
    )


def _patterns(read: Sequence[TextRead]) -> None:
    """Draw the pattern of the head of each model that looks at the first token most."""
    for one, column in zip(read, st.columns(len(read), gap="medium"), strict=True):
        look = one.looks.get("first-token", Look(0, 0, 0.0))
        with column, st.container(border=True, key=f"kvviz-card-pattern-{_short(one.model)}"):
            title = _("{model}, layer {layer}, head {head}").format(
                model=called(one.model), layer=look.layer, head=look.head
            )
            said = _("{share:.0%} of its attention goes to the first token.").format(
                share=look.share
            )
            st.html(
                f'<div class="kvviz-heading" role="heading" aria-level="3">{plain_html(title)}'
                f'</div><p class="kvviz-body">{plain_html(said)}</p>'
            )
            figure = attention_map(one.pattern, one.tokens)
            figure.update_layout(meta={"figure": f"pattern-{_short(one.model)}"})
            chart.draw(figure, f"{title}: {said}", tags=["measured"])


def _short(model: str) -> str:
    return model.rpartition("/")[2]
