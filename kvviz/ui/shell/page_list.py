"""The pages that exist: their addresses and titles, and what draws them."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from kvviz.translation import N_
from kvviz.translation import gettext as _

FOLDER = Path(__file__).parents[3] / "pages"
"""The pages' files in a checkout. An installed package has none, and calls what they call."""


_of_this_run: ContextVar[Mapping[str, StreamlitPage]] = ContextVar(
    "kvviz_pages", default=MappingProxyType({})
)


@dataclass(frozen=True)
class PageEntry:
    """One page.

    Attributes:
        name: Its file's name without ending, which is its address; the first one is the home page.
        english: What the navigation and the browser's tab say, marked for translation.
    """

    name: str
    english: str

    @property
    def title(self) -> str:
        """What they say in the language of the moment."""
        return _(self.english)

    def page(self) -> StreamlitPage:
        """Return the page for Streamlit's navigation and links, that of this run of the script."""
        return _of_this_run.get().get(self.name) or self.made()

    def made(self) -> StreamlitPage:
        """Make the page, which looks for its file on the disk."""
        file = FOLDER / f"{self.name}.py"
        return st.Page(
            file if file.is_file() else self.draw,
            title=self.title,
            url_path=self.name,
            default=self == PAGES[0],
        )

    def draw(self) -> None:
        """Draw the page. Its module is imported no sooner: all of them would hold up the first."""
        self.module().show()

    def module(self) -> Any:
        """Import what draws the page, if that was not done before."""
        return import_module(f"kvviz.ui.pages.{self.name}.page")


PAGES = (
    PageEntry("start", N_("Start here")),
    PageEntry("kv_cache", N_("KV cache, step by step")),
    PageEntry("bert_vs_gpt2", N_("BERT beside GPT-2")),
    PageEntry("language_modelling", N_("Learning from plain text")),
    PageEntry("encoder_decoder", N_("T5's two caches")),
    PageEntry("cache_lab", N_("Cache lab")),
    PageEntry("speed_and_memory", N_("Speed and memory")),
    PageEntry("model_sizes", N_("How large models are")),
)


def import_all() -> None:
    """Import what draws the pages, for who serves them: nobody's first page waits for it then."""
    for entry in PAGES:
        entry.module()


def made_for_this_run() -> list[StreamlitPage]:
    """Make the pages anew, for the navigation and all links of one run of the script."""
    pages = {entry.name: entry.made() for entry in PAGES}
    _of_this_run.set(pages)
    return list(pages.values())


def title_of(name: str) -> str:
    """Return the title of the page of that address, as a sentence names it.

    Raises:
        StopIteration: If there is no such page.
    """
    return next(entry.title for entry in PAGES if entry.name == name)


def page_named(name: str) -> PageEntry | None:
    """Return the page of that address, or None."""
    return next((entry for entry in PAGES if entry.name == name), None)
