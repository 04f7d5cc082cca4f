"""The question that opens the page: one user's long chat on a large model."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from kvviz.analysis.cache_size import architecture_cache_bytes, cache_terms
from kvviz.trace.architecture import Architecture
from kvviz.translation import gettext as _
from kvviz.translation import ngettext
from kvviz.ui.pages.model_sizes import choice
from kvviz.ui.pages.model_sizes.choice import FORMATS, PREFIX, put
from kvviz.ui.pages.model_sizes.result_cards import in_numbers
from kvviz.ui.parts.experiment import Choice, Experiment, Verdict
from kvviz.ui.parts.quantity import in_bytes

ASKED = choice.Choice(row="llama-3.1-405b", tokens=131_072)


def answers() -> tuple[dict[int, str], int]:
    """Return the answers to choose from, bytes to what each would be, and the right one."""
    shape = ASKED.model.shape
    assert shape is not None
    right = architecture_cache_bytes(shape, ASKED.tokens)
    one_head = replace(shape, attention="MQA", n_kv_heads=1)
    every_head = replace(shape, attention="MHA", n_kv_heads=shape.n_heads)
    what = {
        # Translators: these four stand in "You said 516 kB, which would be one token."
        architecture_cache_bytes(shape, 1): _("one token"),
        architecture_cache_bytes(one_head, ASKED.tokens): _(
            "one KV head a layer in place of {n}"
        ).format(n=shape.n_kv_heads),
        right: _("{kv_heads} a layer, shared by {query_heads}").format(**_heads(shape)),
        architecture_cache_bytes(every_head, ASKED.tokens): _("a KV head for each query head"),
    }
    return what, right


def experiment() -> Experiment:
    """Return the experiment, in which nothing has to be run."""
    what, right = answers()
    return Experiment(
        "cache-of-405b",
        [Choice({size: in_bytes(size) for size in what}, meaning=what)],
        lambda _found: told(what, right),
    )


def told(what: dict[int, str], right: int) -> Verdict:
    """Return what is right, and the arithmetic of it."""
    shape = ASKED.model.shape
    assert shape is not None
    (term,) = cache_terms(shape, ASKED.tokens)
    return Verdict(
        [{right}],
        _("It takes {size}, with {kv_heads} a layer, shared by {query_heads}.").format(
            size=in_bytes(right), **_heads(shape)
        ),
        [
            in_numbers(term),
            f"{term.total:,} × 2 B ({FORMATS[ASKED.kv]}) = {right:,} B.",
            *(
                # Translators: {what} is "one token", "a KV head for each query head" and the like.
                _("{size} would be {what}.").format(size=in_bytes(size), what=name)
                for size, name in what.items()
                if size != right
            ),
        ],
        _("Shape: {source}.").format(source=ASKED.model.source),
        beside=lambda: st.button(
            _("Set the controls to it"),
            key=f"{PREFIX}show",
            type="secondary",
            on_click=lambda: put(ASKED),
        ),
    )


def _heads(shape: Architecture) -> dict[str, str]:
    return {
        "kv_heads": ngettext("{n:,} KV head", "{n:,} KV heads", shape.n_kv_heads).format(
            n=shape.n_kv_heads
        ),
        "query_heads": ngettext("{n:,} query head", "{n:,} query heads", shape.n_heads).format(
            n=shape.n_heads
        ),
    }
