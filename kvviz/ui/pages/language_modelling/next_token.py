"""The text is its own label: each token is asked for the next one, and the text knows it."""

from __future__ import annotations

import math

import streamlit as st

from kvviz.analysis.words import Word
from kvviz.lessons import lessons
from kvviz.translation import gettext as _
from kvviz.translation import ngettext
from kvviz.ui.pages.language_modelling.readings import Reading
from kvviz.ui.pages.language_modelling.token_columns import token_columns
from kvviz.ui.parts import cards
from kvviz.ui.parts.experiment import Choice, Experiment, Verdict
from kvviz.ui.parts.figure_tag import figure_tag
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
def draw(reading: Reading) -> None:
    """Draw the question, the text over its labels, and the numbers."""
    caption = lessons().caption("own-label")
    with st.container(border=True, key="kvviz-card-lm-next"):
        said = plain_html(caption.text)
        st.html(f'<p class="kvviz-body">{said}</p>{figure_tag(reading.tag)}')
        offered = choices(reading.words)

        def columns(revealed: bool) -> None:
            token_columns(
                reading,
                mode="next-token",
                revealed=revealed,
                wait=_(
                    "Predict first: the losses, and what the model expected, come with your answer."
                ),
                key="lm-next",
            )

        if not offered:
            columns(True)
        elif experiment(reading, offered).draw(picture=columns) is None:
            return
        if reading.is_recorded:
            said = _(
                "Recorded with {version}; it ships. Press Read it, and both models read it here."
            ).format(version=reading.made_with)
            st.html(f'<p class="kvviz-source" data-kvviz="recorded">{plain_html(said)}</p>')
    numbers(reading)


def experiment(reading: Reading, offered: tuple[Word, ...]) -> Experiment:
    """Return the experiment with one text."""
    return Experiment(
        "most-surprising",
        [Choice({word.start: word.text for word in offered})],
        lambda _found: told(reading, offered),
        words={"model": called(reading.settings.model)},
        about=reading.settings,
        is_open=reading.settings.is_usual,
    )


def told(reading: Reading, offered: tuple[Word, ...]) -> Verdict:
    """Return which word was the dearest, and the sums of all that are spoken of."""
    dearest = max(offered, key=lambda word: word.bits)
    spoken_of = sorted(offered, key=lambda word: -word.bits)
    top = max(reading.words, key=lambda word: word.bits)
    further = ""
    if top not in offered:
        sentence = _("Dearest in the whole text: “{word}”, {bits:.1f} bits.").format(
            word=shortened(top.text), bits=top.bits
        )
        further = f'<p class="kvviz-told" data-kvviz="top">{plain_html(sentence)}</p>'
        spoken_of.insert(0, top)
    return Verdict(
        [{dearest.start}],
        _(
            "“{word}” cost {bits:.1f} bits, more than any of the others: a chance of {chance}."
        ).format(word=shortened(dearest.text), bits=dearest.bits, chance=odds(dearest.bits)),
        [
            *(added_up(reading, word) for word in spoken_of),
            _("A chance of 2 to the power of −{bits:.2f} is {chance}.").format(
                bits=dearest.bits, chance=odds(dearest.bits)
            ),
        ],
        html=further,
        hook="most-surprising",
    )


def added_up(reading: Reading, word: Word) -> str:
    """Return the losses of a word's tokens and their sum, each told by the token before it."""
    name = shortened(word.text)
    if len(word.positions) > MOST_ADDENDS:
        return ngettext(
            "“{word}” has {n:,} token, together {bits:,.2f} bits.",
            "“{word}” has {n:,} tokens, together {bits:,.2f} bits.",
            len(word.positions),
        ).format(word=name, n=len(word.positions), bits=word.bits)
    columns = reading.columns
    addends = " + ".join(
        f"{columns[place - 1]['bits']:.2f} ({columns[place]['fed']})" for place in word.positions
    )
    total = f" = {word.bits:,.2f}" if len(word.positions) > 1 else ""
    # Translators: The losses of a word's tokens, written out: "3.12 (wood) + 0.08 (s) = 3.20".
    return _("“{word}”: {sum} bits.").format(word=name, sum=f"{addends}{total}")


def odds(bits: float) -> str:
    """Return a probability of so many bits in words.

    Example:
        >>> odds(3), odds(145)
        ('1 in 8', 'about 1 in 10⁴⁴')
    """
    if bits < 1:
        return f"{100 * 2**-bits:.0f} %"
    if bits < MOST_BITS_IN_FULL:
        # Three digits: what follows them is another on a processor that adds in another order.
        return _("1 in {n:,.0f}").format(n=float(f"{2**bits:.3g}"))
    power = str(round(bits * math.log10(2))).translate(_RAISED)
    return _("about 1 in {n}").format(n=f"10{power}")


def numbers(reading: Reading) -> None:
    """Draw what the losses come to, each figure with its arithmetic."""
    summary, words = reading.summary, lessons()
    first, second, third = st.columns(3, gap="small")
    with first, st.container(border=True, key="kvviz-card-lm-signals", height="stretch"):
        cards.heading(
            ngettext("{n:,} label", "{n:,} labels", summary.n_signals).format(n=summary.n_signals),
            where_from(reading),
        )
        caption = words.caption("signals")  # not for people: the caption's name
        cards.opening(
            "lm-signals",
            [
                ngettext(
                    "{n:,} token − 1 = {labels:,}: the last token has nothing after it.",
                    "{n:,} tokens − 1 = {labels:,}: the last token has nothing after it.",
                    summary.n_tokens,
                ).format(n=summary.n_tokens, labels=summary.n_signals),
                _("The likeliest token was the label at {n:,} of them.").format(n=reading.n_right),
                *([timing(reading)] if reading.n_passes else []),
                caption.text,
            ],
            caption.source,
        )
    with second, st.container(border=True, key="kvviz-card-lm-perplexity", height="stretch"):
        cards.heading(
            _("{bits:.2f} bits a token").format(bits=summary.mean_bits),
            _(
                "Perplexity {perplexity:,.1f}: on average as unsure as a fair draw among so many "
                "tokens."
            ).format(perplexity=summary.perplexity),
        )
        caption = words.caption("perplexity")  # not for people: the caption's name
        cards.opening(
            "lm-perplexity",
            [
                ngettext(
                    "{total:,.2f} bits / {n:,} label = {bits:.3f} bits, or {nats:.3f} nats.",
                    "{total:,.2f} bits / {n:,} labels = {bits:.3f} bits, or {nats:.3f} nats.",
                    summary.n_signals,
                ).format(
                    total=summary.total_bits,
                    n=summary.n_signals,
                    bits=summary.mean_bits,
                    nats=summary.mean_bits * math.log(2),
                ),
                f"2^{summary.mean_bits:.3f} = {summary.perplexity:,.2f}.",
                ngettext(
                    "A fair draw from all {n:,} token: {bits:.2f} bits.",
                    "A fair draw from all {n:,} tokens: {bits:.2f} bits.",
                    reading.card.d_vocab,
                ).format(n=reading.card.d_vocab, bits=math.log2(reading.card.d_vocab)),
                caption.text,
            ],
            caption.source,
        )
    with third, st.container(border=True, key="kvviz-card-lm-characters", height="stretch"):
        per_character(reading)


def where_from(reading: Reading) -> str:
    """Return from how many tokens the labels come, and how long that took if it was made here."""
    n_tokens = reading.summary.n_tokens
    if reading.n_passes:
        tokens = ngettext(
            "from {n:,} token, in one pass of {time}.",
            "from {n:,} tokens, in one pass of {time}.",
            n_tokens,
        ).format(n=n_tokens, time=milliseconds(reading))
    else:
        tokens = ngettext(
            "from {n:,} token, in one pass.", "from {n:,} tokens, in one pass.", n_tokens
        ).format(n=n_tokens)
    # Translators: The number is that of the labels, which stands above.
    return f"{tokens} " + ngettext(
        "Nobody wrote it.", "Nobody wrote them.", reading.summary.n_signals
    )


def milliseconds(reading: Reading) -> str:
    """Return the time of the pass, with a decimal where it says something."""
    time_ms = reading.seconds * 1e3
    return f"{time_ms:,.1f} ms" if time_ms < 9.95 else f"{time_ms:,.0f} ms"


def timing(reading: Reading) -> str:
    """Return how the time of the pass was measured."""
    if reading.n_passes == 1:
        return _("The pass took {time}, measured once.").format(time=milliseconds(reading))
    return ngettext(
        "The pass was made {n} time and took {time} at the least: other work of this machine only "
        "ever adds to it.",
        "The pass was made {n} times and took {time} at the least: other work of this machine "
        "only ever adds to it.",
        reading.n_passes,
    ).format(n=reading.n_passes, time=milliseconds(reading))


def per_character(reading: Reading) -> None:
    """Draw bits a character, and the size to which the text could be pressed."""
    summary = reading.summary
    bits = summary.bits_per_character
    if bits is None:
        cards.heading(
            _("No bits a character"), _("The judged tokens cover no character of their own.")
        )
        return
    n_bytes = len(reading.settings.text.encode())
    pressed = math.ceil(summary.total_bits / 8)
    if pressed < n_bytes:
        size = ngettext(
            "A perfect coder would press the text from {n:,} byte to about {pressed:,}.",
            "A perfect coder would press the text from {n:,} bytes to about {pressed:,}.",
            n_bytes,
        )
    else:
        size = ngettext(
            "Not even a perfect coder could press it with this model: its {n:,} byte would become "
            "about {pressed:,}.",
            "Not even a perfect coder could press it with this model: its {n:,} bytes would become "
            "about {pressed:,}.",
            n_bytes,
        )
    total = ngettext(
        "{bits:,.0f} bits for {n:,} character.",
        "{bits:,.0f} bits for {n:,} characters.",
        summary.n_characters,
    ).format(bits=summary.total_bits, n=summary.n_characters)
    cards.heading(
        _("{bits:.2f} bits a character").format(bits=bits),
        f"{total} {size.format(n=n_bytes, pressed=pressed)}",
    )
    caption = lessons().caption("bits-per-character")
    cards.opening(
        "lm-characters",
        [
            ngettext(
                "{total:,.2f} bits / {n:,} character = {bits:.3f}.",
                "{total:,.2f} bits / {n:,} characters = {bits:.3f}.",
                summary.n_characters,
            ).format(total=summary.total_bits, n=summary.n_characters, bits=bits),
            _("The first token is given, so its characters are not counted."),
            _(
                "{total:,.1f} bits / 8 = {bytes:,.1f} bytes, the first token and the model itself "
                "left out."
            ).format(total=summary.total_bits, bytes=summary.total_bits / 8),
            caption.text,
        ],
        caption.source,
    )
