"""The component that draws two encodings side by side, and what it sends back, checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

import kvviz.player
from kvviz.errors import LinkError
from kvviz.translation import language
from kvviz.ui.pages.bert_vs_gpt2.payload import MOST_BYTES, Pair, n_bytes, pack
from kvviz.ui.pages.bert_vs_gpt2.view import LOOKS, SIDES, TwinCell, TwinsView
from kvviz.ui.parts.cell_link import rows_of
from kvviz.ui.parts.painted_figure import PaintedFigure
from kvviz.ui.shell.errors_shown import bounded
from kvviz.ui.shell.plain_text import quoted
from kvviz.ui.shell.served_bytes import serve_buffer

FOLDER = Path(__file__).parent
# How a row is made is dressed as in the player.
STYLES = (FOLDER / "patterns.css", Path(kvviz.player.__file__).parent / "player.css")
FIGURE = PaintedFigure("kvviz_patterns", FOLDER / "patterns.bundle.js", STYLES)


def checked_view(message: object, pair: Pair) -> TwinsView:
    """Return the view that a message from the browser names.

    Raises:
        LinkError: If neither model has such a head, or there is no such cell.
    """
    if not isinstance(message, Mapping):
        # not for people: what is wrong with a message goes into the log
        raise LinkError("The picture sent something that is no view.", found=quoted(message))
    cards = (pair.left.model, pair.right.model)
    counts = {
        "layer": max(card.n_layers for card in cards),
        "head": max(card.n_heads for card in cards),
    }
    numbers: dict[str, int] = {}
    for name, count in counts.items():
        number = message.get(name)
        if type(number) is not int or not 0 <= number < count:
            # not for people: likewise
            raise LinkError("The picture sent a head that is not there.", found=quoted(message))
        numbers[name] = number
    look = message.get("look")
    if look not in LOOKS:
        # not for people: likewise
        raise LinkError("The picture sent no way of looking.", found=quoted(message))
    cell = checked_cell(message.get("cell"), pair)
    return TwinsView(numbers["layer"], numbers["head"], str(look), cell)


def checked_cell(message: object, pair: Pair) -> TwinCell | None:
    """Return the cell that a message from the browser names, None where it names none.

    Raises:
        LinkError: If the pair has no such cell.
    """
    if message is None:
        return None
    rows, side = rows_of(message), message.get("which") if isinstance(message, Mapping) else None
    if rows is not None and side in SIDES:
        cell = TwinCell(*rows, side)
        if cell.is_in(pair):
            return cell
    # not for people: what is wrong with a message goes into the log
    raise LinkError("The picture sent a cell that is not there.", found=quoted(message))


@st.fragment
@bounded
def twins(
    pair: Pair,
    view: TwinsView,
    *,
    key: str,
    view_number: int = 0,
    veiled: bool = False,
    on_view: Callable[[TwinsView], None] | None = None,
) -> None:
    """Draw two encodings side by side.

    Reruns alone when another head is picked: the page around it is left as it is.

    Args:
        pair: What is drawn.
        view: Where to begin. The component keeps its own view as long as the encodings and
            `view_number` are the same.
        key: Name of this component on the page.
        view_number: Another one, and the component takes on `view`.
        veiled: Whether a question about it is still to be answered, so that only its empty slots
            are drawn.
        on_view: Told each head and each cell that the person comes to look at.
    """
    memory = st.session_state.setdefault(f"{key}:memory", {"shown": None})
    shown = (
        id(pair.left), id(pair.right), pair.names, len(pair.changes), veiled, language(),
        view_number,
    )  # fmt: skip
    if memory["shown"] != shown:
        # The pair is kept so that no other object comes to stand where it stood in memory.
        memory.update(shown=shown, pair=pair, view=view, buffer=None)
    if memory["buffer"] is None:
        at = memory["view"]
        memory["buffer"] = serve_buffer(
            pack(
                pair,
                layer=at.layer or 0,
                head=at.head or 0,
                look=at.look,
                cell=None if at.cell is None else (at.cell.side, at.cell.query, at.cell.key),
                view_number=view_number,
                veiled=veiled,
            )
        )

    def moved(message: Any) -> None:
        found = checked_view(message, pair)
        # What was in view before the component took on another view is of the past.
        if message.get("view_number") != view_number:
            return
        if found.layer != memory["view"].layer and n_bytes(pair) > MOST_BYTES:
            memory["buffer"] = None  # Its layer is not with the component yet.
        if memory["buffer"] is None:
            memory["view"] = found
        if on_view:
            on_view(found)

    FIGURE.mount(memory["buffer"].address, key=key, on_view=moved)
