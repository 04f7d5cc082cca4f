"""What the page on speed and memory remembers between reruns of its script."""

from __future__ import annotations

from dataclasses import dataclass, field

from kvviz.trace.ceilings import Ceilings
from kvviz.trace.race import Race
from kvviz.trace.step_profile import StepProfile
from kvviz.translation import N_, ngettext
from kvviz.ui.pages.speed_and_memory.live_race import LiveRace
from kvviz.ui.pages.speed_and_memory.measurement import Measurement
from kvviz.ui.pages.speed_and_memory.settings import RaceSettings
from kvviz.ui.parts.work_state import WorkState

NAME = "speed_page"


@dataclass(frozen=True)
class Finished:
    """A race that is over.

    Attributes:
        settings: What was asked for.
        race: What it took.
        text: What the first sequence says with the cache, its prompt left out.
        plain_text: What it says without.
        free: Bytes of the device's memory that were free after it, or None if nobody knows.
    """

    settings: RaceSettings
    race: Race
    text: str
    plain_text: str
    free: int | None


@dataclass
class SpeedState(WorkState):
    """One person's page.

    Attributes:
        settings: What was raced last, tried last, or asked for by a link.
        finished: The race on screen, or None before the first.
        live: What can be seen of the race under way.
        answered: Settings of the race that the answer to the question is about.
        parts: Profiles of steps, by what they are called; of the race on screen.
        roof: The machine's ceilings, for the race on screen.
    """

    QUICK_S = 0.5

    settings: RaceSettings = field(default_factory=RaceSettings)
    finished: Finished | None = None
    live: LiveRace | None = None
    answered: RaceSettings | None = None
    parts: Measurement[dict[str, StepProfile]] = field(
        default_factory=lambda: Measurement("profile", N_("Timing the parts, repeat"))
    )
    roof: Measurement[Ceilings] = field(
        default_factory=lambda: Measurement("roof", N_("Copying and multiplying, trial"))
    )

    @property
    def timing(self) -> bool:
        """Whether something is timed now, which a second measurement would disturb."""
        return any(job is not None for job in (self.job, self.parts.job, self.roof.job))

    def collect(self) -> None:
        """Put on screen what is over by now, waiting for it a moment."""
        self.parts.collect(self.QUICK_S)
        self.roof.collect(self.QUICK_S)
        super().collect()
        if self.job is None:
            self.live = None

    def show(self, result: Finished) -> None:
        """Put a race on screen, and forget what was measured beside the one before."""
        self.finished, self.error = result, None
        self.parts.forget()
        self.roof.forget()
        done, asked = result.race.n_repeats, result.race.n_asked
        if done < asked:
            self.notes = (
                ngettext(
                    "Cancelled: here is the {done} round that was complete, of {asked}.",
                    "Cancelled: here are the {done} rounds that were complete, of {asked}.",
                    done,
                ).format(done=done, asked=asked),
            )
