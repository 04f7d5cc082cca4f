"""What a race comes to: both sides, the verdict on the rule, and the speed-up against length."""

from __future__ import annotations

import streamlit as st

from kvviz.analysis.race_table import race_csv
from kvviz.analysis.speed_up import RULE, SpeedUps, gap, side_times, speed_ups
from kvviz.figures.speed_up_curve import speed_up_curve
from kvviz.lessons import lessons
from kvviz.lessons.published_speedups import published_speed_ups
from kvviz.trace.race import Race
from kvviz.ui.pages.speed_and_memory.live_race import lane_pair
from kvviz.ui.pages.speed_and_memory.pieces import head, source, table
from kvviz.ui.pages.speed_and_memory.race_controls import ANSWERS, experiment
from kvviz.ui.pages.speed_and_memory.state import Finished, SpeedState
from kvviz.ui.parts import chart
from kvviz.ui.parts.experiment import Verdict
from kvviz.ui.parts.quantity import factor, seconds
from kvviz.ui.shell.plain_text import plain_html


def draw(state: SpeedState) -> None:
    """Draw the two lanes of the race on screen and what is to be said about it."""
    finished = state.finished
    if finished is None:
        return
    race = finished.race
    times, ups, saved = side_times(race), speed_ups(race), gap(race)
    slowest = max(times.cached["median"], times.uncached["median"])
    lane_pair(
        {
            side: (
                seconds(spread["median"]),
                f"{rate:,.1f} tokens a second",
                finished.text,
                spread["median"] / slowest,
            )
            for side, spread, rate in (
                ("cached", times.cached, times.cached_rate),
                ("uncached", times.uncached, times.uncached_rate),
            )
        },
        "race-result",
    )
    lines = " ".join(verdict(ups, race))
    told = Verdict(
        [{right_answer(ups.last)}],
        f"{factor(ups.last)} as fast with the cache.",
        how_measured(race, ups),
        lessons().caption("race").source,
        html=f'<p class="kvviz-body kvviz-wide">{plain_html(lines)}</p>'
        f'<span data-kvviz="race" data-n-prompt="{race.n_prompt}" data-n-new="{race.n_new}" '
        f'data-batch="{race.batch}" data-n-repeats="{race.n_repeats}" '
        f'data-speed-up="{ups.last:.4f}" data-passes="{saved.passes:.4f}" '
        f'data-cached-seconds="{times.cached["median"]:.6f}" '
        f'data-uncached-seconds="{times.uncached["median"]:.6f}" '
        f'data-cache-bytes="{int(race.cache_bytes[-1])}" '
        f'data-same-tokens="{str(race.same_tokens).lower()}"></span>',
        beside=lambda: st.download_button(
            "Download as CSV",
            race_csv(race),
            "kvviz-race.csv",
            "text/csv",
            key="speed:csv",
            on_click="ignore",
            type="tertiary",
            icon=":material/download:",
        ),
        opens="how it was measured",
    )
    experiment(state).judge(told, alone=state.answered != finished.settings)


def right_answer(speed_up: float) -> int:
    """Return the number of the answer that a speed-up makes right."""
    return next(number for number, (_, end) in enumerate(ANSWERS) if end is None or speed_up < end)


def verdict(ups: SpeedUps, race: Race) -> list[str]:
    """Return sentences on the rule of thumb, from the measured numbers alone."""
    low, high = RULE
    at_low, at_high = ups.lasting_from(low), ups.lasting_from(high)
    rule = f"the rule of {low:g}× to {high:g}×"
    length = f"{race.n_new:,} token{'s' if race.n_new > 1 else ''}"
    lines: list[str] = []
    if ups.last >= high:
        lines.append(
            f"That is more than {rule} promises: {_reach(at_low, low)} and {_reach(at_high, high)}."
        )
    elif ups.last >= low:
        lines.append(f"At {length} {rule} holds here: {_reach(at_low, low)}.")
    elif ups.last >= 1:
        lines.append(f"At {length} that is less than {rule} promises.")
    else:
        lines.append(f"At {length} the cache makes it slower here, against {rule}.")
    below = ups.n_below(1.0)
    if below and ups.last >= 1:
        until = int(ups.n_new[ups.median < 1.0].max())
        lines.append(
            f"It is below 1× at {below:,} of the {race.n_new:,} lengths, none of them over "
            f"{until:,}: there is little to reuse yet, and both sides begin with the same prefill."
        )
    elif not below:
        lines.append("At no length is it below 1×.")
    saved = gap(race)
    if saved.row_alone is not None:
        lines.append(
            f"With the cache {factor(saved.passes)} fewer tokens go through the network, "
            f"but a row alone takes {seconds(saved.row_alone)}, and one among {saved.n_rows:,} "
            f"takes {seconds(saved.row_among)}."
        )
    if not race.same_tokens:
        lines.append(
            "The two sides wrote different tokens somewhere: in this number format a last digit "
            "tipped a choice."
        )
    return lines


def _reach(n_tokens: int | None, times: float) -> str:
    return (
        f"it stays at {times:g}× or more from {n_tokens:,} token{'s' if n_tokens != 1 else ''} on"
    )


def how_measured(race: Race, ups: SpeedUps) -> list[str]:
    """Return the lines behind the figure: how, and with what spread."""
    times = side_times(race)
    spreads = [
        f"{name}: median {seconds(one['median'])}, {seconds(one['low'])} to {seconds(one['high'])} "
        f"over {race.n_repeats} repeat{'s' if race.n_repeats > 1 else ''}."
        for name, one in (("With the cache", times.cached), ("Without", times.uncached))
    ]
    facts = race.environment
    return [
        lessons().caption("race").text,
        *spreads,
        f"Speed-up, round by round: median {ups.last:.2f}, {ups.low[-1]:.2f} to "
        f"{ups.high[-1]:.2f}.",
        f"{race.n_prompt:,} prompt tokens, {race.n_new:,} new ones, batch {race.batch:,}, "
        f"{race.model.dtype} on {race.model.device}.",
        f"{facts.get('processor', 'processor unknown')}, CPU threads: {facts.get('threads', '?')}, "
        f"torch {facts.get('torch', '?')}.",
    ]


def against_length(finished: Finished | None) -> None:
    """Draw the speed-up against length beside what others have published."""
    published, caption = published_speed_ups(), lessons().caption("speed-up-length")
    ups = None if finished is None else speed_ups(finished.race)
    with st.container(border=True, key="kvviz-card-speed-up"):
        head("The longer the text, the more there is to reuse", caption.text)
        told = "Nothing was measured here yet."
        if ups is not None:
            told = f"Measured here: {factor(ups.last)} at {int(ups.n_new[-1]):,} tokens."
        chart.draw(
            speed_up_curve(ups, published),
            f"Times as fast with the cache over the tokens generated. {told} "
            f"{len(published)} published figures stand beside it; they are listed below.",
        )
        with st.expander("The published figures and their sources", key="kvviz-published"):
            table(
                "published",
                ["", "times as fast", "tokens", "batch", "setting", "source", "looked up"],
                [
                    [
                        chr(ord("A") + number), f"{one.speed_up:g}×", f"{one.tokens:,}",
                        f"{one.batch}", one.setting, one.source, one.looked_up,
                    ]
                    for number, one in enumerate(published)
                ],
            )  # fmt: skip
        source(caption.source)
