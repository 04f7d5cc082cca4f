"""How far a run has come: by tokens, by minutes, or by the clock on the wall."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from training.errors import RecipeError


class Budget(Protocol):
    """Tells the share of a run that is spent."""

    @property
    def text(self) -> str:
        """The budget in words, for the card."""
        ...

    def progress(self, tokens: int, seconds: float, started: float) -> float:
        """Returns the share spent; 1 or more ends the run.

        Args:
            tokens: Tokens seen in all, runs before a resume included.
            seconds: Time spent in all, runs before a resume included.
            started: Wall clock at the very first step, as `time.time()` gives it.
        """
        ...


@dataclass(frozen=True)
class TokenBudget:
    """Ends after a number of tokens; the only budget that gives the same run twice."""

    tokens: int

    @property
    def text(self) -> str:
        """The budget in words."""
        return f"{self.tokens:,} tokens"

    def progress(self, tokens: int, seconds: float, started: float) -> float:
        """Share of the tokens."""
        return tokens / self.tokens


@dataclass(frozen=True)
class MinuteBudget:
    """Ends after so many minutes of running, added up over resumes."""

    minutes: float

    @property
    def text(self) -> str:
        """The budget in words."""
        return f"{self.minutes:g} minutes"

    def progress(self, tokens: int, seconds: float, started: float) -> float:
        """Share of the minutes."""
        return seconds / 60 / self.minutes


@dataclass(frozen=True)
class DeadlineBudget:
    """Ends at a time of day. Whatever a pause takes, the schedule jumps ahead and still ends."""

    deadline: float

    @property
    def text(self) -> str:
        """The budget in words."""
        return "a time of day"

    def progress(self, tokens: int, seconds: float, started: float) -> float:
        """Share of the wall time from the first step to the deadline."""
        return (time.time() - started) / max(1e-9, self.deadline - started)


def parse_deadline(text: str, now: datetime) -> DeadlineBudget:
    """Reads `HH:MM` as the next such moment after `now`.

    Raises:
        RecipeError: The text is not a time of day.
    """
    try:
        clock = datetime.strptime(text, "%H:%M")
    except ValueError as error:
        raise RecipeError(
            "The deadline is not a time of day.",
            found=f"Got {text!r}.",
            fix="Write it as HH:MM, for instance --until 16:15.",
        ) from error
    moment = now.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0)
    if moment <= now:
        moment += timedelta(days=1)
    return DeadlineBudget(moment.timestamp())
