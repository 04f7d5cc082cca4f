"""The mask decides, not the name: the same weights under the other mask."""

from __future__ import annotations

from typing import get_args

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kvviz.analysis import RowChanges, row_changes
from kvviz.lessons import lessons
from kvviz.trace import EncodingTrace
from kvviz.trace.encoding import Mask
from kvviz.translation import N_, ngettext
from kvviz.translation import gettext as _
from kvviz.ui.pages.bert_vs_gpt2.payload import ChangedRows, Pair
from kvviz.ui.pages.bert_vs_gpt2.picture import picture
from kvviz.ui.pages.bert_vs_gpt2.readings import ReadRequest, Which, Workbench
from kvviz.ui.pages.bert_vs_gpt2.rows import appended, counted, marked, word_to_append
from kvviz.ui.parts import card_texts
from kvviz.ui.parts.experiment import Choice, Experiment, Verdict
from kvviz.ui.parts.tables import table
from kvviz.ui.shell.plain_text import plain_html, visible
from kvviz.ui.work.jobs import Job

YES, NO = "yes", "no"
MASKS = {"causal": N_("looks back"), "bidirectional": N_("looks both ways")}
OWN_AND_OTHER: dict[Which, tuple[Mask, Mask]] = {
    "gpt2": ("causal", "bidirectional"),
    "bert": ("bidirectional", "causal"),
}

Both = tuple[RowChanges, RowChanges]
Readings = tuple[EncodingTrace, EncodingTrace]


def draw(bench: Workbench, card: DeltaGenerator) -> None:
    """Draw the experiment."""
    names = bench.names()
    word = word_to_append(bench, card)
    change = appended(bench.settings.text, word)
    requests = [
        ReadRequest(which, text, masks[of])
        for of in (0, 1)
        for text in (change.before, change.after)
        for which, masks in OWN_AND_OTHER.items()
    ]
    own_before, own_after, swapped_before, swapped_after = _in_pairs(bench.read(*requests))
    own = changed(own_before, own_after)
    swapped = changed(swapped_before, swapped_after)
    answers = {YES: _("yes"), NO: _("no")}
    experiment = Experiment(
        "masks",
        [Choice(answers, name) for name in names],
        lambda _found: told(swapped, names),
        words={"left": names[0], "right": names[1], "word": visible(word)},
        about=(change.after, *names),
    )
    with card:
        done = experiment.draw()
    left, right = swapped_after
    pair = Pair(
        left,
        right,
        names,
        (_("its mask taken away"), _("with a causal mask")),
        (marked(left, change), marked(right, change)),
        (
            ChangedRows(*own, _("As trained"), _sides(own_after)),
            ChangedRows(*swapped, _("Masks swapped, the same weights"), _sides(swapped_after)),
        ),
        _("a word appended; compared bit by bit with the run before"),
    )
    picture(bench, pair, veiled=done is None)
    if done is not None:
        losses(bench, change.after, own, swapped, names)


def told(swapped: Both, names: tuple[str, str]) -> Verdict:
    """Return whether either model could keep a cache under the other's mask.

    Rows are counted as the map and the table below count them: all that were there before.
    """
    found: dict[str, object] = {"left": names[0], "right": names[1]}
    for which, rows in zip(("left", "right"), swapped, strict=True):
        found |= {
            which + "_n": f"{rows.n_rows - rows.n_changed:,}",
            which + "_of": counted(rows.n_rows),
            which + "_rest": rest(rows),
            # Translators: Said of a cache: exact, where all rows before the new word were kept.
            which + "_cache": _("exact") if keeps(rows) == YES else _("impossible"),
        }
    return Verdict([{keeps(rows)} for rows in swapped], found)


def rest(rows: RowChanges) -> str:
    """Say which rows changed although a cache would be exact; nothing where it would not be."""
    n = rows.n_changed
    if keeps(rows) == NO or not n:
        return ""
    # Translators: A part of "the model kept 138 of its 144 rows …, and the other …".
    return ngettext(
        " (the other {n:,} is where another token stands now)",
        " (the other {n:,} are where another token stands now)",
        n,
    ).format(n=n)


def changed(before: Readings, after: Readings) -> Both:
    """Compare the rows of both models."""
    return row_changes(before[0], after[0]), row_changes(before[1], after[1])


def _in_pairs(found: tuple[EncodingTrace, ...]) -> list[Readings]:
    return [(found[i], found[i + 1]) for i in range(0, len(found), 2)]


def _sides(pair: Readings) -> tuple[str, str]:
    return _(MASKS[pair[0].mask]), _(MASKS[pair[1].mask])


def keeps(rows: RowChanges) -> str:
    """Return whether a cache could be kept: whether every row before the new token is the same."""
    before_the_new = first_other(rows)
    return NO if rows.changed[:, :before_the_new].any() else YES


def first_other(rows: RowChanges) -> int:
    """Return the first position with another token, such as a [SEP] that moved away."""
    other = rows.other_token.nonzero()[0]
    return int(other[0]) if other.size else rows.changed.shape[1]


def losses(bench: Workbench, text: str, own: Both, swapped: Both, names: tuple[str, str]) -> None:
    """Draw what becomes of the predictions."""
    words = _("Scoring every token under both masks")
    found = bench.result(bench.task("losses", text, words, lambda job: _score(bench, text, job)))
    caption = lessons().caption("masks-swapped")
    lines: list[list[str]] = []
    for number, (which, masks) in enumerate(OWN_AND_OTHER.items()):
        for rows, mask, name in (
            (own[number], masks[0], _("{model}, as trained")),
            (swapped[number], masks[1], _("{model}, swapped")),
        ):
            lines.append(
                [
                    name.format(model=names[number]),
                    _(MASKS[mask]),
                    _("{n:,} of {all:,}").format(n=rows.n_changed, all=rows.n_rows),
                    _("yes") if keeps(rows) == YES else _("no"),
                    f"{found[which, mask]:.2f}",
                ]
            )
    heading = _("The same weights, two masks")
    sentence = plain_html(suffered(found, names))
    with bench.above, st.container(border=True, key="kvviz-card-masks"):
        st.html(
            f"{card_texts.heading(heading)}"
            f'<p class="kvviz-told" data-kvviz="losses">{sentence}</p>'
            f'<p class="kvviz-body">{plain_html(caption.text)}</p>'
            + table(
                "mask-losses",
                [
                    _("model"),
                    _("mask"),
                    _("earlier rows changed"),
                    _("a cache?"),
                    _("loss, nats a token"),
                ],
                lines,
            )
            + card_texts.source(caption.source)
        )


def suffered(found: dict[tuple[str, str], float], names: tuple[str, str]) -> str:
    """Say in a sentence what became of both models' losses under the other mask."""
    parts: list[str] = []
    fell = False
    for name, (which, (own, other)) in zip(names, OWN_AND_OTHER.items(), strict=True):
        before, after = found[which, own], found[which, other]
        # Translators: This and the next two are parts of "Under the other mask {left} and {right}".
        part = _("the loss of {model} rose from {before} to {after}")
        if f"{before:.2f}" == f"{after:.2f}":
            part = _("the loss of {model} stayed at {after}")
        elif after < before:
            fell = True
            part = _("the loss of {model} fell from {before} to {after}")
        parts.append(part.format(model=name, before=f"{before:.2f}", after=f"{after:.2f}"))
    told = _("Under the other mask {left} and {right} nats a token.").format(
        left=parts[0], right=parts[1]
    )
    if not fell:
        return told
    by_chance = _("One text may come out so by chance, a short one above all: try a longer one.")
    return f"{told} {by_chance}"


def _score(bench: Workbench, text: str, job: Job) -> dict[tuple[str, str], float]:
    """Return the mean loss in nats of each model under each mask, by what it was trained to do."""
    from kvviz.engine import log_likelihood, pseudo_log_likelihood

    found: dict[tuple[str, str], float] = {}
    gpt2, bert = bench.model("gpt2"), bench.model("bert")
    ways = ((gpt2, log_likelihood), (bert, pseudo_log_likelihood))
    n_whole = 0
    for model, score in ways:
        ids = model.tokenize(text)
        for mask in get_args(Mask):

            def forward(done: int, n_tokens: int, before: int = n_whole) -> None:
                job.report(before * n_tokens + done, 4 * n_tokens)

            scores = score(model, ids, mask=mask, progress=forward, cancel=job.cancelled)
            found[model.card.family, mask] = -scores.mean
            n_whole += 1
    return found
