"""The look of the pages around the player."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import streamlit as st

FILES = ("style.css", "experiment.css")


@cache
def _rules() -> str:
    here = Path(__file__).parent
    return "\n".join((here / name).read_text(encoding="utf-8") for name in FILES)


def apply() -> None:
    """Put the style rules on the page."""
    st.html(f"<style>{_rules()}</style>")
