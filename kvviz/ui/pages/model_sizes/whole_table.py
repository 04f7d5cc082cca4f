"""All models as a table to sort and to take away."""

from __future__ import annotations

import csv
import io
from typing import Any

import pandas as pd
import streamlit as st

from kvviz.analysis.cache_size import architecture_cache_bytes
from kvviz.analysis.parameters import count_parameters
from kvviz.lessons.model_table import ModelRow, amount
from kvviz.ui.pages.model_sizes.choice import models

BILLION, TRILLION = 10**9, 10**12


def line_of(row: ModelRow) -> dict[str, Any]:
    """Return what the table says of a model, column to cell; None where it is not known."""
    shape = row.shape
    published, active = amount(row.published), amount(row.active)
    trained = amount(row.training_tokens)
    cells: dict[str, Any] = {
        "model": row.name,
        "maker": row.maker,
        "published in": row.month,
        "parameters, billion": published and published.number / BILLION,
        "active, billion": active and active.number / BILLION,
        "trained on, trillion tokens": trained and trained.number / TRILLION,
        "licence": row.licence,
        "licence kind": row.licence_kind,
    }
    shaped = [
        "counted, parameters", "layers", "query heads", "KV heads", "head width, numbers",
        "attention", "layers with a window", "window, tokens", "d_model, numbers",
        "vocabulary, tokens", "context, tokens", "cache of the first token, B in bfloat16",
    ]  # fmt: skip
    if shape is None:
        cells |= dict.fromkeys(shaped)
    else:
        # A layer under MLA keeps no heads, an encoder no cache.
        numbers = [
            count_parameters(shape).total, shape.n_layers, shape.n_heads, shape.n_kv_heads or None,
            shape.d_head, shape.attention, shape.n_window_layers, shape.window or None,
            shape.d_model, shape.d_vocab, shape.n_ctx, architecture_cache_bytes(shape, 1),
        ]  # fmt: skip
        cells |= dict(zip(shaped, numbers, strict=True))
    missing = {"parameters": row.published, "training tokens": row.training_tokens}
    gaps = [f"{name} {text}" for name, text in missing.items() if amount(text) is None]
    if shape is None:
        gaps.append("shape not public" if published is None else "shape not counted here")
    cells["missing"] = ", ".join(gaps)
    cells["note"] = " ".join(one for one in (row.note, row.off_because) if one)
    cells["source"] = row.source
    return cells


def as_csv() -> str:
    """Return the table as CSV with a header line."""
    lines = [line_of(row) for row in models().values()]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def draw() -> None:
    """Draw the table and its download."""
    lines = [line_of(row) for row in models().values()]
    # Imported whole, with this file, before any figure is drawn: plotly asks for pandas where it is
    # loaded, and fails where another thread has only begun to load it.
    table = pd.DataFrame(lines).convert_dtypes()
    whole = st.column_config.NumberColumn(format="localized")
    counts = {str(name): whole for name in table.select_dtypes("integer").columns}
    st.dataframe(
        table,
        hide_index=True,
        height=420,
        placeholder="–",
        key="sizes-table",
        column_config={
            **counts,
            "model": st.column_config.TextColumn(pinned=True),
            "source": st.column_config.TextColumn(width="large"),
        },
        alt=f"A table of {len(lines)} models with their sizes, shapes and sources, newest first.",
    )
    st.download_button("Download as CSV", as_csv(), "kvviz-models.csv", "text/csv",
                       key="sizes-csv", on_click="ignore", icon=":material/download:")  # fmt: skip
