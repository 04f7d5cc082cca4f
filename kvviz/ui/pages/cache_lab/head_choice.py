"""The KV head that an experiment looks at: that of the view, or the one that the page chooses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from kvviz.trace import ModelCard
from kvviz.translation import gettext as _
from kvviz.ui.pages.cache_lab.state import PREFIX, LabState


def choose_head(
    state: LabState,
    card: ModelCard,
    usual: tuple[int, int],
    *,
    key: str,
    on_choice: Callable[[], None] = lambda: None,
) -> tuple[int, int]:
    """Draw the lists of layers and KV heads, and return those in view.

    Args:
        state: The page's memory.
        card: The model's.
        usual: Layer and KV head where the view leaves them open.
        key: What the lists are called on the page.
        on_choice: Called when another one is chosen.
    """
    layer, head = (
        usual_one if in_view is None else min(in_view, n - 1)
        for in_view, usual_one, n in zip(
            (state.view.layer, state.view.head),
            usual,
            (card.n_layers, card.n_kv_heads),
            strict=True,
        )
    )
    for label, name, at, n in (
        (_("Layer"), "layer", layer, card.n_layers),
        (_("KV head"), "head", head, card.n_kv_heads),
    ):
        _list(state, f"{PREFIX}{key}-{name}", label, name, (at, n), on_choice)
    return layer, head


def _list(
    state: LabState,
    key: str,
    label: str,
    name: str,
    at_of: tuple[int, int],
    on_choice: Callable[[], None],
) -> None:
    st.session_state[key] = at_of[0]

    def choose() -> None:
        state.view = replace(state.view, **{name: st.session_state[key]})
        on_choice()

    st.selectbox(label, range(at_of[1]), key=key, on_change=choose, width=110)
