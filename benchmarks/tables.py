"""Results as tables that a person can read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_SPREAD_KEYS = {"median", "low", "high", "n"}


def as_markdown(name: str, result: dict[str, Any]) -> str:
    """Return a measurement as Markdown: the machine in one line, then a table for each part.

    Args:
        name: What was measured.
        result: ``machine``, and parts that are rows or a single row.
    """
    machine = ", ".join(
        f"{key.replace('_', ' ')} {value}" for key, value in result["machine"].items()
    )
    parts = [f"# {name.capitalize()}", machine]
    for part, rows in result.items():
        if part != "machine":
            parts.append(f"## {part.replace('_', ' ').capitalize()}")
            parts.append(_table(rows if isinstance(rows, list) else [rows]))
    return "\n\n".join(parts) + "\n"


def p50_p95(seconds: Sequence[float]) -> str:
    """Return the middle of some times and what all but a twentieth stay below."""
    ordered = sorted(seconds)
    if not ordered:
        return "-"
    at = [ordered[min(int(share * len(ordered)), len(ordered) - 1)] for share in (0.5, 0.95)]
    return " / ".join(f"{one:.2f}" for one in at)


def _table(rows: list[dict[str, Any]]) -> str:
    columns = list(rows[0])
    lines = [
        "| " + " | ".join(column.replace("_", " ") for column in columns) + " |",
        "|" + " --- |" * len(columns),
    ]
    lines += ["| " + " | ".join(_cell(row[column]) for column in columns) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if isinstance(value, dict) and value.keys() == _SPREAD_KEYS:
        return f"{value['median']:.3g} ({value['low']:.3g} to {value['high']:.3g})"
    if isinstance(value, float):
        return f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
