"""The look of the pages around the player."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import streamlit as st


@cache
def _rules() -> str:
    return (Path(__file__).parent / "style.css").read_text(encoding="utf-8")


def apply() -> None:
    """Put the style rules on the page."""
    st.html(f"<style>{_rules()}</style>")
