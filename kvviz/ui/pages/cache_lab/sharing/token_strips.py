"""Two texts under each other, token by token, and the place at which they part."""

from __future__ import annotations

from kvviz.translation import gettext as _
from kvviz.ui.pages.cache_lab.sharing.two_texts import TwoTexts
from kvviz.ui.shell.plain_text import plain_html

MOST_BEFORE, MOST_BEHIND = 24, 24
"""Tokens that are written out around the place at which the texts part."""


def token_strips(texts: TwoTexts, n_shared: int, *, covered: bool) -> str:
    """Return both texts as HTML, what is shared told apart.

    Where they part is marked in any case: which rows are shared for that reason is another matter.

    Args:
        texts: The two texts.
        n_shared: Rows that the second takes over.
        covered: Whether what is shared is still asked for, and not to be seen.
    """
    part, again = texts.n_alike if covered else n_shared, {*texts.same_behind}
    first, last = max(0, part - MOST_BEFORE), part + MOST_BEHIND
    rows: list[str] = []
    for name, text in ((_("First text"), texts.first), (_("Second text"), texts.second)):
        chips = ["<i>…</i>"] if first else []
        for at in range(first, min(len(text.ids), last)):
            kinds = [] if covered else [_kind(at, part, again)]
            kinds += ["kvviz-parts-here"] if at == texts.n_alike else []
            named = f' class="{" ".join(kinds)}"' if kinds else ""
            token = plain_html(text.tokens[at].replace("\n", "↵") or "∅")
            chips.append(f'<b{named} title="{at}">{token}</b>')
        if len(text.ids) > last:
            chips.append("<i>…</i>")
        rows.append(f"<dt>{plain_html(name)}</dt><dd>{''.join(chips)}</dd>")
    return f'<dl class="kvviz-two-texts">{"".join(rows)}</dl>{"" if covered else _legend(again)}'


def _kind(at: int, part: int, again: set[int]) -> str:
    kind = "shared" if at < part else "again" if at in again else "other"
    return f"kvviz-is-{kind}"


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
