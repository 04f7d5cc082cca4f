"""Where a T5 looks: the encoder both ways, a sentinel at its blank."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import numpy as np
import streamlit as st
from jaxtyping import Float64

from kvviz.analysis import HeadMeasures, forward_share, head_measures, same_token_mass
from kvviz.figures import attention_map
from kvviz.lessons import lessons
from kvviz.trace import CrossAttention, GenerationTrace
from kvviz.translation import gettext as _
from kvviz.translation import ngettext
from kvviz.ui.pages.encoder_decoder.blanks import SENTINEL
from kvviz.ui.pages.encoder_decoder.counts import in_heads, in_layers, in_rows, in_tokens
from kvviz.ui.pages.encoder_decoder.settings import EncoderHead
from kvviz.ui.parts import cards, chart
from kvviz.ui.parts.view import View
from kvviz.ui.shell.errors_shown import bounded
from kvviz.ui.shell.plain_text import percent, plain_html, visible
from kvviz.ui.work.shown_run import ShownRun

MOST_TOKENS = 128
"""Of a longer input the beginning is drawn: 128 x 128 cells are a few pixels each."""
MUCH = 0.5
MOST_LISTED = 6
CHOSEN = "ed:encoder"
LIST = "ed:encoder-list"


@dataclass(frozen=True)
class AttentionShares:
    """Where the heads of one run look, measured once.

    Attributes:
        encoder: Every head of the encoder.
        decoder_ahead: Share of the decoder's self-attention that goes to later tokens.
        own_blank: How much of each head's cross-attention a sentinel gives to its like in the
            input, from 0 to 1; None if the decoder was fed no sentinel of the input.
    """

    encoder: HeadMeasures
    decoder_ahead: float
    own_blank: Float64[np.ndarray, "layer head"] | None

    @classmethod
    def of(cls, trace: GenerationTrace) -> AttentionShares:
        """Return those of a run of a T5, which a long input takes a second to measure.

        Raises:
            TraceError: If the run has no encoder.
        """
        if trace not in _measured:
            card = trace.model
            named = zip(trace.token_ids.tolist(), trace.tokens, strict=True)
            sentinels = {i for i, token in named if SENTINEL.fullmatch(token.strip())}
            ahead = [
                forward_share(trace.pattern(layer, head)).mean()
                for layer, head in np.ndindex(card.n_layers, card.n_heads)
            ]
            _measured[trace] = cls(
                head_measures(trace.encoder),
                float(np.mean(ahead)),
                same_token_mass(trace, sentinels),
            )
        return _measured[trace]


_measured: WeakKeyDictionary[GenerationTrace, AttentionShares] = WeakKeyDictionary()


def opening_view(shown: ShownRun, view: View) -> View:
    """Choose the head that the player opens with, where a view leaves it open.

    It is the one in which a sentinel finds its blank most surely, if one does.
    """
    if shown.trace.cross is None:
        return view
    found = AttentionShares.of(shown.trace).own_blank
    if view.layer is not None or view.head is not None or found is None or found.max() <= MUCH:
        return view
    layer, head = divmod(int(found.argmax()), found.shape[1])
    return replace(view, layer=layer, head=head)


def chosen_head() -> EncoderHead | None:
    """Return the head of the encoder that a person or a link chose; None before that."""
    return st.session_state.get(CHOSEN)


def choose_head(head: EncoderHead | None) -> None:
    """Remember the head of the encoder to look at, None for the page's own choice."""
    st.session_state[CHOSEN] = head
    for key in [key for key in st.session_state if str(key).startswith(LIST)]:
        del st.session_state[key]


def head_in_view(trace: GenerationTrace) -> EncoderHead | None:
    """Return the chosen head of the encoder; None if there is none, or the encoder lacks it."""
    asked, card = chosen_head(), trace.encoder.model
    there = asked is not None and asked.layer < card.n_layers and asked.head < card.n_heads
    return asked if there else None


@st.fragment
@bounded
def encoder_map(shown: ShownRun, on_choice: Callable[[], None]) -> None:
    """Draw the pattern of one head of the encoder, which the person may choose.

    Args:
        shown: The run.
        on_choice: Called when another head has been chosen.
    """
    encoder, measures = shown.trace.encoder, AttentionShares.of(shown.trace).encoder
    card = encoder.model
    asked, there = chosen_head(), head_in_view(shown.trace)
    first = there.layer * card.n_heads + there.head if there else telling_head(measures)

    key = f"{LIST}:{card.n_layers}x{card.n_heads}"

    def took() -> None:
        # A link that came in between has forgotten the list; what it asks for counts.
        at = st.session_state.get(key)
        if at is not None:
            st.session_state[CHOSEN] = EncoderHead(*divmod(at, card.n_heads))
            on_choice()

    names = [
        _("layer {layer} · head {head}").format(layer=at // card.n_heads, head=at % card.n_heads)
        for at in range(card.n_layers * card.n_heads)
    ]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        heading = plain_html(_("The encoder looks both ways"))
        st.html(f'<div class="kvviz-heading" role="heading" aria-level="3">{heading}</div>')
        chosen = st.selectbox(
            _("Head of the encoder"),
            range(len(names)),
            index=first,
            format_func=lambda at: names[at],
            label_visibility="collapsed",
            key=key,
            on_change=took,
            width=180,
        )
    if asked and not there:
        st.caption(
            _(
                "Asked for was head {head} of layer {layer}, but this encoder has {layers} of "
                "{heads}. Shown is the one that tells most."
            ).format(
                head=asked.head,
                layer=asked.layer,
                layers=in_layers(card.n_layers),
                heads=in_heads(card.n_heads),
            )
        )
    layer, head = divmod(chosen, card.n_heads)
    ahead = float(measures.forward[layer, head])
    told = [
        _(
            "A row looks at its columns. This head gives {share} of its attention to tokens still "
            "to come, right of the diagonal: no mask forbids it."
        ).format(share=f"<b>{percent(ahead)}</b>")
    ]
    if encoder.n_tokens > MOST_TOKENS:
        told.append(_("Drawn are the first {n} tokens.").format(n=MOST_TOKENS))
    st.html(
        f'<p class="kvviz-body" data-kvviz="encoder-head" data-layer="{layer}" data-head="{head}">'
        f"{' '.join(told)}</p>"
    )
    drawn = slice(0, MOST_TOKENS)
    pattern = encoder.pattern(layer, head)[drawn, drawn]
    tokens = [visible(token).replace(" ", "␣") for token in encoder.tokens[drawn]]
    chart.draw(
        attention_map(pattern, tokens),
        ngettext(
            "Attention of {head} of the encoder over its {n:,} token: {share} of it goes to later "
            "tokens.",
            "Attention of {head} of the encoder over its {n:,} tokens: {share} of it goes to later "
            "tokens.",
            encoder.n_tokens,
        ).format(head=names[chosen], n=encoder.n_tokens, share=percent(ahead)),
        tags=[shown.observed],
    )
    caption = lessons().caption("looking-ahead")
    lines = [
        _("Mean over {tokens} of the weights right of the diagonal: {share}.").format(
            tokens=in_tokens(encoder.n_tokens), share=percent(ahead)
        ),
        caption.text,
    ]
    cards.opening("encoder-head", lines, caption.source)


def telling_head(measures: HeadMeasures) -> int:
    """Return the head that looks ahead most clearly: much, and at few tokens."""
    return int((measures.forward * np.exp2(-measures.entropy)).argmax())


def two_masks(shown: ShownRun, cross: CrossAttention) -> None:
    """Draw how much of their attention encoder and decoder give to what is still to come."""
    trace, card, found = shown.trace, shown.trace.model, AttentionShares.of(shown.trace)
    encoder = float(found.encoder.forward.mean())
    cards.heading(
        _("{encoder} ahead, {decoder} ahead").format(
            encoder=percent(encoder), decoder=percent(found.decoder_ahead)
        ),
        _(
            "The share of self-attention that goes to later tokens, over all heads: in the "
            "encoder, and in the decoder. The encoder has nothing to hide, since it predicts "
            "nothing; the decoder's mask is why its rows can be kept."
        ),
    )
    caption = lessons().caption("two-masks")
    lines = [
        _("Encoder: mean over {layers} × {heads} × {tokens}.").format(
            layers=in_layers(cross.encoder.model.n_layers),
            heads=in_heads(card.n_heads),
            tokens=in_tokens(cross.n_encoder),
        ),
        _(
            "Decoder: mean over {layers} × {heads} × {rows}; every cell above the diagonal is "
            "masked."
        ).format(
            layers=in_layers(card.n_layers),
            heads=in_heads(card.n_heads),
            rows=in_rows(trace.n_rows),
        ),
        caption.text,
    ]
    cards.opening("two-masks", lines, caption.source)


def own_blank(shown: ShownRun, cross: CrossAttention) -> None:
    """Draw how surely a sentinel finds, by cross-attention, its like in the input."""
    found = AttentionShares.of(shown.trace).own_blank
    if found is None:
        return
    layer, head = divmod(int(found.argmax()), found.shape[1])
    n_much = int((found > MUCH).sum())
    much = ngettext(
        "{n:,} head gives more than half, of {all}.",
        "{n:,} heads give more than half, of {all}.",
        n_much,
    ).format(n=n_much, all=found.size)
    surest_head = _(
        "So much of its cross-attention a sentinel that the decoder stands on gives to the same "
        "sentinel in the input, in head {head} of layer {layer}."
    ).format(head=head, layer=layer)
    cards.heading(
        _("{share} on its own blank").format(share=percent(float(found.max()))),
        " ".join([surest_head, much, _("By such a head it can tell which blank it is at.")]),
    )
    caption = lessons().caption("own-blank")
    fed, read = shown.trace.tokens[: shown.trace.n_rows], set(cross.encoder.tokens)
    sentinels = [one.strip() for one in fed if one in read and SENTINEL.fullmatch(one.strip())]
    surest = sorted(np.ndindex(found.shape), key=lambda at: -found[at])[:MOST_LISTED]
    listed = [
        _("{share} in layer {layer}, head {head}").format(
            share=percent(float(found[at])), layer=at[0], head=at[1]
        )
        for at in surest
    ]
    lines = [
        _("Rows of the decoder that count: {list}.").format(list=", ".join(sentinels)),
        _("Mean over them of the weight on the same token, by head: {list}.").format(
            list=", ".join(listed)
        ),
        caption.text,
    ]
    cards.opening("own-blank", lines, caption.source)
    st.html(
        f'<span data-kvviz="own-blank" data-layer="{layer}" data-head="{head}" '
        f'data-share="{float(found.max()):.4f}"></span>'
    )
