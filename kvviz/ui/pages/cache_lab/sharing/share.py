"""The experiment: share the beginning of a text with another one."""

from __future__ import annotations

import streamlit as st

from kvviz.translation import N_, ngettext
from kvviz.translation import gettext as _
from kvviz.ui.pages.cache_lab import run_player
from kvviz.ui.pages.cache_lab.bench import Bench
from kvviz.ui.pages.cache_lab.sharing import kept_once, typed_beginnings
from kvviz.ui.pages.cache_lab.sharing.token_strips import token_strips
from kvviz.ui.pages.cache_lab.sharing.two_beginnings import (
    FAR_BEYOND_ROUNDING,
    TwoBeginnings,
    make,
)
from kvviz.ui.parts.experiment import Choice, Experiment, Verdict, Work
from kvviz.ui.parts.figure_tag import figure_tag
from kvviz.ui.parts.quantity import seconds

BEFORE, SAME, NONE = "before", "same", "none"
ANSWERS = {
    BEFORE: N_("those before the texts part"),
    SAME: N_("those of all tokens in common"),
    NONE: N_("none"),
}


def draw(bench: Bench) -> None:
    """Draw the experiment."""
    with bench.card:
        question = st.container(key="kvviz-lab-question")
    found: TwoBeginnings = bench.result(task(bench))
    with question:
        shared = experiment(bench, found)
        done = shared.draw(picture=lambda shows: strips(bench, found, covered=not shows))
    if done is not None:
        with bench.stage:
            run_player.draw(
                bench,
                found.shown,
                _(
                    "Here the run is shown that begins with the rows of another. “{page}” shows "
                    "one without any."
                ),
            )
        with bench.below:
            kept_once.draw(bench)


def task(bench: Bench) -> Work:
    """Return the work that runs both texts."""
    wanted = bench.settings
    about = wanted.text, wanted.other, wanted.new
    said = _("Running both texts, with and without the rows in common")
    return bench.run_task("share", about, said, make)


def strips(bench: Bench, found: TwoBeginnings, *, covered: bool) -> None:
    """Draw both texts under each other, and have them follow what is typed from here on."""
    facts: dict[str, object] = {
        "n-rows": found.second.n_prompt,
        "n-first": found.first.n_prompt,
    }
    if not covered:
        facts["n-shared"] = found.n_shared
    attributes = "".join(f' data-{name}="{value}"' for name, value in facts.items())
    with st.container(key=typed_beginnings.PLACE, gap=None):
        st.html(
            f'<div class="kvviz-as-run" data-kvviz="shared-beginning"{attributes}>'
            f"{figure_tag('measured')}"
            f"{token_strips(found.texts, found.n_shared, covered=covered)}</div>"
        )
        typed_beginnings.draw(bench.settings, covered=covered)


def experiment(bench: Bench, found: TwoBeginnings) -> Experiment:
    """Return the experiment with two texts."""
    wanted = bench.settings
    return Experiment(
        "share-a-beginning",
        [Choice({name: _(label) for name, label in ANSWERS.items()})],
        lambda _none: told(found),
        words={"n": found.second.n_prompt},
        about=(wanted.model, wanted.text, wanted.other),
    )


def told(found: TwoBeginnings) -> Verdict:
    """Say what was shared, and what it saved."""
    prefills = found.second.steps[0], found.alone.steps[0]
    flops = [f"{step.flops / 1e6:,.1f} MFLOP" for step in prefills]
    n_shared, n_prompt = found.n_shared, found.second.n_prompt
    layers = ", ".join(f"{change:.1%}" for change in found.changes_behind)
    again = found.texts.same_behind
    lines = [
        _(
            "{n_shared} + {n_computed} = {n} rows of the second text; its last token is always "
            "read."
        ).format(n_shared=n_shared, n_computed=n_prompt - n_shared, n=n_prompt),
    ]
    if again:
        lines.append(
            ngettext(
                "Behind the place where the texts part {n} token is the same at the same place. By "
                "so much of the layer's largest number its rows differ between the texts, layer by "
                "layer: {layers}. What the first layer keeps is made of a token and its place "
                "alone, so nothing differs there.",
                "Behind the place where the texts part {n} tokens are the same at the same place. "
                "By so much of the layer's largest number their rows differ between the texts, at "
                "most, layer by layer: {layers}. What the first layer keeps is made of a token and "
                "its place alone, so nothing differs there.",
                len(again),
            ).format(n=len(again), layers=layers)
        )
    lines.append(
        _(
            "Published, of servers with many users: up to {times} the throughput, and {hits} of "
            "rows found again."
        ).format(times="6.4×", hits="50–99 %")
    )
    return Verdict(
        [answers(found)],
        {
            "where": found.texts.where,
            "shared": n_shared,
            "n": n_prompt,
            "computed": n_prompt - n_shared,
            "flops": flops[0],
            "all_flops": flops[1],
            "time": seconds(found.seconds[0]),
            "all_time": seconds(found.seconds[1]),
            "same": same(found),
        },
        lines,
        facts={
            "n-shared": n_shared,
            "n-computed": n_prompt - n_shared,
            "flops": prefills[0].flops,
            "all-flops": prefills[1].flops,
            "n-same-tokens": found.n_same_tokens,
            "proven": int(found.second.reuse_is_proven),
            "first-changed-layer": next(
                (
                    layer
                    for layer, change in enumerate(found.changes_behind)
                    if change > FAR_BEYOND_ROUNDING
                ),
                "",
            ),
        },
    )


def answers(found: TwoBeginnings) -> set[str]:
    """Return the answers that the rows of both texts come to: two where they mean the same."""
    if not found.n_shared:
        return {NONE}
    if not found.texts.same_behind:
        return {BEFORE, SAME}
    return {BEFORE} if (found.changes_behind > FAR_BEYOND_ROUNDING).any() else {SAME}


def same(found: TwoBeginnings) -> str:
    """Say whether both ways wrote the same."""
    n, n_same = len(found.second.steps), found.n_same_tokens
    if n_same == n:
        return ngettext(
            "Both ways write the same token.", "Both ways write the same {n} tokens.", n
        ).format(n=n)
    return _(
        "From new token {at} on they write another text: the last digits of a shorter pass differ."
    ).format(at=n_same)
