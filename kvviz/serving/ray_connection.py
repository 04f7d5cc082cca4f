"""The connection of this process to a Ray cluster, made with the first run that is sent there."""

from __future__ import annotations

import logging
import os
import socket
import time
from concurrent.futures import Future, wait
from dataclasses import dataclass
from threading import Lock, Thread
from typing import Any

from kvviz.errors import KvvizError, RunnerError
from kvviz.serving.runner import Watcher, cancelled_early
from kvviz.translation import gettext as _
from kvviz.translation import language, using

APPLICATION = "kvviz"
INSTALL = "pip install -r requirements-ray.txt"  # not for people: a command
DEPLOY = "serve run deploy/ray_serve.yaml"  # not for people: a command
RECONNECTS_WITHIN_S = 14 * 24 * 3600
"""Ray counts in milliseconds, of which 32 bits hold 24 days."""
CLIENT = "ray://"
"""How Ray's addresses begin for who is outside of a cluster. They stream nothing."""
AUTO = "auto"
"""Ray's word for the cluster that this machine is part of."""

LOOKS_EVERY_S = 0.1
LISTENS_WITHIN_S = 3.0
CONNECTS_WITHIN_S = 30.0
"""Ray itself takes some seconds to be imported, and some to be reached."""


log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Connection:
    """What is there once Ray was reached.

    Attributes:
        handle: Of the deployment, as Ray gives it, for calls that are streamed.
        address: Where the cluster listens.
    """

    handle: Any
    address: str = ""


class RayConnection:
    """Connects once for all runs, and anew where that was lost.

    Args:
        address: Of the cluster, as Ray has it; None for its variable `RAY_ADDRESS`, or else `AUTO`.
    """

    def __init__(self, address: str | None = None) -> None:
        self._address = address
        self._made: Future[Connection] | None = None
        self._lock = Lock()

    def require(self, there: Connection) -> None:
        """Look whether the cluster still listens; forget it where it does not.

        Raises:
            RunnerError: If it does not.
        """
        try:
            _require_listener(there.address)
        except RunnerError:
            self.forget()
            raise

    def forget(self) -> None:
        """Connect anew with the next run."""
        with self._lock:
            self._made = None

    def get(self, watcher: Watcher) -> Connection:
        """Return the connection of this process, made with the first run.

        Where something listens that is no Ray, or another one, Ray tries for minutes, and cannot be
        stopped. Nobody waits for that; if it comes to a connection after all, the next run has it.

        Raises:
            RunnerError: If Ray is not installed, cannot be reached within `CONNECTS_WITHIN_S`, or
                runs no kvviz.
            RunCancelledError: If who asks waits no more.
        """
        address = self._address or os.environ.get("RAY_ADDRESS") or AUTO
        with self._lock:
            connection = self._made
            if connection is None or (connection.done() and connection.exception() is not None):
                connection = self._made = Future()
                Thread(
                    target=_connect_into,
                    args=(connection, address, language()),
                    name="kvviz-ray-connect",
                    daemon=True,
                ).start()
        until = time.monotonic() + CONNECTS_WITHIN_S
        while not wait([connection], LOOKS_EVERY_S).done:
            if watcher.cancelled():
                raise cancelled_early()
            if time.monotonic() > until:
                # not for people: it goes to the log
                raise unreachable(address, "what listens there does not answer")
        return connection.result()


def _connect_into(connection: Future[Connection], address: str, spoken: str) -> None:
    """Connect, and let those who wait have what came of it."""
    try:
        with using(spoken):
            connection.set_result(_connect(address))
    except KvvizError as error:
        connection.set_exception(error)
    except BaseException as error:
        # Ray has been seen to end by other ways than errors.
        connection.set_exception(unreachable(address, f"{error!r}"))


def _connect(address: str) -> Connection:
    """Return a connection to the deployment.

    Raises:
        RunnerError: If Ray is not installed, not to be reached, or runs no kvviz.
    """
    if address.startswith(CLIENT):
        raise RunnerError(
            _("Runs are sent to a Ray cluster that this machine is part of."),
            found=_("{variable} names one from outside.").format(variable="RAY_ADDRESS"),
            fix=_("Who runs the app starts Ray on this machine too, and leaves the variable out."),
        )
    # Ray reads both when it is imported. A cluster that is gone would end this process after a
    # minute by default. (One more way in which it does is told in decision 55.)
    os.environ.setdefault("RAY_gcs_rpc_server_reconnect_timeout_s", f"{RECONNECTS_WITHIN_S}")
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
        raise unreachable(address, f"{error}") from error
    try:
        # Made ready here, once: threads that do it at the same time fail.
        handle = serve.get_app_handle(APPLICATION).options(method_name="run", stream=True)
        return Connection(handle, ray.get_runtime_context().gcs_address)
    except Exception as error:
        raise no_deployment() from error


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
        raise unreachable(address, f"{error}") from error


def _listens(address: str) -> bool:
    """Whether anything listens at an address."""
    try:
        _require_listener(address)
    except RunnerError:
        return False
    return True


def unreachable(address: str, reason: str) -> KvvizError:
    """Return the error of a cluster that cannot be reached.

    A visitor need not know where it is; who runs the app finds that, and the reason, in the log.
    """
    log.warning("Ray cannot be reached at %s: %s", address, " ".join(reason.split())[:300])
    return RunnerError(
        _("Ray, which runs the models of this app, cannot be reached."),
        fix=_(
            "What you typed is kept: run it again once who runs the app has started Ray. The app’s "
            "log says where it was looked for."
        ),
    )


def no_deployment() -> KvvizError:
    """Return the error of a cluster on which nothing makes runs."""
    return RunnerError(
        _("Ray is there, and runs no kvviz."),
        fix=_("Who runs the app starts it: {command}.").format(command=DEPLOY),
    )
