"""The one place that lets work begin: what it asks for, who asks, and how often.

Every `Job` comes through here before it joins a line. What a page's controls allow is for comfort;
a link, a message from the browser and a file come by other ways to the same place.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Lock

from kvviz.errors import LimitError, OptionsError
from kvviz.translation import gettext as _
from kvviz.translation import ngettext
from kvviz.ui.shell.environment import Environment
from kvviz.ui.shell.mode import Mode
from kvviz.ui.shell.visitor import Visitor

WINDOW_S = 60.0
ADDS_MODELS = "python -m kvviz models add"  # not for people: a command


@dataclass(frozen=True)
class Ask:
    """What a piece of work asks for.

    Attributes:
        texts: Texts of a visitor's that models read.
        new: New tokens of a sequence; 0 where none are made.
        sequences: So many are made together.
        fetches: Whether it brings a model onto this machine.
    """

    texts: tuple[str, ...] = ()
    new: int = 0
    sequences: int = 1
    fetches: bool = False


class RunRate:
    """Runs of the last minute, by visitor and by address.

    What was refused counts for nothing, so that who waits is let in when it was said.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._begun: dict[str, deque[float]] = {}
        self._lock = Lock()

    def begin(self, visitor: Visitor, mode: Mode) -> None:
        """Take in that a visitor begins a run.

        Raises:
            LimitError: If that is one too many within a minute. It says when the next is possible.
        """
        caps = (
            (f"name {visitor.name}", mode.runs, _by_visitor),
            (f"address {visitor.address}", mode.runs_per_address, _by_address),
        )
        with self._lock:
            now = self._clock()
            self._forget(now)
            for key, most, refusal in caps:
                begun = self._begun.get(key, ())
                if most is not None and len(begun) >= most:
                    # So many of the oldest have to be a minute old by then.
                    wait_s = begun[len(begun) - most] + WINDOW_S - now
                    raise refusal(most, max(1, math.ceil(wait_s)))
            for key, most, _refusal in caps:
                if most is not None:
                    self._begun.setdefault(key, deque()).append(now)

    def _forget(self, now: float) -> None:
        for key, begun in [*self._begun.items()]:
            while begun and now - begun[0] >= WINDOW_S:
                begun.popleft()
            if not begun:
                del self._begun[key]


run_rate = RunRate()
"""Of this process."""


def admit(ask: Ask) -> None:
    """Let the visitor of this thread's script begin a piece of work.

    Raises:
        OptionsError: If more new tokens are asked for than a run may make.
        LimitError: If a text is too long, a model would be fetched by who may not, or too many runs
            were begun within a minute.
    """
    environment = Environment.read()
    for error in refusals(ask, environment.mode):
        raise error
    run_rate.begin(Visitor.here(), environment.mode)


def is_read(text: str) -> bool:
    """Whether a text is so short that models may read it here: also to count its tokens is work."""
    most = Environment.read().mode.prompt
    return most is None or len(text) <= most


def refusals(ask: Ask, mode: Mode) -> Iterator[OptionsError | LimitError]:
    """Give the reasons for which a mode refuses what is asked for, whoever asks."""
    if ask.fetches and not mode.is_open:
        yield LimitError(
            _("Visitors of this app fetch no models."),
            fix=_("Who runs it adds them, with: {command}.").format(command=ADDS_MODELS),
        )
    # Who sits at the machine may race as many at once as it holds.
    new = ask.new if mode.is_open else ask.new * ask.sequences
    if new > mode.new_tokens:
        yield OptionsError(
            ngettext(
                "A run here generates {n:,} new token.",
                "A run here generates 1 to {n:,} new tokens.",
                mode.new_tokens,
            ).format(n=mode.new_tokens),
            found=_("Asked for {n:,}.").format(n=new),
            fix=_("Change the number of new tokens."),
        )
    longest = max(map(len, ask.texts), default=0)
    if mode.prompt is not None and longest > mode.prompt:
        yield LimitError(
            ngettext(
                "A text here may have {n:,} character.",
                "A text here may have {n:,} characters.",
                mode.prompt,
            ).format(n=mode.prompt),
            # Translators: It is the text, the number one of characters.
            found=_("It has {n:,}.").format(n=longest),
            fix=_("Shorten the text."),
        )


def _by_visitor(most: int, wait_s: int) -> LimitError:
    return LimitError(
        ngettext(
            "A visitor here starts {n:,} run within a minute.",
            "A visitor here starts {n:,} runs within a minute.",
            most,
        ).format(n=most),
        found=_("You have started so many."),
        fix=_next(wait_s),
    )


def _by_address(most: int, wait_s: int) -> LimitError:
    return LimitError(
        ngettext(
            "A network here starts {n:,} run within a minute.",
            "A network here starts {n:,} runs within a minute.",
            most,
        ).format(n=most),
        found=_("From yours so many were started."),
        fix=_next(wait_s),
    )


def _next(wait_s: int) -> str:
    return ngettext(
        "The next one can begin in {n:,} second; what you typed is kept.",
        "The next one can begin in {n:,} seconds; what you typed is kept.",
        wait_s,
    ).format(n=wait_s)
