"""Small sound traces for laws that must hold for all of them."""

from __future__ import annotations

from hypothesis import strategies as st

from kvviz.trace import GenerationTrace
from kvviz.trace.model_card import Family
from tests.factories import make_card, make_trace

ALL: tuple[Family, ...] = ("gpt2", "t5")
"""The families that generate."""


@st.composite
def traces(
    draw: st.DrawFn, families: tuple[Family, ...] = ("gpt2",), *, in_windows: bool = False
) -> GenerationTrace:
    n_kv_heads, n_layers = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    windows = st.lists(st.integers(0, 9), min_size=n_layers, max_size=n_layers)
    card = make_card(
        n_layers=n_layers,
        n_heads=n_kv_heads * draw(st.integers(1, 3)),
        n_kv_heads=n_kv_heads,
        d_head=draw(st.integers(1, 6)),
        dtype=draw(st.sampled_from(["float32", "bfloat16", "float16", "float64"])),
        family=draw(st.sampled_from(families)),
        n_encoder_layers=draw(st.integers(1, 3)),
        windows=tuple(draw(windows)) if in_windows else (),
    )
    return make_trace(
        n_prompt=draw(st.integers(1, 12)),
        n_new=draw(st.integers(1, 8)),
        use_cache=draw(st.booleans()),
        seed=draw(st.integers(0, 2**32)),
        n_likely=draw(st.integers(1, 7)),
        prompt=draw(st.text(st.characters(codec="utf-8"), max_size=20)),
        card=card,
        n_encoder=draw(st.integers(1, 7)),
    )
