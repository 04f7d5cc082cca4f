"""The text is its own label: each token is asked for the next one, and the text knows it."""

from __future__ import annotations

import math

import streamlit as st

from kvviz.analysis.words import Word
from kvviz.lessons import lessons
from kvviz.ui.pages.language_modelling.readings import Reading
from kvviz.ui.pages.language_modelling.state import TextState
from kvviz.ui.pages.language_modelling.token_columns import token_columns
from kvviz.ui.parts import cards
from kvviz.ui.parts.experiment import Choice, Experiment, Verdict
from kvviz.ui.shell.errors_shown import bounded
from kvviz.ui.shell.plain_text import plain_html, shortened
from kvviz.ui.work.model_names import called

N_CHOICES = 4
CHEAPEST_SHARE = 0.6
"""How far down the list of all words the cheapest on offer stands: free words are no match."""


def choices(words: tuple[Word, ...]) -> tuple[Word, ...]:
    """Return the words to choose from, in the order of the text: the dearest, and cheaper ones.

    Only words that occur once are taken, so that each name means one place.
    """
    texts = [word.text for word in words]
    once = [word for word in words if texts.count(word.text) == 1]
    dearest_first = sorted(once, key=lambda word: -word.bits)
    n = min(N_CHOICES, len(dearest_first))
    if n < 2:
        return ()
    last = max(n - 1, round(CHEAPEST_SHARE * (len(dearest_first) - 1)))
    places = [round(i * last / (n - 1)) for i in range(n)]
    return tuple(sorted((dearest_first[i] for i in places), key=lambda word: word.start))


MOST_ADDENDS = 12
"""Tokens of a word whose losses are written out."""
MOST_BITS_IN_FULL = 20
"""Odds up to one in a million are written out; beyond, the power of ten says more."""
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@st.fragment
@bounded
def draw(state: TextState) -> None:
    """Draw the question, the text over its labels, and the numbers."""
    reading = state.reading
    if reading is None:
        return
    caption = lessons().caption("own-label")
    with st.container(border=True, key="kvviz-card-lm-next"):
        st.html(f'<p class="kvviz-body">{plain_html(caption.text)}</p>')
        offered = choices(reading.words)

        def columns(revealed: bool) -> None:
            token_columns(
                reading,
                mode="next-token",
                revealed=revealed,
                wait="Predict first: the losses, and what the model expected, come with your "
                "answer.",
                key="lm-next",
            )

        if not offered:
            columns(True)
        elif experiment(reading, offered).draw(picture=columns) is None:
            return
    numbers(reading)


def experiment(reading: Reading, offered: tuple[Word, ...]) -> Experiment:
    """Return the experiment with one text."""
    return Experiment(
        "most-surprising",
        [Choice({word.start: word.text for word in offered})],
        lambda _: told(reading, offered),
        words={"model": called(reading.settings.model)},
        about=reading.settings,
    )


def told(reading: Reading, offered: tuple[Word, ...]) -> Verdict:
    """Return which word was the dearest, and the sums of all that are spoken of."""
    dearest = max(offered, key=lambda word: word.bits)
    spoken_of = sorted(offered, key=lambda word: -word.bits)
    top = max(reading.words, key=lambda word: word.bits)
    further = ""
    if top not in offered:
        sentence = f"Dearest in the whole text: “{shortened(top.text)}”, {top.bits:.1f} bits."
        further = f'<p class="kvviz-told" data-kvviz="top">{plain_html(sentence)}</p>'
        spoken_of.insert(0, top)
    return Verdict(
        [{dearest.start}],
        f"“{shortened(dearest.text)}” cost {dearest.bits:.1f} bits, more than any of the "
        f"others: a chance of {odds(dearest.bits)}.",
        [
            *(added_up(reading, word) for word in spoken_of),
            f"A chance of 2 to the power of −{dearest.bits:.2f} is {odds(dearest.bits)}.",
        ],
        html=further,
        hook="most-surprising",
    )


def added_up(reading: Reading, word: Word) -> str:
    """Return the losses of a word's tokens and their sum, each told by the token before it."""
    name = shortened(word.text)
    if len(word.positions) > MOST_ADDENDS:
        return f"“{name}” has {len(word.positions):,} tokens, together {word.bits:,.2f} bits."
    columns = reading.columns
    addends = " + ".join(
        f"{columns[place - 1]['bits']:.2f} ({columns[place]['fed']})" for place in word.positions
    )
    total = f" = {word.bits:,.2f}" if len(word.positions) > 1 else ""
    return f"“{name}”: {addends}{total} bits."


def odds(bits: float) -> str:
    """Return a probability of so many bits in words.

    Example:
        >>> odds(3), odds(145)
        ('1 in 8', 'about 1 in 10⁴⁴')
    """
    if bits < 1:
        return f"{100 * 2**-bits:.0f} %"
    if bits < MOST_BITS_IN_FULL:
        return f"1 in {2**bits:,.0f}"
    return f"about 1 in 10{str(round(bits * math.log10(2))).translate(_RAISED)}"


def numbers(reading: Reading) -> None:
    """Draw what the losses come to, each figure with its arithmetic."""
    summary, words = reading.summary, lessons()
    first, second, third = st.columns(3, gap="small")
    with first, st.container(border=True, key="kvviz-card-lm-signals", height="stretch"):
        cards.heading(
            f"{summary.n_signals:,} labels",
            f"from {summary.n_tokens:,} tokens, in one pass of {milliseconds(reading)}. "
            "Nobody wrote them.",
        )
        caption = words.caption("signals")
        cards.opening(
            "lm-signals",
            [
                f"{summary.n_tokens:,} tokens − 1 = {summary.n_signals:,}: the last token has "
                "nothing after it.",
                f"The likeliest token was the label at {reading.n_right:,} of them.",
                timing(reading),
                caption.text,
            ],
            caption.source,
        )
    with second, st.container(border=True, key="kvviz-card-lm-perplexity", height="stretch"):
        cards.heading(
            f"{summary.mean_bits:.2f} bits a token",
            f"Perplexity {summary.perplexity:,.1f}: on average as unsure as a fair draw among so "
            "many tokens.",
        )
        caption = words.caption("perplexity")
        cards.opening(
            "lm-perplexity",
            [
                f"{summary.total_bits:,.2f} bits / {summary.n_signals:,} labels = "
                f"{summary.mean_bits:.3f} bits, or {summary.mean_bits * math.log(2):.3f} nats.",
                f"2^{summary.mean_bits:.3f} = {summary.perplexity:,.2f}.",
                f"A fair draw from all {reading.card.d_vocab:,} tokens: "
                f"{math.log2(reading.card.d_vocab):.2f} bits.",
                caption.text,
            ],
            caption.source,
        )
    with third, st.container(border=True, key="kvviz-card-lm-characters", height="stretch"):
        per_character(reading)


def milliseconds(reading: Reading) -> str:
    """Return the time of the pass, with a decimal where it says something."""
    time_ms = reading.seconds * 1e3
    return f"{time_ms:,.1f} ms" if time_ms < 9.95 else f"{time_ms:,.0f} ms"


def timing(reading: Reading) -> str:
    """Return how the time of the pass was measured."""
    if reading.n_passes == 1:
        return f"The pass took {milliseconds(reading)}, measured once."
    return (
        f"The pass was made {reading.n_passes} times and took {milliseconds(reading)} at the "
        "least: other work of this machine only ever adds to it."
    )


def per_character(reading: Reading) -> None:
    """Draw bits a character, and the size to which the text could be pressed."""
    summary = reading.summary
    bits = summary.bits_per_character
    if bits is None:
        cards.heading("No bits a character", "The judged tokens cover no character of their own.")
        return
    n_bytes = len(reading.settings.text.encode())
    pressed = math.ceil(summary.total_bits / 8)
    if pressed < n_bytes:
        size = f"A perfect coder would press the text from {n_bytes:,} bytes to about {pressed:,}."
    else:
        size = (
            f"Not even a perfect coder could press it with this model: its {n_bytes:,} bytes would "
            f"become about {pressed:,}."
        )
    cards.heading(
        f"{bits:.2f} bits a character",
        f"{summary.total_bits:,.0f} bits for {summary.n_characters:,} characters. {size}",
    )
    caption = lessons().caption("bits-per-character")
    cards.opening(
        "lm-characters",
        [
            f"{summary.total_bits:,.2f} bits / {summary.n_characters:,} characters = {bits:.3f}.",
            "The first token is given, so its characters are not counted.",
            f"{summary.total_bits:,.1f} bits / 8 = {summary.total_bits / 8:,.1f} bytes, the first "
            "token and the model itself left out.",
            caption.text,
        ],
        caption.source,
    )
