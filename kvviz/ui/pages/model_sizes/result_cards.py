"""The three cards: bytes of the weights, of the cache, and the accelerators that hold both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from kvviz.analysis.cache_size import (
    CacheTerm,
    architecture_cache_bytes,
    bits,
    cache_terms,
    constant_bytes,
)
from kvviz.analysis.kept_bytes import Keeping, kept_term_bytes
from kvviz.analysis.serving import (
    accelerators_needed,
    parameter_bytes,
    usable_bytes,
    users_that_fit,
)
from kvviz.lessons import lessons
from kvviz.trace.architecture import Architecture
from kvviz.translation import gettext as _
from kvviz.translation import ngettext
from kvviz.ui.pages.model_sizes.choice import FORMATS, Choice, accelerators
from kvviz.ui.parts.cards import heading, opening
from kvviz.ui.parts.quantity import in_bytes, in_tokens, in_words
from kvviz.ui.shell.plain_text import plain_html


@dataclass(frozen=True)
class Bill:
    """What a choice takes.

    Attributes:
        weights: Bytes of the weights.
        cache_of_one: Bytes of one user's cache; 0 where none is kept or its size is not known.
        cache: Bytes of all users' caches.
        state: Bytes of these that do not grow with the text.
    """

    weights: int
    cache_of_one: int
    cache: int
    state: int = 0


def bill(choice: Choice) -> Bill | None:
    """Return what a choice takes, or None where the model's size is not known."""
    if choice.n_parameters is None:
        return None
    shape = choice.model.shape
    one = state = 0
    if shape is not None:
        one = architecture_cache_bytes(shape, choice.n_tokens, number=FORMATS[choice.kv])
        state = constant_bytes(shape, n_users=choice.users, number=FORMATS[choice.kv])
    return Bill(
        parameter_bytes(choice.n_parameters, FORMATS[choice.weights]),
        one,
        one * choice.users,
        state,
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
    if row.active:
        body = _(
            "{model} has {n} parameters; {active} of them work on each token, but all must be "
            "there."
        ).format(model=row.name, n=in_words(total), active=row.active)
    else:
        body = _("{model} has {n} parameters.").format(model=row.name, n=in_words(total))
    heading(_("{size} of weights").format(size=in_bytes(found.weights)), body)
    written = _("{maker} writes {n}.").format(maker=row.maker, n=row.published)
    if count is None:
        lines = [
            _("{maker} writes {n}; its shape is not counted here.").format(
                maker=row.maker, n=row.published
            )
        ]
    else:
        parts = " + ".join(f"{size:,} {_(part)}" for part, size in count.parts.items())
        lines = [_("Counted from its config: {sum}.").format(sum=f"{parts} = {total:,}"), written]
    lines.append(f"{total:,} × {_width(number)} ({_(number)}) = {found.weights:,} B.")
    if bits(number) < 16:
        lines.append(_("The scales of a quantised format take a little more; they are left out."))
    if row.active and count is not None:
        lines.append(
            _(
                "A token goes through {n:,} of them, embeddings included; {maker} writes {active}."
            ).format(n=count.active, maker=row.maker, active=row.active)
        )
    if row.other:
        lines.append(_("Norms and rest hold {what}.").format(what=_(row.other)))
    lines += [_(line) for line in (row.off_because, row.note) if line]
    opening("weights", lines, _("Source: {source}.").format(source=row.source))


def cache_card(choice: Choice, found: Bill) -> None:
    """Draw the bytes of the cache and how they come about."""
    row, shape, caption = choice.model, choice.model.shape, lessons().caption("cache-by-shape")
    if shape is None:
        heading(
            _("Cache not counted"),
            _("How {model} keeps keys and values has no formula here.").format(model=row.name),
        )
        opening(
            "cache",
            [_(row.note)] if row.note else [],
            _("Source: {source}.").format(source=row.source),
        )
        return
    if shape.layout == "encoder":
        heading(
            _("No cache"),
            _(
                "{model} reads a text in one pass. Every row may look at every other, so a new "
                "token would change them all."
            ).format(model=row.name),
        )
        opening("cache", [lessons().caption("no-cache").text], lessons().caption("no-cache").source)
        return
    title = _("{size} of state") if shape.attention == "none" else _("{size} of cache")
    body = " ".join(part for part in (_for_whom(choice, found), _of_state(found)) if part)
    heading(title.format(size=in_bytes(found.cache)), body)
    opening(
        "cache",
        _cache_arithmetic(choice, found),
        caption.source + " " + _("Shape: {source}.").format(source=row.source),
    )


def _for_whom(choice: Choice, found: Bill) -> str:
    """Say for how many users and tokens the cache is, and how it compares with the weights."""
    share = found.cache / found.weights
    if share >= 1:
        against = _("{times:,.1f} × the weights").format(times=share)
    else:
        against = _("{share:.1%} of the weights").format(share=share)
    tokens = in_tokens(choice.n_tokens)
    if choice.users == 1:
        # Translators: {against} is "2.0 × the weights" or "12.5% of the weights".
        return _("For one user of {tokens}: {against}.").format(tokens=tokens, against=against)
    return ngettext(
        "For {n:,} user of {tokens}, {each} each: {against}.",
        "For {n:,} users of {tokens}, {each} each: {against}.",
        choice.users,
    ).format(n=choice.users, tokens=tokens, each=in_bytes(found.cache_of_one), against=against)


def _of_state(found: Bill) -> str:
    """Say how much of the cache does not grow; nothing where all of it does."""
    if not found.state:
        return ""
    if found.state == found.cache:
        return _("It is a state, which stays as large however long the text.")
    return _("{size} of it is a state that does not grow with the text.").format(
        size=in_bytes(found.state)
    )


def _cache_arithmetic(choice: Choice, found: Bill) -> list[str]:
    """Return how the bytes of the cache come about, a line each."""
    row, shape, number = choice.model, choice.model.shape, FORMATS[choice.kv]
    assert shape is not None
    terms = cache_terms(shape, choice.n_tokens)
    lines = [f"{_method(term, shape)}, {term.what}: {in_numbers(term)}" for term in terms]
    totals: dict[str, int] = {}
    for term in terms:
        kept_in = term.number or number
        totals[kept_in] = totals.get(kept_in, 0) + term.total
    products = (
        _("{n:,} × {width} ({number})").format(n=n, width=_width(kept_in), number=_(kept_in))
        for kept_in, n in totals.items()
    )
    # Translators: {sum} is "1,000 × 2 B (bfloat16) + 20 × 4 B (float32)".
    lines.append(
        _("{sum} = {size:,} B a user.").format(sum=" + ".join(products), size=found.cache_of_one)
    )
    lines += _kept_otherwise(terms, number)
    if choice.users > 1:
        lines.append(
            ngettext(
                "{one:,} B × {n:,} user = {size:,} B.",
                "{one:,} B × {n:,} users = {size:,} B.",
                choice.users,
            ).format(one=found.cache_of_one, n=choice.users, size=found.cache)
        )
    if choice.n_tokens < choice.tokens:
        lines.append(
            ngettext(
                "{n:,} token was asked for, but {model} was made for {most:,} at most.",
                "{n:,} tokens were asked for, but {model} was made for {most:,} at most.",
                choice.tokens,
            ).format(n=choice.tokens, model=row.name, most=choice.n_tokens)
        )
    if row.note:
        lines.append(_(row.note))
    return lines


KEPT = (Keeping(rows=1_024), Keeping(bits=4), Keeping(rows=1_024, bits=4))
"""Ways of keeping rows that are counted beside: a budget, bits with their scales, and both."""


def _kept_otherwise(terms: Sequence[CacheTerm], number: str) -> list[str]:
    """Return what ways of keeping rows would make of it, a line each; none where there are none."""
    plain = bits(number)
    if plain < 16 or all(term.is_constant for term in terms):
        return []
    budget, packed, both = (
        sum(kept_term_bytes(term, one, plain) for term in terms) for one in KEPT
    )
    return [
        _(
            "If queries read {rows:,} rows at most, whichever: {rows:,} − 1 of them are there "
            "between two steps, {size:,} B a user."
        ).format(rows=KEPT[0].rows, size=budget),
        _(
            "In {bits} bits with a least number and a step for every {group} numbers: {bits} + 2 × "
            "{plain} / {group} = {all:g} bits each, {size:,} B a user; both together {both:,} B. "
            "What that costs in quality no formula says."
        ).format(
            bits=KEPT[1].bits,
            group=KEPT[1].group,
            plain=plain,
            all=KEPT[1].bits_a_number(plain),
            size=packed,
            both=both,
        ),
    ]


def _method(term: CacheTerm, shape: Architecture) -> str:
    """Return by what method the layers of a term keep what they keep."""
    return shape.state.kind if term.is_constant and shape.state else shape.attention


def in_numbers(term: CacheTerm) -> str:
    """Return how many numbers some layers keep for a sequence, as arithmetic."""
    layers = ngettext("{n:,} layer", "{n:,} layers", term.n_layers).format(n=term.n_layers)
    positions = ngettext("{n:,} position", "{n:,} positions", term.n_rows).format(n=term.n_rows)
    numbers = ngettext("{n:,} number", "{n:,} numbers", term.total).format(n=term.total)
    if term.is_constant:
        return f"{layers} × {term.row} = {numbers}."
    return f"{layers} × {positions} × {term.row} = {numbers}."


def fit_card(choice: Choice, found: Bill) -> None:
    """Draw how many of the chosen accelerator hold it all, and how many users fit on those."""
    chip, needed = choice.accelerator, found.weights + found.cache
    usable, n = usable_bytes(chip.memory_gb), accelerators_needed(needed, chip.memory_gb)
    lines = [
        _("One {chip} has {size:,} GB; a tenth is kept free, so {usable} can be filled.").format(
            chip=chip.name, size=chip.memory_gb, usable=in_bytes(usable)
        ),
        _(
            "({weights:,} B weights + {cache:,} B cache) / {usable:,} B = {quotient:,.2f}, so "
            "{n:,}."
        ).format(
            weights=found.weights, cache=found.cache, usable=usable, quotient=needed / usable, n=n
        ),
    ]
    if found.cache_of_one:
        users = users_that_fit(found.weights, found.cache_of_one, chip.memory_gb, n)
        if n == 1:
            body = ngettext(
                "By memory alone, {n:,} user of {tokens} would fit on it.",
                "By memory alone, {n:,} users of {tokens} would fit on it.",
                users,
            )
        else:
            body = ngettext(
                "By memory alone, {n:,} user of {tokens} would fit on them together.",
                "By memory alone, {n:,} users of {tokens} would fit on them together.",
                users,
            )
        body = body.format(n=users, tokens=in_tokens(choice.n_tokens))
        lines.append(
            ngettext(
                "({chips:,} × {usable:,} B − {weights:,} B) / {one:,} B = {n:,} user.",
                "({chips:,} × {usable:,} B − {weights:,} B) / {one:,} B = {n:,} users.",
                users,
            ).format(chips=n, usable=usable, weights=found.weights, one=found.cache_of_one, n=users)
        )
    else:
        body = _("The weights alone; no cache is counted.")
    heading(f"{n:,} × {chip.name}", body)
    caption = lessons().caption("fits")
    opening("fit", [*lines, caption.text], _("Memory: {source}.").format(source=chip.source))


def every_accelerator(choice: Choice, found: Bill) -> str:
    """Return a table of all accelerators as HTML: how many are needed, how many users fit."""
    lines: list[str] = []
    for chip in accelerators().values():
        n = accelerators_needed(found.weights + found.cache, chip.memory_gb)
        users = "–"
        if found.cache_of_one:
            users = f"{users_that_fit(found.weights, found.cache_of_one, chip.memory_gb, n):,}"
        mark = ' class="kvviz-chosen"' if chip.id == choice.on else ""
        memory = f"{chip.memory_gb:,} GB"
        lines.append(
            f'<tr{mark}><th scope="row">{plain_html(chip.name)}</th><td>{memory}</td>'
            f"<td>{n:,}</td><td>{users}</td></tr>"
        )
    n_needed = accelerators_needed(found.weights + found.cache, choice.accelerator.memory_gb)
    titles = (_("accelerator"), _("memory"), _("needed"), _("users that fit"))
    heads = "".join(f'<th scope="col">{plain_html(title)}</th>' for title in titles)
    return (
        f'<div data-kvviz="model-sizes" data-row="{plain_html(choice.row)}" '
        f'data-tokens="{choice.n_tokens}" data-users="{choice.users}" '
        f'data-weights-bytes="{found.weights}" data-cache-bytes="{found.cache}" '
        f'data-state-bytes="{found.state}" '
        f'data-needed="{n_needed}">'
        '<table class="kvviz-accelerators" data-kvviz="accelerators">'
        f"<thead><tr>{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def _width(number: str) -> str:
    """Return the bytes of a number format."""
    return f"{bits(number) / 8:g} B"
