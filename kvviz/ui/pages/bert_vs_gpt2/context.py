"""A word whose meaning is decided by what comes after it: in which model does its vector move?"""

from __future__ import annotations

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kvviz.analysis import align_tokens, vector_shift
from kvviz.errors import AlignmentError
from kvviz.figures import vector_shifts
from kvviz.lessons import lessons
from kvviz.trace import EncodingTrace
from kvviz.ui.pages.bert_vs_gpt2.readings import ReadRequest, Workbench
from kvviz.ui.pages.bert_vs_gpt2.rows import choose_token, shown_token
from kvviz.ui.pages.bert_vs_gpt2.state import PREFIX
from kvviz.ui.pages.bert_vs_gpt2.tables import table
from kvviz.ui.parts import chart
from kvviz.ui.parts.experiment import Choice, Experiment, Verdict
from kvviz.ui.shell.plain_text import plain_html


def draw(bench: Workbench, card: DeltaGenerator) -> None:
    """Draw the experiment."""
    names = bench.names()
    with card:
        left, right = st.columns(2, gap="small")
        one = left.text_input("One text", key=f"{PREFIX}one", persist_state="session")
        other = right.text_input(
            "Another that begins alike",
            key=f"{PREFIX}other",
            persist_state="session",
        )
    bench.state.change(one=one, other=other)
    readings = bench.read(
        ReadRequest("gpt2", one),
        ReadRequest("bert", one),
        ReadRequest("gpt2", other),
        ReadRequest("bert", other),
    )
    first, second = readings[:2], readings[2:]
    places = shared_words(first, second)
    usual = max(places, key=lambda place: len(first[0].tokens[place].strip()))
    chosen = bench.settings.focus
    with card:
        focus = choose_token(bench, first[0], "Word to look at", "focus", list(places), usual)
    if focus != usual or chosen is not None:
        bench.state.change(focus=focus)
    word = shown_token(first[0].tokens[focus])
    ways = ("in neither", f"only in {names[0]}", f"only in {names[1]}", "in both")
    shifts = (
        vector_shift(first[0], second[0], focus),
        vector_shift(first[1], second[1], *places[focus]),
    )
    moved = (bool(shifts[0].any()), bool(shifts[1].any()))
    right = {(False, False): ways[0], (True, False): ways[1], (False, True): ways[2]}
    told = {
        "word": word,
        "left": names[0],
        "right": names[1],
        "left_far": furthest(shifts[0]),
        "right_far": furthest(shifts[1]),
    }
    with card:
        done = Experiment(
            "context",
            [Choice.of(ways)],
            lambda _: Verdict([{right.get(moved, ways[3])}], told),
            words={"word": word},
            about=(one, other, focus, *names),
        ).draw()
    if done is None:
        return
    caption = lessons().caption("context-test")
    with st.container(border=True, key="kvviz-card-context"):
        st.html(
            '<div class="kvviz-heading" role="heading" aria-level="3">How far the vector of '
            f"“{plain_html(word)}” is apart in the two texts</div>"
            f'<p class="kvviz-body">{plain_html(caption.text)}</p>'
        )
        figure = vector_shifts(dict(zip(names, shifts, strict=True)))
        chart.draw(
            figure,
            "Cosine distance over the layers. "
            + " ".join(
                f"{name}: {furthest(shift)}, in layer {int(shift.argmax())}."
                for name, shift in zip(names, shifts, strict=True)
            ),
        )
        st.html(
            table(
                "context",
                ["model", "largest distance", "in layer", "to the last bit the same in"],
                [shift_line(name, shift) for name, shift in zip(names, shifts, strict=True)],
            )
            + f'<p class="kvviz-source">{plain_html(caption.source)}</p>'
        )


Both = tuple[EncodingTrace, ...]


def shared_words(first: Both, second: Both) -> dict[int, tuple[int, int]]:
    """Return the positions before the texts part, with BERT's positions in the first and second.

    Raises:
        AlignmentError: If the texts do not begin alike, or are the same.
    """
    ids = [encoding.token_ids for encoding in (first[0], second[0])]
    n = min(map(len, ids))
    differs = np.flatnonzero(ids[0][:n] != ids[1][:n])
    n_same = int(differs[0]) if differs.size else n
    if np.array_equal(ids[0], ids[1]):
        raise AlignmentError("The two texts are the same.", fix="Let them end in different words.")
    pairs: list[dict[int, int]] = []
    for left, right in (first, second):
        units = align_tokens(left, right)
        pairs.append({unit.left[0]: unit.right[0] for unit in units if unit.is_pair})
    shared = {
        place: (pairs[0][place], pairs[1][place])
        for place in range(n_same)
        if all(place in pair for pair in pairs)
    }
    if not shared and n_same:
        raise AlignmentError(
            "No token of the common beginning is one token in both models.",
            found="Its characters are cut in other places by the one than by the other.",
            fix="Let both texts begin with a common word.",
        )
    if not shared:
        raise AlignmentError(
            "The two texts have no beginning in common.",
            found="The word to look at has to stand before the first difference.",
            fix="Let both begin with the same words.",
        )
    return shared


def furthest(shift: np.ndarray) -> str:
    """Return the largest distance over the layers, in words."""
    return f"up to {distance(shift.max())}" if shift.any() else "0"


def distance(value: float) -> str:
    """Return a distance as it is written on the page; what is small is not called nothing."""
    return "less than 0.001" if 0 < value < 0.001 else f"{value:.3f}"


def shift_line(name: str, shift: np.ndarray) -> list[str]:
    """Return what a line of the table says of one model."""
    same = np.flatnonzero(shift == 0)
    layers = "every layer" if same.size == shift.size else _listed(same.tolist())
    if not shift.any():
        return [name, "0", "none", layers]
    return [name, distance(shift.max()), str(int(shift.argmax())), layers]


def _listed(layers: list[int]) -> str:
    if not layers:
        return "no layer"
    return ("layer " if len(layers) == 1 else "layers ") + ", ".join(map(str, layers))
