"""The bar of a room at the foot of every page, and the script in it that follows the teacher."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from kvviz.translation import front_end_catalogue
from kvviz.ui.rooms.room_endpoint import ADDRESS
from kvviz.ui.rooms.room_store import room_store
from kvviz.ui.shell.front_end import front_end
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
        "address": "",
    }
    if mine is None:
        return facts
    return facts | {
        # not for people: the end of an address
        "address": f"{ADDRESS}/{mine.member.key}",
        "code": mine.room.code,
        "redraw": mine.room.redraw,
        # Only a teacher's own browser is sent these.
        "seat": mine.seat,
        "key": mine.key,
    }


def _claimed() -> None:
    membership.take_back(st.session_state.get(KEY, {}).get("claim"))
