"""The experiment on rows in fewer bits: a text of one's own, and what others stated of it."""

from __future__ import annotations

import streamlit as st

from kvviz.figures.kept_steps import KeptSteps, kept_steps
from kvviz.lessons import lessons
from kvviz.translation import gettext as _
from kvviz.ui.pages.cache_lab import beside_control, recorded
from kvviz.ui.pages.cache_lab.bench import Bench
from kvviz.ui.pages.cache_lab.beside_control import ALIKE, WAY, BesideControl
from kvviz.ui.pages.cache_lab.bits import error_map, statements
from kvviz.ui.pages.cache_lab.bits.packed_run import PackedPart, PackedRun, reading_task, run_task
from kvviz.ui.pages.cache_lab.head_choice import choose_head
from kvviz.ui.pages.cache_lab.judgement import Judgement
from kvviz.ui.pages.cache_lab.named_choice import choose_named
from kvviz.ui.pages.cache_lab.packing import AXES, BITS, GROUPS, SOURCE, Packing
from kvviz.ui.pages.cache_lab.state import PREFIX, LabState
from kvviz.ui.parts import card_texts, chart
from kvviz.ui.parts.experiment import Choice, Experiment, Verdict
from kvviz.ui.parts.figure_tag import figure_tag
from kvviz.ui.parts.tables import bars
from kvviz.ui.shell.plain_text import plain_html

OTHER = "other"


def draw(bench: Bench) -> None:
    """Draw the experiment."""
    with bench.card:
        controls(bench.state)
        question = st.container(key="kvviz-lab-question")
    bench.settings.bits.check()
    run: PackedRun = bench.result(run_task(bench))
    with question:
        done = recorded.ask(
            experiment(bench, run),
            _(
                "The sentence is recorded: {machine}. It ships; the run below is made here. "
                "Change the text or the bits, and all of it is measured here."
            ),
            is_recorded=recorded.of_bits(bench.settings) is not None,
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
        keys = choose_named(_("Keys grouped"), "keys", AXES, 150)
        value_bits = _slider(_("Bits of values"), "value_bits")
        values = choose_named(_("Values grouped"), "values", AXES, 150)
        group = st.selectbox(
            _("Numbers of a group"),
            GROUPS,
            key=f"{PREFIX}group",
            persist_state="session",
            width=150,
        )
    state.change(bits=Packing(key_bits, value_bits, keys, values, group))


def _slider(label: str, name: str) -> int | None:
    bits = st.select_slider(
        label,
        # A widget that says None says nothing.
        [one or 0 for one in BITS],
        key=f"{PREFIX}{name}",
        # Translators: of keys or values that are not packed.
        format_func=lambda bits: str(bits) if bits else _("whole"),
        persist_state="session",
        width=190,
    )
    return bits or None


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
    both = BesideControl(found, bits.for_engine, bits.other_way.for_engine, OTHER)
    keys, values = (
        None if one.bits is None else {"own": _share(one), "control": _share(two)}
        for one, two in zip(run.own, run.control, strict=True)
    )
    lines = [
        *(
            _(
                "A packed key is off by {own} of its length, grouped the other way by {control}: "
                "means over all heads and packed rows of this text."
            ).format(**one)
            for one in (keys,)
            if one
        ),
        *(
            _(
                "A packed value is off by {own} of its length, grouped the other way by {control}: "
                "means over all heads and packed rows of this text."
            ).format(**one)
            for one in (values,)
            if one
        ),
        _(
            "Loss a token with every row whole: {full:.3f} nats; packed: {loss:.3f}, grouped the "
            "other way: {control:.3f}, over {n} tokens."
        ).format(
            full=found.full_loss,
            loss=found.caches[both.way].loss,
            control=both.of_control.loss,
            n=found.n_scored,
        ),
        both.difference,
    ]
    words = {"outcome": outcome(both.nearer), "way": beside_control.capital(bits.told)}
    facts = {
        "recorded": int(is_recorded),
        "keys-off": "" if keys is None else f"{run.own[0].mean_off:.4f}",
        "control-keys-off": "" if keys is None else f"{run.control[0].mean_off:.4f}",
    }
    return Verdict(
        [{both.nearer}],
        both.amounts | words,
        lines,
        recorded.source(SOURCE, is_recorded=is_recorded),
        facts=both.facts | facts,
    )


def _share(part: PackedPart) -> str:
    off = part.mean_off
    return f"{off:.0%}" if off == off else _("nothing, since no group is full yet,")


def outcome(answer: str) -> str:
    """Say in a sentence what a difference comes to."""
    if answer == ALIKE:
        return beside_control.nothing_shown()
    if answer == WAY:
        return _("Grouped as asked for, the rows are nearer to the full cache.")
    return _("Grouped the other way, the rows are nearer to the full cache.")


def picture(bench: Bench, run: PackedRun) -> None:
    """Draw how far each number of a head is off, and the lists that choose the head."""
    card = run.kept.shown.trace.model
    caption = lessons().caption("error-map")
    with st.container(horizontal=True, vertical_alignment="bottom", key="kvviz-lab-which-head"):
        layer, head = choose_head(bench.state, card, run.telling_head, key="bits")
        st.html(card_texts.body(caption.text))
    error_map.draw(run, layer, head)
    st.html(card_texts.source(caption.source))


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
        card_texts.heading(heading),
        card_texts.body(told),
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
    card_texts.head(heading, caption.text)
    chart.draw(kept_steps(ways, run.first_flip), "; ".join(spoken), tags=["measured"])
    st.html(
        f'<p class="kvviz-body">{plain_html("; ".join(spoken))}.</p>'
        f'<p class="kvviz-source">{plain_html(caption.source)}</p>'
    )
