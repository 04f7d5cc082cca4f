"""The same work, asked for by several at the same time, is done once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from kvviz.errors import RunCancelledError
from kvviz.translation import gettext as _

if TYPE_CHECKING:
    from kvviz.ui.work.run_so_far import RunSoFar

Result = TypeVar("Result")

ASKS_EVERY_S = 0.1


class Asker(Protocol):
    """Who waits for work: told how far it is, and asked whether it still waits."""

    def report(self, step: int, n_steps: int, /) -> None:
        """Take in how far it is."""
        ...

    def show(self, so_far: RunSoFar, /) -> None:
        """Take in what there is of it by now."""
        ...

    def cancelled(self) -> bool:
        """Whether it waits no more."""
        ...


@dataclass(eq=False)
class Askers(Generic[Result]):
    """All who wait for one piece of work: it is told to them, and ends when the last has left.

    Work that was told to end is joined by nobody, nor by those who have left it and come back.
    """

    waiting: list[Asker]
    result: Future[Result] = field(default_factory=Future)
    so_far: RunSoFar | None = None
    _have_left: bool = False
    _lock: Lock = field(default_factory=Lock)

    def join(self, asker: Asker) -> bool:
        """Take in one more who waits; return whether that is possible."""
        with self._lock:
            if not self._have_left:
                self.waiting.append(asker)
            return not self._have_left

    def report(self, step: int, n_steps: int) -> None:
        """Tell all how far it is."""
        for one in list(self.waiting):
            one.report(step, n_steps)

    def show(self, so_far: RunSoFar) -> None:
        """Show all what there is of it by now; who comes later sees it too."""
        self.so_far = so_far
        for one in list(self.waiting):
            one.show(so_far)

    def cancelled(self) -> bool:
        """Whether all have left."""
        with self._lock:
            self._have_left = self._have_left or all(one.cancelled() for one in self.waiting)
            return self._have_left


class EqualWork(Generic[Result]):
    """Does work once for all who ask for the same while it is under way."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, Askers[Result]] = {}
        self._lock = Lock()

    def do(self, key: Hashable, asker: Asker, work: Callable[[Askers[Result]], Result]) -> Result:
        """Return what the work comes to; it is done here unless another is at it already.

        Args:
            key: Equal for equal work.
            asker: Who wants it.
            work: Called with all who wait for it.

        Raises:
            RunCancelledError: If the asker has left before the work of another ended.
            Exception: What the work raises, to all who wait.
        """
        with self._lock:
            askers = self._under_way.get(key)
            is_first = askers is None or askers.cancelled() or not askers.join(asker)
            if askers is None or is_first:
                askers = self._under_way[key] = Askers[Result]([asker])
        if askers.so_far is not None:
            asker.show(askers.so_far)
        if not is_first:
            return self._wait(askers, asker)
        try:
            result = work(askers)
        except BaseException as error:
            askers.result.set_exception(error)
            raise
        else:
            askers.result.set_result(result)
            return result
        finally:
            with self._lock:
                if self._under_way.get(key) is askers:
                    del self._under_way[key]

    def _wait(self, askers: Askers[Result], asker: Asker) -> Result:
        while not asker.cancelled():
            try:
                return askers.result.result(timeout=ASKS_EVERY_S)
            except NotYet:
                if askers.result.done():
                    raise
        raise RunCancelledError(
            _("The run was cancelled; it goes on for others who wait for it."),
            fix=_("Press Run to see it when it is done."),
        )
