"""Runs models on a Ray Serve deployment. Ray is imported with the first run, and only then."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from queue import Empty, Queue
from typing import TYPE_CHECKING, Any

from kvviz.errors import RunnerError
from kvviz.serving import run_messages, versions, workers
from kvviz.serving.ray_connection import Connection, RayConnection, no_deployment
from kvviz.serving.replica import ask
from kvviz.serving.run_messages import (
    Alive,
    Ended,
    Grown,
    OtherVersion,
    Refused,
    StepsDone,
)
from kvviz.serving.run_request import RunRequest
from kvviz.serving.runner import Made, Watcher, cancelled_early
from kvviz.trace import CacheComparison
from kvviz.translation import gettext as _
from kvviz.translation import language

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel

SENT_AGAIN = 2
"""So often a run is sent again whose replica was lost."""
LOOKS_EVERY_S = 0.1
UNHEARD_S = 30.0
"""A replica says twice a second that it is there."""
STOPS_WITHIN_S = 20.0
"""A step of a large model takes some seconds; longer nobody waits for one to end."""

log = logging.getLogger(__name__)


class _LostError(Exception):
    """The replica that made a run is gone."""


class RayRunner:
    """Sends runs to the deployment that `deploy/ray_serve.yaml` describes.

    Args:
        address: Of the Ray cluster, as Ray has it; None for its variable `RAY_ADDRESS`, or else the
            cluster that this machine is part of.
    """

    def __init__(self, address: str | None = None) -> None:
        self._connection = RayConnection(address)

    def run(self, model: LoadedModel, request: RunRequest, watcher: Watcher) -> Made:
        """Return what a run comes to; see `Runner`.

        A run whose replica is lost is sent again: its progress begins anew.

        Raises:
            RunnerError: If Ray is not installed, is not to be reached, or runs no kvviz; what runs
                there is another kvviz or has another model by that name; or the replicas were lost
                again and again.
            KvvizError: What the replica's own run raises.
        """
        for _time in range(1 + SENT_AGAIN):
            try:
                made = self._sent(request, watcher)
            except _LostError as error:
                log.warning("The replica of a run was lost; it is sent again. %s", error)
                continue
            self._require_same(model, made)
            return made
        self._connection.forget()
        raise RunnerError(
            _("What ran the model was lost, and again when the run was sent anew."),
            fix=_("Run it again in a minute; who runs the app finds more in the log of Ray Serve."),
        )

    def _sent(self, request: RunRequest, watcher: Watcher) -> Made:
        there = self._connection.get(watcher)
        handle = there.handle.options(multiplexed_model_id=request.loads)
        stream = handle.remote(ask(request, language()))
        heard: Queue[bytes | BaseException | None] = Queue()

        def listen() -> None:
            try:
                for message in stream:
                    heard.put(message)
                heard.put(None)
            except BaseException as error:
                heard.put(error)

        workers.start(listen, "kvviz-ray-listener")
        try:
            return self._heard(there, request, watcher, heard)
        finally:
            # Of a run that has ended there is nothing to cancel.
            with suppress(Exception):
                stream.cancel()

    def _heard(
        self,
        there: Connection,
        request: RunRequest,
        watcher: Watcher,
        heard: Queue[bytes | BaseException | None],
    ) -> Made:
        """Take in what is sent until the run has ended."""
        begun, last, stopped_at, hurries = False, time.monotonic(), None, False
        while True:
            now = time.monotonic()
            if stopped_at is None and watcher.cancelled():
                stopped_at = now
                if begun:
                    _wish(there.handle, request, "stop")
            elif begun and request.both and not hurries and watcher.in_haste():
                hurries = True
                _wish(there.handle, request, "hurry")
            if stopped_at is not None and (not begun or now - stopped_at > STOPS_WITHIN_S):
                raise cancelled_early()
            if now - last > UNHEARD_S:
                if begun:
                    # not for people: it goes to the log
                    raise _LostError("Nothing was heard of it.")
                # It may wait for a replica; but for none of a cluster that is gone.
                self._connection.require(there)
                last = now
            try:
                message = heard.get(timeout=LOOKS_EVERY_S)
            except Empty:
                continue
            begun, last = True, time.monotonic()
            if isinstance(message, bytes):
                made = _taken_in(run_messages.from_bytes(message), watcher)
                if made is not None:
                    return made
            else:
                self._lost(message)

    def _lost(self, error: BaseException | None) -> None:
        """Tell what it means that a stream ended before the run did.

        Raises:
            _LostError: If the replica is gone.
            RunnerError: If there is none.
        """
        from ray.exceptions import RayError  # pyright: ignore[reportMissingImports] - an extra
        from ray.serve import exceptions  # pyright: ignore[reportMissingImports] - an extra

        if isinstance(error, exceptions.DeploymentUnavailableError):
            raise no_deployment() from error
        if error is None or isinstance(error, RayError | exceptions.RayServeException):
            raise _LostError(f"{type(error).__name__}") from error
        raise error

    def _require_same(self, model: LoadedModel, made: Made) -> None:
        """Refuse the run of a model that only has the name of the one that is loaded here.

        Raises:
            RunnerError: If the shapes differ.
        """
        card = made.cached.model if isinstance(made, CacheComparison) else made.model
        if _shape(card) != _shape(model.card):
            raise RunnerError(
                _("The replica has another model by the name {name}.").format(name=card.name),
                fix=_("Give the app and the replicas the same files, and start both again."),
            )


def _wish(handle: Any, request: RunRequest, what: str) -> None:
    """Tell all replicas what is wanted of a run; the one that makes it knows it by its name."""

    def tell() -> None:
        # Where that fails the run is waited for no longer than `STOPS_WITHIN_S`.
        with suppress(Exception):
            handle.broadcast("wish", request.run, what).results(timeout_s=STOPS_WITHIN_S)

    workers.start(tell, "kvviz-ray-wish")


def _shape(card: Any) -> tuple[Any, ...]:
    names = ("family", "n_layers", "n_heads", "n_kv_heads", "d_head", "d_vocab", "n_params")
    return tuple(getattr(card, name) for name in names)


def _taken_in(message: run_messages.Message, watcher: Watcher) -> Made | None:
    """Pass a message on to who waits; return what the run came to, None before its end."""
    match message:
        case Alive():
            return None
        case StepsDone(step, n_steps):
            watcher.report(step, n_steps)
            return None
        case Grown(trace):
            if watcher.show is not None:
                watcher.show(trace)
            return None
        case Ended(made):
            return made
        case Refused(error):
            raise error
        case OtherVersion(version):
            raise RunnerError(
                _("What runs the models is another version of kvviz."),
                found=_("It is {there}, and this app {here}.").format(
                    there=version, here=versions.here()
                ),
                fix=_("Who runs the app brings both to one version and starts them again."),
            )
