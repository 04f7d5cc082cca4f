"""The experiment on rows in fewer bits: a text of one's own, and what others stated of it."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from kvviz.analysis.paired_difference import PairedDifference, paired_difference
from kvviz.figures.kept_steps import KeptSteps, kept_steps
from kvviz.lessons import lessons
from kvviz.translation import gettext as _
from kvviz.ui.pages.cache_lab import recorded
from kvviz.ui.pages.cache_lab.bench import Bench
from kvviz.ui.pages.cache_lab.bits import error_map, statements
from kvviz.ui.pages.cache_lab.bits.packed_run import PackedRun, reading_task, run_task
from kvviz.ui.pages.cache_lab.judgement import Judgement
from kvviz.ui.pages.cache_lab.packing import AXES, BITS, GROUPS, SOURCE, Packing
from kvviz.ui.pages.cache_lab.state import PREFIX, LabState
from kvviz.ui.parts import chart
from kvviz.ui.parts.experiment import Choice, Experiment, Verdict
from kvviz.ui.parts.figure_tag import figure_tag
from kvviz.ui.parts.quantity import in_bytes
from kvviz.ui.parts.tables import bars
from kvviz.ui.shell.plain_text import plain_html

WAY, OTHER, ALIKE = "way", "other", "alike"


def draw(bench: Bench) -> None:
    """Draw the experiment."""
    with bench.card:
        controls(bench.state)
        question = st.container(key="kvviz-lab-question")
    run: PackedRun = bench.result(run_task(bench))
    with question:
        done = experiment(bench, run).draw()
        if recorded.of_bits(bench.settings) is not None:
            recorded.say(
                _(
                    "The sentence is recorded: {machine}. It ships; the run below is made here. "
                    "Change the text or the bits, and all of it is measured here."
                )
            )
    if done is None:
        return
    with bench.stage:
        picture(bench, run)
    with bench.below:
        left, right = st.columns([2, 3], gap="small")
        with left, st.container(border=True, key="kvviz-card-lab-flip", height="stretch"):
            first_flip(run)
        with right, st.container(border=True, key="kvviz-card-lab-bit-steps", height="stretch"):
            every_step(run)
        with st.container(border=True, key="kvviz-card-lab-statements"):
            statements.draw(bench)


def controls(state: LabState) -> None:
    """Draw how rows are packed."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="kvviz-lab-controls"):
        key_bits = _slider(_("Bits of keys"), "key_bits")
        keys = _axis(_("Keys grouped"), "keys")
        value_bits = _slider(_("Bits of values"), "value_bits")
        values = _axis(_("Values grouped"), "values")
        group = st.selectbox(
            _("Numbers of a group"),
            GROUPS,
            key=f"{PREFIX}group",
            persist_state="session",
            width=150,
        )
    state.change(bits=Packing(key_bits, value_bits, keys, values, group))


def _slider(label: str, name: str) -> int:
    return st.select_slider(label, BITS, key=f"{PREFIX}{name}", persist_state="session", width=190)


def _axis(label: str, name: str) -> str:
    return st.selectbox(
        label,
        list(AXES),
        key=f"{PREFIX}{name}",
        format_func=lambda axis: _(AXES[axis]),
        persist_state="session",
        width=150,
    )


def experiment(bench: Bench, run: PackedRun) -> Experiment:
    """Return the experiment with one text and one way of packing."""
    wanted = bench.settings
    bits, other = wanted.bits, wanted.bits.other_way
    shipped = recorded.of_bits(wanted)
    choice = Choice(
        {WAY: bits.told, OTHER: other.told, ALIKE: _("no difference that this text can show")}
    )
    return Experiment(
        "fewer-bits",
        [choice],
        lambda found: told(run, bits, shipped or found, is_recorded=shipped is not None),
        words={"way": bits.told, "control": other.told},
        about=(wanted.model, wanted.text, str(bits)),
        work=None if shipped else reading_task(bench),
        is_open=shipped is not None,
    )


def told(run: PackedRun, bits: Packing, found: Judgement, *, is_recorded: bool) -> Verdict:
    """Say what came out, with the control beside it."""
    own, control = found.caches[bits.for_engine], found.caches[bits.other_way.for_engine]
    apart = paired_difference(own.divergences, control.divergences)
    answer = nearer(apart)
    off = {
        name: (_share(one), _share(two))
        for name, one, two in zip(("keys", "values"), run.own, run.control, strict=True)
    }
    lines = [
        _(
            "A packed key is off by {own} of its length, grouped the other way by {control}; a "
            "packed value by {own_value} and {control_value}: means over all heads and packed "
            "rows of this text."
        ).format(
            own=off["keys"][0],
            control=off["keys"][1],
            own_value=off["values"][0],
            control_value=off["values"][1],
        ),
        _(
            "Loss a token with every row whole: {full:.3f} nats; packed: {loss:.3f}, grouped the "
            "other way: {control:.3f}, over {n} tokens."
        ).format(full=found.full_loss, loss=own.loss, control=control.loss, n=found.n_scored),
        _(
            "Difference of both from the full cache, token by token: {mean:+.3f} ± {error:.3f} "
            "nats (standard error). Below twice its error it is called none."
        ).format(mean=apart.mean, error=apart.error),
    ]
    return Verdict(
        [{answer}],
        {
            "outcome": outcome(answer),
            "way": bits.told[:1].upper() + bits.told[1:],
            "n": found.n_scored,
            "kl": f"{own.kl:.3f}",
            "same": own.n_same,
            "more": f"{own.loss - found.full_loss:+.3f}",
            "control_kl": f"{control.kl:.3f}",
            "control_same": control.n_same,
            "control_more": f"{control.loss - found.full_loss:+.3f}",
            "bytes": in_bytes(own.n_bytes),
            "full_bytes": in_bytes(found.full_bytes),
        },
        lines,
        " ".join(
            one for one in (_("Recorded, and shipped.") if is_recorded else "", SOURCE) if one
        ),
        facts={
            "outcome-is": answer,
            "recorded": int(is_recorded),
            "kl": f"{own.kl:.4f}",
            "control-kl": f"{control.kl:.4f}",
            "loss": f"{own.loss:.4f}",
            "full-loss": f"{found.full_loss:.4f}",
            "cache-bytes": own.n_bytes,
            "control-bytes": control.n_bytes,
            "full-bytes": found.full_bytes,
            "keys-off": f"{run.own[0].mean_off:.4f}",
            "control-keys-off": f"{run.control[0].mean_off:.4f}",
        },
    )


def _share(part: object) -> str:
    off = getattr(part, "mean_off", float("nan"))
    return f"{off:.0%}" if off == off else _("nothing, since no group is full yet,")


def nearer(apart: PairedDifference) -> str:
    """Return the answer that a difference of the way from its control comes to."""
    if not apart.is_sure:
        return ALIKE
    return WAY if apart.mean < 0 else OTHER


def outcome(answer: str) -> str:
    """Say in a sentence what a difference comes to."""
    if answer == ALIKE:
        return _("On this text no difference of both can be shown.")
    if answer == WAY:
        return _("Grouped as asked for, the rows are nearer to the full cache.")
    return _("Grouped the other way, the rows are nearer to the full cache.")


def picture(bench: Bench, run: PackedRun) -> None:
    """Draw how far each number of a head is off, and the lists that choose the head."""
    state, card = bench.state, run.kept.shown.trace.model
    layer, head = run.telling_head
    view = state.view
    layer = layer if view.layer is None else min(view.layer, card.n_layers - 1)
    head = head if view.head is None else min(view.head, card.n_kv_heads - 1)
    caption = lessons().caption("error-map")
    with st.container(horizontal=True, vertical_alignment="bottom", key="kvviz-lab-which-head"):
        _which(state, _("Layer"), "layer", layer, card.n_layers)
        _which(state, _("KV head"), "head", head, card.n_kv_heads)
        st.html(f'<p class="kvviz-body">{plain_html(caption.text)}</p>')
    error_map.draw(run, layer, head)
    st.html(f'<p class="kvviz-source">{plain_html(caption.source)}</p>')


def _which(state: LabState, label: str, name: str, at: int, n: int) -> None:
    key = f"{PREFIX}bits-{name}"
    st.session_state[key] = at

    def choose() -> None:
        state.view = replace(state.view, **{name: st.session_state[key]})

    st.selectbox(label, range(n), key=key, on_change=choose, width=110)


def first_flip(run: PackedRun) -> None:
    """Draw the first step at which another token is written than with every row whole."""
    kept, flip = run.kept, run.first_flip
    trace = kept.shown.trace
    heading = _("The first token that flips")
    n = len(kept.own)
    if flip is None:
        told = _(
            "None: the {n} tokens written with packed rows are those that the full cache writes. "
            "Its probabilities differ all the same, see the divergence at each step."
        ).format(n=n)
    else:
        told = _(
            "Up to step {step} of {n} both caches write the same. There the packed rows say "
            "“{own}” and the whole ones “{full}”; from then on these are two texts."
        ).format(step=flip, n=n, own=kept.own[flip][0][0], full=kept.full[flip][0][0])
    parts = [
        f'<div data-kvviz="first-flip" data-flip="{"" if flip is None else flip}">'
        f"{figure_tag('measured')}",
        f'<div class="kvviz-heading" role="heading" aria-level="3">{plain_html(heading)}</div>',
        f'<p class="kvviz-body">{plain_html(told)}</p>',
    ]
    at = n - 1 if flip is None else flip
    chosen = trace.tokens[trace.n_prompt + at]
    for title, name, likely in (
        (_("With packed rows, step {step}"), "packed-next", kept.own[at]),
        (_("With every row whole, step {step}"), "whole-next", kept.full[at]),
    ):
        parts.append(
            f'<p class="kvviz-body"><b>{plain_html(title.format(step=at))}</b></p>'
            f"{bars(name, likely, chosen)}"
        )
    st.html("".join([*parts, "</div>"]))


def every_step(run: PackedRun) -> None:
    """Draw the divergence of packed rows and of their control at every step."""
    caption, along = lessons().caption("bit-steps"), run.kept.along
    named = (
        (_("as asked for"), run.kept.words),
        (_("control: grouped the other way"), run.kept.control or ""),
    )
    ways = [
        KeptSteps(name, along.caches[words].divergences, along.caches[words].same)
        for name, words in named
    ]
    heading = _("How far from the full cache")
    spoken = [
        _("{way}: {kl:.3f} nats on average, the same token at {same} of {n} steps").format(
            way=one.name, kl=one.divergences.mean(), same=int(one.same.sum()), n=one.same.size
        )
        for one in ways
    ]
    st.html(
        f'<div class="kvviz-heading" role="heading" aria-level="3">{plain_html(heading)}</div>'
        f'<p class="kvviz-body">{plain_html(caption.text)}</p>'
    )
    chart.draw(kept_steps(ways, run.first_flip), "; ".join(spoken), tags=["measured"])
    st.html(
        f'<p class="kvviz-body">{plain_html("; ".join(spoken))}.</p>'
        f'<p class="kvviz-source">{plain_html(caption.source)}</p>'
    )
