"""What stands below the player: both caches' next tokens at its step, and every step as a line."""

from __future__ import annotations

import streamlit as st

from kvviz.figures.kept_steps import KeptSteps, kept_steps
from kvviz.lessons import lessons
from kvviz.translation import gettext as _
from kvviz.ui.pages.cache_lab.kept_run import KeptRun, Likely
from kvviz.ui.parts import card_texts, chart
from kvviz.ui.parts.figure_tag import figure_tag
from kvviz.ui.parts.quantity import in_bytes
from kvviz.ui.parts.tables import bars
from kvviz.ui.parts.view import View
from kvviz.ui.shell.plain_text import plain_html


def draw(run: KeptRun, view: View) -> None:
    """Draw both parts for the step that is looked at."""
    left, right = st.columns([2, 3], gap="small")
    with left, st.container(border=True, key="kvviz-card-lab-next", height="stretch"):
        next_tokens(run, view)
    with right, st.container(border=True, key="kvviz-card-lab-steps", height="stretch"):
        every_step(run, view)


def next_tokens(run: KeptRun, view: View) -> None:
    """Draw what both caches find likely after the same tokens."""
    trace, step = run.shown.trace, view.step
    layer, head = view.layer or 0, view.head or 0
    kv_head = head * trace.model.n_kv_heads // trace.model.n_heads
    live = trace.live(step, layer)[kv_head]
    n_written, n_live = trace.n_prompt + step, int(live.sum())
    own = run.along.caches[run.words]
    heading = _("Next token at step {step}, after the same tokens").format(step=step)
    told = _(
        "In layer {layer}, head {head}: {live} rows live and {gone} evicted. KL from the full "
        "cache: {kl:.3f} nats. Held after this step: {bytes} of {full}."
    ).format(
        layer=layer,
        head=head,
        live=n_live,
        gone=n_written - n_live,
        kl=own.divergences[step],
        bytes=in_bytes(trace.steps[step].cache_bytes),
        full=in_bytes(trace.model.cache_bytes(n_written)),
    )
    hooks = {
        "step": step,
        "layer": layer,
        "head": head,
        "n-live": n_live,
        "n-evicted": n_written - n_live,
        "kl": f"{own.divergences[step]:.4f}",
        "same": int(own.same[step]),
        "cache-bytes": trace.steps[step].cache_bytes,
    }
    said = "".join(f' data-{name}="{value}"' for name, value in hooks.items())
    chosen = trace.tokens[trace.n_prompt + step]
    parts = [
        f'<div data-kvviz="kept-part"{said}>{figure_tag(run.shown.observed)}',
        card_texts.heading(heading),
        card_texts.body(told),
        _named(_("With the part that is kept"), "kept-next", run.own[step], chosen),
        _named(_("With every row"), "full-next", run.full[step], chosen),
        "</div>",
    ]
    st.html("".join(parts))


def _named(title: str, name: str, likely: Likely, chosen: str) -> str:
    return f'<p class="kvviz-body"><b>{plain_html(title)}</b></p>{bars(name, likely, chosen)}'


def every_step(run: KeptRun, view: View) -> None:
    """Draw the divergence of the way and of its control at every step."""
    caption = lessons().caption("kept-steps")
    named = [(_("the part that is kept"), run.words)]
    if run.control is not None:
        named.append((_("control: rows by lot"), run.control))
    ways = [
        KeptSteps(name, run.along.caches[words].divergences, run.along.caches[words].same)
        for name, words in named
    ]
    heading = _("How far from the full cache")
    card_texts.head(heading, caption.text)
    spoken = [
        _("{way}: {kl:.3f} nats on average, the same token at {same} of {n} steps").format(
            way=one.name, kl=one.divergences.mean(), same=int(one.same.sum()), n=one.same.size
        )
        for one in ways
    ]
    chart.draw(kept_steps(ways, view.step), "; ".join(spoken), tags=[run.shown.observed])
    st.html(
        f'<p class="kvviz-body">{plain_html("; ".join(spoken))}.</p>'
        f'<p class="kvviz-source">{plain_html(caption.source)}</p>'
    )
