"""What every page remembers between reruns of its script."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Self

import streamlit as st

from kvviz.ui.shell.address import Address, by_history


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

    def follow(self, take: Callable[[Mapping[str, str], bool], None]) -> None:
        """Let the page take in the link that the person opened, if one was.

        Args:
            take: Is given the link's parameters, and whether the person got there by a step through
                the browser's history.
        """
        parameters = self.address.incoming()
        if parameters is not None:
            take(parameters, by_history())
