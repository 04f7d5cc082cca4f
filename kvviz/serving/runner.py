"""The one interface for who runs a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from kvviz.errors import RunCancelledError
from kvviz.serving.run_request import RunRequest
from kvviz.trace import CacheComparison, GenerationTrace
from kvviz.translation import gettext as _

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel

Made = GenerationTrace | CacheComparison


def _no() -> bool:
    return False


@dataclass(frozen=True)
class Watcher:
    """Who waits for a run, by what is asked of them and told to them; from any thread.

    Attributes:
        report: Told the steps done and the most there can be. They may begin again.
        cancelled: Asked before each step; True ends the run with what is there.
        in_haste: Asked where both ways are made, True leaves what is still to come of the second.
        show: Told the record of a run that grows, now and then; None where nobody looks.
    """

    report: Callable[[int, int], object]
    cancelled: Callable[[], bool]
    in_haste: Callable[[], bool] = _no
    show: Callable[[GenerationTrace], object] | None = None


def cancelled_early() -> RunCancelledError:
    """Return the error of a run that was cancelled when there was nothing of it yet."""
    return RunCancelledError(
        _("The run was cancelled before its first step."), fix=_("Run it again.")
    )


class Runner(Protocol):
    """Who runs a model: on this machine, or elsewhere."""

    def run(self, model: LoadedModel, request: RunRequest, watcher: Watcher) -> Made:
        """Return the record of a run, or of both ways where the request says so.

        Args:
            model: The model as it is loaded here.
            request: What to run.
            watcher: Who waits for it.

        Raises:
            KvvizError: As `kvviz.trace_generation`.
            RunnerError: If what runs the models elsewhere cannot do it.
        """
        ...
