"""How far a run has come: by tokens, by minutes, or by the clock on the wall."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from training.errors import RecipeError


@dataclass(frozen=True)
class Budget:
    """Tells the share of a run that is spent.

    Attributes:
        text: The budget in words, for the card.
        progress: Returns the share spent; 1 or more ends the run. It is given the tokens seen and
            the seconds spent in all, runs before a resume included, and the wall clock at the very
            first step, as `time.time()` gives it.
    """

    text: str
    progress: Callable[[int, float, float], float]


def token_budget(tokens: int) -> Budget:
    """Ends after a number of tokens; the only budget that gives the same run twice."""
    return Budget(f"{tokens:,} tokens", lambda seen, _seconds, _started: seen / tokens)


def minute_budget(minutes: float) -> Budget:
    """Ends after so many minutes of running, added up over resumes."""
    return Budget(f"{minutes:g} minutes", lambda _tokens, seconds, _started: seconds / 60 / minutes)


def deadline_budget(deadline: float) -> Budget:
    """Ends at a time of day. Whatever a pause takes, the schedule jumps ahead and still ends."""

    def progress(_tokens: int, _seconds: float, started: float) -> float:
        return (time.time() - started) / max(1e-9, deadline - started)

    return Budget("a time of day", progress)


def parse_deadline(text: str, now: datetime) -> Budget:
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
    return deadline_budget(moment.timestamp())
