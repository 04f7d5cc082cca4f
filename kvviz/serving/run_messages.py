"""What whoever runs a model elsewhere sends back: small messages, and at the end the trace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kvviz import errors
from kvviz.errors import KvvizError
from kvviz.serving.frame import as_file, framed, from_file, misread, unframed
from kvviz.serving.runner import Made
from kvviz.trace import CacheComparison, GenerationTrace


@dataclass(frozen=True)
class Alive:
    """Nothing new: the run goes on, or its model is being loaded."""


@dataclass(frozen=True)
class StepsDone:
    """How far the run is.

    Attributes:
        step: Steps done.
        n_steps: The most there can be.
    """

    step: int
    n_steps: int


@dataclass(frozen=True, eq=False)
class Grown:
    """The record of the run as it stands."""

    trace: GenerationTrace


@dataclass(frozen=True, eq=False)
class Ended:
    """What the run came to."""

    made: Made


@dataclass(frozen=True, eq=False)
class Refused:
    """Why the run could not be made, in words for who asked."""

    error: KvvizError


@dataclass(frozen=True)
class OtherVersion:
    """That the request was not read, since it comes from another kvviz.

    Attributes:
        version: Which one runs there.
    """

    version: str


Message = Alive | StepsDone | Grown | Ended | Refused | OtherVersion


def to_bytes(message: Message) -> bytes:
    """Return a message as it is sent."""
    match message:
        case Alive():
            return framed({"is": "alive"})
        case StepsDone(step, n_steps):
            return framed({"is": "steps", "step": step, "of": n_steps})
        case Grown(trace):
            return framed({"is": "grown"}, [as_file(trace)])
        case Ended(CacheComparison() as both):
            apart = both.logit_differences.tolist()
            files = [as_file(both.cached), as_file(both.uncached)]
            return framed({"is": "both", "logit_differences": apart}, files)
        case Ended(GenerationTrace() as trace):
            return framed({"is": "trace"}, [as_file(trace)])
        case Refused(error):
            said = {"what": error.what, "found": error.found, "fix": error.fix}
            return framed({"is": "refused", "error": type(error).__name__, **said})
        case OtherVersion(version):
            return framed({"is": "version", "version": version})
    raise misread()


def from_bytes(data: bytes) -> Message:
    """Read what `to_bytes` made.

    Raises:
        RunnerError: If it is something else, or a trace in it is damaged.
    """
    head, parts = unframed(data)
    try:
        return _read(head, parts)
    except (KeyError, ValueError, TypeError, KvvizError) as error:
        raise misread() from error


def _read(head: dict[str, Any], parts: list[bytes]) -> Message:
    match head["is"]:
        case "alive":
            return Alive()
        case "steps":
            return StepsDone(_count(head["step"]), _count(head["of"]))
        case "grown":
            (file,) = parts
            return Grown(from_file(file))
        case "trace":
            (file,) = parts
            return Ended(from_file(file))
        case "both":
            cached, uncached = map(from_file, parts)
            apart = np.asarray(head["logit_differences"], dtype=np.float64)
            return Ended(CacheComparison(cached, uncached, apart))
        case "refused":
            return Refused(_error(head))
        case "version":
            return OtherVersion(f"{head['version']}"[:40])
    raise misread()


def _count(number: Any) -> int:
    if type(number) is not int or number < 0:
        raise ValueError
    return number


def _error(head: dict[str, Any]) -> KvvizError:
    """Return the error of that name, one of `kvviz.errors`, with the sentences that were sent."""
    kind = getattr(errors, f"{head['error']}", None)
    what, found, fix = (f"{head[name]}" for name in ("what", "found", "fix"))
    if isinstance(kind, type) and issubclass(kind, KvvizError):
        return kind(what, found=found, fix=fix)
    return KvvizError(what, found=found, fix=fix)
