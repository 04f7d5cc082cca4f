"""Two texts under each other, token by token, and the place at which they part."""

from __future__ import annotations

from kvviz.translation import gettext as _
from kvviz.ui.pages.cache_lab.sharing.two_beginnings import TwoBeginnings
from kvviz.ui.shell.plain_text import plain_html

MOST_BEFORE, MOST_BEHIND = 24, 24
"""Tokens that are written out around the place at which the texts part."""


def token_strips(found: TwoBeginnings, *, covered: bool) -> str:
    """Return both texts as HTML, what is shared told apart.

    Args:
        found: The two texts.
        covered: Whether what was shared is still asked for, and not to be seen.
    """
    part = found.n_shared
    first, last = max(0, part - MOST_BEFORE), part + MOST_BEHIND
    again = {*found.same_behind}
    rows = []
    for name, trace in ((_("First text"), found.first), (_("Second text"), found.second)):
        chips = ["<i>…</i>"] if first else []
        for at in range(first, min(trace.n_prompt, last)):
            kind = "" if covered else _kind(at, part, again)
            token = plain_html(trace.tokens_in_place[at].replace("\n", "↵") or "∅")
            chips.append(f'<b{kind} title="{at}">{token}</b>')
        if trace.n_prompt > last:
            chips.append("<i>…</i>")
        rows.append(f"<dt>{plain_html(name)}</dt><dd>{''.join(chips)}</dd>")
    return f'<dl class="kvviz-two-texts">{"".join(rows)}</dl>{"" if covered else _legend(again)}'


def _kind(at: int, part: int, again: set[int]) -> str:
    kind = "shared" if at < part else "again" if at in again else "other"
    return f' class="kvviz-is-{kind}"'


def _legend(again: set[int]) -> str:
    told = [
        ("shared", _("row taken over from the first text")),
        ("other", _("row computed")),
        *([("again", _("same token again, and yet its row is computed"))] if again else []),
    ]
    items = "".join(
        f'<span><b class="kvviz-is-{kind}"></b>{plain_html(words)}</span>' for kind, words in told
    )
    return f'<p class="kvviz-two-legend">{items}</p>'
