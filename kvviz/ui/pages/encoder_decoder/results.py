"""The cards below the player: what the two caches come to, each figure with its arithmetic."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st

from kvviz.lessons import lessons
from kvviz.trace import CrossAttention, GenerationTrace
from kvviz.ui.pages.encoder_decoder import attention_shares
from kvviz.ui.pages.encoder_decoder.filled import fills, parts, why_open
from kvviz.ui.parts import cards
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.work.runs import ShownRun


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


def filled_in(shown: ShownRun, _: CrossAttention) -> None:
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
    st.html('<div class="kvviz-figure" role="heading" aria-level="3">What it wrote</div>'
            f'<p class="kvviz-filled" data-kvviz="filled">{text}</p>')  # fmt: skip
    if left := why_open(shown.settings.prompt, found, trace):
        st.html(f'<p class="kvviz-body" data-kvviz="left-open">{plain_html(left)}</p>')
    caption = lessons().caption("span-corruption")
    lines = [
        "Read by the encoder: " + "".join(trace.cross.encoder.tokens if trace.cross else []),
        "Written by the decoder: " + "".join(chosen),
        *([f"The run ended with {chosen[-1]}, the sentinel after that of the last blank: nothing "
           "was asked beyond it."] if trace.stopped == "stop-token" else []),
        caption.text,
    ]  # fmt: skip
    cards.opening("filled", lines, caption.source)


def written_once(shown: ShownRun, cross: CrossAttention) -> None:
    """Draw how many cross-attention rows were computed, with the cache and without."""
    trace, comparison = shown.trace, shown.comparison
    n, n_steps = cross.n_encoder, len(trace.steps)
    seen = sum(step.cross_computed.size for step in trace.steps)
    cards.heading(
        f"{seen:,} cross rows, written once" if trace.options.use_cache else f"{seen:,} cross rows",
        f"{n:,} input tokens over {n_steps:,} steps. Without the cache the same rows are computed "
        f"at each step, {n:,} × {n_steps:,} = {n * n_steps:,}.",
    )
    runs = [trace, comparison.uncached] if comparison else [trace]
    lines = [
        f"Observed {'with' if run.options.use_cache else 'without'} the cache: "
        f"{sum(step.cross_computed.size for step in run.steps):,} cross-attention rows in "
        f"{len(run.steps):,} steps."
        for run in runs
    ]
    if comparison is None:
        lines.append("The run without the cache was not made, so its rows are by formula.")
    caption = lessons().caption("written-once")
    cards.opening("written-once", [*lines, caption.text], caption.source)


def two_sizes(shown: ShownRun, cross: CrossAttention) -> None:
    """Draw what each cache takes after the last step."""
    trace, card = shown.trace, shown.trace.model
    per, own, n = card.cache_bytes_per_token, trace.n_rows, cross.n_encoder
    measured = trace.steps[-1].cache_bytes
    cards.heading(
        f"{own:,} rows that grow, {n:,} that do not",
        f"The decoder's own cache takes {own * per:,} B after the last step, the other "
        f"{n * per:,} B from the first step on.",
    )
    number = per // (2 * card.n_layers * card.n_kv_heads * card.d_head)
    lines = [
        f"2 × {card.n_layers} layers × {card.n_kv_heads} heads × {card.d_head} numbers × "
        f"{number} bytes = {per:,} B a row, in either cache.",
        f"{per:,} B × ({own:,} + {n:,}) rows = {per * (own + n):,} B.",
        f"Measured in the tensors after the last step: {measured:,} B."
        if measured
        else "This run kept no cache, so there is nothing to measure.",
    ]
    caption = lessons().caption("two-sizes")
    cards.opening("two-sizes", [*lines, caption.text], caption.source)


def encoder_once(shown: ShownRun, cross: CrossAttention) -> None:
    """Draw what the encoder's one pass took beside a step of the decoder."""
    encoder, trace = cross.encoder, shown.trace
    later = [step.flops for step in trace.steps[1:]] or [trace.steps[0].flops]
    median = float(np.median(later))
    cards.heading(
        f"{encoder.flops / 1e6:,.1f} MFLOP, once",
        f"The encoder read {encoder.n_tokens:,} tokens in one pass of {encoder.model.n_layers} "
        f"layers, in {encoder.seconds * 1e3:,.1f} ms here. A decode step takes "
        f"{median / 1e6:,.1f} MFLOP.",
    )
    caption = lessons().caption("encoder-once")
    lines = [
        "Each of its tokens looks at all others, so it keeps nothing for a next step: there is "
        "none.",
        f"Decode steps, in MFLOP: {', '.join(f'{flops / 1e6:,.2f}' for flops in later[:6])}"
        f"{', …' if len(later) > 6 else ''}.",
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
        f"Scores times {said}",
        f"A GPT-2 with heads of {d_head} numbers would multiply by 1/√{d_head} = "
        f"{d_head**-0.5:.3f}. T5 adds a learnt number for the distance instead.",
    )
    cards.opening("t5-scores", [*bias_lines(trace), caption.text], caption.source)


def bias_lines(trace: GenerationTrace) -> list[str]:
    """Return the bias of one head at the first distances, in words."""
    bias = trace.position_bias
    if bias is None:
        return []
    last = bias.shape[1] - 1
    told = [f"{bias[0, last, last - back]:+.2f} at {back}" for back in range(min(6, last + 1))]
    return [f"Head 0 adds, by the distance back, in every layer: {', '.join(told)}."]
