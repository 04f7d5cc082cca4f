"""How the site looks: the colours and the style sheet of the app, and where its own parts stand."""

from __future__ import annotations

import tomllib
from base64 import b64encode
from functools import cache
from typing import Any

from kvviz.errors import PublishError
from kvviz.site.lesson import PACKAGE
from kvviz.translation import gettext as _

SHELL = PACKAGE / "ui" / "shell"
COLOURS = {
    "ground": ("backgroundColor",),
    "paper": ("secondaryBackgroundColor",),
    "text": ("textColor",),
    "link": ("linkColor",),
    "line": ("borderColor",),
    "code": ("codeBackgroundColor",),
    "side": ("sidebar", "backgroundColor"),
}
"""The variables of `site.css`, and what they are called in the theme of the app."""


@cache
def style() -> str:
    """Return what every page wears.

    Raises:
        PublishError: If a style sheet would end the element that it stands in.
    """
    theme = tomllib.loads((SHELL / ".streamlit" / "config.toml").read_text(encoding="utf-8"))[
        "theme"
    ]
    colours = "".join(
        f"--site-{name}: light-dark({_at(theme['light'], path)}, {_at(theme['dark'], path)}); "
        for name, path in COLOURS.items()
    )
    sheets = (SHELL / "style.css", PACKAGE / "site" / "site.css")
    return checked(f":root {{ {colours}}}\n" + "".join(one.read_text("utf-8") for one in sheets))


def checked(sheet: str) -> str:
    """Return a style sheet that can stand in a document.

    Raises:
        PublishError: If it would end the element that it stands in.
    """
    if "</style" in sheet.lower():
        raise PublishError(_("A style sheet cannot stand in a document: it closes it."))
    return sheet


@cache
def icon() -> str:
    """Return the address of the picture in the browser's tab, which holds the picture itself."""
    return f"data:image/png;base64,{b64encode((SHELL / 'icon.png').read_bytes()).decode()}"


def _at(theme: dict[str, Any], path: tuple[str, ...]) -> str:
    found: Any = theme
    for name in path:
        found = found[name]
    return str(found)
