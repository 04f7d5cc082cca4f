"""What the page remembers between reruns of its script."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import streamlit as st

from kvviz.ui.pages.cache_lab.settings import USUAL_VIEW, LabSettings, parse, usual_view
from kvviz.ui.parts.model_choice import put_model
from kvviz.ui.parts.view import View
from kvviz.ui.shell.page_state import PageState

NAME = "cache_lab_page"
PREFIX = "lab:"
PLAYER = "lab-player"
"""Key of the player on the page."""


@dataclass
class LabState(PageState):
    """One person's page.

    Attributes:
        settings: What was asked for last.
        view: What is looked at in the run on screen.
        view_number: Counts the times that the player was told to take on a view of the page's.
    """

    settings: LabSettings = field(default_factory=LabSettings)
    view: View = USUAL_VIEW
    view_number: int = 0

    def take(self, settings: LabSettings, view: View) -> None:
        """Set page and controls to what a link asks for, before they are drawn."""
        self.settings, self.view = settings, view
        self.view_number += 1
        for name, value in said_by_controls(settings).items():
            st.session_state[f"{PREFIX}{name}"] = value
        put_model(f"{PREFIX}model", "gpt2", settings.model, any_decoder=True)

    def typed_since(self) -> dict[str, str]:
        """Return the texts, as far as others were typed since the address was written last."""
        last, _, _ = parse(self.address.written or {})
        typed = {name: st.session_state.get(f"{PREFIX}{name}") for name in ("text", "other")}
        return {
            name: text
            for name, text in typed.items()
            if isinstance(text, str) and text != getattr(last, name)
        }

    def change(self, **values: Any) -> None:
        """Take over what a control says; what was looked at is of what was asked for before."""
        changed = replace(self.settings, **values)
        if changed != self.settings:
            self.view = replace(usual_view(changed.do), layer=self.view.layer, head=self.view.head)
        self.settings = changed


def said_by_controls(settings: LabSettings) -> dict[str, object]:
    """Return the value of each control that says some settings, by its name."""
    part = settings.cache
    return {
        "do": settings.do,
        "text": settings.text,
        "other": settings.other,
        "way": part.way,
        "rows": part.rows,
        "sinks": part.sinks,
        "new": settings.new,
        "tokens": settings.tokens,
        "key_bits": settings.bits.key_bits,
        "value_bits": settings.bits.value_bits,
        "keys": settings.bits.keys,
        "values": settings.bits.values,
        "group": settings.bits.group,
        "kind": settings.cut.kind,
        "part": settings.cut.part,
        "draft": settings.draft,
        "guesses": settings.guesses,
        "beams": settings.beams,
        "sixteenths": settings.sixteenths,
    }
