"""The question that opens the page: one user's long chat on a large model."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from kvviz.analysis.cache_size import architecture_cache_bytes, cache_terms
from kvviz.ui.pages.model_sizes import choice
from kvviz.ui.pages.model_sizes.choice import PREFIX, put
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
        architecture_cache_bytes(shape, 1): "one token",
        architecture_cache_bytes(one_head, ASKED.tokens): "one KV head a layer in place of 8",
        right: f"{shape.n_kv_heads} KV heads a layer, shared by {shape.n_heads} query heads",
        architecture_cache_bytes(every_head, ASKED.tokens): "a KV head for each query head",
    }
    return what, right


def experiment() -> Experiment:
    """Return the experiment, in which nothing has to be run."""
    what, right = answers()
    return Experiment(
        "cache-of-405b",
        [Choice({size: in_bytes(size) for size in what}, meaning=what)],
        lambda _: told(what, right),
    )


def told(what: dict[int, str], right: int) -> Verdict:
    """Return what is right, and the arithmetic of it."""
    shape = ASKED.model.shape
    assert shape is not None
    (term,) = cache_terms(shape, ASKED.tokens)
    return Verdict(
        [{right}],
        f"It takes {in_bytes(right)}, with {what[right]}.",
        [
            f"{term.n_layers:,} layers × {term.n_rows:,} positions × {term.row} = "
            f"{term.total:,} numbers.",
            f"{term.total:,} × 2 B (bfloat16) = {right:,} B.",
            *(f"{in_bytes(size)} would be {name}." for size, name in what.items() if size != right),
        ],
        f"Shape: {ASKED.model.source}.",
        beside=lambda: st.button(
            "Set the controls to it",
            key=f"{PREFIX}show",
            type="secondary",
            on_click=lambda: put(ASKED),
        ),
    )
