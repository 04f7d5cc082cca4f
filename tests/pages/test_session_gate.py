"""Who asks, and whether there is a place: requests and connections without a server."""

import asyncio
import os
from types import SimpleNamespace

import pytest
import uvicorn
from starlette.websockets import WebSocket
from streamlit.runtime import context
from streamlit.web.server.starlette.starlette_websocket import StarletteClientContext

from kvviz.ui.shell import visitor
from kvviz.ui.shell.environment import Environment
from kvviz.ui.shell.mode import LAPTOP, PUBLIC
from kvviz.ui.shell.peer import KeepPeer
from kvviz.ui.shell.session_gate import SessionGate
from kvviz.ui.shell.session_places import KEPT_FOR_PAGE_S, KEPT_FOR_RELOAD_S, SessionPlaces
from kvviz.ui.shell.visitor import COOKIE, TOLD, Visitor, counted, new_name
from tests.clock import Clock

NAME = new_name()


@pytest.fixture
def clock():
    return Clock(1000.0)


@pytest.fixture
def places(clock):
    return SessionPlaces(clock)


@pytest.fixture
def in_public(monkeypatch):
    """In public, with places for two tabs."""
    monkeypatch.setenv("KVVIZ_MODE", "public")
    monkeypatch.setenv("KVVIZ_MAX_SESSIONS", "2")


def scope_of(
    kind="http", *, name="", headers=(), peer="192.0.2.7", method="GET", path="/", query=b""
):
    cookie = [(b"cookie", f"{COOKIE}={name}".encode())] if name else []
    return {
        "type": kind,
        "method": method,
        "path": path,
        "root_path": "",
        "query_string": query,
        "scheme": "http",
        "headers": [*cookie, *headers],
        "client": (peer, 5000),
    }


def asked(places, scope):
    """Return what the gate answers or passes on: messages sent, and the scope that came through."""
    sent, through = [], []

    async def served(scope, receive, send):
        through.append(scope)
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    asyncio.run(SessionGate(served, places)(scope, receive, send))
    return sent, through


def test_who_finds_no_place_gets_one_sentence_and_a_way_to_try_again(in_public, places):
    for _visitor in range(2):
        places.enter(Visitor(new_name(), "192.0.2.1"), PUBLIC)
    sent, through = asked(places, scope_of(query=b"prompt=typed"))
    assert not through
    assert sent[0]["status"] == 503
    page = sent[1]["body"].decode()
    assert "All 2 places of this app are taken." in page
    # The same address again, with all that it says.
    assert '<a href="">Try again</a>' in page


def test_a_place_is_kept_for_who_was_given_the_page_and_not_for_ever(in_public, places, clock):
    sent, _through = asked(places, scope_of())
    (cookie,) = [value for key, value in sent[0]["headers"] if key == b"set-cookie"]
    first = cookie.decode().partition(";")[0].partition("=")[2]
    assert b"HttpOnly" in cookie
    asked(places, scope_of())
    assert asked(places, scope_of())[0][0]["status"] == 503
    connected = asked(places, scope_of("websocket", name=first))
    assert connected[1]
    clock.now += KEPT_FOR_PAGE_S
    assert asked(places, scope_of())[0][0]["status"] == 200


def test_a_tab_that_is_loaded_anew_finds_its_place_again(in_public, places, clock):
    mine, other = Visitor(NAME, "192.0.2.1"), Visitor(new_name(), "192.0.2.2")
    mode = Environment.read().mode
    assert places.enter(mine, mode)
    assert places.enter(other, mode)
    # A second tab of one who is there is one too many, but the page is given: it may be a reload.
    assert places.keep(mine, mode) == ""
    assert not places.enter(mine, mode)
    places.leave(mine)
    assert places.keep(Visitor(new_name(), "192.0.2.3"), mode) == "all"
    assert places.enter(mine, mode)
    places.leave(mine)
    clock.now += KEPT_FOR_RELOAD_S
    assert places.keep(Visitor(new_name(), "192.0.2.3"), mode) == ""


def test_one_address_cannot_take_all_places(places):
    for _tab in range(PUBLIC.sessions_per_address):
        assert places.enter(Visitor(new_name(), "192.0.2.1"), PUBLIC)
    assert places.keep(Visitor(new_name(), "192.0.2.1"), PUBLIC) == "address"
    assert places.keep(Visitor(new_name(), "192.0.2.2"), PUBLIC) == ""


def test_a_connection_without_a_place_is_refused_before_a_session_is_made(in_public, places):
    for _visitor in range(2):
        places.enter(Visitor(new_name(), "192.0.2.1"), PUBLIC)
    sent, through = asked(places, scope_of("websocket"))
    assert not through
    assert [message["type"] for message in sent] == ["websocket.close"]


def test_a_laptop_gives_no_cookie_and_keeps_nobody_out(places):
    for _visitor in range(500):
        assert places.enter(Visitor("", "127.0.0.1"), LAPTOP)
    sent, _through = asked(places, scope_of())
    assert sent[0] == {"type": "http.response.start", "status": 200, "headers": []}


def told(places, scope):
    _sent, ((through),) = asked(places, scope)
    (value,) = [value for key, value in through["headers"] if key == TOLD]
    return value.decode()


def test_a_forged_header_changes_nothing_unless_that_header_is_trusted(places, monkeypatch):
    forged = [
        (b"x-forwarded-for", b"203.0.113.9"),
        (b"x-real-ip", b"203.0.113.9"),
        (TOLD, b"somebody 203.0.113.9"),
    ]
    scope = scope_of("websocket", name=NAME, headers=forged)
    assert told(places, scope) == f"{NAME} 192.0.2.7"
    monkeypatch.setenv("KVVIZ_TRUSTED_HEADER", "X-Real-IP")
    assert told(places, scope) == f"{NAME} 203.0.113.9"


def test_of_a_header_that_grows_on_its_way_the_trusted_proxys_own_word_counts():
    headers = [(b"x-forwarded-for", b"10.0.0.1, 198.51.100.4"), (b"x-forwarded-for", b"192.0.2.9")]
    scope = scope_of(headers=headers)
    assert Visitor.of(scope, "x-forwarded-for").address == "192.0.2.9"
    broken = scope_of(headers=[(b"x-forwarded-for", b"192.0.2.9, <script>")])
    assert Visitor.of(broken, "x-forwarded-for").address == "192.0.2.7"


def test_the_servers_own_belief_in_a_header_is_passed_by():
    # uvicorn believes it of whoever connects from this machine, as a proxy on it does.
    seen = []

    async def app(scope, receive, send):
        seen.append((scope["client"][0], Visitor.of(scope).address))

    scope = scope_of(headers=[(b"x-forwarded-for", b"203.0.113.9")], peer="127.0.0.1")
    asyncio.run(KeepPeer(app)(scope, None, None))
    assert seen == [("203.0.113.9", "127.0.0.1")]


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::"),
        ("[2001:db8:1:2::9]", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("::1", "::1"),
        ("127.0.0.1", "127.0.0.1"),
        ("unknown", ""),
    ],
)
def test_an_address_is_counted_as_a_customer_has_it(address, found):
    assert counted(address) == found


@pytest.mark.parametrize(
    "cookie", ["short", "x" * 65, "with space and more words", 'a"b<c>d,e;f=g&h']
)
def test_a_name_that_was_never_given_is_none(cookie):
    assert Visitor.of(scope_of(name=cookie)).name == ""


def test_a_file_that_is_too_large_is_refused_before_it_is_taken_in(places, monkeypatch):
    def upload(length):
        headers = [] if length is None else [(b"content-length", length)]
        scope = scope_of(method="PUT", path="/_stcore/upload_file/a/b", headers=headers)
        return asked(places, scope)[0][0]["status"]

    assert upload(b"99000000") == 200
    monkeypatch.setenv("KVVIZ_MODE", "public")
    assert upload(b"1000000") == 200
    assert upload(b"33000000") == 413
    # One who does not say how much comes could send anything.
    assert upload(None) == 413


def test_the_app_stands_behind_the_gate_and_its_server_keeps_peers():
    # Imported here: it needs all of the pages' floors, and nothing else in this file does.
    from kvviz.ui.app import AROUND

    assert AROUND["middleware"][0].cls is SessionGate
    config = uvicorn.Config(lambda scope, receive, send: None, lifespan="off", log_config=None)
    config.load()
    assert isinstance(config.loaded_app, KeepPeer)


def test_a_pages_script_is_told_who_asks(places, monkeypatch):
    _sent, ((through),) = asked(places, scope_of("websocket", name=NAME))
    handshake = StarletteClientContext(WebSocket(through, None, None))
    session = SimpleNamespace(session_id="a tab")
    monkeypatch.setattr(context, "_get_client_context", lambda: handshake)
    monkeypatch.setattr(visitor, "get_script_run_ctx", lambda suppress_warning: session)
    assert Visitor.here() == Visitor(NAME, "192.0.2.7")
    _sent, ((through),) = asked(places, scope_of("websocket"))
    handshake = StarletteClientContext(WebSocket(through, None, None))
    # Of a browser that takes no cookies it is the tab.
    assert Visitor.here() == Visitor("a tab", "192.0.2.7")


@pytest.mark.parametrize(
    ("variable", "text"), [("KVVIZ_MODE", "school"), ("KVVIZ_MAX_SESSIONS", "0")]
)
def test_what_cannot_be_used_stops_the_start_with_one_sentence(variable, text, monkeypatch, capsys):
    from kvviz.ui import app

    monkeypatch.setenv(variable, text)
    with pytest.raises(SystemExit) as stopped:
        app._checked()
    said = capsys.readouterr().err
    assert stopped.value.code == 2
    assert variable in said
    assert repr(text) in said
    assert said.count("\n") == 1


def test_where_visitors_name_no_models_none_is_fetched_from_the_hub(monkeypatch):
    from kvviz.ui import app

    # Where it was set before it is set again; what the start sets is nobody's to put back.
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    app._checked()
    assert "HF_HUB_OFFLINE" not in os.environ
    monkeypatch.setenv("KVVIZ_MODE", "public")
    app._checked()
    assert os.environ.pop("HF_HUB_OFFLINE") == "1"
