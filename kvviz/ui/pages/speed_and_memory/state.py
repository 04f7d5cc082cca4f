"""What the page on speed and memory remembers between reruns of its script."""

from __future__ import annotations

from dataclasses import dataclass, field

import streamlit as st

from kvviz.errors import RunCancelledError
from kvviz.trace.ceilings import Ceilings
from kvviz.trace.race import Race
from kvviz.trace.step_profile import StepProfile
from kvviz.ui.pages.speed_and_memory.live_race import LiveRace
from kvviz.ui.pages.speed_and_memory.measurement import Measurement
from kvviz.ui.pages.speed_and_memory.settings import RaceSettings
from kvviz.ui.shell.address import Address
from kvviz.ui.work.jobs import Job

NAME = "speed_page"
QUICK_S = 0.5


@dataclass(frozen=True)
class Finished:
    """A race that is over.

    Attributes:
        settings: What was asked for.
        race: What it took.
        text: What the first sequence says, from its prompt on, prompt left out.
        free: Bytes of the device's memory that were free after it, or None if nobody knows.
    """

    settings: RaceSettings
    race: Race
    text: str
    free: int | None


@dataclass
class SpeedState:
    """One person's page.

    Attributes:
        settings: What was raced last, tried last, or asked for by a link.
        finished: The race on screen, or None before the first.
        job: The race under way, or None.
        live: What can be seen of it.
        asked: Whether a button outside the controls asked for a race of what they say.
        answered: Settings of the race that the answer to the question is about.
        parts: Profiles of steps, by what they are called; of the race on screen.
        roof: The machine's ceilings, for the race on screen.
        error: What went wrong last, drawn until the next race.
        notes: Lines about the link that was opened, or a cancelled race.
        address: The address bar.
    """

    settings: RaceSettings = field(default_factory=RaceSettings)
    finished: Finished | None = None
    job: Job | None = None
    live: LiveRace | None = None
    asked: bool = False
    answered: RaceSettings | None = None
    parts: Measurement[dict[str, StepProfile]] = field(
        default_factory=lambda: Measurement("profile", "Timing the parts, repeat")
    )
    roof: Measurement[Ceilings] = field(
        default_factory=lambda: Measurement("roof", "Copying and multiplying, trial")
    )
    error: Exception | None = None
    notes: tuple[str, ...] = ()
    address: Address = field(default_factory=Address)

    @classmethod
    def here(cls) -> SpeedState:
        """Return this session's state, new if there is none."""
        if NAME not in st.session_state:
            st.session_state[NAME] = cls()
        return st.session_state[NAME]

    @property
    def timing(self) -> bool:
        """Whether something is timed now, which a second measurement would disturb."""
        return any(job is not None for job in (self.job, self.parts.job, self.roof.job))

    def collect(self, timeout: float = QUICK_S) -> None:
        """Put on screen what is over by now, waiting for it a moment."""
        self.parts.collect(timeout)
        self.roof.collect(timeout)
        job = self.job
        if job is None or not job.wait(timeout):
            return
        self.job = self.live = None
        if isinstance(job.error, RunCancelledError):
            self.notes = (job.error.what,)
        elif job.error is not None:
            self.error = job.error
        else:
            self.show(job.result)

    def show(self, finished: Finished) -> None:
        """Put a race on screen, and forget what was measured beside the one before."""
        self.finished, self.error = finished, None
        self.parts.forget()
        self.roof.forget()
        done, asked = finished.race.n_repeats, finished.race.n_asked
        if done < asked:
            rounds = "is the 1 round that was" if done == 1 else f"are the {done} rounds that were"
            self.notes = (f"Cancelled: here {rounds} complete, of {asked}.",)
