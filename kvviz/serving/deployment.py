"""The Ray Serve deployment: replicas that hold models and make runs. The app does not import it.

``serve run deploy/ray_serve.yaml`` starts it; that file says how many replicas there may be. Ray's
proxy hands its HTTP requests to whichever replica has the model that a header names.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any

import ray  # pyright: ignore[reportMissingImports] - an extra
from ray import serve  # pyright: ignore[reportMissingImports] - an extra
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from kvviz.errors import KvvizError
from kvviz.serving import run_messages, workers
from kvviz.serving.endpoint import ALIVE_EVERY_S, MESSAGES_TYPE, REQUEST_TYPE, RUN, WISH, WISHES
from kvviz.serving.frame import misread, prefixed, unframed
from kvviz.serving.replica import Wishes, answer, language_of, load, refused_version
from kvviz.serving.run_messages import Alive, Refused
from kvviz.translation import using

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel

DEPLOYMENT = "Runs"  # not for people: its name in deploy/ray_serve.yaml
MODELS_PER_REPLICA = 3
UNBUFFERED = {"x-accel-buffering": "no"}
"""Has an nginx on the way pass on each message as it comes."""


class Runs:
    """One replica: it keeps the models last asked for, and makes runs of them."""

    def __init__(self) -> None:
        self._wishes: dict[str, Wishes] = {}
        self._replicas: Any = None

    @serve.multiplexed(max_num_models_per_replica=MODELS_PER_REPLICA)
    async def model(self, loads: str) -> LoadedModel:
        """Load a model; Ray keeps it until others were asked for since."""
        return await asyncio.to_thread(load, loads)

    async def __call__(self, request: Request) -> Response:
        """Answer a request for a run, or one that says what is wanted of a run by now."""
        if request.method != "POST" or request.headers.get("content-type") != REQUEST_TYPE:
            return Response(status_code=415)
        data, asked = await request.body(), request.url.path.rpartition("/")[2]
        if asked == RUN:
            return StreamingResponse(
                self._stream(data), media_type=MESSAGES_TYPE, headers=UNBUFFERED
            )
        if asked == WISH:
            return Response(status_code=204 if await self._pass_on(data) else 404)
        return Response(status_code=404)

    async def _pass_on(self, data: bytes) -> bool:
        """Take in what is wanted of a run, or have whoever makes it do so; say whether one does."""
        try:
            head = unframed(data)[0]
        except KvvizError:
            return False
        asked = f"{head.get('run')}", f"{head.get('wish')}"
        if await self.wish(*asked):
            return True
        if self._replicas is None:
            # It asks the controller, and waits for that.
            self._replicas = await asyncio.to_thread(serve.get_deployment_handle, DEPLOYMENT)
        told = self._replicas.broadcast("wish", *asked)
        # One that is dying has no answer.
        answers = await told.results_async(return_exceptions=True)
        return any(isinstance(one, int) and one for one in answers)

    async def _stream(self, data: bytes) -> AsyncGenerator[bytes]:
        async with aclosing(self.run(data)) as messages:
            async for message in messages:
                yield prefixed(message)

    async def run(self, data: bytes) -> AsyncGenerator[bytes]:
        """Make the run of a request and yield messages; who stops reading stops the run."""
        try:
            head, other = unframed(data)[0], refused_version(data)
        except KvvizError as error:
            yield run_messages.to_bytes(Refused(error))
            return
        if other is not None:
            yield run_messages.to_bytes(other)
            return
        loads = serve.get_multiplexed_model_id()
        if not loads:
            yield run_messages.to_bytes(Refused(misread()))
            return
        name, wishes = f"{head.get('run')}", Wishes()
        self._wishes[name] = wishes
        loop, messages = asyncio.get_running_loop(), asyncio.Queue[bytes | None]()

        def put(message: bytes | None) -> None:
            # The loop may be gone where the replica is being taken down.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(messages.put_nowait, message)

        try:
            with using(language_of(head)):
                loading = asyncio.ensure_future(self.model(loads))
            yield run_messages.to_bytes(Alive())
            while not (await asyncio.wait([loading], timeout=ALIVE_EVERY_S))[0]:
                yield run_messages.to_bytes(Alive())
            try:
                model = loading.result()
            except KvvizError as error:
                yield run_messages.to_bytes(Refused(error))
                return

            def make() -> None:
                try:
                    answer(data, lambda: model, wishes, put)
                finally:
                    put(None)

            workers.start(make, "kvviz-run")
            while True:
                try:
                    message = await asyncio.wait_for(messages.get(), ALIVE_EVERY_S)
                except TimeoutError:
                    message = run_messages.to_bytes(Alive())
                if message is None:
                    return
                yield message
        finally:
            wishes.stop.set()
            # It may have been sent here again meanwhile.
            if self._wishes.get(name) is wishes:
                del self._wishes[name]

    async def wish(self, name: str, what: str) -> int:
        """Take in what is wanted of a run, one of `WISHES`, if it is made here.

        Returns:
            The process that makes it, if that is this one, else 0.
        """
        wishes = self._wishes.get(name)
        if wishes is not None and what in WISHES:
            getattr(wishes, what).set()
        return 0 if wishes is None else os.getpid()


def _listen_on_own_address() -> None:
    """Let replicas listen on the address of their node, where Ray says all that the machine has.

    Ray starts a server in each replica for calls by gRPC between deployments; none is made here.
    """
    from ray.serve._private import replica  # pyright: ignore[reportMissingImports] - an extra

    add = replica.add_port_to_grpc_server

    def add_here(server: Any, address: str, *rest: Any) -> int:
        return add(server, address.replace("[::]", ray.util.get_node_ip_address()), *rest)

    replica.add_port_to_grpc_server = add_here


_listen_on_own_address()

# Made here and not by a decorator: so the class has a name of its own, and Ray sends replicas
# that name, by which they import this module, in place of the class's code.
deployment = serve.deployment(name=DEPLOYMENT)(Runs)
application = deployment.bind()
"""What `serve run` starts."""
