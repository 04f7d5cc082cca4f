"""The first experiment: one text, both models, where they look."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kvviz.analysis import HeadMeasures, head_measures
from kvviz.figures import head_comparison
from kvviz.figures.head_comparison import MEASURES, Measure
from kvviz.figures.theme import MODELS
from kvviz.lessons import lessons
from kvviz.trace import EncodingTrace
from kvviz.translation import N_, pgettext
from kvviz.translation import gettext as _
from kvviz.ui.pages.bert_vs_gpt2.payload import Pair
from kvviz.ui.pages.bert_vs_gpt2.picture import picture
from kvviz.ui.pages.bert_vs_gpt2.readings import NOTES, ReadRequest, Workbench
from kvviz.ui.pages.bert_vs_gpt2.recorded_pair import is_recorded, recorded_pair
from kvviz.ui.parts import card_texts, chart
from kvviz.ui.parts.experiment import Choice, Experiment, Verdict
from kvviz.ui.parts.figure_tag import Tag
from kvviz.ui.shell.plain_text import percent, plain_html

GLYPHS = {"circle": "●", "diamond-open": "◇"}
"""The marks of the two models, as signs in a line of text."""

NONE, SOME, MUCH = "none", N_("up to a third"), N_("more than a third")


def draw(bench: Workbench, card: DeltaGenerator) -> None:
    """Draw the experiment."""
    text, names = bench.settings.text, bench.names()
    recorded = is_recorded(bench.settings)
    if recorded:
        left, right = recorded_pair()
    else:
        left, right = bench.read(ReadRequest("gpt2", text), ReadRequest("bert", text))
    pair = plain_pair(left, right, names, recorded=recorded)
    with card:
        done = experiment(pair, is_open=recorded).draw()
    picture(bench, pair, veiled=done is None)
    if recorded:
        with bench.stage:
            said = _(
                "Recorded with {version}; it ships. Change the text, and both models read it here."
            ).format(version=version_of(left))
            st.html(f'<p class="kvviz-source" data-kvviz="recorded">{plain_html(said)}</p>')
    if done is not None:
        every_head(pair, recorded=recorded)


def plain_pair(
    left: EncodingTrace, right: EncodingTrace, names: tuple[str, str], *, recorded: bool
) -> Pair:
    """Return one text as both models read it, with nothing changed."""
    notes = _(NOTES["gpt2"]), _(NOTES["bert"])
    return Pair(left, right, names, notes, recorded=recorded)


def version_of(encoding: EncodingTrace) -> str:
    """Return with what an encoding was made."""
    return f"torch {encoding.environment.get('torch', '?')}"


def experiment(pair: Pair, *, is_open: bool) -> Experiment:
    """Return the experiment with one text.

    Args:
        pair: What was read.
        is_open: Whether it is told at once, as of the text that ships.
    """
    left, right = pair.names
    shares = [float(head_measures(side).forward.mean()) for side in (pair.left, pair.right)]
    told = {
        "left": left,
        "right": right,
        "left_share": percent(shares[0]),
        "right_share": percent(shares[1]),
    }
    answers = {NONE: pgettext("share of the attention", "none"), SOME: _(SOME), MUCH: _(MUCH)}
    return Experiment(
        "look-ahead",
        [Choice(answers, name) for name in pair.names],
        lambda _found: Verdict([{bucket(share)} for share in shares], told),
        about=(pair.left.text, *pair.names),
        is_open=is_open,
    )


def spoken(measures: dict[str, HeadMeasures], measure: Measure) -> str:
    """Return what a chart of one measure shows, in words."""
    words = MEASURES[measure]
    ranges = [
        _("{model}: {low:.1f} to {high:.1f}").format(
            model=name, low=values.min(), high=values.max()
        )
        for name, values in ((name, words.values(one, measure)) for name, one in measures.items())
    ]
    return _("Every head over its layer: {measure}. {ranges}.").format(
        measure=_(words.title), ranges="; ".join(ranges)
    )


def bucket(share: float) -> str:
    """Return the answer that a share of attention belongs to."""
    return NONE if share == 0 else SOME if share <= 1 / 3 else MUCH


def every_head(pair: Pair, *, recorded: bool) -> None:
    """Draw the three numbers of every head of both models, measured here or recorded."""
    tags: list[Tag] = ["recorded" if recorded else "measured"]
    caption = lessons().caption("every-head")
    heading = _("Every head in three numbers")
    with st.container(border=True, key="kvviz-card-heads"):
        card_texts.head(heading, caption.text)
        measures = {
            pair.names[0]: head_measures(pair.left),
            pair.names[1]: head_measures(pair.right),
        }
        marks = "".join(
            f'<span><i style="color:{colour}">{GLYPHS[symbol]}</i> {plain_html(name)}</span>'
            for name, (colour, symbol) in zip(measures, MODELS, strict=False)
        )
        st.html(f'<p class="kvviz-legend">{marks}</p>')
        for column, measure in zip(st.columns(3, gap="small"), MEASURES, strict=True):
            with column:
                chart.draw(head_comparison(measures, measure), spoken(measures, measure), tags=tags)
        st.html(card_texts.source(caption.source))
