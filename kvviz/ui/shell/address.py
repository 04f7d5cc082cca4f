"""The address bar as a page uses it: a link taken in once, and every view written back.

When everything has settled, the address names the view. Each step through the browser's history
is told by the browser and followed by the page; each run of a page ends by saying the address of
what it shows, and which step it has followed, unless that was said last. So whichever came last,
the two agree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import streamlit as st

from kvviz.translation import ENGLISH, language
from kvviz.ui.shell import asked_first, history
from kvviz.ui.shell.presenter import presenter_view
from kvviz.ui.shell.room import membership

ARRIVED = "kvviz:arrived"
"""Set by the frame when another page than before is drawn, until the page has seen it."""
PAGE = "kvviz:page"
"""Set by the frame to the name of the page that was drawn last."""
_ADDRESSES = "kvviz:addresses"
"""What each page last wrote, by its name."""
SENT = "kvviz:sent"
"""The address that the browser was told last, and the step followed by then. Set to None by the
frame when another page than before is drawn: the browser may have been on its way to a third."""


@dataclass(frozen=True)
class Link:
    """An address that a person brought.

    Attributes:
        parameters: What it says.
        by_history: Whether it came by a step through the browser's history.
    """

    parameters: Mapping[str, str]
    by_history: bool


def last_written(page: str) -> dict[str, str]:
    """Return the parameters that a page last wrote into the address bar, for a link to it.

    Without them a step to the page would leave its bare name in the browser's history, which means
    the page as a first visit finds it, and the way back would lead there.
    """
    return st.session_state.get(_ADDRESSES, {}).get(page, {})


class Address:
    """What one page was last asked for by its address, or wrote there itself.

    Attributes:
        written: These parameters, or None before the first.
    """

    def __init__(self) -> None:
        self.written: dict[str, str] | None = None

    @property
    def is_come_to(self) -> bool:
        """Whether the person comes to the page, from another one or by a step through the history.

        What the page draws is then mounted anew, and its pictures begin where they are told: also
        where a step led back before a run of the script had drawn the other page, for the browser
        has taken this one down by then. Asked before the address is followed.
        """
        step = history.step_to_follow(st.session_state.get(PAGE, ""))
        return step is not None or bool(st.session_state.get(ARRIVED))

    def follow(self, take: Callable[[Link], None]) -> None:
        """Let the page take in the address that a person brought, if one was.

        They did on the first visit, by a link from another page, and by a step through the
        browser's history. The query of any other message says nothing: it may be the address that
        the page had a moment ago. An address of what the page shows already brings nothing new.

        Args:
            take: Makes the page show it. A run of the script that is cut short while it does begins
                anew with the next one, for only then has the address been followed.
        """
        step = history.step_to_follow(st.session_state.get(PAGE, ""))
        arrived = st.session_state.get(ARRIVED, True)
        parameters = dict(st.query_params) if step is None else step.parameters
        if self.written is None:
            brought = True
        elif step is None:
            brought = arrived and bool(parameters)
        else:
            # The bare name of another page leads to what that page shows.
            brought = bool(parameters) or not arrived
        if brought and parameters != self.written:
            link = Link(parameters, by_history=step is not None or history.flagged())
            asked_first.take(parameters, by_history=link.by_history)
            take(link)
            self.written = parameters
        st.session_state[ARRIVED] = False
        if step is not None:
            history.followed()

    def write(self, parameters: Mapping[str, str]) -> None:
        """Put parameters into the address bar, and with them what holds for the session.

        The browser is told unless it was told just that: it leaves aside what was said before it
        told of its newest step, and keeps the rest.
        """
        spoken = language()
        spoken_here = {} if spoken == ENGLISH else {"lang": spoken}
        self.written = {
            **parameters,
            **spoken_here,
            **asked_first.written(),
            **membership.written(),
            **presenter_view.written(),
        }
        page = st.session_state.get(PAGE, "")
        membership.lead(page, self.written)
        st.session_state.setdefault(_ADDRESSES, {})[page] = self.written
        address = page, self.written, history.newest()
        if address != st.session_state.get(SENT):
            # A run that is cut short here has told it or has not.
            st.session_state[SENT] = None
            history.say(page, self.written)
            # For Streamlit's own record, which each message brings back.
            st.query_params.from_dict(self.written)
            st.session_state[SENT] = address
