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
from kvviz.translation import N_, ngettext, pgettext
from kvviz.translation import gettext as _
from kvviz.ui.pages.bert_vs_gpt2.readings import ReadRequest, Workbench
from kvviz.ui.pages.bert_vs_gpt2.rows import choose_token, shown_token
from kvviz.ui.pages.bert_vs_gpt2.state import PREFIX
from kvviz.ui.parts import card_texts, chart
from kvviz.ui.parts.experiment import Choice, Experiment, Verdict
from kvviz.ui.parts.tables import table

# Translators: Answers to the question in which model the vector of a word differs.
NEITHER, ONLY, BOTH = N_("in neither"), N_("only in {model}"), N_("in both")


def draw(bench: Workbench, card: DeltaGenerator) -> None:
    """Draw the experiment."""
    names = bench.names()
    with card:
        left, right = st.columns(2, gap="small")
        one = left.text_input(_("One text"), key=f"{PREFIX}one", persist_state="session")
        other = right.text_input(
            _("Another that begins alike"),
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
        focus = choose_token(bench, first[0], _("Word to look at"), "focus", list(places), usual)
    if focus != usual or chosen is not None:
        bench.state.change(focus=focus)
    word = shown_token(first[0].tokens[focus])
    answers = {
        NEITHER: _(NEITHER),
        **{ONLY.format(model=name): _(ONLY).format(model=name) for name in names},
        BOTH: _(BOTH),
    }
    neither, only_left, only_right, both = answers
    shifts = (
        vector_shift(first[0], second[0], focus),
        vector_shift(first[1], second[1], *places[focus]),
    )
    moved = (bool(shifts[0].any()), bool(shifts[1].any()))
    right = {(False, False): neither, (True, False): only_left, (False, True): only_right}
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
            [Choice(answers)],
            lambda _found: Verdict([{right.get(moved, both)}], told),
            words={"word": word},
            about=(one, other, focus, *names),
        ).draw()
    if done is None:
        return
    caption = lessons().caption("context-test")
    heading = _("How far the vector of “{word}” is apart in the two texts").format(word=word)
    with st.container(border=True, key="kvviz-card-context"):
        card_texts.head(heading, caption.text)
        figure = vector_shifts(dict(zip(names, shifts, strict=True)))
        spoken = [
            _("Cosine distance over the layers."),
            *(
                # Translators: What of the distance: "up to 0.123".
                _("{model}: {distance}, in layer {layer}.").format(
                    model=name, distance=furthest(shift), layer=int(shift.argmax())
                )
                for name, shift in zip(names, shifts, strict=True)
            ),
        ]
        chart.draw(figure, " ".join(spoken), tags=["measured"])
        st.html(
            table(
                "context",
                [
                    _("model"),
                    _("largest distance"),
                    _("in layer"),
                    # Translators: Heads a column of layers.
                    _("to the last bit the same in"),
                ],
                [shift_line(name, shift) for name, shift in zip(names, shifts, strict=True)],
            )
            + card_texts.source(caption.source)
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
        raise AlignmentError(
            _("The two texts are the same."), fix=_("Let them end in different words.")
        )
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
            _("No token of the common beginning is one token in both models."),
            found=_("Its characters are cut in other places by the one than by the other."),
            fix=_("Let both texts begin with a common word."),
        )
    if not shared:
        raise AlignmentError(
            _("The two texts have no beginning in common."),
            found=_("The word to look at has to stand before the first difference."),
            fix=_("Let both begin with the same words."),
        )
    return shared


def furthest(shift: np.ndarray) -> str:
    """Return the largest distance over the layers, in words."""
    return _("up to {distance}").format(distance=distance(shift.max())) if shift.any() else "0"


def distance(value: float) -> str:
    """Return a distance as it is written on the page; what is small is not called nothing."""
    return _("less than 0.001") if 0 < value < 0.001 else f"{value:.3f}"


def shift_line(name: str, shift: np.ndarray) -> list[str]:
    """Return what a line of the table says of one model."""
    same = np.flatnonzero(shift == 0)
    layers = _("every layer") if same.size == shift.size else _listed(same.tolist())
    if not shift.any():
        return [name, "0", pgettext("layer", "none"), layers]
    return [name, distance(shift.max()), str(int(shift.argmax())), layers]


def _listed(layers: list[int]) -> str:
    if not layers:
        return _("no layer")
    listed = ", ".join(map(str, layers))
    return ngettext("layer {layers}", "layers {layers}", len(layers)).format(layers=listed)
