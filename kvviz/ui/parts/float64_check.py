"""What the same run in float64 says of a difference: rounding, or something else."""

from __future__ import annotations

import streamlit as st

from kvviz.lessons import lessons
from kvviz.translation import gettext as _
from kvviz.ui.shell.plain_text import plain_html

SHRINKS_BY = 2.0**20
"""float64 rounds 2^29 times more finely than float32. A fall of the difference by 2^20 leaves room
for how rounding errors happen to add up, and is still far beyond what any other cause would do."""


def is_rounding(before: float, after: float) -> bool:
    """Whether a difference shrank in float64 as only rounding does."""
    return after == 0.0 or before / after >= SHRINKS_BY


def told(before: float, after: float) -> str:
    """Return what became of a difference in float64, as HTML."""
    found = f"<b>{after:.1e}</b>"
    if after == 0.0:
        return _("In float64: {difference}.").format(difference=found)
    return _("In float64: {difference}, {factor:,.0f} times less.").format(
        difference=found, factor=before / after
    )


def verdict(before: float, after: float) -> None:
    """Draw what the run in float64 shows."""
    name = "float64-shrank" if is_rounding(before, after) else "float64-stayed"
    text = plain_html(lessons().caption(name).text)
    st.html(f'<p class="kvviz-verdict">{told(before, after)}</p><p class="kvviz-body">{text}</p>')
