"""Runs models on a Ray Serve deployment. Ray is imported with the first run, and only then."""

from __future__ import annotations

import logging
import os
import socket
import time
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, Queue
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from kvviz.errors import KvvizError, RunCancelledError, RunnerError
from kvviz.serving import run_messages, versions, workers
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
from kvviz.serving.runner import Made, Watcher
from kvviz.trace import CacheComparison
from kvviz.translation import gettext as _
from kvviz.translation import language, using

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel

APPLICATION = "kvviz"
INSTALL = "pip install -r requirements-ray.txt"  # not for people: a command
DEPLOY = "serve run deploy/ray_serve.yaml"  # not for people: a command
SENT_AGAIN = 2
"""So often a run is sent again whose replica was lost."""
LOOKS_EVERY_S = 0.1
UNHEARD_S = 30.0
"""A replica says twice a second that it is there."""
STOPS_WITHIN_S = 20.0
"""A step of a large model takes some seconds; longer nobody waits for one to end."""
LISTENS_WITHIN_S = 3.0
CONNECTS_WITHIN_S = 30.0
"""Ray itself takes some seconds to be imported, and some to be reached."""
AUTO = "auto"
"""Ray's word for the cluster that this machine is part of."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Connection:
    """What is there once Ray was reached.

    Attributes:
        handle: Of the deployment, as Ray gives it.
        address: Where the cluster listens.
    """

    handle: Any
    address: str = ""


class _LostError(Exception):
    """The replica that made a run is gone."""


class RayRunner:
    """Sends runs to the deployment that `deploy/ray_serve.yaml` describes.

    Args:
        address: Of the Ray cluster, as Ray has it; None for its variable `RAY_ADDRESS`, or else the
            cluster that this machine is part of.
    """

    def __init__(self, address: str | None = None) -> None:
        self._address = address
        self._connection: Future[Connection] | None = None
        self._lock = Lock()

    def run(self, model: LoadedModel, request: RunRequest, watcher: Watcher) -> Made:
        """Return what a run comes to; see `Runner`.

        A run whose replica is lost is sent again: its progress begins anew.

        Raises:
            RunnerError: If Ray is not installed, or is not to be reached within
                `CONNECTS_WITHIN_S`; what runs there is another kvviz or has another model by that
                name; or the replicas were lost again and again.
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
        self._forget()
        raise RunnerError(
            _("What ran the model was lost, and again when the run was sent anew."),
            fix=_("Run it again in a minute; who runs the app finds more in the log of Ray Serve."),
        )

    def _sent(self, request: RunRequest, watcher: Watcher) -> Made:
        there = self._connected(watcher)
        handle = there.handle
        options = {"stream": True, "multiplexed_model_id": request.loads}
        stream = handle.options(method_name="run", **options).remote(ask(request, language()))
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
                raise _cancelled()
            if now - last > UNHEARD_S:
                if begun:
                    raise _LostError("Nothing was heard of it.")
                # It may wait for a replica; but for none of a cluster that is gone.
                self._require_there(there)
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
            raise _no_deployment() from error
        if error is None or isinstance(error, RayError | exceptions.RayServeException):
            raise _LostError(f"{type(error).__name__}") from error
        raise error

    def _require_there(self, there: Connection) -> None:
        """Look whether the cluster still listens; forget it where it does not.

        Raises:
            RunnerError: If it does not.
        """
        try:
            _require_listener(there.address)
        except RunnerError:
            self._forget()
            raise

    def _forget(self) -> None:
        """Connect anew with the next run."""
        with self._lock:
            self._connection = None

    def _connected(self, watcher: Watcher) -> Connection:
        """Return the connection of this process, made with the first run.

        Where something listens that is no Ray, or another one, Ray tries for minutes, and cannot be
        stopped. Nobody waits for that; if it comes to a connection after all, the next run has it.

        Raises:
            RunnerError: As `run`.
            RunCancelledError: If who asks waits no more.
        """
        address = self._address or os.environ.get("RAY_ADDRESS") or AUTO
        with self._lock:
            connection = self._connection
            if connection is None or (connection.done() and connection.exception() is not None):
                connection = self._connection = Future()
                Thread(
                    target=_connect_into,
                    args=(connection, address, language()),
                    name="kvviz-ray-connect",
                    daemon=True,
                ).start()
        until = time.monotonic() + CONNECTS_WITHIN_S
        while not wait([connection], LOOKS_EVERY_S).done:
            if watcher.cancelled():
                raise _cancelled()
            if time.monotonic() > until:
                # Translators: it is what was asked for, and does not answer as Ray does.
                raise _unreachable(address, _("it does not answer."))
        return connection.result()

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


def _connect_into(connection: Future[Connection], address: str, spoken: str) -> None:
    """Connect, and let those who wait have what came of it."""
    try:
        with using(spoken):
            connection.set_result(_connect(address))
    except BaseException as error:
        connection.set_exception(error)


def _connect(address: str) -> Connection:
    """Return a connection to the deployment.

    Raises:
        RunnerError: If Ray is not installed, not to be reached, or runs no kvviz.
    """
    # What Ray reads of it when it is imported: a lost cluster must not end this process, and
    # nothing is told to Ray's makers.
    os.environ.setdefault("RAY_gcs_rpc_server_reconnect_timeout_s", f"{10 * 365 * 24 * 3600}")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray  # pyright: ignore[reportMissingImports] - an extra
        from ray import serve  # pyright: ignore[reportMissingImports] - an extra
    except ImportError as error:
        raise RunnerError(
            _("{variable} names Ray, which is not installed.").format(variable="KVVIZ_RUNNER"),
            fix=_("Who runs the app installs it, {command}, or leaves the variable out.").format(
                command=INSTALL
            ),
        ) from error
    _require_listener(address)
    try:
        if ray.is_initialized() and not _listens(ray.get_runtime_context().gcs_address):
            ray.shutdown()
        if not ray.is_initialized():
            ray.init(
                address=address,
                log_to_driver=False,
                configure_logging=False,
                logging_level=logging.WARNING,
            )
    except Exception as error:
        raise _unreachable(address, f"{error}") from error
    try:
        handle = serve.get_app_handle(APPLICATION)
        return Connection(handle, ray.get_runtime_context().gcs_address)
    except Exception as error:
        raise _no_deployment() from error


def _require_listener(address: str) -> None:
    """Look whether anything listens at an address, which takes Ray itself much longer.

    Raises:
        RunnerError: If nothing does.
    """
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal():
        return
    try:
        place = host.rpartition("/")[2], int(port)
        socket.create_connection(place, LISTENS_WITHIN_S).close()
    except (OSError, OverflowError) as error:
        raise _unreachable(address, f"{error}") from error


def _listens(address: str) -> bool:
    """Whether anything listens at an address."""
    try:
        _require_listener(address)
    except RunnerError:
        return False
    return True


def _unreachable(address: str, reason: str) -> KvvizError:
    return RunnerError(
        _("Ray, which runs the models of this app, cannot be reached."),
        found=_("Asked at {address}: {reason}").format(
            address=address, reason=" ".join(reason.split())[:200]
        ),
        fix=_("What you typed is kept: run it again once who runs the app has started Ray."),
    )


def _no_deployment() -> KvvizError:
    return RunnerError(
        _("Ray is there, and runs no kvviz."),
        fix=_("Who runs the app starts it: {command}.").format(command=DEPLOY),
    )


def _cancelled() -> KvvizError:
    return RunCancelledError(
        _("The run was cancelled before its first step."), fix=_("Run it again.")
    )
