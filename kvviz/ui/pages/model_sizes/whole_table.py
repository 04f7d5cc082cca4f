"""All models as a table to sort and to take away."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from kvviz.analysis.cache_size import architecture_cache_bytes, constant_bytes
from kvviz.analysis.parameters import count_parameters
from kvviz.lessons.model_table import ModelRow, amount
from kvviz.translation import N_, ngettext
from kvviz.translation import gettext as _
from kvviz.ui.pages.model_sizes.choice import models

BILLION, TRILLION = 10**9, 10**12
MOST_HIGH, ROW_HIGH = 420, 33
"""Pixels of the table, and of a line of it as Streamlit draws it."""


COLUMNS = (
    N_("model"),
    N_("maker"),
    N_("published in"),
    N_("status"),
    N_("parameters, billion"),
    N_("active, billion"),
    N_("trained on, trillion tokens"),
    N_("licence"),
    N_("licence kind"),
    N_("counted, parameters"),
    N_("layers"),
    N_("query heads"),
    N_("KV heads"),
    N_("head width, numbers"),
    N_("attention"),
    N_("layers with a window"),
    N_("window, tokens"),
    N_("layers with a state"),
    N_("kind of state"),
    N_("d_model, numbers"),
    N_("vocabulary, tokens"),
    N_("context, tokens"),
    N_("cache of the first token, B in bfloat16"),
    N_("state beside it, B"),
    N_("missing"),
    N_("note"),
    N_("source"),
)
"""The columns, as a file names them; on the page they are translated."""

# What is missing, by why: the keys are those of `WHY_MISSING`.
_PARAMETERS_MISSING = {"undisclosed": N_("parameters undisclosed")}
# not for people: keys
_TRAINING_MISSING = {
    "undisclosed": N_("training tokens undisclosed"),
    "not published": N_("training tokens not published"),
    "not looked up": N_("training tokens not looked up"),
}


def line_of(row: ModelRow, say: Callable[[str], str] = str) -> dict[str, Any]:
    """Return what the table says of a model, column to cell; None where it is not known.

    Args:
        row: The model.
        say: Translates a cell's words; without it they are English, as in a file.
    """
    shape = row.shape
    published, active = amount(row.published), amount(row.active)
    trained = amount(row.training_tokens)
    shaped: tuple[Any, ...] = (None,) * 15
    if shape is not None:
        # A layer under MLA keeps no heads, an encoder no cache.
        state, kept = shape.state, constant_bytes(shape)
        shaped = (
            count_parameters(shape).total, shape.n_layers, shape.n_heads or None,
            shape.n_kv_heads or None, shape.d_head or None, shape.attention, shape.n_window_layers,
            shape.window or None, state.n_layers if state else 0, state and state.kind,
            shape.d_model, shape.d_vocab, shape.n_ctx, architecture_cache_bytes(shape, 1) - kept,
            kept,
        )  # fmt: skip
    cells = (
        row.name,
        row.maker,
        row.month,
        say(row.status),
        published and published.number / BILLION,
        active and active.number / BILLION,
        trained and trained.number / TRILLION,
        row.licence,
        say(row.licence_kind),
        *shaped,
        ", ".join(say(gap) for gap in _gaps(row)),
        " ".join(say(one) for one in (row.note, row.off_because) if one),
        row.source,
    )
    return dict(zip(COLUMNS, cells, strict=True))


def _gaps(row: ModelRow) -> list[str]:
    """Return what is missing of a model, a phrase each."""
    published = amount(row.published)
    gaps: list[str] = []
    if published is None:
        gaps.append(_PARAMETERS_MISSING[row.published])
    if amount(row.training_tokens) is None:
        gaps.append(_TRAINING_MISSING[row.training_tokens])
    if row.shape is None:
        gaps.append(N_("shape not public") if published is None else N_("shape not counted here"))
    return gaps


def as_csv() -> str:
    """Return the table as CSV with a header line, in English whatever the page speaks."""
    lines = [line_of(row) for row in models().values()]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def found_lines(find: str) -> list[dict[str, Any]]:
    """Return the lines of the models that say every word of `find`, whatever their case."""
    words = find.casefold().split()
    lines = (line_of(row, _) for row in models().values())
    return [line for line in lines if all(word in _said_by(line) for word in words)]


def _said_by(line: dict[str, Any]) -> str:
    return " ".join(str(cell) for cell in line.values() if cell is not None).casefold()


def draw(find: str = "") -> None:
    """Draw the table, or the lines of it that say every word of `find`, and its download."""
    lines = found_lines(find)
    if not lines:
        st.info(
            _("No model of the table says {find!r}. Take fewer words.").format(find=find),
            icon=":material/search_off:",
        )
    else:
        _draw_lines(lines)
    st.download_button(_("Download as CSV"), as_csv(), "kvviz-models.csv", "text/csv",
                       key="sizes-csv", on_click="ignore", icon=":material/download:")  # fmt: skip


def _draw_lines(lines: list[dict[str, Any]]) -> None:
    # Imported whole, with this file, before any figure is drawn: plotly asks for pandas where it is
    # loaded, and fails where another thread has only begun to load it.
    table = pd.DataFrame(lines).convert_dtypes()
    columns: dict[str, Any] = {name: st.column_config.Column(_(name)) for name in COLUMNS}
    for name in table.select_dtypes("integer").columns:
        columns[name] = st.column_config.NumberColumn(_(name), format="localized")
    columns["model"] = st.column_config.TextColumn(_("model"), pinned=True, width=190)
    columns["source"] = st.column_config.TextColumn(_("source"), width="large")
    alt = ngettext(
        "A table of {n:,} model with its size, shape and source.",
        "A table of {n:,} models with their sizes, shapes and sources, newest first.",
        len(lines),
    ).format(n=len(lines))
    st.dataframe(
        table,
        hide_index=True,
        height=min(MOST_HIGH, (len(lines) + 1) * ROW_HIGH + 2),
        placeholder="–",
        key="sizes-table",
        column_config=columns,
        alt=alt,
    )
