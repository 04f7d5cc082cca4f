"""Where the numbers of a figure come from, said above it."""

from __future__ import annotations

from typing import Literal

from kvviz.translation import N_
from kvviz.translation import gettext as _
from kvviz.ui.shell.plain_text import plain_html

Tag = Literal["measured", "counted", "formula", "published", "recorded"]

_NAMES: dict[Tag, str] = {
    "measured": N_("measured here"),
    "counted": N_("counted"),
    "formula": N_("by formula"),
    "published": N_("published"),
    "recorded": N_("recorded"),
}


def figure_tag(*tags: Tag) -> str:
    """Return the line above a figure, as HTML; the player has its own, in ``figure_tag.js``.

    Raises:
        ValueError: If it says nothing of where the numbers come from.
    """
    if not tags:
        raise ValueError("a figure must say where its numbers come from")  # not for people
    said = " · ".join(_(_NAMES[tag]) for tag in tags)
    return f'<p class="kvviz-tag" data-tags="{" ".join(tags)}">{plain_html(said)}</p>'
