"""Where the browser asks, while a text is typed, how far it begins as another one does.

Only the model's own tokenizer is asked, nothing is run: so it can be asked at every key. No script
of a page is run for it either, which would meet what is still being typed.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from kvviz.errors import KvvizError
from kvviz.trace.flops import forward_flops
from kvviz.translation import ENGLISH, language, ngettext, using
from kvviz.translation import gettext as _
from kvviz.ui.pages.cache_lab.bench import MOST_TOKENS
from kvviz.ui.pages.cache_lab.settings import LONGEST_TEXT
from kvviz.ui.pages.cache_lab.sharing.token_strips import token_strips
from kvviz.ui.pages.cache_lab.sharing.two_texts import CutText, TwoTexts
from kvviz.ui.parts.figure_tag import figure_tag
from kvviz.ui.shell.environment import Environment
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.work.admission import is_read
from kvviz.ui.work.model_store import model_store
from kvviz.ui.work.run_settings import RunSettings

ADDRESS = "_kvviz/beginnings"
"""Below the app's own address."""
LARGEST_BODY = 8 * LONGEST_TEXT + 4_096
"""Two texts as long as the page takes them, in characters of four bytes, and what else is said."""
_ASKED = re.compile(rf"/{ADDRESS}$")
"""Wherever the app is mounted."""


class TypedBeginningsEndpoint:
    """Answer how two texts begin alike; pass on every other request.

    ``POST …`` with a JSON object of ``model``, ``text``, ``other``, ``covered`` and ``language`` is
    answered with the HTML of both texts token by token, and with none where there is nothing to
    tell: no such model is loaded, which nobody can have one loaded by.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        asked = _ASKED.search(scope["path"]) if scope["type"] == "http" else None
        if asked is None:
            await self._app(scope, receive, send)
            return
        code, said = 405, None
        if scope["method"] == "POST":
            body = await _body(receive)
            code, said = await asyncio.to_thread(answer, body)
        answered = JSONResponse(said, code, {"cache-control": "no-store"})
        await answered(scope, receive, send)


async def _body(receive: Receive) -> bytes | None:
    """Return a request's body, None if it is longer than any that the page sends."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > LARGEST_BODY:
            return None
        more = message.get("more_body", False)
    return body


def page_says(model: str, *, covered: bool) -> dict[str, Any]:
    """Return what a page has the browser say beside the texts.

    Args:
        model: Name of the page's model.
        covered: Whether what is shared is still asked for.
    """
    return {"model": model, "covered": covered, "language": language()}


def answer(body: bytes | None) -> tuple[int, dict[str, str] | None]:
    """Return the answer to what a browser says, which may be anything: its code and what it holds.

    Args:
        body: What was said, None where it was too long.
    """
    if body is None:
        return 413, None
    try:
        said = json.loads(body)
        name, text, other, spoken = (said[one] for one in ("model", "text", "other", "language"))
        covered = said["covered"] is not False
    except (ValueError, TypeError, KeyError, RecursionError):
        return 400, None
    if not all(isinstance(one, str) for one in (name, text, other, spoken)):
        return 400, None
    with using(_spoken(spoken)):
        return 200, {"html": _told(name, text, other, covered=covered)}


def _spoken(name: str) -> str:
    """Return the language that a page is in; English where it says none that there is."""
    try:
        with using(name):
            return name
    except LookupError:
        return ENGLISH


def _told(name: str, text: str, other: str, *, covered: bool) -> str:
    device = Environment.read().device
    model = model_store().peek(RunSettings(model=name, device=device, dtype="float32"))
    if model is None or model.card.architecture != "decoder" or model.card.windows:
        return ""
    if not (text.strip() and other.strip() and is_read(text) and is_read(other)):
        return ""
    try:
        texts = TwoTexts(CutText.typed(model, text), CutText.typed(model, other))
    except KvvizError:
        # Whoever runs the text says what is wrong with it.
        return ""
    n, n_shared = len(texts.second.ids), texts.n_shareable
    facts: dict[str, object] = {"n-rows": n, "n-first": len(texts.first.ids)}
    facts["parts-at"] = "" if texts.parts_at is None else texts.parts_at
    said = f"{texts.where} {_rows(n)}"
    if max(n, len(texts.first.ids)) > MOST_TOKENS:
        said = _("As typed so far a text is longer than {most:,} tokens, which are the most.")
        said = said.format(most=MOST_TOKENS)
    elif not covered:
        facts["n-shared"] = n_shared
        flops, all_flops = (forward_flops(model.card, one, n) for one in (n - n_shared, n))
        facts |= {"flops": flops, "all-flops": all_flops}
        said += " " + _(
            "{shared} of its rows could be taken over, and {computed} would be computed: {flops} "
            "in place of {all_flops}, by formula."
        ).format(
            shared=n_shared,
            computed=n - n_shared,
            flops=f"{flops / 1e6:,.1f} MFLOP",
            all_flops=f"{all_flops / 1e6:,.1f} MFLOP",
        )
    said += " " + _("Press Ctrl+Enter, and it is run and timed.")
    attributes = "".join(f' data-{one}="{value}"' for one, value in facts.items())
    tags = figure_tag("counted") if covered else figure_tag("counted", "formula")
    return (
        f'<div data-kvviz="typed-beginning"{attributes}>{tags}'
        f"{token_strips(texts, n_shared, covered=covered)}"
        f'<p class="kvviz-body">{plain_html(said)}</p></div>'
    )


def _rows(n: int) -> str:
    return ngettext(
        "As typed so far the second text has {n} token.",
        "As typed so far the second text has {n} tokens.",
        n,
    ).format(n=n)
