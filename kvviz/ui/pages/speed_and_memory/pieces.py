"""Pieces that the parts of the page share: a card's head, its source, and a table."""

from __future__ import annotations

import streamlit as st

from kvviz.ui.shell.plain_text import plain_html


def head(title: str, text: str) -> None:
    """Draw a card's title and its sentence; both are plain text."""
    st.html(
        f'<div class="kvviz-heading" role="heading" aria-level="3">{plain_html(title)}</div>'
        f'<p class="kvviz-body">{plain_html(text)}</p>'
    )


def source(text: str) -> None:
    """Draw where a figure comes from."""
    st.html(f'<p class="kvviz-source">{plain_html(text)}</p>')


def table(hook: str, head_cells: list[str], rows: list[list[str]]) -> None:
    """Draw a small table whose first column names its rows; all cells are plain text."""
    names = "".join(f'<th scope="col">{plain_html(cell)}</th>' for cell in head_cells)
    lines = "".join(
        f'<tr><th scope="row">{plain_html(row[0])}</th>'
        + "".join(
            f'<td data-label="{plain_html(name)}">{plain_html(cell)}</td>'
            for name, cell in zip(head_cells[1:], row[1:], strict=True)
        )
        + "</tr>"
        for row in rows
    )
    st.html(
        f'<table class="kvviz-table" data-kvviz="{hook}"><thead><tr>{names}</tr></thead>'
        f"<tbody>{lines}</tbody></table>"
    )
