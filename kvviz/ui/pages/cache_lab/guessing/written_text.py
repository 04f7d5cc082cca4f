"""The text that was written with guesses, token by token: what was guessed, and what was added."""

from __future__ import annotations

from kvviz.translation import gettext as _
from kvviz.ui.pages.cache_lab.guessing.guessed_run import GuessedRun
from kvviz.ui.shell.plain_text import plain_html


def written_text(found: GuessedRun) -> str:
    """Return both texts as HTML, under each other."""
    run, plain = found.guessed, found.plain
    guessed = [kind for one in run.passes for kind in (*["shared"] * one.n_accepted, "other")]
    rows = [
        (_("With guesses"), list(run.tokens[run.n_prompt :]), guessed),
        (_("One by one"), list(plain.tokens[plain.n_prompt :]), ["other"] * len(plain.steps)),
    ]
    drawn = "".join(
        f"<dt>{plain_html(name)}</dt><dd>{''.join(map(_chip, tokens, kinds))}</dd>"
        for name, tokens, kinds in rows
    )
    told = [
        ("shared", _("guessed, and right: no pass of its own")),
        ("other", _("the model's own, one a pass")),
    ]
    legend = "".join(
        f'<span><b class="kvviz-is-{kind}"></b>{plain_html(words)}</span>' for kind, words in told
    )
    return (
        f'<div data-kvviz="guessed-text"><dl class="kvviz-two-texts">{drawn}</dl>'
        f'<p class="kvviz-two-legend">{legend}</p></div>'
    )


def _chip(token: str, kind: str) -> str:
    return f'<b class="kvviz-is-{kind}">{plain_html(token.replace(chr(10), "↵") or "∅")}</b>'
