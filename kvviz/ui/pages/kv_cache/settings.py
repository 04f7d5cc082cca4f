"""What a link to the page says: a run, and what to look at in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kvviz.ui.parts.view import VIEW_FIELDS, View
from kvviz.ui.shell.links import unusable_anywhere
from kvviz.ui.work.run_settings import RunSettings, run_fields

PAGE = "kv_cache_page"
"""Name of the page's state in the session."""


def parse(
    parameters: Mapping[str, str], max_new_tokens: int = 1024
) -> tuple[RunSettings, View, tuple[str, ...]]:
    """Read a link: run and view, and a phrase on each value that could not be used."""
    settings, wrong_run = run_fields(max_new_tokens).parse(parameters)
    if settings.chat:
        settings = replace(settings, prompt=RunSettings().prompt)
    view, wrong_view = VIEW_FIELDS.parse(parameters)
    return settings, view, (*wrong_run, *wrong_view, *unusable_anywhere(parameters))


def write(settings: RunSettings, view: View) -> dict[str, str]:
    """Return the parameters that lead back to a run and a view."""
    return run_fields().write(settings) | VIEW_FIELDS.write(view)
