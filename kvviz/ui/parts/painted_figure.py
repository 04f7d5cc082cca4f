"""A figure of a page's own that the browser paints from one packed buffer."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from kvviz.errors import LinkError
from kvviz.translation import language
from kvviz.ui.shell.front_end import front_end
from kvviz.ui.shell.served_bytes import serve_buffer, voucher

log = logging.getLogger(__name__)

CARD = Path(__file__).parent / "figure_card.css"
"""The style sheet of a figure that stands in a card (`js/figure_card.js`)."""


@dataclass(frozen=True)
class PaintedFigure:
    """The front end of a figure; its bundle is mounted by `js/mount_figure.js`.

    Attributes:
        name: What it is registered as with Streamlit.
        script: Its bundle.
        styles: Its style sheets.
    """

    name: str
    script: Path
    styles: tuple[Path, ...]

    def draw(
        self,
        pack: Callable[[], bytes],
        of: tuple[object, ...],
        *said: object,
        key: str,
        on_view: Callable[[Any], None] | None = None,
    ) -> None:
        """Draw it; what it is drawn from is packed anew only where that is something else.

        Args:
            pack: Makes the buffer.
            of: The objects that are drawn, told apart by which they are and not by what they hold.
            said: What else the buffer says, told apart by value.
            key: Name of the figure on the page.
            on_view: Told what the browser says of where a person has come to rest, which may be
                anything. Where it raises a LinkError that is left unheard.
        """
        memory = st.session_state.setdefault(f"{key}:memory", {"shown": None})
        shown = (*map(id, of), *said, language())
        if memory["shown"] != shown:
            # The objects are kept so that no other one comes to stand where one stood in memory.
            memory.update(shown=shown, of=of, buffer=serve_buffer(pack()))
        self.mount(memory["buffer"].address, key=key, on_view=on_view)

    def mount(
        self, address: str, *, key: str, on_view: Callable[[Any], None] | None = None
    ) -> None:
        """Draw the buffer that is served at an address; the rest is as in `draw`."""

        def heard() -> None:
            message = st.session_state.get(key, {}).get("view")
            if message is None or on_view is None:
                return
            try:
                on_view(message)
            except LinkError as error:
                log.warning("Left unheard: %s", error)

        mount = front_end(self.name, self.script, *self.styles)
        mount(key=key, data=voucher(address), on_view_change=heard)
