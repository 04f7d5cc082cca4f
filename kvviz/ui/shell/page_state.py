"""What every page remembers between reruns of its script."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import streamlit as st

from kvviz.ui.shell.address import Address


@dataclass
class PageState:
    """One person's page; a page adds what it remembers besides.

    Attributes:
        notes: Lines about the link that was opened.
        address: The address bar as this page uses it.
    """

    notes: tuple[str, ...] = ()
    address: Address = field(default_factory=Address)

    @classmethod
    def here(cls, name: str) -> Self:
        """Return this session's state of the page of that name, new if there is none."""
        if name not in st.session_state:
            st.session_state[name] = cls()
        return st.session_state[name]
