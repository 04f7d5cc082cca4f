"""A text with its labels, drawn by a small component of its own."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kvviz.translation import front_end_catalogue
from kvviz.ui.pages.language_modelling.readings import N_RECORDED, Reading
from kvviz.ui.shell.front_end import front_end
from kvviz.ui.work.model_names import called

HERE = Path(__file__).parent


def _component() -> Callable[..., Any]:
    """Return what mounts it."""
    return front_end(
        "kvviz_token_columns", HERE / "token_columns.bundle.js", HERE / "token_columns.css"
    )


def payload(reading: Reading, *, mode: str, revealed: bool, wait: str) -> dict[str, Any]:
    """Return what the component draws; before the reveal it holds no loss and no guess."""
    columns = reading.columns
    facts = json.dumps([reading.card.to_json(), columns], sort_keys=True)
    if not revealed:
        veil = {"bits": None, "rank": 0, "probability": None, "guesses": []}
        columns = [column | veil for column in columns]
    return {
        "id": hashlib.sha256(facts.encode()).hexdigest()[:16],
        "model": called(reading.card.name),
        "mode": mode,
        "revealed": revealed,
        "most_bits": round(math.log2(reading.card.d_vocab), 4),
        "n_recorded": min(N_RECORDED, reading.card.d_vocab),
        "wait": wait,
        "columns": columns,
    }


def token_columns(reading: Reading, *, mode: str, revealed: bool, wait: str, key: str) -> None:
    """Draw a text with its labels.

    Args:
        reading: The text as a model read it.
        mode: ``next-token`` or ``masked-token``.
        revealed: Whether losses and guesses are shown.
        wait: What the panel says until they are.
        key: Name of this component on the page.
    """
    data = payload(reading, mode=mode, revealed=revealed, wait=wait) | front_end_catalogue()
    _component()(key=key, data=data)
