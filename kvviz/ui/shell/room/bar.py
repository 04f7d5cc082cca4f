"""The bar of a room at the foot of every page, and the script in it that follows the teacher."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from kvviz.translation import ENGLISH, front_end_catalogue, language
from kvviz.ui.rooms import Process
from kvviz.ui.rooms.room_endpoint import ADDRESS
from kvviz.ui.rooms.room_store import room_store
from kvviz.ui.shell import history
from kvviz.ui.shell.front_end import front_end
from kvviz.ui.shell.presenter import presenter_view
from kvviz.ui.shell.room import membership

KEY = "kvviz-room-bar"
HERE = Path(__file__).parent


def _component() -> Callable[..., Any]:
    """Return what mounts it."""
    return front_end("kvviz_room_bar", HERE / "room_bar.bundle.js", HERE / "room.css")


def draw() -> None:
    """Put the bar on the page; in no room it is silent, but knows of one that was opened here."""
    _component()(
        key=KEY,
        data=payload(),
        on_claim_change=_claimed,
        on_redraw_change=lambda: None,
        on_over_change=lambda: None,
    )


def payload() -> dict[str, Any]:
    """Return what the bar is told."""
    mine = membership.here()
    facts: dict[str, Any] = {
        **front_end_catalogue(),
        "process": room_store().process,
        "forget": membership.to_forget(),
        "elsewhere": membership.elsewhere(),
        "address": "",
    }
    if mine is None:
        return facts
    return facts | {
        # not for people: the end of an address
        "address": Process.read().address(f"{ADDRESS}/{mine.member.key}"),
        "code": mine.room.code,
        "redraw": mine.room.redraw,
        # What this reader's address keeps wherever the teacher leads.
        "own": own_parameters(),
        # Only a teacher's own browser is sent these.
        "seat": mine.seat,
        "key": mine.key,
    }


def own_parameters() -> dict[str, str]:
    """Return what an address says of this session alone, whatever else it shows."""
    spoken = language()
    here = {} if spoken == ENGLISH else {"lang": spoken}
    return here | membership.written() | presenter_view.written()


def link_elsewhere() -> str:
    """Return the link to the process that has the room which was asked for; empty if none was.

    A proxy reads the code off it (`deploy/`).
    """
    code = membership.elsewhere()
    # not for people: a query
    return f"?{urlencode({**own_parameters(), membership.PARAMETER: code})}" if code else ""


def keep_in_address(page: str, written: Mapping[str, str]) -> None:
    """Have a page's address say what holds for the session, or a reload would lose it.

    Args:
        page: Url path of the page on screen.
        written: What it last wrote into the address bar: a page that writes it says so itself.
    """
    said, own = st.query_params.to_dict(), own_parameters()
    parts = (membership.PARAMETER, presenter_view.PARAMETER)
    wanted = {name: text for name, text in said.items() if name not in parts} | own
    if not written and any(said.get(name) != wanted.get(name) for name in parts):
        history.say(page, wanted)
        st.query_params.from_dict(wanted)


def _claimed() -> None:
    membership.take_back(st.session_state.get(KEY, {}).get("claim"))
