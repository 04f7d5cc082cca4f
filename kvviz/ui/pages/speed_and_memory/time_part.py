"""Where the time goes: work saved against time saved, and a step cut into its parts."""

from __future__ import annotations

import streamlit as st

from kvviz.analysis.cost import step_costs
from kvviz.analysis.kept_bytes import Keeping
from kvviz.analysis.speed_up import gap
from kvviz.figures.step_parts import PART_COLOURS, part_names, step_parts
from kvviz.lessons import lessons
from kvviz.trace.race import Race
from kvviz.trace.step_profile import PARTS, StepProfile
from kvviz.translation import gettext as _
from kvviz.translation import ngettext
from kvviz.ui.pages.speed_and_memory import measurement
from kvviz.ui.pages.speed_and_memory.state import Finished, SpeedState
from kvviz.ui.parts import card_texts, chart
from kvviz.ui.parts.cards import opening
from kvviz.ui.parts.quantity import factor, in_rows, seconds
from kvviz.ui.shell.environment import Environment
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.work import runs
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.model_store import model_store

REPEATS = 9


def work_and_time(race: Race) -> None:
    """Draw how many times less the cache makes of the work, and of the time."""
    saved, caption = gap(race), lessons().caption("work-is-not-time")
    with st.container(border=True, key="kvviz-card-gap", height="stretch"):
        title = _("{work} less work, {time} less time").format(
            work=factor(saved.passes), time=factor(saved.seconds)
        )
        card_texts.head(title, caption.text)
        times = (
            (_("token passes, counted"), saved.passes),
            (_("FLOPs, by formula"), saved.flops),
            (_("time, measured"), saved.seconds),
        )
        _bars(
            _("How many times less with the cache"),
            [(name, one, factor(one)) for name, one in times],
            marked=2,
            hook="gap",
        )
        if saved.row_alone is not None:
            rows = (
                (_("alone, with the cache"), saved.row_alone),
                (_("among {n:,}, without").format(n=saved.n_rows), saved.row_among),
            )
            _bars(
                _("What a row takes, measured"),
                [(name, time, seconds(time)) for name, time in rows],
                marked=0,
                hook="row",
            )
        opening("gap", _arithmetic(race), caption.source)


def _arithmetic(race: Race) -> list[str]:
    """Return how the work saved and the time saved come about, a line each."""
    saved, n_prompt, n_new = gap(race), race.n_prompt, race.n_new
    with_cache = n_prompt + n_new - 1
    without = n_new * n_prompt + n_new * (n_new - 1) // 2
    lines = [
        _("Token passes with the cache: {sum} = {n:,}.").format(
            sum=f"{n_prompt:,} + {n_new:,} − 1", n=with_cache
        )
        + " "
        # Translators: without the cache, of token passes.
        + _("Without: {sum} = {n:,}.").format(
            sum=f"{n_new:,} × {n_prompt:,} + {n_new:,} × {n_new - 1:,} / 2", n=without
        ),
        f"{without:,} / {with_cache:,} = {saved.passes:,.2f}.",
        _("FLOPs, by the formula that equals torch’s counter: {times:,.2f} times fewer.").format(
            times=saved.flops
        ),
        *_of_a_window(race),
        _("Time, measured: {times:,.2f} times less.").format(times=saved.seconds),
    ]
    if saved.row_alone is not None:
        alone = _("A step that computes one row: {time}.").format(time=seconds(saved.row_alone))
        among = ngettext(
            "The last step without the cache, over its {n:,} row: {time} a row, {times:,.1f} times "
            "less.",
            "The last step without the cache, over its {n:,} rows: {time} a row, {times:,.1f} "
            "times less.",
            saved.n_rows,
        ).format(
            n=saved.n_rows,
            time=seconds(saved.row_among),
            times=saved.row_alone / saved.row_among,
        )
        lines.append(f"{alone} {among}")
    return lines


def _of_a_window(race: Race) -> list[str]:
    """Return how the FLOPs of a cache that keeps some rows come about, beside every row."""
    if race.rows is None:
        return []
    few, every = (
        int(
            step_costs(
                race.model, race.n_prompt, race.n_new, use_cache=True, keeping=one
            ).flops.sum()
        )
        for one in (Keeping(rows=race.rows), Keeping())
    )
    return [
        _(
            "With {rows} rows kept the prompt is read whole, and a later step reads min(tokens so "
            "far, {rows}) of them, its own among them: {few:,} FLOPs with this cache, {every:,} "
            "with every row. Products with weights are most of it, and they are as many."
        ).format(rows=race.rows, few=few, every=every)
    ]


def _bars(title: str, bars: list[tuple[str, float, str]], *, marked: int, hook: str) -> None:
    """Draw a bar a number.

    Args:
        title: What they show.
        bars: Name, length and the text beside it.
        marked: Place of the one that was measured with the cache.
        hook: Value of ``data-kvviz``.
    """
    longest = max(length for name, length, text in bars)
    drawn = "".join(
        f"<li{' class=kvviz-bar-marked' if place == marked else ''}>"
        f"<code>{plain_html(name)}</code>"
        f'<span><i style="width:{100 * length / longest:.1f}%"></i></span>'
        f"<b>{plain_html(text)}</b></li>"
        for place, (name, length, text) in enumerate(bars)
    )
    st.html(
        f'<p class="kvviz-source">{plain_html(title)}</p>'
        f'<ul class="kvviz-bars" data-kvviz="{hook}">{drawn}</ul>'
    )


def parts_of_a_step(state: SpeedState, environment: Environment) -> None:
    """Draw the parts of the last step with the cache and without, once they are measured."""
    finished = state.finished
    if finished is None:
        return
    race, caption = finished.race, lessons().caption("step-parts")
    n_tokens = race.n_prompt + race.n_new - 1

    with st.container(border=True, key="kvviz-card-parts", height="stretch"):
        card_texts.head(_("A step, cut into its parts"), caption.text)
        if n_tokens < 2:
            st.html(
                card_texts.source(
                    _("A step at the first token has nothing to reuse; race a longer text.")
                )
            )
            return
        measurement.draw(
            state.parts,
            # Translators: "time" is a verb: to measure how long they take.
            ngettext(
                "Time the parts of a step at {n:,} token",
                "Time the parts of a step at {n:,} tokens",
                n_tokens,
            ).format(n=n_tokens),
            start=lambda: state.parts.start(
                lambda job: profiles(finished, n_tokens, job), runs.queue(environment.concurrency)
            ),
            busy=state.timing,
        )
        if state.parts.result is None:
            return
        found = {in_rows(one.n_new): one for one in state.parts.result.values()}
        chart.draw(step_parts(found), _alt(found), tags=["measured"])
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
            # A window's step reads no more rows than it keeps.
            min(n_tokens, finished.race.rows or n_tokens) if use_cache else n_tokens,
            use_cache=use_cache,
            batch=finished.race.batch,
            repeats=REPEATS,
            progress=lambda done, _all, first=first: job.report(first + done, 2 * REPEATS),
            cancel=job.cancelled,
        )
    return found


def _times(profiles: dict[str, StepProfile]) -> None:
    """Draw the milliseconds of each part, with its colour, and what the clock itself cost."""
    titles = [
        (
            _("{rows}, with the cache")
            if one.n_new < one.n_keys
            else _("{rows}, without the cache")
        ).format(rows=name)
        for name, one in profiles.items()
    ]
    heads = "".join(f'<th scope="col">{plain_html(title)}</th>' for title in (_("part"), *titles))
    called = part_names()
    lines = [
        (
            f'<i style="background:{PART_COLOURS[part]}"></i>{plain_html(called[part])}',
            [profile.parts[part] for profile in profiles.values()],
        )
        for part in PARTS
    ]
    lines += [
        (plain_html(_("all parts")), [profile.total for profile in profiles.values()]),
        (
            plain_html(_("the step without a clock inside")),
            [profile.whole for profile in profiles.values()],
        ),
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
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _alt(profiles: dict[str, StepProfile]) -> str:
    return " ".join(f"{name}: {_told(profile)}." for name, profile in profiles.items())


def _lines(profiles: dict[str, StepProfile]) -> list[str]:
    lines: list[str] = []
    for name, profile in profiles.items():
        more = profile.total / profile.whole - 1
        lines += [
            ngettext(
                "{rows}, the median of {n}: {parts}.",
                "{rows}, medians of {n}: {parts}.",
                len(profile.whole_seconds),
            ).format(rows=name, n=len(profile.whole_seconds), parts=_told(profile)),
            _(
                "The clock stopped after every part: together {together}. The same step run as "
                "always took {whole}, so the parts came out {more:+.0%} against it; the difference "
                "is what looking costs, what the framework does between the parts, and chance."
            ).format(together=seconds(profile.total), whole=seconds(profile.whole), more=more),
        ]
    return lines


def _told(profile: StepProfile) -> str:
    """Return each part with its time."""
    called = part_names()
    return ", ".join(f"{called[part]} {seconds(time)}" for part, time in profile.parts.items())
