"""The question that opens the page: one user's long chat on a large model."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from kvviz.analysis.cache_size import architecture_cache_bytes, cache_terms
from kvviz.lessons import lessons
from kvviz.ui.pages.model_sizes.choice import PREFIX, Choice, SizesState, put
from kvviz.ui.parts.cards import opening
from kvviz.ui.parts.quantity import in_bytes
from kvviz.ui.shell.plain_text import plain_html

ASKED = Choice(row="llama-3.1-405b", tokens=131_072)


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


def draw(state: SizesState) -> None:
    """Draw the question, and after an answer what is right and why."""
    question, (what, right) = lessons().question("cache-of-405b"), answers()

    def take(answer: int) -> None:
        state.answer = answer

    if state.answer is None:
        with st.container(key="kvviz-ask-sizes", gap="small"):
            st.html(f'<p class="kvviz-ask" data-kvviz="question">{plain_html(question.ask)}</p>')
            with st.container(horizontal=True, key="kvviz-choices-sizes", gap="small"):
                for number, size in enumerate(what):
                    st.button(
                        in_bytes(size), key=f"{PREFIX}answer:{number}", on_click=take, args=(size,)
                    )
                st.button(
                    "Just show me",
                    key=f"{PREFIX}answer:show",
                    type="tertiary",
                    on_click=take,
                    args=(0,),
                )
        return
    with st.container(key="kvviz-ask-sizes", gap="small"):
        st.html(
            f'<p class="kvviz-told" data-kvviz="verdict">{plain_html(verdict(state.answer))}</p>'
            f'<p class="kvviz-body">{plain_html(question.why)}</p>'
        )
        shape = ASKED.model.shape
        assert shape is not None
        (term,) = cache_terms(shape, ASKED.tokens)
        with st.container(horizontal=True, gap="medium", vertical_alignment="center"):
            st.button("Set the controls to it", key=f"{PREFIX}show", type="secondary",
                      on_click=lambda: put(ASKED))  # fmt: skip
            opening(
                "prediction",
                [
                    f"{term.n_layers:,} layers × {term.n_rows:,} positions × {term.row} = "
                    f"{term.total:,} numbers.",
                    f"{term.total:,} × 2 B (bfloat16) = {right:,} B.",
                    *(f"{in_bytes(size)} would be {name}." for size, name in what.items()
                      if size != right),
                ],
                f"{question.source} Shape: {ASKED.model.source}.",
            )  # fmt: skip


def verdict(answer: int) -> str:
    """Return the sentence that says what is right, beside what was answered; 0 for no answer."""
    what, right = answers()
    told = f"{in_bytes(right)}, with {what[right]}."
    if answer == right:
        return f"Right: {told}"
    if not answer:
        return f"It takes {told}"
    return f"You said {in_bytes(answer)}, which would be {what[answer]}. It takes {told}"
