"""What a race comes to: both sides, the verdict on the rule, and the speed-up against length."""

from __future__ import annotations

import streamlit as st

from kvviz.analysis.race_table import race_csv
from kvviz.analysis.speed_up import RULE, SpeedUps, gap, side_times, speed_ups
from kvviz.figures.speed_up_curve import RecordedSpeedUps, speed_up_curve
from kvviz.lessons import lessons
from kvviz.lessons.published_speedups import published_speed_ups
from kvviz.trace.race import Race
from kvviz.translation import gettext as _
from kvviz.translation import ngettext
from kvviz.ui.pages.speed_and_memory.live_race import TITLES, lane_pair
from kvviz.ui.pages.speed_and_memory.race_cache import told
from kvviz.ui.pages.speed_and_memory.race_controls import ANSWERS, experiment
from kvviz.ui.pages.speed_and_memory.recorded_race import recorded_race
from kvviz.ui.pages.speed_and_memory.state import Finished, SpeedState
from kvviz.ui.parts import card_texts, chart
from kvviz.ui.parts.experiment import Verdict
from kvviz.ui.parts.figure_tag import Tag
from kvviz.ui.parts.quantity import factor, in_tokens, seconds
from kvviz.ui.parts.tables import table
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
                _("{n:,.1f} tokens a second").format(n=rate),
                text,
                spread["median"] / slowest,
            )
            for side, spread, rate, text in (
                ("cached", times.cached, times.cached_rate, finished.text),
                ("uncached", times.uncached, times.uncached_rate, finished.plain_text),
            )
        },
        "race-result",
    )
    lines = " ".join(verdict(ups, race))
    came_out = Verdict(
        [{right_answer(ups.last)}],
        as_fast(ups, race),
        how_measured(race, ups),
        lessons().caption("race").source,
        html=f'<p class="kvviz-body kvviz-wide">{plain_html(lines)}</p>'
        f'<span data-kvviz="race" data-n-prompt="{race.n_prompt}" data-n-new="{race.n_new}" '
        f'data-batch="{race.batch}" data-n-repeats="{race.n_repeats}" '
        f'data-speed-up="{ups.last:.4f}" data-passes="{saved.passes:.4f}" '
        f'data-cached-seconds="{times.cached["median"]:.6f}" '
        f'data-uncached-seconds="{times.uncached["median"]:.6f}" '
        f'data-cache-bytes="{int(race.cache_bytes[-1])}" '
        f'data-rows="{race.rows or ""}" data-sinks="{race.sinks}" data-flops="{saved.flops:.4f}" '
        f'data-same-tokens="{str(race.same_tokens).lower()}"></span>',
        beside=lambda: st.download_button(
            _("Download as CSV"),
            race_csv(race),
            "kvviz-race.csv",
            "text/csv",
            key="speed:csv",
            on_click="ignore",
            type="tertiary",
            icon=":material/download:",
        ),
        opens=_("how it was measured"),
    )
    experiment(state).judge(came_out, alone=state.answered != finished.settings)


def as_fast(ups: SpeedUps, race: Race) -> str:
    """Say how many times as fast it was, and with what cache where that keeps a part."""
    times = factor(ups.last)
    if race.rows is None:
        return _("{times} as fast with the cache.").format(times=times)
    # Translators: {rows} is "the last 60 rows and the first 4".
    return _("{times} as fast with a cache of {rows}.").format(
        times=times, rows=told(race.rows, race.sinks)
    )


def right_answer(speed_up: float) -> int:
    """Return the number of the answer that a speed-up makes right."""
    return next(
        number for number, (_label, end) in enumerate(ANSWERS) if end is None or speed_up < end
    )


def verdict(ups: SpeedUps, race: Race) -> list[str]:
    """Return sentences on the rule of thumb, from the measured numbers alone."""
    low, high = RULE
    length = in_tokens(race.n_new)
    if ups.last >= high:
        line = _(
            "That is more than the rule of {low:g}× to {high:g}× promises: {from_low} and "
            "{from_high}."
        ).format(low=low, high=high, from_low=_reach(ups, low), from_high=_reach(ups, high))
    elif ups.last >= low:
        line = _("At {length} the rule of {low:g}× to {high:g}× holds here: {from_low}.").format(
            length=length, low=low, high=high, from_low=_reach(ups, low)
        )
    elif ups.last >= 1:
        line = _(
            "At {length} that is less than the rule of {low:g}× to {high:g}× promises."
        ).format(length=length, low=low, high=high)
    else:
        line = _(
            "At {length} the cache makes it slower here, against the rule of {low:g}× to {high:g}×."
        ).format(length=length, low=low, high=high)
    lines = [line]
    below = ups.n_below(1.0)
    if below and ups.last >= 1:
        until = int(ups.n_new[ups.median < 1.0].max())
        lines.append(
            ngettext(
                "It is below 1× at {below:,} of the {n:,} length, none of them over {until:,}: "
                "there is little to reuse yet, and both sides begin with the same prefill.",
                "It is below 1× at {below:,} of the {n:,} lengths, none of them over {until:,}: "
                "there is little to reuse yet, and both sides begin with the same prefill.",
                race.n_new,
            ).format(below=below, n=race.n_new, until=until)
        )
    elif not below:
        lines.append(_("At no length is it below 1×."))
    saved = gap(race)
    if saved.row_alone is not None:
        lines.append(
            _(
                "With the cache {times} fewer tokens go through the network, but a row alone takes "
                "{alone}, and one among {n:,} takes {among}."
            ).format(
                times=factor(saved.passes),
                alone=seconds(saved.row_alone),
                n=saved.n_rows,
                among=seconds(saved.row_among),
            )
        )
    return lines + said_of_tokens(race)


def said_of_tokens(race: Race) -> list[str]:
    """Say why both sides wrote the same, or did not, where that wants a word."""
    lets_go = race.rows is not None and race.rows < race.n_prompt + race.n_new - 1
    lines: list[str] = []
    if race.rows is not None and not lets_go:
        lines.append(_("No row had to go: the text is no longer than what the cache keeps."))
    if lets_go:
        lines.append(
            _("The cache let rows go, and both sides wrote the same all the same.")
            if race.same_tokens
            else _("The cache let rows go, so that it went on with another text.")
        )
    elif not race.same_tokens:
        lines.append(
            _(
                "The two sides wrote different tokens somewhere: in this number format a last "
                "digit tipped a choice."
            )
        )
    return lines


def _reach(ups: SpeedUps, times: float) -> str:
    """Say from where on the speed-up lasts; it must reach that at its end."""
    n_tokens = ups.lasting_from(times)
    assert n_tokens is not None
    # Translators: stands in a sentence after a colon, or after a colon and "and".
    return ngettext(
        "it stays at {times:g}× or more from {n:,} token on",
        "it stays at {times:g}× or more from {n:,} tokens on",
        n_tokens,
    ).format(times=times, n=n_tokens)


def how_measured(race: Race, ups: SpeedUps) -> list[str]:
    """Return the lines behind the figure: how, and with what spread."""
    times = side_times(race)
    spreads = [
        ngettext(
            "{side}: median {median}, {low} to {high} over {n} repeat.",
            "{side}: median {median}, {low} to {high} over {n} repeats.",
            race.n_repeats,
        ).format(
            side=_(TITLES[side]),
            median=seconds(one["median"]),
            low=seconds(one["low"]),
            high=seconds(one["high"]),
            n=race.n_repeats,
        )
        for side, one in (("cached", times.cached), ("uncached", times.uncached))
    ]
    facts = race.environment
    new = ngettext("{n:,} new one", "{n:,} new ones", race.n_new).format(n=race.n_new)
    return [
        lessons().caption("race").text,
        *spreads,
        _("Speed-up, round by round: median {median:.2f}, {low:.2f} to {high:.2f}.").format(
            median=ups.last, low=ups.low[-1], high=ups.high[-1]
        ),
        # Translators: {new} is "96 new ones", of tokens.
        ngettext(
            "{n:,} prompt token, {new}, batch {batch:,}, {dtype} on {device}.",
            "{n:,} prompt tokens, {new}, batch {batch:,}, {dtype} on {device}.",
            race.n_prompt,
        ).format(
            n=race.n_prompt,
            new=new,
            batch=race.batch,
            dtype=race.model.dtype,
            device=race.model.device,
        ),
        _("{processor}, CPU threads: {threads}, torch {version}.").format(
            processor=facts.get("processor", _("processor unknown")),
            threads=facts.get("threads", "?"),
            version=facts.get("torch", "?"),
        ),
    ]


def against_length(finished: Finished | None) -> None:
    """Draw the speed-up against length beside what others have published."""
    published, caption = published_speed_ups(), lessons().caption("speed-up-length")
    ups = None if finished is None else speed_ups(finished.race)
    with st.container(border=True, key="kvviz-card-speed-up"):
        card_texts.head(_("The longer the text, the more there is to reuse"), caption.text)
        recorded = recorded_race()
        tags: list[Tag] = ["recorded", "published"]
        chart.draw(
            speed_up_curve(ups, published, recorded),
            _alt(ups, recorded, len(published)),
            tags=tags if ups is None else ["measured", *tags],
        )
        with st.expander(_("The published figures and their sources"), key="kvviz-published"):
            st.html(
                table(
                    "published",
                    [
                        "", _("times as fast"), _("tokens"), _("batch"), _("setting"), _("source"),
                        _("looked up"),
                    ],
                    [
                        [
                            chr(ord("A") + number), f"{one.speed_up:g}×", f"{one.tokens:,}",
                            f"{one.batch}", _(one.setting), one.source, one.looked_up,
                        ]
                        for number, one in enumerate(published)
                    ],
                )
            )  # fmt: skip
        st.html(card_texts.source(caption.source))


def _alt(ups: SpeedUps | None, recorded: RecordedSpeedUps, n_published: int) -> str:
    """Say what the speed-up against length shows."""
    before = _("Recorded on {machine}: {times} at {length}.").format(
        machine=recorded.machine,
        times=factor(recorded.ups.last),
        length=in_tokens(int(recorded.ups.n_new[-1])),
    )
    here = _("Nothing was measured here yet.")
    if ups is not None:
        here = _("Measured here: {times} at {length}.").format(
            times=factor(ups.last), length=in_tokens(int(ups.n_new[-1]))
        )
    others = ngettext(
        "{n} published figure stands beside it; it is listed below.",
        "{n} published figures stand beside it; they are listed below.",
        n_published,
    ).format(n=n_published)
    axes = _("Times as fast with the cache over the tokens generated.")
    return f"{axes} {here} {before} {others}"
