"""What the page remembers between reruns of its script."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import streamlit as st

from kvviz.ui.pages.cache_lab.settings import USUAL_VIEW, LabSettings, usual_view
from kvviz.ui.parts.experiments_page import ExperimentsState
from kvviz.ui.parts.model_choice import put_model
from kvviz.ui.parts.view import View

NAME = "cache_lab_page"
PREFIX = "lab:"
PLAYER = "lab-player"
"""Key of the player on the page."""


@dataclass
class LabState(ExperimentsState):
    """One person's page.

    Attributes:
        settings: What was asked for last.
        view: What is looked at in the run on screen.
    """

    settings: LabSettings = field(default_factory=LabSettings)
    view: View = USUAL_VIEW

    PREFIX: ClassVar[str] = PREFIX
    TEXTS: ClassVar[tuple[str, ...]] = ("text", "other", "prompts")

    def take(self, settings: LabSettings, view: View) -> None:
        """Set page and controls to what a link asks for, before they are drawn."""
        self.settings, self.view = settings, view
        self.view_number += 1
        for name, value in said_by_controls(settings).items():
            st.session_state[f"{PREFIX}{name}"] = value
        put_model(f"{PREFIX}model", "gpt2", settings.model, any_decoder=True)

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
        "prompts": settings.prompts,
        "apart": settings.apart,
        "run": settings.run or None,
        "way": part.way,
        "rows": part.rows,
        "sinks": part.sinks,
        "new": settings.new,
        "tokens": settings.tokens,
        "key_bits": settings.bits.key_bits or 0,
        "value_bits": settings.bits.value_bits or 0,
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
