"""Teacher forcing beside free running: told the true words before each place, or left alone."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from kvviz.errors import RunCancelledError
from kvviz.lessons import lessons
from kvviz.translation import gettext as _
from kvviz.translation import ngettext, pgettext
from kvviz.ui.pages.language_modelling.glyphs import glyphs, running
from kvviz.ui.pages.language_modelling.readings import (
    MOST_FREE,
    FreeRun,
    Reading,
    compare_free,
    given_of,
)
from kvviz.ui.pages.language_modelling.recorded_lesson import recorded_lesson
from kvviz.ui.pages.language_modelling.state import TextState
from kvviz.ui.parts import cards
from kvviz.ui.parts.experiment import Choice, Experiment, Verdict, Work
from kvviz.ui.parts.figure_tag import figure_tag
from kvviz.ui.shell.errors_shown import bounded
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.work.admission import Ask
from kvviz.ui.work.model_names import called


def slider_key(state: TextState) -> str:
    """Return the key of the slider of the tokens given, another one with each text.

    A message that was sent before another text arrived says where the slider stood among the places
    of the text before. Under the same key that would be taken for the person's choice.
    """
    return f"lm:given:{state.choices_of_given}"  # not for people: a key


@st.fragment
@bounded
def draw(state: TextState) -> None:
    """Draw the question, the two ways place by place, and what they come to."""
    reading = state.reading
    if reading is None:
        return
    words = lessons()
    with st.container(border=True, key="kvviz-card-lm-forcing"):
        caption = words.caption("forcing")  # not for people: the caption's name
        st.html(f'<p class="kvviz-body">{plain_html(caption.text)}</p>')
        if not reading.cuts:
            st.info(
                _("This text has no beginning that could be given: type a few words more."),
                icon=":material/info:",
            )
            return
        n_given = choose_given(state, reading)
        n_places = min(MOST_FREE, reading.summary.n_tokens - n_given)
        settings = reading.settings
        shipped = recorded_lesson().free_for(reading, n_given)
        try:
            free: FreeRun = Work(
                "free",
                (settings, n_given, reading.made_with),
                _("Running free"),
                lambda job: compare_free(settings, n_given, job),
                Ask((settings.text,)),
                lambda: shipped,
            ).result()
        except RunCancelledError:
            return
        name, tag = called(reading.card.name), reading.tag if shipped else "measured"

        def picture(revealed: bool) -> None:
            st.html(figure_tag(tag))
            rows(free, name, revealed=revealed)

        done = experiment(free, n_given, n_places, reading).draw(picture=picture)
    if done is not None:
        numbers(free)


def experiment(free: FreeRun, n_given: int, n_places: int, reading: Reading) -> Experiment:
    """Return the experiment with one text."""
    departs_at = free.found.departs_at
    near = sorted({0, departs_at, min(3, n_places), n_places})
    return Experiment(
        "departs",
        [Choice({n: _("all of them") if n == n_places else f"{n:,}" for n in near})],
        lambda _found: Verdict([{departs_at}], told_of(free), hook="departs"),
        words={
            "n_given": f"{n_given:,}",
            "n_places": f"{n_places:,}",
            "model": called(reading.card.name),
        },
        about=reading.settings,
    )


def told_of(free: FreeRun) -> str:
    """Return how the free run left the text, and whether it ended before all places were filled."""
    found = free.found
    if found.departs_at == found.n_places:
        return _("It writes all {n:,} as they stand in the text.").format(n=found.n_places)
    at_once = found.departs_at == 0
    if not free.stopped:
        told = (
            _("It goes its own way at once.")
            if at_once
            else _("It goes its own way after {n:,} of {all:,}.")
        )
    elif found.n_written <= found.departs_at + 1:
        told = (
            _("It ends the text at once, so its row is shorter.")
            if at_once
            else _("It ends the text after {n:,} of {all:,}, so its row is shorter.")
        )
    else:
        told = (
            _("It goes its own way at once, and then ends the text, so its row is shorter.")
            if at_once
            else _(
                "It goes its own way after {n:,} of {all:,}, and then ends the text, so its row "
                "is shorter."
            )
        )
    return told.format(n=found.departs_at, all=found.n_places)


def choose_given(state: TextState, reading: Reading) -> int:
    """Draw how many tokens are given and return it."""
    key = slider_key(state)
    if st.session_state.get(key) not in reading.cuts:
        st.session_state[key] = given_of(reading, state.view.given)

    def moved() -> None:
        # Another text may have come in between.
        if key == slider_key(state):
            state.view = replace(state.view, given=int(st.session_state[key]))
            state.write_link()

    first, *others = reading.cuts
    if not others:
        return first
    with st.container(width=360, key="kvviz-given"):
        chosen = st.select_slider(
            _("Tokens given from the beginning"),
            options=list(reading.cuts),
            key=key,
            on_change=moved,
        )
    return int(chosen)


def rows(free: FreeRun, name: str, *, revealed: bool) -> None:
    """Draw the text, the forced predictions and the free run, place under place."""
    found = free.found
    true, forced, _free = free.tokens
    about = _("The text, {model} told the true words, and {model} left alone").format(model=name)
    names = _("the text"), pgettext("run", "forced"), pgettext("run", "free")
    columns = [
        f'<div class="kvviz-place" role="row"><span role="cell">{plain_html(glyphs(token))}</span>'
        + (
            cell(forced[i], right=forced[i] == true[i]) + free_cell(free, i)
            if revealed
            else '<span role="cell" class="kvviz-veiled">?</span>' * 2
        )
        + "</div>"
        for i, token in enumerate(true)
    ]
    st.html(
        f'<div class="kvviz-places" role="table" data-kvviz="departure" '
        f'data-departs-at="{found.departs_at if revealed else ""}" '
        f'data-n-places="{found.n_places}" '
        f'data-n-written="{found.n_written if revealed else ""}" '
        f'data-n-forced-right="{found.n_forced_right if revealed else ""}" '
        f'data-revealed="{str(revealed).lower()}" '
        f'aria-label="{plain_html(about)}">'
        f'<p class="kvviz-given" role="caption">{plain_html(running(free.given))}</p>'
        '<div class="kvviz-place kvviz-place-names" role="row">'
        + "".join(f'<span role="columnheader">{plain_html(one)}</span>' for one in names)
        + "</div>"
        f"{''.join(columns)}</div>"
    )


def free_cell(free: FreeRun, place: int) -> str:
    """Return what the free run wrote at a place, and nothing behind its end."""
    true, _forced, own = free.tokens
    if place >= len(own):
        ended = plain_html(_("the free run has ended"))
        return f'<span role="cell" class="kvviz-ended" title="{ended}"></span>'
    return cell(own[place], right=own[place] == true[place], gone=place >= free.found.departs_at)


def cell(token: str, *, right: bool, gone: bool = False) -> str:
    """Return one prediction: right or wrong told by sign and line, not by colour alone."""
    kind = "kvviz-right" if right else "kvviz-wrong"
    sign = plain_html(_("as in the text") if right else _("not as in the text"))
    return (
        f'<span role="cell" class="{kind}{" kvviz-gone" if gone else ""}" title="{sign}">'
        f"{plain_html(glyphs(token))}</span>"
    )


def numbers(free: FreeRun) -> None:
    """Draw what both ways come to."""
    found, words = free.found, lessons()
    forced_bits, free_bits = float(found.forced_bits.mean()), float(found.free_bits.mean())
    first, second, third = st.columns(3, gap="small")
    with first, st.container(border=True, key="kvviz-card-lm-forced", height="stretch"):
        cards.heading(
            _("{n} of {all} right, forced").format(n=found.n_forced_right, all=found.n_places),
            _(
                "{bits:.2f} bits a token: its surprise at the true words. After a slip it is told "
                "the truth and goes on from there."
            ).format(bits=forced_bits),
        )
        cards.opening(
            "lm-forced",
            [
                ngettext(
                    "Its likeliest token was the true one at {right:,} of {n:,} place.",
                    "Its likeliest token was the true one at {right:,} of {n:,} places.",
                    found.n_places,
                ).format(right=found.n_forced_right, n=found.n_places),
                _("{total:,.2f} bits / {n:,} = {bits:.3f}.").format(
                    total=found.forced_bits.sum(), n=found.n_places, bits=forced_bits
                ),
            ],
            _("Measured in one pass over the whole text, the true words before each place."),
        )
    with second, st.container(border=True, key="kvviz-card-lm-free", height="stretch"):
        cards.heading(
            _("{n} of {all} right, free").format(n=found.n_free_right, all=found.n_places),
            own_words(free_bits, forced_bits),
        )
        cards.opening(
            "lm-free",
            [
                _("{before:,} right before it departs, {after:,} after that.").format(
                    before=found.departs_at, after=found.n_free_right - found.departs_at
                ),
                *(
                    [
                        _(
                            "It wrote {n:,} of {all:,}, the last of them the end of a text. Behind "
                            "it nothing is right."
                        ).format(n=found.n_written, all=found.n_places)
                    ]
                    if free.stopped
                    else []
                ),
                _("{total:,.2f} bits / {n:,} = {bits:.3f}.").format(
                    total=found.free_bits.sum(), n=found.n_written, bits=free_bits
                ),
            ],
            _(
                "Measured in a run of its own that always takes the likeliest token, with the "
                "cache."
            ),
        )
    with third, st.container(border=True, key="kvviz-card-lm-why", height="stretch"):
        # not for people: the captions' names
        caption, forcing = words.caption("exposure-bias"), words.caption("forcing")
        question = words.question("departs")
        cards.heading(_("Why they part"), question.why)
        cards.opening(
            "lm-forcing",
            [caption.text],
            f"{forcing.source} {caption.source}",
            label=_("why train like this"),
        )


def own_words(free_bits: float, forced_bits: float) -> str:
    """Return how surprised a model was at its own words, beside the true ones."""
    if free_bits < forced_bits:
        told = _(
            "{bits:.2f} bits a token: its surprise at its own words, which it finds more likely "
            "than the true ones."
        )
    else:
        told = _(
            "{bits:.2f} bits a token: its surprise at its own words, which it finds no more likely "
            "than the true ones."
        )
    return told.format(bits=free_bits)
