"""What a replica does with a request: it makes the run and sends messages. Knows nothing of Ray."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext
from threading import BoundedSemaphore, Event
from typing import TYPE_CHECKING, Any

from kvviz.errors import KvvizError, RunnerError
from kvviz.serving import run_messages, versions
from kvviz.serving.frame import unframed
from kvviz.serving.local_runner import LOCAL
from kvviz.serving.run_messages import Ended, Grown, Message, OtherVersion, Refused, StepsDone
from kvviz.serving.run_request import RunRequest, loading_of
from kvviz.serving.runner import Watcher, cancelled_early
from kvviz.translation import ENGLISH, languages, using
from kvviz.translation import gettext as _

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel

RUNS_ALONE = 2
"""So many runs that share no passes go on at a time; the others wait."""
TELLS_EVERY_S = 0.1
"""A step of a small model takes 4 ms; nobody reads so many numbers."""

log = logging.getLogger(__name__)

_alone = BoundedSemaphore(RUNS_ALONE)


class Wishes:
    """What who asked for a run wants of it by now.

    Attributes:
        stop: Set when it is to end after its present step.
        hurry: Set when others wait, so that what is still to come of the second way is left.
    """

    def __init__(self) -> None:
        self.stop = Event()
        self.hurry = Event()


def ask(request: RunRequest, language: str) -> bytes:
    """Return a request as the app sends it: with its version, and the language of who asked."""
    return request.to_bytes(version=versions.here(), language=language)


def refused_version(data: bytes) -> OtherVersion | None:
    """Return what to answer to a request of another version, None to one of this."""
    head, _parts = unframed(data)
    return None if head.get("version") == versions.here() else OtherVersion(versions.here())


def language_of(head: dict[str, Any]) -> str:
    """Return the language in which who asked reads, English where there is no catalogue of it."""
    asked = head.get("language")
    return asked if asked in languages() else ENGLISH


def load(word: str) -> LoadedModel:
    """Load the model of a request's `loads`.

    Raises:
        KvvizError: As `kvviz.load_model`.
    """
    from kvviz.engine import load_model

    name, device, dtype = loading_of(word)
    return load_model(name, device=device, dtype=dtype)


def answer(
    data: bytes,
    model: Callable[[], LoadedModel],
    wishes: Wishes,
    tell: Callable[[bytes], object],
) -> None:
    """Make the run of a request and tell of it, on this thread; the last message says how it ended.

    Args:
        data: The request.
        model: Returns its model, or raises why there is none.
        wishes: What is wanted of the run by now.
        tell: Takes each message.
    """
    tell(run_messages.to_bytes(_last_message(data, model, wishes, tell)))


def _last_message(
    data: bytes,
    model: Callable[[], LoadedModel],
    wishes: Wishes,
    tell: Callable[[bytes], object],
) -> Message:
    try:
        with using(language_of(unframed(data)[0])):
            request = RunRequest.from_bytes(data)
            watcher = _watcher(wishes, tell)
            with nullcontext() if request.together else _place(wishes):
                return Ended(LOCAL.run(model(), request, watcher))
    except KvvizError as error:
        return Refused(error)
    except Exception:
        log.exception("A run ended by a fault.")
        return Refused(
            RunnerError(
                _("The run ended by a fault of the replica that made it."),
                fix=_("Run it again; who runs the app finds more in the replica's log."),
            )
        )


@contextmanager
def _place(wishes: Wishes) -> Generator[None]:
    """Wait until a run that shares no passes may go on, and let go of its place behind it.

    Raises:
        RunCancelledError: If it was to stop meanwhile.
    """
    while not _alone.acquire(timeout=TELLS_EVERY_S):
        if wishes.stop.is_set():
            raise cancelled_early()
    try:
        yield
    finally:
        _alone.release()


def _watcher(wishes: Wishes, tell: Callable[[bytes], object]) -> Watcher:
    told = 0.0

    def report(step: int, n_steps: int) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told >= TELLS_EVERY_S:
            told = now
            tell(run_messages.to_bytes(StepsDone(step, n_steps)))

    return Watcher(
        report,
        wishes.stop.is_set,
        wishes.hurry.is_set,
        lambda trace: tell(run_messages.to_bytes(Grown(trace))),
    )
