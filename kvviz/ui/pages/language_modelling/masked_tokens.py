"""BERT's lesson in the same text: some tokens hidden, and only those asked for."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from kvviz.errors import ContextLengthError, KvvizError, RunCancelledError
from kvviz.lessons import lessons
from kvviz.translation import gettext as _
from kvviz.translation import ngettext
from kvviz.ui.pages.language_modelling import controls
from kvviz.ui.pages.language_modelling.readings import HIDDEN_SHARE, Reading, read_masked
from kvviz.ui.pages.language_modelling.recorded_lesson import recorded_lesson
from kvviz.ui.pages.language_modelling.settings import TextSettings
from kvviz.ui.pages.language_modelling.state import TextState
from kvviz.ui.pages.language_modelling.token_columns import token_columns
from kvviz.ui.parts.experiment import Choice, Experiment, Verdict, Work
from kvviz.ui.parts.figure_tag import figure_tag
from kvviz.ui.parts.remedies import offer
from kvviz.ui.shell.environment import Environment
from kvviz.ui.shell.errors_shown import bounded, show_error
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.work import runs
from kvviz.ui.work.admission import Ask
from kvviz.ui.work.model_names import bundled_models, called
from kvviz.ui.work.run_settings import LARGEST_SEED


@st.fragment
@bounded
def draw(state: TextState, environment: Environment) -> None:
    """Draw the question, the text with its hidden tokens, and what they teach."""
    reading = state.reading
    if reading is None:
        return
    words = lessons()
    bert = reading.settings.bert
    with st.container(border=True, key="kvviz-card-lm-masked"):
        caption = words.caption("masked-label")
        settings, seed = reading.settings, state.view.seed
        shipped = recorded_lesson().masked_for(reading, seed)
        said, tag = plain_html(caption.text), "measured" if shipped is None else shipped.tag
        st.html(f'<p class="kvviz-body">{said}</p>{figure_tag(tag)}')
        if bert == TextSettings.bert and bert not in bundled_models("bert"):
            st.info(
                _(
                    "This copy of kvviz holds no BERT, so this part is empty. Choose another model "
                    "under “Hidden tokens” in the sidebar and press Read it."
                ),
                icon=":material/info:",
            )
            return
        try:
            environment.require(bert, typed_here=runs.is_local_visitor())
            masked: Reading = Work(
                "masked",
                (settings, seed, reading.made_with),
                _("{model} reads the text").format(model=called(bert)),
                lambda job: read_masked(settings, seed, job),
                Ask((settings.text,)),
                lambda: shipped,
            ).result()
        except RunCancelledError:
            return
        except KvvizError as error:
            show_error(error)
            offer_remedy(state, settings, error)
            return

        def columns(revealed: bool) -> None:
            token_columns(
                masked,
                mode="masked-token",
                revealed=revealed,
                wait=_(
                    "Predict first: what was guessed at the hidden places comes with your answer."
                ),
                key="lm-masked",
            )

        if experiment(state, reading, masked).draw(picture=columns) is not None:
            state.write_link()


def experiment(state: TextState, reading: Reading, masked: Reading) -> Experiment:
    """Return the experiment with one text; nothing is asked of one with too few tokens."""
    n_plain = sum(column["kind"] != "special" for column in masked.columns)
    n_hidden = masked.summary.n_signals
    offered = {n: f"{n:,}" for n in sorted({1, n_hidden, max(1, n_plain // 2), n_plain})}
    return Experiment(
        "masked-labels",
        [Choice(offered)] if len(offered) > 2 else [],
        lambda _found: told(state, reading, masked, n_plain),
        words={"model": called(masked.card.name), "n_tokens": f"{n_plain:,}"},
        about=reading.settings,
    )


def told(state: TextState, reading: Reading, masked: Reading, n_plain: int) -> Verdict:
    """Return from how many tokens each model has learnt, and how BERT did."""
    n_hidden, mean_bits = masked.summary.n_signals, masked.summary.mean_bits
    caption = lessons().caption("masked-signals")

    def others() -> None:
        st.button(_("Hide other tokens"), key="lm:again", on_click=lambda: hide_others(state))
        # Translators: Which of many choices of hidden tokens is on screen, by its number.
        choice = _("choice {n:,}").format(n=state.view.seed)
        st.html(f'<span class="kvviz-aside">{plain_html(choice)}</span>')

    learnt = _("From {hidden:,}, the hidden ones; {model} learnt from {n:,} in its pass.").format(
        hidden=n_hidden, model=called(reading.card.name), n=reading.summary.n_signals
    )
    if masked.n_right:
        named = _("{model} named {n:,} of them right, at {bits:.2f} bits each on average.")
    else:
        named = _("{model} named none of them right, at {bits:.2f} bits each on average.")
    named = named.format(model=called(masked.card.name), n=masked.n_right, bits=mean_bits)

    return Verdict(
        [{n_hidden}],
        f"{learnt} {named}",
        [
            ngettext(
                "{share:.0%} of {n:,} token, rounded: {hidden:,}.",
                "{share:.0%} of {n:,} tokens, rounded: {hidden:,}.",
                n_plain,
            ).format(share=HIDDEN_SHARE, n=n_plain, hidden=n_hidden),
            _("{total:,.2f} bits / {n:,} = {mean:.3f} bits a hidden token.").format(
                total=masked.summary.total_bits, n=n_hidden, mean=mean_bits
            ),
            caption.text,
        ],
        caption.source,
        beside=others,
        hook="masked-labels",
    )


def hide_others(state: TextState) -> None:
    """Go on to the next choice of hidden tokens."""
    state.view = replace(state.view, seed=(state.view.seed + 1) % (LARGEST_SEED + 1))


def offer_remedy(state: TextState, settings: TextSettings, error: KvvizError) -> None:
    """Draw a button that reads less where the text is too long for BERT, or that takes another."""
    if isinstance(error, ContextLengthError):
        pressed = offer(state, controls.remedy(error, settings), controls.CONTROLS.put, "lm:less")
    else:
        found = controls.bert_remedy(error, settings)
        pressed = offer(state, found, controls.put_bert, "lm:usual-bert")
    if pressed:
        st.rerun()
