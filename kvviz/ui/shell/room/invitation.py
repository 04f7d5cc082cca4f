"""How a class comes in: the code, the link and the QR code, large enough for the back row."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import segno
import streamlit as st

from kvviz.translation import gettext as _
from kvviz.ui.rooms.room_store import room_store
from kvviz.ui.shell.page_list import PAGES
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.shell.room.membership import PARAMETER

_HERE_ONLY = ("localhost", "127.0.0.1", "::1", "")


def show(code: str) -> None:
    """Open a dialog with all three.

    Args:
        code: Of the room.
    """
    # The title is decided when it is opened, in the language of who opens it.
    st.dialog(_("Come into the room"), width="large")(_draw)(code)


def _draw(code: str) -> None:
    link, is_elsewhere = link_to(code, st.context.url or "")
    here = room_store().find(code).n_present
    present = _("{n} here").format(n=f'<b data-kvviz-room="present">{here}</b>')
    letters = "".join(f"<span>{plain_html(letter)}</span>" for letter in code)
    shown = link.removeprefix("http://").removeprefix("https://")
    st.html(
        f'<div class="kvviz-invitation" data-kvviz="invitation">'
        f'<div class="kvviz-qr"><img alt="{plain_html(_("The link as QR code"))}" '
        f'src="{qr_code(link)}"></div>'
        f'<div><p class="kvviz-room-code" aria-label="{plain_html(code)}">{letters}</p>'
        f'<p class="kvviz-room-link">{plain_html(shown)}</p>'
        f'<p class="kvviz-room-present">{present}</p></div></div>'
    )
    if is_elsewhere:
        st.caption(
            _(
                "You have opened the app under a name that only this machine knows, so the link "
                "names the machine's number in its network. Others reach it if no firewall stands "
                "between."
            )
        )


def qr_code(link: str) -> str:
    """Return a link as a QR code, dark on white: the address of an SVG as large as its place."""
    code = segno.make(link, error="m", micro=False)
    return code.svg_data_uri(border=2, dark="#000", light="#fff", omitsize=True)


def link_to(code: str, seen: str) -> tuple[str, bool]:
    """Return the link into a room, from the address under which its teacher sees the app.

    Args:
        code: Of the room.
        seen: The address of the teacher's page.

    Returns:
        The link, and whether it names the machine otherwise than the teacher's address does.
    """
    at = urlsplit(seen)
    host, port = at.hostname or "", f":{at.port}" if at.port else ""
    is_elsewhere = host in _HERE_ONLY
    if is_elsewhere:
        host = own_number() or host or "localhost"
        is_elsewhere = host not in _HERE_ONLY
    path = at.path.rstrip("/")
    last = path.rpartition("/")[2]
    if any(last == entry.name for entry in PAGES):
        path = path.removesuffix(f"/{last}")
    named = f"[{host}]" if ":" in host else host
    return f"{at.scheme or 'http'}://{named}{port}{path}/?{PARAMETER}={code}", is_elsewhere


def own_number() -> str:
    """Return this machine's number in its network, empty if it is in none. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Asks the system by which way it would go there; no packet leaves.
            probe.connect(("10.255.255.255", 1))
            return probe.getsockname()[0]
        except OSError:
            return ""
