"""Runs of a crowd: those that are under way on one model share their forward passes."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Protocol
from weakref import WeakKeyDictionary

from kvviz.serving import workers
from kvviz.trace import GenerationOptions, GenerationTrace

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel, RunBatch


class Waiting(Protocol):
    """Who waits for a run: told how far it is, and asked whether it still waits."""

    def report(self, step: int, n_steps: int, /) -> object:
        """Take in how far it is."""
        ...

    def cancelled(self) -> bool:
        """Whether it waits no more."""
        ...


class SharedPasses:
    """Makes runs of one model together, on a thread that is there as long as there are any.

    While there are none it holds nothing of the model, which may so be forgotten.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._batch: RunBatch | None = None

    def trace(
        self, model: LoadedModel, prompt: str, options: GenerationOptions, asker: Waiting
    ) -> GenerationTrace:
        """Return the record of a run that takes part from now on, once it has ended.

        Raises:
            KvvizError: As `kvviz.trace_generation`.
        """
        from kvviz.engine import RunBatch

        with self._lock:
            batch = self._batch or RunBatch(model)
            record = batch.begin(prompt, options, progress=asker.report, cancel=asker.cancelled)
            if self._batch is None:
                self._batch = batch
                workers.start(lambda: self._drive(batch), "kvviz-shared-passes")
        return record.result()

    def _drive(self, batch: RunBatch) -> None:
        try:
            self._make_all(batch)
        except BaseException as error:
            # A fault of ours: who waits hears of it, and who comes next has another thread.
            with self._lock:
                self._batch = None
                batch.abandon(error)
            raise

    def _make_all(self, batch: RunBatch) -> None:
        while True:
            while batch.step():
                pass
            with self._lock:
                if not batch.n_runs:
                    self._batch = None
                    return


_making = Lock()
_of_model: WeakKeyDictionary[LoadedModel, SharedPasses] = WeakKeyDictionary()


def shared_passes(model: LoadedModel) -> SharedPasses:
    """Return what makes the runs of a crowd on a loaded model."""
    with _making:
        return _of_model.setdefault(model, SharedPasses())
