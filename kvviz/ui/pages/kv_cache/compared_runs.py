"""Two runs of one prompt beside each other: where their texts part, and what each came to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st
from jaxtyping import Float64

from kvviz.translation import gettext as _
from kvviz.translation import ngettext
from kvviz.ui.pages.kv_cache.run_tree import RunTree, told
from kvviz.ui.parts.figure_tag import figure_tag
from kvviz.ui.parts.quantity import in_bytes
from kvviz.ui.parts.tables import table
from kvviz.ui.shell.environment import Environment
from kvviz.ui.shell.plain_text import percent, plain_html
from kvviz.ui.work import runs
from kvviz.ui.work.shown_run import ShownRun

OTHER = "kv:compared"
"""Beginning of the key of the list of runs to compare with."""
MOST_SAME = 12
"""Tokens in common that are written out before the texts part."""
MOST_CHIPS = 64


@dataclass(frozen=True)
class Compared:
    """Two runs, of which the prompt that a person wrote is the same.

    Attributes:
        one: The run on screen.
        other: Another one.
    """

    one: ShownRun
    other: ShownRun

    @property
    def parts_at(self) -> int | None:
        """Position of the first token that is not the same in both; None where there is none."""
        ids = self.one.trace.token_ids, self.other.trace.token_ids
        n = min(map(len, ids))
        differ = ids[0][:n] != ids[1][:n]
        if differ.any():
            return int(differ.argmax())
        return None if len(ids[0]) == len(ids[1]) else n


def logprobs(shown: ShownRun) -> Float64[np.ndarray, " new_token"]:
    """Return the log probability of each token behind the prompt that a person wrote.

    Of a branch by one pass over its text, of any other run by its own steps: by what its cache
    kept.
    """
    if shown.branch is not None:
        return shown.branch.logprobs[shown.n_asked - 1 :].astype(np.float64)
    probs = np.array([step.chosen_prob for step in shown.trace.steps])
    return np.log(np.maximum(probs, np.finfo(np.float32).tiny))


def draw(shown: ShownRun, tree: RunTree) -> None:
    """Draw the run on screen beside another of the tree; nothing where it is the only one."""
    others = tree.others(shown)
    if not others or shown.settings not in tree.runs:
        return
    names = [tree.names[one] for one in others]
    number = st.selectbox(
        _("Compare with"),
        range(len(others)),
        # Another list is another control: the browser would go on with the name chosen in it.
        key=f"{OTHER}:{told(shown.settings)}:{len(others)}",
        format_func=lambda number: names[number],
        width=330,
    )
    other = runs.made_before(others[number], Environment.read(), "gpt2", want_both=False)
    if other is None:
        st.caption(_("That run is not kept any more. Open its tab, and it is made again."))
        return
    both = Compared(shown, other)
    called = tree.names[shown.settings].removeprefix("↳ " * len(shown.settings.branch))
    st.html(beside(both, called, names[number].lstrip("↳ ")))


def beside(both: Compared, one: str, other: str) -> str:
    """Return both texts, and what each came to, as HTML."""
    at = both.parts_at
    n_asked = both.one.n_asked
    n_same = (both.one.trace.n_tokens if at is None else at) - n_asked
    losses = [_loss_from(shown, at) for shown in (both.one, both.other)]
    hooks = {
        "n-same": n_same,
        "parts-at": "" if at is None else at,
        "loss": f"{losses[0]:.4f}",
        "other-loss": f"{losses[1]:.4f}",
        "bytes": both.one.trace.steps[-1].cache_bytes,
        "other-bytes": both.other.trace.steps[-1].cache_bytes,
    }
    said = "".join(f' data-{name}="{value}"' for name, value in hooks.items())
    texts = "".join(
        f"<dt>{plain_html(name)}</dt><dd>{_chips(shown, at)}</dd>"
        for name, shown in ((one, both.one), (other, both.other))
    )
    return (
        f'<div data-kvviz="compared-runs"{said}>{figure_tag("measured", "counted")}'
        f'<p class="kvviz-body">{plain_html(_where(both, at, n_same))}</p>'
        f'<dl class="kvviz-two-texts">{texts}</dl>'
        f"{table('compared-costs', [_('Figure'), one, other], _lines(both, at, losses))}</div>"
    )


def _where(both: Compared, at: int | None, n_same: int) -> str:
    if at is None:
        return ngettext(
            "Both write the same token.", "Both write the same {n:,} tokens.", n_same
        ).format(n=n_same)
    same = ngettext(
        "After {n:,} new token in common they part at position {at}.",
        "After {n:,} new tokens in common they part at position {at}.",
        n_same,
    )
    return same.format(n=n_same, at=at)


def _chips(shown: ShownRun, at: int | None) -> str:
    """Return the tokens behind the prompt as HTML, marked from where the texts part."""
    trace = shown.trace
    end = trace.n_tokens
    first = max(shown.n_asked, (end if at is None else at) - MOST_SAME)
    last = min(end, first + MOST_CHIPS)
    tokens = trace.tokens_in_place
    chips = ["<i>…</i>"] if first > shown.n_asked else []
    for place in range(first, last):
        kind = ' class="kvviz-is-other"' if at is not None and place >= at else ""
        text = plain_html(tokens[place].replace("\n", "↵") or "∅")
        chips.append(f'<b{kind} title="{place}">{text}</b>')
    return "".join([*chips, *(["<i>…</i>"] if last < end else [])])


def _loss_from(shown: ShownRun, at: int | None) -> float:
    """Return the mean loss of the tokens from where the texts part, in nats; of all, if nowhere."""
    found = logprobs(shown)
    tail = found if at is None else found[at - shown.n_asked :]
    return float(-tail.mean()) if tail.size else float("nan")


def _lines(both: Compared, at: int | None, losses: list[float]) -> list[list[str]]:
    shown = (both.one, both.other)
    lines: list[list[str]] = []
    if at is not None:
        lines.append([_("First token that is another"), *(_token(one, at) for one in shown)])
    lines += [
        [
            _("Loss from there on, nats a token") if at is not None else _("Loss, nats a token"),
            *(f"{loss:.3f}" if np.isfinite(loss) else "–" for loss in losses),
        ],
        [_("Rows computed"), *(f"{_n_computed(one):,}" for one in shown)],
        [
            _("FLOPs"),
            *(f"{sum(step.flops for step in one.trace.steps) / 1e6:,.1f} M" for one in shown),
        ],
        [
            _("Bytes held after the last step"),
            *(in_bytes(one.trace.steps[-1].cache_bytes) for one in shown),
        ],
    ]
    return lines


def _token(shown: ShownRun, at: int) -> str:
    """Return the token at a position, and how likely the model found it."""
    if at >= shown.trace.n_tokens:
        return "–"
    text = shown.trace.tokens_in_place[at].strip(" ").replace("\n", "↵")
    likely = percent(float(np.exp(logprobs(shown)[at - shown.n_asked])))
    # Translators: a token, and its probability such as "12 %".
    return _("“{token}”, {share}").format(token=text, share=likely)


def _n_computed(shown: ShownRun) -> int:
    return sum(int(step.computed.size) for step in shown.trace.steps)
