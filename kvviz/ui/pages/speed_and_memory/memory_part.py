"""What the cache of the race takes: by formula, in the real tensors, and what would fit."""

from __future__ import annotations

import streamlit as st

from kvviz.analysis.cache_widths import cache_widths, sequences_that_fit
from kvviz.analysis.memory import break_even_tokens, cache_arithmetic, weight_bytes
from kvviz.figures.cache_bytes import cache_bytes_curve
from kvviz.lessons import lessons
from kvviz.trace.race import Race, race_bytes
from kvviz.ui.pages.speed_and_memory.pieces import head, source, table
from kvviz.ui.pages.speed_and_memory.state import Finished
from kvviz.ui.parts import chart
from kvviz.ui.parts.cards import heading, opening
from kvviz.ui.parts.quantity import in_bytes


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
        head("Bytes against tokens", caption.text)
        chart.draw(
            cache_bytes_curve(race),
            f"Bytes of the cache of {race.batch:,} sequences over their tokens, in three number "
            f"formats by formula, and as the tensors held them: {int(race.cache_bytes[-1]):,} B "
            f"at {race.n_prompt + race.n_new - 1:,} tokens. The weights take "
            f"{weight_bytes(race.model):,} B. The table below has the numbers.",
        )
        widths(finished)
        source(caption.source)


def per_token(race: Race) -> None:
    """Draw the bytes of one token, by formula and as the tensors hold them."""
    card, rows = race.model, race.n_prompt + race.n_new - 1
    measured, formula = int(race.cache_bytes[-1]), card.cache_bytes_per_token
    by_formula = formula * rows * race.batch
    same = measured == by_formula
    heading(
        f"{formula:,} B a token",
        f"{cache_arithmetic(card)}. The tensors of the race hold "
        + ("exactly that." if same else f"{measured / rows / race.batch:,.1f} B a token."),
    )
    caption = lessons().caption("bytes-per-token")
    opening(
        "token",
        [
            caption.text,
            f"By formula: {formula:,} B × {rows:,} rows × {race.batch:,} "
            f"sequence{'s' if race.batch > 1 else ''} = {by_formula:,} B.",
            f"Summed sizes of the tensors after the last step: {measured:,} B.",
            "The last token of a run has no row yet: it was chosen, but not fed.",
        ],
        caption.source,
    )


def break_even(race: Race) -> None:
    """Draw from how many tokens on the cache outweighs the weights."""
    card, batch = race.model, race.batch
    tokens, weights = break_even_tokens(card, batch=batch), weight_bytes(card)
    caches = "the cache outweighs" if batch == 1 else f"{batch:,} caches outweigh"
    body = f"From there on {caches} the {in_bytes(weights)} of weights."
    if tokens > card.n_ctx:
        needed = weights // (card.cache_bytes_per_token * card.n_ctx) + 1
        body += (
            f" Its context ends at {card.n_ctx:,}, so it takes a batch of {needed:,} to get there."
        )
    heading(f"Even at {tokens:,} tokens", body)
    opening(
        "even",
        [
            f"{card.n_params:,} parameters × {card.bytes_per_number} B = {weights:,} B of weights.",
            f"{weights:,} B / ({card.cache_bytes_per_token:,} B × {batch:,}) = "
            f"{weights / card.cache_bytes_per_token / batch:,.2f}, so {tokens:,} is the first "
            "number of tokens that is more.",
        ],
        "By formula. " + lessons().caption("bytes-per-token").source,
    )


def largest_batch(finished: Finished) -> None:
    """Draw how many sequences of the full context fit into what is free."""
    race, card, free = finished.race, finished.race.model, finished.free
    if free is None:
        heading("Free memory unknown", f"This system does not tell what is free on {card.device}.")
        return
    full = card.cache_bytes_per_token * card.n_ctx
    fit = sequences_that_fit(free, full)
    needed = race_bytes(card, card.n_ctx, 1)
    racing = sequences_that_fit(free, needed.total)
    heading(
        f"{fit:,} sequences fit",
        f"Caches of {card.n_ctx:,} tokens, in the {in_bytes(free)} that were free on "
        f"{card.device} after the race. To race both ways at that length at most {racing:,} fit.",
    )
    opening(
        "batch",
        [
            f"{free:,} B / ({card.cache_bytes_per_token:,} B × {card.n_ctx:,} tokens) = {fit:,}.",
            f"A race needs at least {needed.cache:,} B of cache and {needed.widest:,} B for the "
            f"two largest tensors of a pass without it, for each sequence: {free:,} B / "
            f"{needed.total:,} B = {racing:,}. A larger batch is refused before it runs.",
            f"This race had a batch of {race.batch:,}.",
        ],
        "Free memory as the system tells it, a container’s limit included. The rest by formula.",
    )


def widths(finished: Finished) -> None:
    """Draw the same cache in three number formats."""
    race, free = finished.race, finished.free
    n_ctx = race.model.n_ctx
    table(
        "widths",
        [
            "format",
            "a token",
            f"{n_ctx:,} tokens",
            "outweighs the weights at",
            "sequences that fit",
        ],
        [
            [
                one.name + {"int8": ", by formula only"}.get(one.name, ""),
                f"{one.bytes_per_token:,} B",
                in_bytes(one.full_context),
                f"{one.break_even:,} tokens",
                "unknown" if free is None else f"{sequences_that_fit(free, one.full_context):,}",
            ]
            for one in cache_widths(race.model, batch=race.batch)
        ],
    )
