"""A race under way: two lanes in which tokens appear, their clocks, and a way to stop it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import streamlit as st

from kvviz.translation import N_, ngettext
from kvviz.translation import gettext as _
from kvviz.ui.parts import work_bar
from kvviz.ui.shell.front_end import front_end
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.work.jobs import Job, counted

if TYPE_CHECKING:
    from kvviz.engine.timing.race import RaceStep

HERE = Path(__file__).parent

TITLES = {"cached": N_("With the cache"), "uncached": N_("Without")}
"""Side to what it is called, still to be translated."""


@dataclass
class Lane:
    """One side in the present round: the tokens it has written, and the seconds it has taken."""

    tokens: list[str] = field(default_factory=list[str])
    seconds: float = 0.0


class LiveRace:
    """What a race's thread has told so far; the page's thread only reads it.

    Args:
        n_new: Tokens that each side writes.
        repeats: Rounds that count.
    """

    def __init__(self, n_new: int, repeats: int) -> None:
        self.n_new, self.repeats = n_new, repeats
        self.round = 0
        self.lanes = _empty_lanes()

    def hear(self, step: RaceStep) -> None:
        """Take in a step; a new round begins with empty lanes."""
        if step.round != self.round:
            self.round, self.lanes = step.round, _empty_lanes()
        lane = self.lanes[step.side]
        lane.tokens.append(step.text)
        lane.seconds += step.seconds

    def said(self, job: Job) -> str:
        """Say how far the race is."""
        if job.phase != "running":
            return counted(job)
        # Translators: {round} is "Round 2 of 3", or that the race is warming up.
        return _("{round}: step {step:,} of {last:,}").format(
            round=self.line, step=job.step, last=job.n_steps
        )

    def shown(self) -> dict[str, Any]:
        """Return what can be seen of it: the present round's lanes, in what JSON can hold."""
        lanes = self.lanes
        slowest = max(lane.seconds for lane in lanes.values()) or 1.0
        return {
            "hook": "race-warm-up" if self.round == 0 else "race-round",
            "lanes": {
                side: {
                    "clock": f"{lane.seconds:,.2f} s",
                    "line": _written(lane, self.n_new),
                    "text": "".join(lane.tokens),
                    "share": lane.seconds / slowest,
                }
                for side, lane in lanes.items()
            },
        }

    @property
    def line(self) -> str:
        """Say which round it is."""
        if self.round == 0:
            return _("Warm-up, both sides in turns")
        return _("Round {round} of {last}").format(round=self.round, last=self.repeats)


class Racing(Protocol):
    """A page on which a race may be under way."""

    job: Job | None
    live: LiveRace | None


def _empty_lanes() -> dict[str, Lane]:
    return {side: Lane() for side in TITLES}


def _component() -> Callable[..., Any]:
    """Return what mounts a race under way."""
    return front_end("kvviz_live_race", HERE / "live_race.bundle.js", work_bar.STYLE)


def draw(state: Racing) -> None:
    """Draw the race under way; it asks for its progress by itself."""
    if state.job is not None:
        _component()(
            key="kvviz-progress",
            data={**work_bar.payload(state.job, wakes=True), "titles": _titles()},
            on_over_change=lambda: None,
        )


def _titles() -> dict[str, str]:
    return {side: _(title) for side, title in TITLES.items()}


def _written(lane: Lane, n_new: int) -> str:
    return ngettext("{done:,} of {n:,} token", "{done:,} of {n:,} tokens", n_new).format(
        done=len(lane.tokens), n=n_new
    )


def _lines(text: str) -> str:
    """Return a text for HTML; line breaks stay line breaks, other control characters are signs."""
    return "\n".join(plain_html(line) for line in text.lstrip(" ").split("\n"))


def lane_pair(lanes: dict[str, tuple[str, str, str, float]], hook: str) -> None:
    """Draw two lanes.

    Args:
        lanes: Side to its clock, the line beside it, its text, and how long its bar is, 0 to 1.
        hook: Value of ``data-kvviz``.
    """
    drawn: list[str] = []
    for side, (clock, line, text, share) in lanes.items():
        title = plain_html(_(TITLES[side]))
        drawn.append(
            f'<section class="kvviz-lane kvviz-lane-{side}" aria-label="{title}">'
            f'<div class="kvviz-lane-head"><b>{title}</b><span>{plain_html(line)}</span></div>'
            f'<div class="kvviz-lane-clock">{plain_html(clock)}</div>'
            f'<div class="kvviz-lane-bar"><i style="width:{100 * share:.1f}%"></i></div>'
            f"<p>{_lines(text)}</p></section>"
        )
    st.html(f'<div class="kvviz-lanes" data-kvviz="{hook}">{"".join(drawn)}</div>')
