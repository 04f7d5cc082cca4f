"""Where the time goes: work saved against time saved, and a step cut into its parts."""

from __future__ import annotations

import streamlit as st

from kvviz.analysis.speed_up import gap
from kvviz.figures.step_parts import PART_COLOURS, step_parts
from kvviz.lessons import lessons
from kvviz.trace.race import Race
from kvviz.trace.step_profile import PARTS, StepProfile
from kvviz.ui.pages.speed_and_memory import measurement
from kvviz.ui.pages.speed_and_memory.pieces import head, source
from kvviz.ui.pages.speed_and_memory.state import Finished, SpeedState
from kvviz.ui.parts import chart
from kvviz.ui.parts.cards import opening
from kvviz.ui.parts.quantity import factor, seconds
from kvviz.ui.shell.environment import Environment
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.work import runs
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.model_store import model_store

REPEATS = 9


def work_and_time(race: Race) -> None:
    """Draw how many times less the cache makes of the work, and of the time."""
    saved, caption = gap(race), lessons().caption("work-is-not-time")
    counts = {
        "token passes": (saved.passes, "counted"),
        "FLOPs": (saved.flops, "by formula"),
        "time": (saved.seconds, "measured"),
    }
    with st.container(border=True, key="kvviz-card-gap", height="stretch"):
        head(f"{factor(saved.passes)} less work, {factor(saved.seconds)} less time", caption.text)
        _bars(
            "How many times less with the cache",
            {f"{name}, {how}": (times, factor(times)) for name, (times, how) in counts.items()},
            "time, measured",
            hook="gap",
        )
        if saved.row_alone is not None:
            alone = "alone, with the cache"
            rows = {alone: saved.row_alone, f"among {saved.n_rows:,}, without": saved.row_among}
            _bars(
                "What a row takes, measured",
                {name: (time, seconds(time)) for name, time in rows.items()},
                alone,
                hook="row",
            )
        n_prompt, n_new = race.n_prompt, race.n_new
        with_cache = n_prompt + n_new - 1
        without = n_new * n_prompt + n_new * (n_new - 1) // 2
        lines = [
            f"Token passes with the cache: {n_prompt:,} + {n_new:,} − 1 = {with_cache:,}. Without: "
            f"{n_new:,} × {n_prompt:,} + {n_new:,} × {n_new - 1:,} / 2 = {without:,}.",
            f"{without:,} / {with_cache:,} = {saved.passes:,.2f}.",
            f"FLOPs, by the formula that equals torch’s counter: {saved.flops:,.2f} times fewer.",
            f"Time, measured: {saved.seconds:,.2f} times less.",
        ]
        if saved.row_alone is not None:
            lines.append(
                f"A step that computes one row: {seconds(saved.row_alone)}. The last step without "
                f"the cache, over its {saved.n_rows:,} rows: {seconds(saved.row_among)} a row, "
                f"{saved.row_alone / saved.row_among:,.1f} times less."
            )
        opening("gap", lines, caption.source)


def _bars(title: str, lengths: dict[str, tuple[float, str]], marked: str, *, hook: str) -> None:
    """Draw a bar a number; the marked one is what was measured with the cache."""
    longest = max(length for length, _ in lengths.values())
    bars = "".join(
        f"<li{' class=kvviz-bar-marked' if name == marked else ''}><code>{plain_html(name)}</code>"
        f'<span><i style="width:{100 * length / longest:.1f}%"></i></span>'
        f"<b>{plain_html(text)}</b></li>"
        for name, (length, text) in lengths.items()
    )
    st.html(
        f'<p class="kvviz-source">{plain_html(title)}</p>'
        f'<ul class="kvviz-bars" data-kvviz="{hook}">{bars}</ul>'
    )


def parts_of_a_step(state: SpeedState, environment: Environment) -> None:
    """Draw the parts of the last step with the cache and without, once they are measured."""
    finished = state.finished
    if finished is None:
        return
    race, caption = finished.race, lessons().caption("step-parts")
    n_tokens = race.n_prompt + race.n_new - 1

    with st.container(border=True, key="kvviz-card-parts", height="stretch"):
        head("A step, cut into its parts", caption.text)
        if n_tokens < 2:
            source("A step at the first token has nothing to reuse; race a longer text.")
            return
        measurement.draw(
            state.parts,
            f"Time the parts of a step at {n_tokens:,} tokens",
            start=lambda: state.parts.start(
                lambda job: profiles(finished, n_tokens, job), runs.queue(environment.concurrency)
            ),
            busy=state.timing,
        )
        found = state.parts.result
        if found is None:
            return
        chart.draw(step_parts(found), _alt(found))
        _times(found)
        opening("parts", _lines(found), caption.source)


def profiles(finished: Finished, n_tokens: int, job: Job) -> dict[str, StepProfile]:
    """Profile the same step with the cache and without."""
    model, found = model_store().get(finished.settings.of_model), {}

    from kvviz.engine.timing.step_profile import profile_step

    for number, (name, use_cache) in enumerate((("1 row", True), (f"{n_tokens:,} rows", False))):
        first = number * REPEATS
        job.report(first, 2 * REPEATS)
        found[name] = profile_step(
            model,
            n_tokens,
            use_cache=use_cache,
            batch=finished.race.batch,
            repeats=REPEATS,
            progress=lambda done, _, first=first: job.report(first + done, 2 * REPEATS),
            cancel=job.cancelled,
        )
    return found


def _times(profiles: dict[str, StepProfile]) -> None:
    """Draw the milliseconds of each part, with its colour, and what the clock itself cost."""
    heads = "".join(
        f'<th scope="col">{plain_html(name)}, {"with" if one.n_new < one.n_keys else "without"} '
        "the cache</th>"
        for name, one in profiles.items()
    )
    lines = [
        (
            f'<i style="background:{PART_COLOURS[part]}"></i>{plain_html(part)}',
            [profile.parts[part] for profile in profiles.values()],
        )
        for part in PARTS
    ]
    lines += [
        ("all parts", [profile.total for profile in profiles.values()]),
        ("the step without a clock inside", [profile.whole for profile in profiles.values()]),
    ]
    rows = "".join(
        f'<tr><th scope="row">{name}</th>'
        + "".join(
            f'<td data-label="{plain_html(label)}">{seconds(time)}</td>'
            for label, time in zip(profiles, times, strict=True)
        )
        + "</tr>"
        for name, times in lines
    )
    st.html(
        '<table class="kvviz-parts" data-kvviz="step-parts">'
        f'<thead><tr><th scope="col">part</th>{heads}</tr></thead><tbody>{rows}</tbody></table>'
    )


def _alt(profiles: dict[str, StepProfile]) -> str:
    return " ".join(
        f"{name}: "
        + ", ".join(f"{part} {seconds(time)}" for part, time in profile.parts.items())
        + "."
        for name, profile in profiles.items()
    )


def _lines(profiles: dict[str, StepProfile]) -> list[str]:
    lines: list[str] = []
    for name, profile in profiles.items():
        parts = profile.parts
        told = ", ".join(f"{part} {seconds(parts[part])}" for part in PARTS)
        more = profile.total / profile.whole - 1
        lines += [
            f"{name}, medians of {len(profile.whole_seconds)}: {told}.",
            f"The clock stopped after every part: together {seconds(profile.total)}. The same step "
            f"run as always took {seconds(profile.whole)}, so the parts came out {more:+.0%} "
            "against it; the difference is what looking costs, what the framework does between "
            "the parts, and chance.",
        ]
    return lines
