"""A visitor without a browser: speaks to a running app over its websocket as a tab does.

It does what a tab does with what the server sends: it keeps large messages and says which it has,
runs fragments again where the server asks for that, asks for the job of a bar of progress by itself
(decision 21), and fetches scripts and the player's buffer, each once, at addresses of their own
(decision 33). What there is of a run while it is made it does not ask for, as nobody does in a
class (decision 35). It draws nothing, so sixty of them fit beside the server on two cores.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import httpx2 as httpx
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.BidiComponent_pb2 import BidiComponent
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.payload_reader import unpack

ASKS_AGAIN_S = 0.25
TELLS_AGAIN_S = 2.0
"""As the bar of progress does (`kvviz/ui/parts/js/work_bar.js`)."""
FETCHES_AGAIN_S, FETCHES_AGAIN_AT_MOST_S = 1.0, 15.0
"""As a picture whose buffer is not there any more (`kvviz/player/js/fetched.js`)."""
SERVED = re.compile(r"_kvviz/bytes/\w+\.js")
"""Where a script is fetched that a message does not carry."""
EVENTS_OF = "$$STREAMLIT_INTERNAL_KEY_{}__events"
"""The widget that carries what a component tells once, by the component's own id."""


@dataclass
class Component:
    """A component of the page.

    Attributes:
        id: The widget by which it is spoken of.
        fragment: The part of the page that is run anew when it tells something.
        content: What the server gave it.
    """

    id: str
    fragment: str
    content: Any


@dataclass
class Visitor:
    """One visitor's tab.

    Attributes:
        address: Of the app.
        page: Of the app, empty for the start page.
        query: Of the link, without its question mark.
        components: Those that the page has shown, by the name of their kind.
        complaints: What a person would have seen going wrong.
        broken: Why the tab can go on no more, None as long as it can.
        n_bytes: What came over the websocket, and what was fetched besides.
        buffer: What the player draws, once it has been fetched.
    """

    address: str
    page: str = ""
    query: str = ""
    components: dict[str, Component] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    broken: str | None = None
    n_bytes: int = 0
    buffer: bytes | None = None
    _kept: dict[str, Any] = field(default_factory=dict)
    _runs: int = 0
    _is_being_drawn: bool = False
    _script: str = ""
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def open(self) -> None:
        """Fetch the app's HTML page and connect, as the tab of a person who follows a link."""
        # Over HTTP: to read certificates would take this core longer than a page does the server.
        self._http = httpx.AsyncClient(base_url=self.address, timeout=60, verify=False)
        (await self._http.get(f"/{self.page}")).raise_for_status()
        at = f"ws://{urlsplit(self.address).netloc}/_stcore/stream"
        # A proxy that keeps a browser with one process knows it by a cookie.
        cookies = "; ".join(f"{name}={value}" for name, value in self._http.cookies.items())
        self._socket = await websockets.connect(
            at,
            subprotocols=[websockets.Subprotocol("streamlit")],
            additional_headers={"Cookie": cookies} if cookies else None,
            max_size=None,
            open_timeout=60,
        )
        self._go_on("reader", self._read)
        await self._rerun()

    async def close(self) -> None:
        """Close the tab."""
        for task in self._tasks.values():
            task.cancel()
        await self._socket.close()
        await self._http.aclose()

    async def until(self, holds: Callable[[Visitor], bool], timeout: float) -> float:
        """Wait until something holds of the tab, and return the seconds that it took.

        Raises:
            TimeoutError: If it does not hold after that many seconds.
            RuntimeError: If the tab cannot go on.
        """
        begun = time.monotonic()
        async with asyncio.timeout(timeout), self._changed:
            await self._changed.wait_for(lambda: self.broken or holds(self))
        if self.broken:
            raise RuntimeError(self.broken)
        return time.monotonic() - begun

    @property
    def is_drawn(self) -> bool:
        """Whether the page has been drawn once, as far as it is there yet."""
        return self._runs > 0

    async def player(self, timeout: float) -> bytes:
        """Wait until the player is there, and return what it was given."""
        await self.until(lambda tab: tab.buffer is not None, timeout)
        assert self.buffer is not None
        return self.buffer

    async def click(self, step: int, timeout: float = 60) -> float:
        """Come to rest at a step of the player; return the seconds until the address names it.

        A run may end early: then the steps are gone through again. Where there is but one, the page
        is drawn anew.
        """
        player = self.components["kvviz_player"]
        header, _ = unpack(await self.player(timeout))
        last = header["n_steps"] - 1
        if not last:
            return await self.click_anew(timeout)
        step = (step - 1) % last + 1
        view = {**header["view"], "step": step, "number": header["view_number"]}
        await self._rerun(player.fragment, {player.id: ("json_value", {"view": view})})
        return await self.until(lambda tab: f"step={step}&" in f"{tab.query}&", timeout)

    async def click_anew(self, timeout: float = 60) -> float:
        """Press what draws the whole page anew; return the seconds until it is drawn."""
        before = self._runs
        await self._rerun()
        return await self.until(lambda tab: tab._runs > before, timeout)

    async def _rerun(
        self,
        fragment: str = "",
        said: dict[str, tuple[str, Any]] | None = None,
        *,
        by_itself: bool = False,
    ) -> None:
        """Ask for a run of the script, of one part of it if a fragment is named."""
        state = ClientState(
            query_string=self.query,
            page_name=self.page if not self._script else "",
            page_script_hash=self._script,
            fragment_id=fragment,
            is_auto_rerun=by_itself,
            cached_message_hashes=list(self._kept),
        )
        state.context_info.url = f"{self.address}/{self.page}"
        state.context_info.locale = "en"
        for widget, (kind, value) in (said or {}).items():
            one = state.widget_states.widgets.add(id=widget)
            setattr(one, kind, json.dumps(value))
        await self._socket.send(BackMsg(rerun_script=state).SerializeToString())

    async def _read(self) -> None:
        # A connection that is lost ends this with an error, one that is closed does not.
        with suppress(websockets.ConnectionClosedOK):
            async for raw in self._socket:
                self.n_bytes += len(raw)
                message = ForwardMsg.FromString(raw)  # pyright: ignore[reportArgumentType]
                self._take(message)
                async with self._changed:
                    self._changed.notify_all()

    def _take(self, message: ForwardMsg) -> None:
        what = message.WhichOneof("type")
        if what == "ref_hash":
            kept = self._kept.get(message.ref_hash)
            if kept is None:
                self.complaints.append("The server spoke of a message that it never sent.")
                return
            self._take_delta(kept)
        elif what == "delta":
            if message.metadata.cacheable:
                self._kept[message.hash] = message.delta
            self._take_delta(message.delta)
        elif what == "navigation":
            self._script = message.navigation.page_script_hash
        elif what == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif what == "new_session":
            self._is_being_drawn = True
        elif what == "script_finished":
            self._is_being_drawn = False
            self._runs += message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
        elif what == "auto_rerun":
            again = message.auto_rerun
            self._go_on(
                again.fragment_id, lambda: self._run_again(again.fragment_id, again.interval)
            )
        elif what == "stop_auto_rerun":
            for fragment in message.stop_auto_rerun.fragment_ids:
                if (task := self._tasks.pop(fragment, None)) is not None:
                    task.cancel()
        elif what == "page_not_found":
            self.complaints.append("The server does not know the page.")

    def _take_delta(self, delta: Delta) -> None:
        element = delta.new_element
        what = element.WhichOneof("type")
        if what == "exception":
            self.complaints.append(element.exception.message)
        elif what == "alert" and element.alert.format == element.alert.ERROR:
            self.complaints.append(element.alert.body)
        elif what == "bidi_component":
            part = element.bidi_component
            found = Component(part.id, delta.fragment_id, _content(part))
            name = part.component_name.rsplit(".", 1)[-1]
            self.components[name] = found
            for address in SERVED.findall(part.js_content):
                self._go_on(address, partial(self._fetch, address))
            if name == "kvviz_player":
                # None of them yet where a run is seen while it is made; its end has one.
                for address in found.content["addresses"][:1]:
                    self._go_on(address, partial(self._fetch_buffer, address))
            if name == "kvviz_work_bar":
                at = found.content["address"]
                self._go_on(at, lambda: self._watch(found, at))

    def _go_on(self, key: str, task: Callable[[], Any]) -> None:
        if key not in self._tasks:
            self._tasks[key] = asyncio.create_task(self._heard_of(key, task))

    async def _heard_of(self, key: str, task: Callable[[], Any]) -> None:
        """Do something beside all else; who waits hears of it if it fails."""
        try:
            await task()
        except Exception as error:
            self.broken = f"{key}: {type(error).__name__} {error}"
            async with self._changed:
                self._changed.notify_all()

    async def _run_again(self, fragment: str, interval: float) -> None:
        while True:
            await asyncio.sleep(interval)
            await self._rerun(fragment, by_itself=True)

    async def _fetch(self, address: str) -> bytes:
        answer = await self._http.get(f"/{address}")
        if answer.is_error:
            self.complaints.append(f"{address}: {answer.status_code}")
        self.n_bytes += len(answer.content)
        return answer.content

    async def _fetch_buffer(self, address: str) -> None:
        """Fetch what the player draws; where it is gone, tell the page so and ask again."""
        wait = FETCHES_AGAIN_S
        while not (buffer := await self._fetch(address)):
            await self._tell(self.components["kvviz_player"], "lost", address)
            await asyncio.sleep(wait)
            wait = min(2 * wait, FETCHES_AGAIN_AT_MOST_S)
        self.buffer = buffer
        async with self._changed:
            self._changed.notify_all()

    async def _tell(self, part: Component, event: str, value: str) -> None:
        """Tell the page what has happened in a component, once."""
        told = [{"event": event, "value": value}]
        events = {EVENTS_OF.format(part.id): ("json_trigger_value", told)}
        await self._rerun(part.fragment, events)

    @property
    def _has_run(self) -> bool:
        """Whether the player has a run that is over; of one under way it has no buffer yet."""
        player = self.components.get("kvviz_player")
        return player is not None and bool(player.content["addresses"])

    async def _watch(self, bar: Component, at: str) -> None:
        """Ask for the job of a bar until it is over, and tell the page so until it has heard.

        A page that is being drawn is not told again: it would begin anew each time, and where that
        takes longer than from one time to the next it would never be through.
        """
        has_told = False
        while not self._has_run:
            begun = time.monotonic()
            status = (await self._http.get(f"/{at}?later")).json()
            again = ASKS_AGAIN_S
            if status is None or status["over"]:
                again = TELLS_AGAIN_S
                if not (has_told and self._is_being_drawn):
                    has_told = True
                    await self._tell(bar, "over", at)
            await asyncio.sleep(begun + again - time.monotonic())


def _content(part: BidiComponent) -> Any:
    what = part.WhichOneof("data")
    return json.loads(part.mixed.json if what == "mixed" else part.json or "null")
