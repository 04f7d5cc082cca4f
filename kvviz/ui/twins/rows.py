"""Why BERT cannot cache: append a word or edit one, and see which rows change in each model."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kvviz.analysis import RowChanges, row_changes
from kvviz.errors import OptionsError
from kvviz.trace import EncodingTrace
from kvviz.ui.plain_text import visible
from kvviz.ui.twins.asking import Part, ask, verdict
from kvviz.ui.twins.payload import ChangedRows, Pair
from kvviz.ui.twins.picture import picture
from kvviz.ui.twins.readings import NOTES, Desk, Wish
from kvviz.ui.twins.state import PREFIX

NONE, ONE, LATER, ALL = "none", "one", "from the edit on", "all"


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
    """Return a text with a word at its end, a space between them."""
    space = "" if text[-1:].isspace() or not text else " "
    after = f"{text}{space}{word}"
    return Change(text, after, len(text), len(after))


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


def draw_append(desk: Desk, card: DeltaGenerator) -> None:
    """Draw the experiment in which a word is appended."""
    with card:
        word = st.text_input(
            "Word to append", key=f"{PREFIX}word", max_chars=60, width=320, persist_state="session"
        )
    desk.state.change(word=word)
    if not word.strip():
        raise OptionsError("There is no word to append.", fix="Type one.")
    change = appended(desk.settings.text, word.strip())
    compare(desk, card, change, "append", (NONE, ONE, ALL))


def draw_edit(desk: Desk, card: DeltaGenerator) -> None:
    """Draw the experiment in which a word becomes another."""
    (whole,) = desk.read(Wish("gpt2", desk.settings.text))
    with card, st.container(horizontal=True, gap="small", key="kvviz-edit"):
        at = choose_token(whole, "Token to edit", "at", desk.settings.at)
        by = st.text_input(
            "becomes", key=f"{PREFIX}by", max_chars=60, width=220, persist_state="session"
        )
    desk.state.change(by=by, at=at)
    if not by.strip():
        raise OptionsError("There is no word to put in its place.", fix="Type one.")
    change = edited(whole, at, by.strip())
    if change.after == change.before:
        raise OptionsError("That is the word which stands there.", fix="Type another one.")
    compare(desk, card, change, "edit", (NONE, ONE, LATER, ALL))


def choose_token(
    encoding: EncodingTrace,
    label: str,
    name: str,
    wanted: int,
    positions: list[int] | None = None,
) -> int:
    """Draw a list of the tokens of a text and return the position of the chosen one.

    Args:
        encoding: The text.
        label: What is chosen.
        name: Name of the setting.
        wanted: The position that is asked for; the nearest there is where it cannot be had.
        positions: Which tokens can be chosen; all if None.
    """
    offered = positions if positions is not None else list(range(encoding.n_tokens))
    if wanted not in offered:
        wanted = min(offered, key=lambda place: abs(place - wanted))
    return st.selectbox(
        label,
        offered,
        index=offered.index(wanted),
        key=f"{PREFIX}{name}:{encoding.model.name}:{encoding.text}",
        format_func=lambda place: f"{place} · {visible(encoding.tokens[place]).replace(' ', '␣')}",
        width=220,
    )


def compare(
    desk: Desk, card: DeltaGenerator, change: Change, question: str, options: tuple[str, ...]
) -> None:
    """Draw the question, the maps of changed rows, and the patterns of the new text."""
    names = desk.names()
    before_left, before_right, left, right = desk.read(
        Wish("gpt2", change.before),
        Wish("bert", change.before),
        Wish("gpt2", change.after),
        Wish("bert", change.after),
    )
    rows = ChangedRows(row_changes(before_left, left), row_changes(before_right, right))
    marks = (marked(left, change), marked(right, change))
    n_before, n_after = before_left.n_tokens, left.n_tokens
    pair = Pair(
        left,
        right,
        names,
        (NOTES["gpt2"], NOTES["bert"]),
        marks,
        (rows,),
        "columns = positions · compared bit by bit with the run before the change",
    )
    parts = [Part(name, options) for name in names]
    position = marks[0][0] if marks[0] else 0
    words = {
        "token": visible(change.before[change.start : change.start + 40]).strip(),
        "word": visible(change.after[change.start : change.end]).strip(),
        "position": position,
        "n_left": before_left.n_tokens,
        "n_right": before_right.n_tokens,
        "layer": last_layer(left.model.n_layers, right.model.n_layers),
    }
    if question == "edit":
        words["token"] = visible(before_left.tokens[position]).strip()
    with card:
        answers = ask(desk.state, question, (change.after, change.before, *names), parts, **words)
        if answers is not None:
            right_ones = [
                right_answers(side, options, place[0] if place else 0)
                for side, place in ((rows.left, marks[0]), (rows.right, marks[1]))
            ]
            found = {"left": names[0], "right": names[1], "layer": words["layer"]}
            for which, side, place in (
                ("left", rows.left, marks[0]),
                ("right", rows.right, marks[1]),
            ):
                last = side.changed[-1]
                before = last[: place[0]] if place else last
                found |= {
                    which + "_n": f"{last.sum():,}",
                    which + "_of": f"{last.size:,}",
                    which + "_before": "none" if not before.any() else f"{before.sum():,}",
                }
            verdict(question, answers, parts, right_ones, **found)
            if n_after - n_before != (1 if question == "append" else 0):
                st.caption(
                    f"The change is not one token for one: GPT-2 reads {n_after} tokens where it "
                    f"read {n_before}. Rows are compared position by position all the same."
                )
    picture(desk, pair, veiled=answers is None)


def last_layer(left: int, right: int) -> str:
    """Name the last layer of two models of so many layers."""
    if left == right:
        return f"layer {left - 1}"
    return f"its last layer, {left - 1} in the one and {right - 1} in the other"


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
