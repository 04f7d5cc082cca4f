"""How an error looks: what went wrong, what was found, what to do. Never a traceback."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable
from functools import wraps
from typing import ParamSpec

import streamlit as st

from kvviz.errors import KvvizError
from kvviz.translation import gettext as _
from kvviz.ui.shell.drawing_turns import drawing_turns
from kvviz.ui.shell.plain_text import plain, plain_html

log = logging.getLogger(__name__)

P = ParamSpec("P")


def show_error(error: Exception) -> None:
    """Draw an error: a deliberate one in its own words, any other one in a calm sentence."""
    if not isinstance(error, KvvizError):
        show_accident(error)
        return
    lines = [f"**{plain(error.what)}**", plain(error.found), plain(error.fix)]
    st.error("  \n".join(line for line in lines if line), icon=":material/error:")


def show_problems(problems: Iterable[str]) -> None:
    """Draw a sentence on each control that stands in the way, where there are such.

    They have one place of their own, so that what follows keeps its place on the page.
    """
    place = st.empty()
    lines = [
        f'<div class="kvviz-problem" role="alert">{plain_html(problem)}</div>'
        for problem in problems
    ]
    if lines:
        place.html("".join(lines))


def show_accident(error: Exception) -> None:
    """Log an error that nobody meant, and draw one sentence with the reference to find it by."""
    reference = secrets.token_hex(3)
    log.error("Unexpected error, reference %s", reference, exc_info=error)
    lines = [
        f"**{_('Something went wrong that should not have.')}**",
        _("It is in the server's log under the reference {reference}.").format(
            reference=f"`{reference}`"
        ),
        _("What you typed is kept; try again, or reload the page."),
    ]
    st.error("  \n".join(lines), icon=":material/error:")


def bounded(draw: Callable[P, None]) -> Callable[P, None]:
    """Wrap what draws a page or a part of one: in its turn, and with no error as a traceback."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> None:
        with drawing_turns.turn():
            try:
                draw(*args, **kwargs)
            except Exception as error:
                show_error(error)

    return drawn


def on_script_error(error: Exception) -> bool:
    """Draw what got past every page, such as an error in a widget's callback."""
    show_error(error)
    return True
