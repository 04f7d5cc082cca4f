"""The three cards: bytes of the weights, of the cache, and the accelerators that hold both."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from kvviz.analysis.cache_size import architecture_cache_bytes, bits, cache_terms
from kvviz.analysis.serving import (
    accelerators_needed,
    parameter_bytes,
    usable_bytes,
    users_that_fit,
)
from kvviz.lessons import lessons
from kvviz.ui.pages.model_sizes.choice import FORMATS, Choice, accelerators
from kvviz.ui.parts.cards import heading, opening
from kvviz.ui.parts.quantity import in_bytes, in_words
from kvviz.ui.shell.plain_text import plain_html


@dataclass(frozen=True)
class Bill:
    """What a choice takes.

    Attributes:
        weights: Bytes of the weights.
        cache_of_one: Bytes of one user's cache; 0 where none is kept or its size is not known.
        cache: Bytes of all users' caches.
    """

    weights: int
    cache_of_one: int
    cache: int


def bill(choice: Choice) -> Bill | None:
    """Return what a choice takes, or None where the model's size is not known."""
    if choice.n_parameters is None:
        return None
    shape = choice.model.shape
    one = 0
    if shape is not None:
        one = architecture_cache_bytes(shape, choice.n_tokens, number=FORMATS[choice.kv])
    return Bill(
        parameter_bytes(choice.n_parameters, FORMATS[choice.weights]), one, one * choice.users
    )


def draw(choice: Choice, found: Bill) -> None:
    """Draw the cards."""
    for column, name, body in zip(
        st.columns(3, gap="small"),
        ("weights", "cache", "fit"),
        (weights_card, cache_card, fit_card),
        strict=True,
    ):
        with column, st.container(border=True, key=f"kvviz-card-{name}", height="stretch"):
            body(choice, found)


def weights_card(choice: Choice, found: Bill) -> None:
    """Draw the bytes of the weights and how they come about."""
    row, count, number = choice.model, choice.count, FORMATS[choice.weights]
    total = choice.n_parameters
    assert total is not None
    active = (
        f"; {row.active} of them work on each token, but all must be there" if row.active else ""
    )
    heading(f"{in_bytes(found.weights)} of weights",
            f"{row.name} has {in_words(total)} parameters{active}.")  # fmt: skip
    width = f"{bits(number) / 8:g} B"
    if count is None:
        lines = [f"{row.maker} writes {row.published}; its shape is not counted here."]
    else:
        lines = [
            "Counted from its config: "
            + " + ".join(f"{size:,} {part}" for part, size in count.parts.items())
            + f" = {total:,}.",
            f"{row.maker} writes {row.published}.",
        ]
    lines.append(f"{total:,} × {width} ({number}) = {found.weights:,} B.")
    if bits(number) < 16:
        lines.append("The scales of a quantised format take a little more; they are left out.")
    if row.active and count is not None:
        lines.append(f"A token goes through {count.active:,} of them, embeddings included; "
                     f"{row.maker} writes {row.active}.")  # fmt: skip
    lines += [line for line in (row.other and f"Norms and rest hold {row.other}.",
                                row.off_because, row.note) if line]  # fmt: skip
    opening("weights", lines, f"Source: {row.source}.")


def cache_card(choice: Choice, found: Bill) -> None:
    """Draw the bytes of the cache and how they come about."""
    row, shape, caption = choice.model, choice.model.shape, lessons().caption("cache-by-shape")
    if shape is None:
        heading("Cache not counted", f"How {row.name} keeps keys and values has no formula here.")
        opening("cache", [row.note], f"Source: {row.source}.")
        return
    if shape.layout == "encoder":
        heading(
            "No cache",
            f"{row.name} reads a text in one pass. Every row may look at every other, so a new "
            "token would change them all.",
        )
        opening("cache", [lessons().caption("no-cache").text], lessons().caption("no-cache").source)
        return
    number = FORMATS[choice.kv]
    users = "one user" if choice.users == 1 else f"{choice.users:,} users"
    each = "" if choice.users == 1 else f", {in_bytes(found.cache_of_one)} each"
    against = found.cache / found.weights
    heading(
        f"{in_bytes(found.cache)} of cache",
        f"For {users} of {choice.n_tokens:,} tokens{each}: "
        + (f"{against:,.1f} × the weights." if against >= 1 else f"{against:.1%} of the weights."),
    )
    terms = cache_terms(shape, choice.n_tokens)
    lines = [
        f"{shape.attention}, {term.what}: {term.n_layers:,} layers × {term.n_rows:,} positions × "
        f"{term.row} = {term.total:,} numbers."
        for term in terms
    ]
    lines.append(f"{sum(term.total for term in terms):,} × {bits(number) / 8:g} B ({number}) = "
                 f"{found.cache_of_one:,} B a user.")  # fmt: skip
    if choice.users > 1:
        lines.append(f"{found.cache_of_one:,} B × {choice.users:,} users = {found.cache:,} B.")
    if choice.n_tokens < choice.tokens:
        lines.append(f"{choice.tokens:,} tokens were asked for, but {row.name} was made for "
                     f"{choice.n_tokens:,} at most.")  # fmt: skip
    if row.note:
        lines.append(row.note)
    opening("cache", lines, f"{caption.source} Shape: {row.source}.")


def fit_card(choice: Choice, found: Bill) -> None:
    """Draw how many of the chosen accelerator hold it all, and how many users fit on those."""
    chip, needed = choice.accelerator, found.weights + found.cache
    usable, n = usable_bytes(chip.memory_gb), accelerators_needed(needed, chip.memory_gb)
    together = "" if n == 1 else " together"
    lines = [
        f"One {chip.name} has {chip.memory_gb:,} GB; a tenth is kept free, so {in_bytes(usable)} "
        "can be filled.",
        f"({found.weights:,} B weights + {found.cache:,} B cache) / {usable:,} B = "
        f"{needed / usable:,.2f}, so {n:,}.",
    ]
    if found.cache_of_one:
        users = users_that_fit(found.weights, found.cache_of_one, chip.memory_gb, n)
        said = f"{users:,} {'user' if users == 1 else 'users'} of {choice.n_tokens:,} tokens"
        body = f"By memory alone, {said} would fit on {'it' if n == 1 else 'them'}{together}."
        lines.append(f"({n:,} × {usable:,} B − {found.weights:,} B) / {found.cache_of_one:,} B = "
                     f"{users:,} users.")  # fmt: skip
    else:
        body = "The weights alone; no cache is counted."
    heading(f"{n:,} × {chip.name}", body)
    caption = lessons().caption("fits")
    opening("fit", [*lines, caption.text], f"Memory: {chip.source}.")


def every_accelerator(choice: Choice, found: Bill) -> str:
    """Return a table of all accelerators as HTML: how many are needed, how many users fit."""
    lines: list[str] = []
    for chip in accelerators().values():
        n = accelerators_needed(found.weights + found.cache, chip.memory_gb)
        users = "–"
        if found.cache_of_one:
            users = f"{users_that_fit(found.weights, found.cache_of_one, chip.memory_gb, n):,}"
        mark = ' class="kvviz-chosen"' if chip.id == choice.on else ""
        lines.append(
            f'<tr{mark}><th scope="row">{plain_html(chip.name)}</th><td>{chip.memory_gb:,} GB</td>'
            f"<td>{n:,}</td><td>{users}</td></tr>"
        )
    n_needed = accelerators_needed(found.weights + found.cache, choice.accelerator.memory_gb)
    return (
        f'<div data-kvviz="model-sizes" data-row="{plain_html(choice.row)}" '
        f'data-tokens="{choice.n_tokens}" data-users="{choice.users}" '
        f'data-weights-bytes="{found.weights}" data-cache-bytes="{found.cache}" '
        f'data-needed="{n_needed}">'
        '<table class="kvviz-accelerators" data-kvviz="accelerators"><thead><tr>'
        '<th scope="col">accelerator</th><th scope="col">memory</th><th scope="col">needed</th>'
        f'<th scope="col">users that fit</th></tr></thead><tbody>{"".join(lines)}</tbody>'
        "</table></div>"
    )
