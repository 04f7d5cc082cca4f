"""A room in the sidebar: open one or come in; for its teacher the code, the counts and the end."""

from __future__ import annotations

import streamlit as st

from kvviz.translation import gettext as _
from kvviz.ui.rooms.poll import counts_as_csv
from kvviz.ui.rooms.room_code import N_LETTERS
from kvviz.ui.shell.mode import Mode
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.shell.room import bar, invitation, membership
from kvviz.ui.shell.room.membership import Membership

CODE = "room:code"
"""Key of the field that a code is typed into."""
TEACHER = "room:teacher"
"""Key of the field that the teacher's key is typed into, where one is needed."""


def draw() -> None:
    """Draw it."""
    mine = membership.here()
    with st.container(key="kvviz-room-panel", gap="small"):
        # Above, since the field for a code opens below.
        sentence = membership.said()
        if sentence:
            said, link = plain_html(sentence), bar.link_elsewhere()
            if link:
                # One of Streamlit's own would open another tab.
                said += f' <a href="{plain_html(link)}">{plain_html(_("Go there"))}</a>'
            st.html(f'<div class="kvviz-problem" role="alert">{said}</div>')
        if mine is None:
            _draw_doors()
        elif mine.teaches:
            _draw_teacher(mine)
        else:
            _draw_student(mine)
    if mine is not None and mine.invites:
        mine.invites = False
        invitation.show(mine.room.code)


def _draw_doors() -> None:
    rooms = Mode.read().rooms
    if rooms == "nobody":
        return
    with st.container(horizontal=True, gap="small"):
        about = _("For a class: its pages follow yours, and it predicts together.")
        icon = ":material/groups:"
        if rooms == "anybody":
            st.button(_("Open a room"), key="room:open", on_click=_open, icon=icon, help=about)
        else:
            with st.popover(_("Open a room"), key="room:ask-key", icon=icon, help=about):
                st.text_input(
                    _("Teacher's key"),
                    key=TEACHER,
                    type="password",
                    max_chars=200,
                    on_change=_open_by_key,
                )
                st.button(_("Open it"), key="room:open", on_click=_open_by_key)
        with st.popover(_("Join"), key="room:join"):
            st.text_input(
                _("Code of a room"),
                key=CODE,
                max_chars=2 * N_LETTERS,
                placeholder=_("{n} letters").format(n=N_LETTERS),
                on_change=_join,
            )
            st.button(_("Come in"), key="room:enter", on_click=_join)


def _open() -> None:
    membership.open_room()


def _open_by_key() -> None:
    key = st.session_state.get(TEACHER) or ""
    # The field and the button tell of the same key when both have changed.
    if not key.strip() or membership.here() is not None:
        return
    if membership.open_room(key):
        # It is kept no longer than it takes to look at it; a wrong one can be put right.
        st.session_state[TEACHER] = ""


def _join() -> None:
    text = st.session_state.get(CODE, "")
    if text.strip() and membership.here() is None:
        membership.join(text)


def _draw_teacher(mine: Membership) -> None:
    room = mine.room
    _draw_name(room.code, _("You lead it"), room.n_present)
    with st.container(horizontal=True, gap="small"):
        if st.button(_("Show the code"), key="room:invite", icon=":material/qr_code_2:"):
            invitation.show(room.code)
        with st.popover(_("More"), key="room:more"):
            if room.counted:
                st.download_button(
                    _("Counts of the votes (CSV)"),
                    # When it is asked for: what is right is found below, after this is drawn.
                    lambda: counts_as_csv(room.counted),
                    file_name=f"kvviz-{room.code}.csv",
                    mime="text/csv",
                    key="room:csv",
                    on_click="ignore",
                )
            st.button(_("End the room"), key="room:end", on_click=membership.end)


def _draw_student(mine: Membership) -> None:
    _draw_name(mine.room.code, "", mine.room.n_present)
    st.button(_("Leave the room"), key="room:leave", type="tertiary", on_click=membership.leave)


def _draw_name(code: str, role: str, n_present: int) -> None:
    here = _("{n} here").format(n=f'<b data-kvviz-room="present">{n_present}</b>')
    about = " · ".join(part for part in (plain_html(role), here) if part)
    named = plain_html(_("Room {code}")).format(
        code=f'<b data-kvviz="room-code">{plain_html(code)}</b>'
    )
    st.html(f'<div class="kvviz-room-name">{named}</div><div class="kvviz-aside">{about}</div>')
