"""Why BERT cannot cache: append a word or edit one, and see which rows change in each model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kvviz.analysis import RowChanges, row_changes
from kvviz.errors import OptionsError
from kvviz.trace import EncodingTrace
from kvviz.translation import N_, ngettext, pgettext
from kvviz.translation import gettext as _
from kvviz.ui.pages.bert_vs_gpt2.payload import ChangedRows, Pair
from kvviz.ui.pages.bert_vs_gpt2.picture import picture
from kvviz.ui.pages.bert_vs_gpt2.readings import NOTES, ReadRequest, Workbench
from kvviz.ui.pages.bert_vs_gpt2.settings import TwinSettings
from kvviz.ui.pages.bert_vs_gpt2.state import PREFIX
from kvviz.ui.parts.experiment import Choice, Experiment, Verdict
from kvviz.ui.shell.plain_text import plain_html, visible

NONE, ONE, LATER, ALL = "none", "one", N_("from the edit on"), "all"
APPENDED = NONE, ONE, ALL
"""What can be said where a word is appended."""


def answers() -> dict[str, str]:
    """Return what can be said of the rows that change, in words."""
    return {
        NONE: pgettext("rows", "none"),
        ONE: pgettext("rows", "one"),
        LATER: _(LATER),
        ALL: pgettext("rows", "all"),
    }


@dataclass(frozen=True)
class Change:
    """A text before and after something was done to it.

    Attributes:
        before: The text as it was.
        after: The text as it is.
        start: First character that is new in `after`.
        end: The character after the last one that is new.
    """

    before: str
    after: str
    start: int
    end: int


def appended(text: str, word: str) -> Change:
    """Return a text with a word at its end, a space between them.

    White space at the end of the text is left out on both sides: a token of its own, it would
    become part of the new word, and so be replaced where a word is to be added.
    """
    before = text.rstrip()
    after = f"{before} {word}" if before else word
    return Change(before, after, len(before), len(after))


def word_field(label: str, name: str, width: int) -> str:
    """Draw the field of a word that an experiment needs; return what is typed there."""
    return st.text_input(
        label, key=f"{PREFIX}{name}", max_chars=60, width=width, persist_state="session"
    )


def word_to_append(bench: Workbench, card: DeltaGenerator) -> str:
    """Draw the word that is appended and return it.

    Raises:
        OptionsError: If there is none.
    """
    with card:
        word = word_field(_("Word to append"), "word", 320)
    bench.state.change(word=word)
    if not word.strip():
        raise OptionsError(_("There is no word to append."), fix=_("Type one."))
    return word.strip()


def edited(encoding: EncodingTrace, position: int, word: str) -> Change:
    """Return a text with another word in the place of a token; the space before it stays."""
    start, end = (int(place) for place in encoding.spans[position])
    old = encoding.text[start:end]
    lead = old[: len(old) - len(old.lstrip())]
    after = f"{encoding.text[:start]}{lead}{word}{encoding.text[end:]}"
    return Change(encoding.text, after, start, start + len(lead) + len(word))


def marked(encoding: EncodingTrace, change: Change) -> tuple[int, ...]:
    """Return the positions of the tokens that hold something new."""
    return tuple(
        position
        for position, (start, end) in enumerate(encoding.spans.tolist())
        if start < change.end and end > change.start
    )


def draw_append(bench: Workbench, card: DeltaGenerator) -> None:
    """Draw the experiment in which a word is appended."""
    change = appended(bench.settings.text, word_to_append(bench, card))
    compare(bench, card, change, APPENDED)


def draw_edit(bench: Workbench, card: DeltaGenerator) -> None:
    """Draw the experiment in which a word becomes another."""
    (whole,) = bench.read(ReadRequest("gpt2", bench.settings.text))
    with card, st.container(horizontal=True, gap="small", key="kvviz-edit"):
        at = choose_token(bench, whole, _("Token to edit"), "at")
        # Translators: Label of a field, after the token to edit: "[token] becomes [word]".
        by = word_field(_("becomes"), "by", 220)
    bench.state.change(by=by, at=at)
    if not by.strip():
        raise OptionsError(_("There is no word to put in its place."), fix=_("Type one."))
    change = edited(whole, at, by.strip())
    if change.after == change.before:
        raise OptionsError(_("That is the word which stands there."), fix=_("Type another one."))
    compare(bench, card, change, (NONE, ONE, LATER, ALL), token=whole.tokens[at], at=at)


def choose_token(
    bench: Workbench,
    encoding: EncodingTrace,
    label: str,
    name: str,
    positions: list[int] | None = None,
    usual: int | None = None,
) -> int:
    """Draw a list of the tokens of a text and return the position of the chosen one.

    Where the position that is asked for cannot be had it is the nearest to the usual one; if a
    link asked for it, a line says so.

    Args:
        bench: Where the position that is asked for stands.
        encoding: The text.
        label: What is chosen.
        name: Name of the setting.
        positions: Which tokens can be chosen; all if None.
        usual: The position where none is asked for; the setting's own if None.
    """
    offered = positions if positions is not None else list(range(encoding.n_tokens))
    first = int(getattr(TwinSettings(), name)) if usual is None else usual
    asked = getattr(bench.settings, name)
    wanted = first if asked is None else int(asked)
    if wanted not in offered:
        if name in bench.state.chosen_by_link and wanted != first:
            bench.state.notes += (
                # Translators: The name is that of a parameter of the link.
                _(
                    "{name} is {wanted:,}, but no token of this text that could be chosen stands "
                    "there: they stand from {first} to {last}."
                ).format(name=name, wanted=wanted, first=offered[0], last=offered[-1]),
            )
        wanted = min(offered, key=lambda place: abs(place - first))
    bench.state.chosen_by_link.discard(name)
    return st.selectbox(
        label,
        offered,
        index=offered.index(wanted),
        key=f"{PREFIX}{name}:{encoding.model.name}:{encoding.text}",
        format_func=lambda place: (
            f"{place} · {visible(encoding.tokens_in_place[place]).replace(' ', '␣')}"
        ),
        width=220,
    )


def compare(
    bench: Workbench,
    card: DeltaGenerator,
    change: Change,
    options: tuple[str, ...],
    *,
    token: str | None = None,
    at: int = 0,
) -> None:
    """Draw the question, the maps of changed rows, and the patterns of the new text.

    Args:
        bench: What the experiment works with.
        card: Where the question stands.
        change: What was done to the text.
        options: Answers to choose from.
        token: The token that was edited; None where a word was appended.
        at: Its position.
    """
    readings = bench.read(*requests(change))
    pair = compared(readings, change, bench.names())
    n_before = readings[0].n_tokens, readings[1].n_tokens
    cuts = tuple(zip(n_before, (pair.left.n_tokens, pair.right.n_tokens), strict=True))
    with card:
        done = experiment(pair, change, n_before, options, token=token, at=at).draw()
        one_for_one = pair.left.n_tokens - n_before[0] == (1 if token is None else 0)
        if done is not None and (
            not one_for_one or (token is not None and pair.marked[0] != (at,))
        ):
            said = plain_html(recut(pair.names, cuts))
            st.html(f'<p class="kvviz-body" data-kvviz="recut">{said}</p>')
    picture(bench, pair, veiled=done is None)


def requests(change: Change) -> list[ReadRequest]:
    """Return what is to be read to see what a change does: by both before it, by both after it."""
    return [
        ReadRequest(which, text)
        for text in (change.before, change.after)
        for which in ("gpt2", "bert")
    ]


def compared(
    readings: Sequence[EncodingTrace],
    change: Change,
    names: tuple[str, str],
    *,
    recorded: bool = False,
) -> Pair:
    """Return the new text as both models read it, and what became of the rows of the old one.

    Args:
        readings: What `requests` asks for.
        change: What was done to the text.
        names: What the two models are called.
        recorded: Whether it was read elsewhere.
    """
    before_left, before_right, left, right = readings
    rows = ChangedRows(row_changes(before_left, left), row_changes(before_right, right))
    return Pair(
        left,
        right,
        names,
        (_(NOTES["gpt2"]), _(NOTES["bert"])),
        (marked(left, change), marked(right, change)),
        (rows,),
        _("columns = positions · compared bit by bit with the run before the change"),
        recorded,
    )


def experiment(
    pair: Pair,
    change: Change,
    n_before: tuple[int, int],
    options: tuple[str, ...],
    *,
    token: str | None = None,
    at: int = 0,
) -> Experiment:
    """Return the experiment with one change.

    Args:
        pair: What `compared` made of it.
        change: What was done to the text.
        n_before: Tokens of the old text, as each of the two reads it.
        options: Answers to choose from.
        token: The token that was edited; None where a word was appended.
        at: Its position.
    """
    worded, names, (rows,) = answers(), pair.names, pair.changes
    return Experiment(
        "append" if token is None else "edit",
        [Choice({answer: worded[answer] for answer in options}, name) for name in names],
        lambda _found: told(pair, rows, options),
        words={
            "token": shown_token(token or ""),
            "word": visible(change.after[change.start : change.end]).strip(),
            "position": at,
            "left": names[0],
            "right": names[1],
            "n_left": counted(n_before[0]),
            "n_right": counted(n_before[1]),
            "layer": last_layer(pair.left.model.n_layers, pair.right.model.n_layers),
        },
        about=(change.after, change.before, *names),
    )


def told(pair: Pair, rows: ChangedRows, options: tuple[str, ...]) -> Verdict:
    """Return which rows of either model changed in its last layer."""
    found: dict[str, object] = {
        "left": pair.names[0],
        "right": pair.names[1],
        "layer": last_layer(pair.left.model.n_layers, pair.right.model.n_layers),
    }
    right: list[set[str]] = []
    for which, side, place in zip(
        ("left", "right"), (rows.left, rows.right), pair.marked, strict=True
    ):
        right.append(right_answers(side, options, place[0] if place else 0))
        last = side.changed[-1]
        before = last[: place[0]] if place else last
        found |= {
            which + "_n": f"{last.sum():,}",
            which + "_of": counted(last.size),
            which + "_before": pgettext("rows", "none")
            if not before.any()
            else f"{before.sum():,}",
        }
    return Verdict(right, found)


def recut(names: tuple[str, str], cuts: Sequence[tuple[int, int]]) -> str:
    """Say that the change is not one token for one, with the tokens before it and after it."""
    left, right = (
        # Translators: A part of the next message: the model now reads so many tokens.
        ngettext(
            "{model} {after:,} token where it read {before:,}",
            "{model} {after:,} tokens where it read {before:,}",
            after,
        ).format(model=name, after=after, before=before)
        for name, (before, after) in zip(names, cuts, strict=True)
    )
    return _(
        "The text is cut anew around the change, so it is not one token for one: {left} and "
        "{right}. Rows are compared position by position all the same."
    ).format(left=left, right=right)


def shown_token(token: str) -> str:
    """Return a token as a sentence names it: without the space around it, unless it is one."""
    return visible(token).strip() or visible(token).replace(" ", "␣")


def counted(n_rows: int) -> str:
    """Return a number of rows in words."""
    return ngettext("{n:,} row", "{n:,} rows", n_rows).format(n=n_rows)


def last_layer(left: int, right: int) -> str:
    """Name the last layer of two models of so many layers."""
    if left == right:
        return _("layer {layer}").format(layer=left - 1)
    return _("the last layer ({left} in the one, {right} in the other)").format(
        left=left - 1, right=right - 1
    )


def right_answers(rows: RowChanges, options: tuple[str, ...], position: int) -> set[str]:
    """Return the answers that fit what was measured in the last layer."""
    changed = rows.changed[-1]
    n_changed, n = int(changed.sum()), changed.size
    found: set[str] = set()
    if n_changed == 0:
        found.add(NONE)
    if n_changed == 1:
        found.add(ONE)
    if n_changed == n:
        found.add(ALL)
    if not changed[:position].any() and changed[position:].all() and position < n:
        found.add(LATER)
    return found & set(options) or {f"{n_changed} of {n}"}
