"""What a link to the page says: a run, and what to look at in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kvviz.ui.parts.view import CACHES, VIEW_FIELDS, View
from kvviz.ui.shell.links import unusable_anywhere
from kvviz.ui.work.run_settings import RunSettings, run_fields

PAGE = "kv_cache_page"
"""Name of the page's state in the session."""


def parse(
    parameters: Mapping[str, str], max_new_tokens: int = 1024
) -> tuple[RunSettings, View, tuple[str, ...]]:
    """Read a link: run and view, and a phrase on each value that could not be used.

    What it says of the cache is how the run is looked at (``on``, ``off``, ``both``), or else how
    the run keeps its rows.
    """
    is_look = parameters.get("cache") in CACHES
    of_run, of_view = (
        {name: text for name, text in parameters.items() if name != "cache" or is_its}
        for is_its in (not is_look, is_look)
    )
    settings, wrong_run = run_fields(max_new_tokens).parse(of_run)
    if settings.chat:
        settings = replace(settings, prompt=RunSettings().prompt)
    view, wrong_view = VIEW_FIELDS.parse(of_view)
    return settings, view, (*wrong_run, *wrong_view, *unusable_anywhere(parameters))


def write(settings: RunSettings, view: View) -> dict[str, str]:
    """Return the parameters that lead back to a run and a view."""
    return run_fields().write(settings) | VIEW_FIELDS.write(view)
