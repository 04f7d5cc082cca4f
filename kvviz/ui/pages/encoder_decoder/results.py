"""The cards below the player: what the two caches come to, each figure with its arithmetic."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st

from kvviz.lessons import lessons
from kvviz.trace import CrossAttention, GenerationTrace
from kvviz.translation import gettext as _
from kvviz.translation import ngettext
from kvviz.ui.pages.encoder_decoder import attention_shares
from kvviz.ui.pages.encoder_decoder.counts import in_heads, in_layers, in_steps, in_tokens
from kvviz.ui.pages.encoder_decoder.filled import fills, parts, why_open
from kvviz.ui.parts import cards
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.work.shown_run import ShownRun


def draw(shown: ShownRun, on_encoder_head: Callable[[], None]) -> None:
    """Draw the cards of a run with an encoder.

    Args:
        shown: The run.
        on_encoder_head: Called when the person has chosen another head of the encoder.
    """
    cross = shown.trace.cross
    if cross is None:
        return
    line = (filled_in, written_once, two_sizes)
    for column, body in zip(st.columns(len(line), gap="small"), line, strict=True):
        with column, st.container(border=True, key=card_key(body), height="stretch"):
            body(shown, cross)
    left, right = st.columns(2, gap="small")
    with (
        left,
        st.container(border=True, key=card_key(attention_shares.encoder_map), height="stretch"),
    ):
        attention_shares.encoder_map(shown, on_encoder_head)
    # A text without a blank has no sentinel that could be found.
    own_blank = (
        ()
        if attention_shares.AttentionShares.of(shown.trace).own_blank is None
        else (attention_shares.own_blank,)
    )
    for body in (attention_shares.two_masks, *own_blank, encoder_once, how_it_scores):
        with right, st.container(border=True, key=card_key(body)):
            body(shown, cross)


def card_key(body: Callable[..., None]) -> str:
    """Return the key of a card, from the name of what draws it."""
    return f"kvviz-card-{body.__name__.replace('_', '-')}"


def filled_in(shown: ShownRun, cross: CrossAttention) -> None:
    """Draw the text with its blanks filled in."""
    trace = shown.trace
    chosen = trace.tokens[trace.n_prompt :]
    found = fills(chosen[:-1] if trace.stopped == "end-of-text" else chosen)
    pieces = parts(shown.settings.prompt, found)
    text = "".join(
        f'<mark class="kvviz-{kind}">{plain_html(piece)}</mark>' if kind != "given"
        else plain_html(piece)
        for kind, piece in pieces
    )  # fmt: skip
    heading = plain_html(_("What it wrote"))
    st.html(f'<div class="kvviz-figure" role="heading" aria-level="3">{heading}</div>'
            f'<p class="kvviz-filled" data-kvviz="filled" tabindex="0">{text}</p>')  # fmt: skip
    if left := why_open(shown.settings.prompt, found, trace):
        st.html(f'<p class="kvviz-body" data-kvviz="left-open">{plain_html(left)}</p>')
    caption = lessons().caption("span-corruption")
    lines = [
        _("Read by the encoder: {text}").format(text="".join(cross.encoder.tokens)),
        _("Written by the decoder: {text}").format(text="".join(chosen)),
    ]
    if trace.stopped == "stop-token":
        lines.append(
            _(
                "The run ended with {token}, the sentinel after that of the last blank: nothing "
                "was asked beyond it."
            ).format(token=chosen[-1])
        )
    cards.opening("filled", [*lines, caption.text], caption.source)


def written_once(shown: ShownRun, cross: CrossAttention) -> None:
    """Draw how many cross-attention rows were computed, with the cache and without."""
    trace, comparison = shown.trace, shown.comparison
    n, n_steps = cross.n_encoder, len(trace.steps)
    seen = sum(step.cross_computed.size for step in trace.steps)
    if trace.options.use_cache:
        figure = ngettext("{n:,} cross row, written once", "{n:,} cross rows, written once", seen)
    else:
        figure = ngettext("{n:,} cross row", "{n:,} cross rows", seen)
    cards.heading(
        figure.format(n=seen),
        ngettext(
            "{n:,} input token over {steps}. Without the cache the same rows are computed at each "
            "step, {n:,} × {n_steps:,} = {product:,}.",
            "{n:,} input tokens over {steps}. Without the cache the same rows are computed at each "
            "step, {n:,} × {n_steps:,} = {product:,}.",
            n,
        ).format(n=n, steps=in_steps(n_steps), n_steps=n_steps, product=n * n_steps),
    )
    lines = [observed(run) for run in ([trace, comparison.uncached] if comparison else [trace])]
    if comparison is None:
        lines.append(_("The run without the cache was not made, so its rows are by formula."))
    caption = lessons().caption("written-once")
    cards.opening("written-once", [*lines, caption.text], caption.source)


def observed(run: GenerationTrace) -> str:
    """Say how many cross-attention rows a run was seen to compute."""
    seen, steps = sum(step.cross_computed.size for step in run.steps), in_steps(len(run.steps))
    if run.options.use_cache:
        form = ngettext(
            "Observed with the cache: {n:,} cross-attention row in {steps}.",
            "Observed with the cache: {n:,} cross-attention rows in {steps}.",
            seen,
        )
    else:
        form = ngettext(
            "Observed without the cache: {n:,} cross-attention row in {steps}.",
            "Observed without the cache: {n:,} cross-attention rows in {steps}.",
            seen,
        )
    return form.format(n=seen, steps=steps)


def two_sizes(shown: ShownRun, cross: CrossAttention) -> None:
    """Draw what each cache takes after the last step."""
    trace, card = shown.trace, shown.trace.model
    per, own, n = card.cache_bytes_per_token, trace.n_rows, cross.n_encoder
    measured = trace.steps[-1].cache_bytes
    cards.heading(
        ngettext(
            "{own:,} row that grows, {cross:,} that do not",
            "{own:,} rows that grow, {cross:,} that do not",
            own,
        ).format(own=own, cross=n),
        _(
            "The decoder's own cache takes {own:,} B after the last step, the other {cross:,} B "
            "from the first step on."
        ).format(own=own * per, cross=n * per),
    )
    number = per // (2 * card.n_layers * card.n_kv_heads * card.d_head)
    lines = [
        ngettext(
            "2 × {layers} × {heads} × {numbers} numbers × {n} byte = {per:,} B a row, in either "
            "cache.",
            "2 × {layers} × {heads} × {numbers} numbers × {n} bytes = {per:,} B a row, in either "
            "cache.",
            number,
        ).format(
            layers=in_layers(card.n_layers),
            heads=in_heads(card.n_kv_heads),
            numbers=card.d_head,
            n=number,
            per=per,
        ),
        _("{per:,} B × ({own:,} + {cross:,}) rows = {all:,} B.").format(
            per=per, own=own, cross=n, all=per * (own + n)
        ),
        _("Measured in the tensors after the last step: {n:,} B.").format(n=measured)
        if measured
        else _("This run kept no cache, so there is nothing to measure."),
    ]
    caption = lessons().caption("two-sizes")
    cards.opening("two-sizes", [*lines, caption.text], caption.source)


def encoder_once(shown: ShownRun, cross: CrossAttention) -> None:
    """Draw what the encoder's one pass took beside a step of the decoder."""
    encoder, trace = cross.encoder, shown.trace
    later = [step.flops for step in trace.steps[1:]] or [trace.steps[0].flops]
    median = float(np.median(later))
    cards.heading(
        _("{n:,.1f} MFLOP, once").format(n=encoder.flops / 1e6),
        _(
            "The encoder read {tokens} in one pass of {layers}, in {time:,.1f} ms here. A decode "
            "step takes {n:,.1f} MFLOP."
        ).format(
            tokens=in_tokens(encoder.n_tokens),
            layers=in_layers(encoder.model.n_layers),
            time=encoder.seconds * 1e3,
            n=median / 1e6,
        ),
    )
    caption = lessons().caption("encoder-once")
    listed = [*(f"{flops / 1e6:,.2f}" for flops in later[:6]), *(["…"] if later[6:] else [])]
    lines = [
        _(
            "Each of its tokens looks at all others, so it keeps nothing for a next step: there is "
            "none."
        ),
        _("Decode steps, in MFLOP: {list}.").format(list=", ".join(listed)),
        caption.text,
    ]
    cards.opening("encoder-once", lines, caption.source)


def how_it_scores(shown: ShownRun, cross: CrossAttention) -> None:
    """Draw the factor on the scores and the bias of distance, read off the run."""
    trace, d_head = shown.trace, shown.trace.model.d_head
    caption = lessons().caption("t5-scores")
    scales = sorted({float(s) for s in (*trace.score_scale, *cross.score_scale)})
    said = ", ".join(f"{scale:g}" for scale in scales)
    cards.heading(
        _("Scores times {factor}").format(factor=said),
        _(
            "A GPT-2 with heads of {n} numbers would multiply by 1/√{n} = {factor:.3f}. T5 adds a "
            "learnt number for the distance instead."
        ).format(n=d_head, factor=d_head**-0.5),
    )
    cards.opening("t5-scores", [*bias_lines(trace), caption.text], caption.source)


def bias_lines(trace: GenerationTrace) -> list[str]:
    """Return the bias of one head at the first distances, in words."""
    bias = trace.position_bias
    if bias is None:
        return []
    last = bias.shape[1] - 1
    told = [
        # Translators: a learnt number, and the distance at which it is added.
        _("{bias:+.2f} at {back}").format(bias=bias[0, last, last - back], back=back)
        for back in range(min(6, last + 1))
    ]
    return [
        _("Head 0 adds, by the distance back, in every layer: {list}.").format(list=", ".join(told))
    ]
