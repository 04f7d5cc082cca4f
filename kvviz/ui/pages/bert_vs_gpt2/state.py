"""What the page remembers between reruns of its script."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from typing import Any

import streamlit as st

from kvviz.ui.pages.bert_vs_gpt2.patterns import HeadView
from kvviz.ui.pages.bert_vs_gpt2.settings import TwinSettings, parse
from kvviz.ui.parts.model_choice import put_model
from kvviz.ui.shell.address import Address

PREFIX = "bg:"
N_RESULTS = 16
PICTURE = "bg-twins"
"""Key of the picture on the page."""
PICTURE_MEMORY = f"{PICTURE}:memory"
TYPED = ("do", "text", "word", "by", "new", "seed", "one", "other")
"""Settings whose control has the same value under the same name; the others depend on the text."""
TEXTS = ("text", "word", "by", "one", "other")
"""Those of them that are typed."""
CHOSEN = tuple(f"{PREFIX}{name}:" for name in ("at", "blank", "focus"))
"""Beginnings of the keys of lists that hold the tokens of a text."""


@dataclass
class TwinsState:
    """One person's page.

    Attributes:
        settings: What was asked for last.
        view: The head that is looked at.
        notes: Lines about the link that was opened.
        answers: What the person answered, by question; an empty answer where they asked to see.
        stopped: Long work that the person cancelled, by its key.
        chosen_by_link: Lists of tokens in which a link has chosen one, until they are drawn.
        address: The address bar as this page uses it.
    """

    settings: TwinSettings = field(default_factory=TwinSettings)
    view: HeadView = field(default_factory=HeadView)
    notes: tuple[str, ...] = ()
    answers: dict[Hashable, tuple[str, ...]] = field(default_factory=dict)
    stopped: set[Hashable] = field(default_factory=set)
    chosen_by_link: set[str] = field(default_factory=set)
    address: Address = field(default_factory=Address)
    _results: OrderedDict[Hashable, Any] = field(default_factory=OrderedDict)

    @classmethod
    def here(cls) -> TwinsState:
        """Return this session's state, new if there is none."""
        if "bert_vs_gpt2_page" not in st.session_state:
            st.session_state["bert_vs_gpt2_page"] = cls()
        return st.session_state["bert_vs_gpt2_page"]

    def take(self, settings: TwinSettings, view: HeadView) -> None:
        """Set page and controls to what a link asks for, before they are drawn."""
        self.settings, self.view = settings, view
        self.chosen_by_link = {"at", "blank", "focus"}
        for name in TYPED:
            st.session_state[f"{PREFIX}{name}"] = getattr(settings, name)
        for key in list(st.session_state):
            if str(key).startswith(CHOSEN):
                del st.session_state[key]
        put_model(f"{PREFIX}model", "gpt2", settings.model)
        put_model(f"{PREFIX}bert", "bert", settings.bert)
        st.session_state.pop(PICTURE_MEMORY, None)

    def typed_since(self) -> dict[str, str]:
        """Return the texts that were typed since the address was written last, by their names."""
        last, _, _ = parse(self.address.written or {})
        said = {name: st.session_state.get(f"{PREFIX}{name}") for name in TEXTS}
        return {
            name: text
            for name, text in said.items()
            if isinstance(text, str) and text != getattr(last, name)
        }

    def change(self, **values: Any) -> None:
        """Take over what a control says."""
        self.settings = replace(self.settings, **values)

    def kept(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """Return a result, made at most once while it is remembered; an error is not remembered."""
        if key in self._results:
            self._results.move_to_end(key)
            return self._results[key]
        result = make()
        self._results[key] = result
        while len(self._results) > N_RESULTS:
            self._results.popitem(last=False)
        return result

    def has(self, key: Hashable) -> bool:
        """Whether a result is remembered."""
        return key in self._results
