"""One run over HTTP: it is sent, listened to, and told when it is to stop."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Coroutine
from contextlib import suppress
from functools import cache

import httpx2

from kvviz.errors import RunnerError
from kvviz.serving import run_messages, versions
from kvviz.serving.endpoint import (
    HEALTH,
    HURRY,
    MESSAGES_TYPE,
    MODEL_HEADER,
    REQUEST_TYPE,
    RUN,
    STOP,
    WISH,
)
from kvviz.serving.frame import MessageReader, framed
from kvviz.serving.replica import ask
from kvviz.serving.run_messages import Alive, Ended, Grown, OtherVersion, Refused, StepsDone
from kvviz.serving.run_request import RunRequest
from kvviz.serving.runner import Made, Watcher, cancelled_early
from kvviz.translation import gettext as _
from kvviz.translation import language

DEPLOY = "serve run deploy/ray_serve.yaml"  # not for people: a command
LOOKS_EVERY_S = 0.1
CONNECTS_WITHIN_S = 5.0
ASKS_EVERY_S = 5.0
"""So often it is asked whether the proxy is there, as long as no replica has taken the run."""
ANSWERS_WITHIN_S = 5.0
UNHEARD_S = 15.0
"""A replica says twice a second that it is there."""
STOPS_WITHIN_S = 20.0
"""A step of a large model takes some seconds; longer nobody waits for one to end."""

log = logging.getLogger(__name__)


class LostError(Exception):
    """What made a run is gone, or is not heard of any more."""


class RunCall:
    """Sends a run once.

    Args:
        url: Where the deployment is, with a slash at its end.
        request: What to run.
        watcher: Who waits for it; asked and told on the thread that awaits `made`.
    """

    def __init__(self, url: str, request: RunRequest, watcher: Watcher) -> None:
        self._url = url
        self._request = request
        self._watcher = watcher
        self._heard: asyncio.Queue[bytes | Exception] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._client: httpx2.AsyncClient
        self.begun = False
        """Whether a replica has said anything of the run."""

    async def made(self) -> Made:
        """Return what the run comes to.

        Raises:
            LostError: If what made it was lost on the way.
            RunnerError: If nothing answers there, or what does is no kvviz or another one.
            KvvizError: What the replica's own run raises.
        """
        # What the environment says of proxies to the world outside is not for this.
        async with httpx2.AsyncClient(
            base_url=self._url,
            timeout=httpx2.Timeout(None, connect=CONNECTS_WITHIN_S),
            trust_env=False,
            verify=_authorities(),
        ) as self._client:
            self._begin(self._listen())
            self._begin(self._look_whether_it_is_there())
            try:
                return await self._heard_to_its_end()
            finally:
                # Who leaves closes the connection, by which a replica that is still at it stops.
                for task in self._tasks:
                    task.cancel()
                await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        self._tasks.add(asyncio.create_task(work))

    async def _heard_to_its_end(self) -> Made:
        last, stopped_at, hurries = time.monotonic(), None, False
        while True:
            now = time.monotonic()
            if stopped_at is None and self._watcher.cancelled():
                stopped_at = now
                if self.begun:
                    self._begin(self._wish(STOP))
            elif self.begun and self._request.both and not hurries and self._watcher.in_haste():
                hurries = True
                self._begin(self._wish(HURRY))
            if stopped_at is not None and (not self.begun or now - stopped_at > STOPS_WITHIN_S):
                raise cancelled_early()
            if self.begun and now - last > UNHEARD_S:
                # not for people: it goes to the log
                raise LostError("Nothing was heard of it.")
            try:
                async with asyncio.timeout(LOOKS_EVERY_S):
                    heard = await self._heard.get()
            except TimeoutError:
                continue
            if isinstance(heard, Exception):
                self._raise(heard)
            else:
                self.begun = True
                made = _taken_in(run_messages.from_bytes(heard), self._watcher)
                last = time.monotonic()
                if made is not None:
                    return made

    async def _listen(self) -> None:
        """Send the request and pass on what comes back, at last why nothing more does."""
        headers = {"content-type": REQUEST_TYPE, MODEL_HEADER: self._request.loads}
        reader = MessageReader()
        try:
            async with self._client.stream(
                "POST", RUN, content=ask(self._request, language()), headers=headers
            ) as response:
                self._require_kvviz(response)
                async for piece in response.aiter_bytes():
                    for message in reader.read(piece):
                        self._heard.put_nowait(message)
            # not for people: it goes to the log
            self._heard.put_nowait(LostError("Its answer ended before the run did."))
        except Exception as error:
            self._heard.put_nowait(error)

    async def _look_whether_it_is_there(self) -> None:
        """See that a run that no replica has taken yet still waits for one."""
        while True:
            await asyncio.sleep(ASKS_EVERY_S)
            if self.begun:
                return
            try:
                address = httpx2.URL(self._url).join(HEALTH)
                await self._client.get(address, timeout=ANSWERS_WITHIN_S)
            except httpx2.TransportError as error:
                self._heard.put_nowait(unreachable(self._url, error))
                return

    async def _wish(self, what: str) -> None:
        """Tell what is wanted of the run; where that fails it is waited for no longer."""
        with suppress(httpx2.HTTPError):
            await self._client.post(
                WISH,
                content=framed({"run": self._request.run, "wish": what}),
                headers={"content-type": REQUEST_TYPE, MODEL_HEADER: self._request.loads},
                timeout=STOPS_WITHIN_S,
            )

    def _require_kvviz(self, response: httpx2.Response) -> None:
        """Look whether it is a replica that answers.

        Raises:
            LostError: If the proxy says that it lost it.
            RunnerError: If it is something else, or says that nothing is behind it.
        """
        status, what = response.status_code, response.headers.get("content-type", "")
        if status == 200 and what == MESSAGES_TYPE:
            return
        if status == 500:
            # not for people: it goes to the log
            raise LostError("The proxy says that it failed.")
        if status in (502, 504):
            raise unreachable(self._url, f"status {status}")
        raise no_kvviz(self._url, f"status {status}, {what}")

    def _raise(self, error: Exception) -> None:
        """Say what it means that nothing more comes of a run."""
        if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
            raise unreachable(self._url, error) from error
        if isinstance(error, httpx2.TransportError):
            raise LostError(f"{error!r}") from error
        raise error


@cache
def _authorities() -> ssl.SSLContext:
    """Return whom this machine trusts to say who another one is; to read them takes a while."""
    return ssl.create_default_context()


def unreachable(url: str, reason: object) -> RunnerError:
    """Return the error of a deployment that cannot be reached.

    A visitor need not know where it is; who runs the app finds that, and the reason, in the log.
    """
    log.warning("Ray Serve cannot be reached at %s: %r", url, reason)
    return RunnerError(
        _("Ray, which runs the models of this app, cannot be reached."),
        fix=_(
            "What you typed is kept: run it again once who runs the app has started Ray. The app’s "
            "log says where it was looked for."
        ),
    )


def no_kvviz(url: str, reason: object) -> RunnerError:
    """Return the error of something that answers in place of the deployment, and is none."""
    log.warning("What answers at %s is no deployment of kvviz: %s", url, reason)
    return RunnerError(
        _("What answers in place of Ray Serve runs no kvviz."),
        fix=_("Who runs the app starts it, {command}, or names its address in {variable}.").format(
            command=DEPLOY, variable="KVVIZ_RAY_URL"
        ),
    )


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
