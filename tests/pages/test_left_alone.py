"""What is given back once everybody has left, and not before."""

import asyncio
import gc
import inspect
import platform
import weakref
from types import SimpleNamespace

import pytest
from streamlit.runtime import Runtime
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.session_manager import SessionInfo
from streamlit.runtime.websocket_session_manager import WebsocketSessionManager

from kvviz.ui.work import jobs, left_alone, runs
from kvviz.ui.work.full_collections import pass_over_what_is_there
from kvviz.ui.work.left_alone import CountVisitors, Visitors
from kvviz.ui.work.shared_drawings import shared_drawings

LOOKS_S, AFTER_S = 0.005, 0.05


@pytest.fixture
def visitors(monkeypatch):
    """Nobody is there yet, and little time has to pass."""
    monkeypatch.setattr(left_alone, "AFTER_S", AFTER_S)
    monkeypatch.setattr(left_alone, "LOOKS_EVERY_S", LOOKS_S)
    nobody = Visitors()
    monkeypatch.setattr(left_alone, "visitors", nobody)
    return nobody


def test_tabs_are_counted_by_their_websockets_also_where_one_breaks(visitors):
    seen = []

    async def app(scope, receive, send):
        seen.append(visitors.n_present)
        if scope.get("breaks"):
            raise ConnectionError

    async def come():
        counted = CountVisitors(app)
        await counted({"type": "http"}, None, None)
        await counted({"type": "websocket"}, None, None)
        with pytest.raises(ConnectionError):
            await counted({"type": "websocket", "breaks": True}, None, None)

    asyncio.run(come())
    assert (seen, visitors.n_present) == ([0, 1, 1], 0)


def test_it_is_given_back_once_each_time_that_all_have_left(visitors, monkeypatch):
    given = []
    monkeypatch.setattr(left_alone, "give_back", lambda: given.append(visitors.n_present))
    under_way = [0]
    monkeypatch.setattr(jobs, "n_under_way", lambda: under_way[0])

    async def afternoon():
        watching = asyncio.create_task(left_alone.give_back_when_alone())
        visitors.change(1)
        await asyncio.sleep(3 * AFTER_S)
        assert given == [], "somebody is there"
        under_way[0] = 1
        visitors.change(-1)
        await asyncio.sleep(3 * AFTER_S)
        assert given == [], "somebody's work is still under way"
        under_way[0] = 0
        await asyncio.sleep(3 * AFTER_S)
        assert given == [0]
        visitors.change(1)
        await asyncio.sleep(3 * LOOKS_S)
        visitors.change(-1)
        assert visitors.alone_s < AFTER_S
        await asyncio.sleep(4 * AFTER_S)
        assert given == [0, 0]
        watching.cancel()

    asyncio.run(afternoon())


class Thing:
    """What is kept, and can be seen to be gone."""


def test_runs_drawings_and_sessions_whose_time_is_over_are_gone(monkeypatch):
    run, session = Thing(), Thing()
    session.id, session.itself = "a", session
    gone = [weakref.ref(run), weakref.ref(session)]
    storage = MemorySessionStorage(ttl_seconds=0)
    storage.save(SessionInfo(client=None, session=session))
    manager = WebsocketSessionManager(storage, None, None, lambda: None)
    runtime = SimpleNamespace(_session_mgr=manager)
    monkeypatch.setattr(
        left_alone, "Runtime", SimpleNamespace(exists=lambda: True, instance=lambda: runtime)
    )
    shared_drawings.of(run, "bill", lambda: 1)
    runs.kept_runs().keep("a", Thing(), run)
    del run, session
    gc.collect()
    assert all(one() is not None for one in gone)
    left_alone.give_back()
    assert [one() for one in gone] == [None, None]


def test_what_collections_pass_over_is_given_back_too_and_passed_over_again():
    circle = Thing()
    circle.itself = circle
    gone, was_passed_over = weakref.ref(circle), gc.get_freeze_count() > 0
    pass_over_what_is_there()
    try:
        del circle
        gc.collect()
        assert gone() is not None
        left_alone.give_back()
        assert gone() is None
        assert gc.get_freeze_count() > 0
    finally:
        if not was_passed_over:
            gc.unfreeze()


def test_streamlit_keeps_its_sessions_where_they_are_looked_for():
    assert "self._session_mgr = " in inspect.getsource(Runtime.__init__)


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="it is the GNU C library that is told"
)
def test_the_c_library_is_told_to_keep_few_heaps_and_to_give_back():
    assert left_alone.keep_few_heaps()
    assert left_alone._tell_allocator("malloc_trim", 0) in (0, 1)
    assert left_alone._tell_allocator("no_such_function", 0) is None
