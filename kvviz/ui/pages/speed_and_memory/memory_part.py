"""What the cache of the race takes: by formula, in the real tensors, and what would fit."""

from __future__ import annotations

import streamlit as st

from kvviz.analysis.cache_widths import cache_widths, sequences_that_fit
from kvviz.analysis.kept_bytes import Keeping, kept_bytes, step_flops
from kvviz.analysis.memory import break_even_tokens, cache_arithmetic, weight_bytes
from kvviz.figures.cache_bytes import cache_bytes_curve
from kvviz.lessons import lessons
from kvviz.trace.race import Race, race_bytes
from kvviz.translation import gettext as _
from kvviz.translation import ngettext
from kvviz.ui.pages.speed_and_memory.state import Finished
from kvviz.ui.parts import card_texts, chart
from kvviz.ui.parts.cards import heading, opening
from kvviz.ui.parts.figure_tag import figure_tag
from kvviz.ui.parts.quantity import in_bytes, in_rows, in_tokens
from kvviz.ui.parts.tables import table


def draw(finished: Finished) -> None:
    """Draw the three cards, the curve, and the widths."""
    race = finished.race
    for column, name, body in zip(
        st.columns(3, gap="small"),
        ("token", "even", "batch"),
        (lambda: per_token(race), lambda: break_even(race), lambda: largest_batch(finished)),
        strict=True,
    ):
        with column, st.container(border=True, key=f"kvviz-card-{name}", height="stretch"):
            body()
    caption = lessons().caption("cache-widths")
    with st.container(border=True, key="kvviz-card-bytes"):
        card_texts.head(_("Bytes against tokens"), caption.text)
        chart.draw(cache_bytes_curve(race), _alt(race), tags=["formula", "measured"])
        widths(finished)
        st.html(card_texts.source(caption.source))
    with st.container(border=True, key="kvviz-card-ways"):
        ways(finished)


def per_token(race: Race) -> None:
    """Draw the bytes of one token, by formula and as the tensors hold them."""
    card, rows = race.model, race.n_prompt + race.n_new - 1
    measured, formula = int(race.cache_bytes[-1]), card.cache_bytes_per_token
    by_formula = formula * rows * race.batch
    arithmetic = cache_arithmetic(card)
    if measured == by_formula:
        body = _("{arithmetic}. The tensors of the race hold exactly that.").format(
            arithmetic=arithmetic
        )
    else:
        body = _("{arithmetic}. The tensors of the race hold {n:,.1f} B a token.").format(
            arithmetic=arithmetic, n=measured / rows / race.batch
        )
    heading(_("{n:,} B a token").format(n=formula), body)
    caption = lessons().caption("bytes-per-token")
    opening(
        "token",
        [
            caption.text,
            _("By formula: {formula:,} B × {rows} × {sequences} = {n:,} B.").format(
                formula=formula,
                rows=in_rows(rows),
                sequences=ngettext("{n:,} sequence", "{n:,} sequences", race.batch).format(
                    n=race.batch
                ),
                n=by_formula,
            ),
            _("Summed sizes of the tensors after the last step: {n:,} B.").format(n=measured),
            _("The last token of a run has no row yet: it was chosen, but not fed."),
        ],
        caption.source,
    )


def break_even(race: Race) -> None:
    """Draw from how many tokens on the cache outweighs the weights."""
    card, batch = race.model, race.batch
    tokens, weights = break_even_tokens(card, batch=batch), weight_bytes(card)
    if batch == 1:
        body = _("From there on the cache outweighs the {size} of weights.").format(
            size=in_bytes(weights)
        )
    else:
        body = ngettext(
            "From there on {n:,} cache outweighs the {size} of weights.",
            "From there on {n:,} caches outweigh the {size} of weights.",
            batch,
        ).format(n=batch, size=in_bytes(weights))
    if tokens > card.n_ctx:
        needed = weights // (card.cache_bytes_per_token * card.n_ctx) + 1
        further = _("Its context ends at {n_ctx:,}, so it takes a batch of {n:,} to get there.")
        body += " " + further.format(n_ctx=card.n_ctx, n=needed)
    heading(ngettext("Even at {n:,} token", "Even at {n:,} tokens", tokens).format(n=tokens), body)
    opening(
        "even",
        [
            ngettext(
                "{n:,} parameter × {width} B = {size:,} B of weights.",
                "{n:,} parameters × {width} B = {size:,} B of weights.",
                card.n_params,
            ).format(n=card.n_params, width=card.bytes_per_number, size=weights),
            _(
                "{weights:,} B / ({per_token:,} B × {batch:,}) = {quotient:,.2f}, so {n:,} is the "
                "first number of tokens that is more."
            ).format(
                weights=weights,
                per_token=card.cache_bytes_per_token,
                batch=batch,
                quotient=weights / card.cache_bytes_per_token / batch,
                n=tokens,
            ),
        ],
        _("By formula.") + " " + lessons().caption("bytes-per-token").source,
    )


def largest_batch(finished: Finished) -> None:
    """Draw how many sequences of the full context fit into what is free."""
    race, card, free = finished.race, finished.race.model, finished.free
    if free is None:
        heading(
            _("Free memory unknown"),
            _("This system does not tell what is free on {device}.").format(device=card.device),
        )
        return
    full = card.cache_bytes_per_token * card.n_ctx
    fit = sequences_that_fit(free, full)
    needed = race_bytes(card, card.n_ctx, 1)
    racing = sequences_that_fit(free, needed.total)
    context = in_tokens(card.n_ctx)
    caches = _("Caches of {tokens}, in the {size} that were free on {device} after the race.")
    at_most = ngettext(
        "To race both ways at that length at most {n:,} fits.",
        "To race both ways at that length at most {n:,} fit.",
        racing,
    )
    heading(
        ngettext("{n:,} sequence fits", "{n:,} sequences fit", fit).format(n=fit),
        caches.format(tokens=context, size=in_bytes(free), device=card.device)
        + " "
        + at_most.format(n=racing),
    )
    opening(
        "batch",
        [
            f"{free:,} B / ({card.cache_bytes_per_token:,} B × {context}) = {fit:,}.",
            _(
                "A race needs at least {cache:,} B of cache and {widest:,} B for the two largest "
                "tensors of a pass without it, for each sequence: {free:,} B / {total:,} B = "
                "{n:,}. A larger batch is refused before it runs."
            ).format(
                cache=needed.cache, widest=needed.widest, free=free, total=needed.total, n=racing
            ),
            _("This race had a batch of {n:,}.").format(n=race.batch),
        ],
        _("Free memory as the system tells it, a container’s limit included. The rest by formula."),
    )


def widths(finished: Finished) -> None:
    """Draw the same cache in three number formats."""
    race, free = finished.race, finished.free
    st.html(
        table(
            "widths",
            [
                _("format"),
                _("a token"),
                in_tokens(race.model.n_ctx),
                _("outweighs the weights at"),
                _("sequences that fit"),
            ],
            [
                [
                    _("{dtype}, by formula only").format(dtype=one.name)
                    if one.name == "int8"
                    else one.name,
                    f"{one.bytes_per_token:,} B",
                    in_bytes(one.full_context),
                    in_tokens(one.break_even),
                    _("unknown")
                    if free is None
                    else f"{sequences_that_fit(free, one.full_context):,}",
                ]
                for one in cache_widths(race.model, batch=race.batch)
            ],
        )
    )


WAYS = (
    Keeping(),
    Keeping(rows=64),
    Keeping(rows=256),
    Keeping(bits=4),
    Keeping(bits=2),
    Keeping(rows=256, bits=4),
)
"""What is counted beside every row kept whole: budgets of rows, bits, and both."""


def ways(finished: Finished) -> None:
    """Draw what ways of keeping rows would take at the model's full context, by formula."""
    card, free = finished.race.model, finished.free
    caption, n = lessons().caption("ways-by-formula"), finished.race.model.n_ctx
    card_texts.head(_("Keep less, by formula"), caption.text)
    full = kept_bytes(card, n, WAYS[0])
    lines: list[list[str]] = []
    for one in WAYS:
        size = kept_bytes(card, n, one)
        fit = _("unknown") if free is None else f"{sequences_that_fit(free, size):,}"
        flops = f"{step_flops(card, n, one) / 1e6:,.2f} MFLOP"
        lines.append([way_name(one), in_bytes(size), f"{size / full:.1%}", flops, fit])
    header = [
        _("kept"),
        in_tokens(n),
        _("of every row whole"),
        _("a step at that length"),
        _("sequences that fit"),
    ]
    st.html(figure_tag("formula") + table("ways-by-formula", header, lines))
    plain, example = 8 * card.bytes_per_number, Keeping(bits=4)
    opening(
        "ways",
        [
            _(
                "Bytes: layers × 2 × KV heads × head width × rows × bits / 8. With a budget of R "
                "rows R − 1 are there between two steps, and the next one brings its own; which "
                "they are the formula does not ask, so it is of a window and of every score alike."
            ),
            _(
                "A number of {bits} bits in groups of {group} takes {bits} + 2 × {plain} / {group} "
                "= {all:g} bits with its part of the least number and the step of its group."
            ).format(
                bits=example.bits,
                group=example.group,
                plain=plain,
                all=example.bits_a_number(plain),
            ),
            _(
                "Operations: {all:,} of a step that reads {n:,} rows in every layer, {few:,} of "
                "one that reads {rows}. Unpacking is done number by number and left out, as norms "
                "are."
            ).format(
                all=step_flops(card, n, WAYS[0]),
                n=n,
                few=step_flops(card, n, WAYS[1]),
                rows=WAYS[1].rows,
            ),
        ],
        caption.source,
    )


def way_name(way: Keeping) -> str:
    """Return what a way of keeping rows is called."""
    rows = (
        _("every row")
        if way.rows is None
        else _("a budget of {rows}").format(rows=in_rows(way.rows))
    )
    if way.bits is None:
        return rows
    # Translators: {rows} is "every row" or "a budget of 256 rows".
    return _("{rows}, in {bits} bits").format(rows=rows, bits=way.bits)


def _alt(race: Race) -> str:
    """Say what the curve shows."""
    curve = ngettext(
        "Bytes of the cache of {n:,} sequence over its tokens, in three number formats by formula, "
        "and as the tensors held them: {size:,} B at {tokens}.",
        "Bytes of the cache of {n:,} sequences over their tokens, in three number formats by "
        "formula, and as the tensors held them: {size:,} B at {tokens}.",
        race.batch,
    ).format(
        n=race.batch,
        size=int(race.cache_bytes[-1]),
        tokens=in_tokens(race.n_prompt + race.n_new - 1),
    )
    weights = _("The weights take {n:,} B.").format(n=weight_bytes(race.model))
    return f"{curve} {weights} " + _("The table below has the numbers.")
