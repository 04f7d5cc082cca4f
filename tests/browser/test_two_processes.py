"""Two processes of the app behind nginx, by the file that `deploy/` has for it."""

import os
import re
import signal
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, suppress
from http.client import HTTPConnection
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import TimeoutError, expect

from tests.browser.nginx import find_nginx, free_port, nginx_before
from tests.browser.server import serving_process
from tests.browser.test_server_killed import LONG_MS, OF_A_LOST_SERVER

pytestmark = pytest.mark.browser

NAMES = {8501: "b-k", 8502: "m-z"}
"""The process that the file has behind each port."""
COOKIE = re.compile(r"kvviz_process=([\w-]+); Path=/; HttpOnly; SameSite=Lax")
BAR = '[data-kvviz="room-bar"]'


class Processes:
    """Two processes that can be killed and started again, each on its port."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.ports = {name: free_port() for name in NAMES.values()}
        self._running = {}
        for name in self.ports:
            self.start(name)

    def start(self, name: str) -> None:
        started = serving_process(timed_once=True, port=self.ports[name], KVVIZ_PROCESS=name,
                                  KVVIZ_THREADS="1", PRELOAD="no")  # fmt: skip
        self._running[name] = self._stack.enter_context(started)[1]

    def kill(self, name: str) -> None:
        self._running[name].send_signal(signal.SIGKILL)
        self._running[name].wait()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """nginx, and the processes behind it. Where there is no nginx they are left out, in words."""
    try:
        find_nginx()
    except FileNotFoundError as error:
        # Where all is to be tested, nothing is left out in silence.
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(error))
    with ExitStack() as stack:
        processes = Processes(stack)
        ports = {named: processes.ports[name] for named, name in NAMES.items()}
        folder = tmp_path_factory.mktemp("nginx")
        nginx = stack.enter_context(nginx_before(ports, folder))
        yield SimpleNamespace(nginx=nginx, address=nginx.address, processes=processes)


def ask(site, path="/", process="", **headers):
    """Ask for something; return the answer's code and the process that its cookie names, if any."""
    if process:
        headers["Cookie"] = f"kvviz_process={process}"
    request = urllib.request.Request(f"{site.address}{path}", headers=headers)
    site.asked = f' {urlsplit(path).path}" '
    site.n_logged = len(logged(site))
    try:
        answer = urllib.request.urlopen(request, timeout=20)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        cookies = "\n".join(answer.headers.get_all("Set-Cookie") or ())
        found = COOKIE.search(cookies)
        assert found or "kvviz_process" not in cookies, cookies
        return answer.status, found[1] if found else ""


def logged(site):
    """Return the lines of nginx on what was asked for last, and before at the same place."""
    return [line for line in site.nginx.log if site.asked in line]


def answered(site):
    """Return the name of the process that answered what was asked for last."""
    # nginx writes it down once the answer is sent.
    until(lambda: len(logged(site)) > site.n_logged)
    port = logged(site)[-1].rpartition(":")[2]
    (name,) = [name for name, one in site.processes.ports.items() if str(one) == port]
    return name


def connect(site, process="", **headers):
    """Connect as a tab does, and leave; return the answer's code and the cookie that it sets."""
    if process:
        headers["Cookie"] = f"kvviz_process={process}"
    at = urlsplit(site.address)
    line = HTTPConnection(at.hostname, at.port, timeout=20)
    line.request("GET", "/_stcore/stream", headers={
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol": "streamlit",
        **headers})  # fmt: skip
    answer = line.getresponse()
    found = COOKIE.match(answer.getheader("Set-Cookie", ""))
    line.close()
    return answer.status, found[1] if found else ""


def users_of(tab, n):
    """Wait until the page on how large models are shows what so many users take."""
    expect(tab.page.locator(f'[data-kvviz="model-sizes"][data-users="{n}"]')).to_be_attached()


def takes_users(tab, n):
    """Say how many users, and return whether the page takes it.

    A page that is just drawn anew by its new process has what its address says: one says it again.
    """
    users = tab.page.get_by_role("spinbutton", name="Users")
    users.fill(f"{n}")
    users.press("Enter")
    taken = tab.page.locator(f'[data-kvviz="model-sizes"][data-users="{n}"]')
    with suppress(TimeoutError):
        taken.wait_for(state="attached", timeout=3000)
    return taken.count() > 0


def process_of(tab):
    """Return the process that a tab's browser stays with."""
    cookies = tab.page.context.cookies(tab.address)
    return next((one["value"] for one in cookies if one["name"] == "kvviz_process"), "")


def until(holds):
    end = time.monotonic() + LONG_MS / 1000
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.2)


def test_a_browser_stays_with_one_process_and_a_link_into_a_room_leads_to_its_own(site):
    (code, first), (_, second) = ask(site), ask(site)
    assert code == 200
    assert {first, second} == {*NAMES.values()}
    # What the cookie says is not said again, neither to a page nor to a connection.
    for name in NAMES.values():
        for _ in range(2):
            assert ask(site, "/kv_cache?step=1", name) == (200, "")
            assert answered(site) == name
            assert connect(site, name) == (101, "")
    # Under a name of the site's own, as a browser there would say.
    assert connect(site, "m-z", Host="kvviz.test", Origin="http://kvviz.test")[0] == 101
    assert connect(site, "m-z", Host="kvviz.test", Origin="http://elsewhere.test")[0] != 101
    for room, name, other in (("BCDFG", "b-k", "m-z"), ("zbbbb", "m-z", "b-k")):
        assert ask(site, f"/kv_cache?step=1&room={room}", other) == (200, name)
        assert ask(site, f"/?room={room}", name) == (200, "")
    for forged in ("../../etc", "a-z", "127.0.0.1:22", '"', "kvviz-any"):
        code, name = ask(site, process=forged)
        assert (code, name in NAMES.values()) == (200, True)
    # A room's code that is none leads nowhere else.
    for room in ("", "1", "%00", "A"):
        assert ask(site, f"/?room={room}", "m-z") == (200, "")
    # What a page of another process fetches is fetched there, and moves nobody.
    assert ask(site, "/at/b-k/_kvviz/jobs/x", "m-z") == (200, "")
    assert answered(site) == "b-k"


def test_a_visitor_outlives_a_process_and_comes_into_a_room_of_another(site, visit):
    visitor, teacher = visit(address=site.address, touch=True), visit(address=site.address)
    # Each is led to a process, by a code of no room.
    visitor.page.goto(f"{site.address}/model_sizes?users=4&room=BBBBB")
    expect(visitor.page.get_by_text("There is no room BBBBB here")).to_have_count(1)
    users_of(visitor, 4)
    teacher.page.goto(f"{site.address}/?room=ZZZZZ")
    teacher.open("/kv_cache", new="2")
    teacher.wait(nSteps=2)
    assert (process_of(visitor), process_of(teacher)) == ("b-k", "m-z")

    sent, connected = teacher.n_sent, []
    teacher.page.on("websocket", lambda socket: connected.append(socket.url))
    with visitor.page.expect_websocket(timeout=LONG_MS):
        site.processes.kill("b-k")
    for name in ("", "b-k", "m-z"):
        code, now = ask(site, process=name)
        assert (code, now or name) == (200, "m-z")
    # The page is there again, from the other process, with what its address held.
    until(lambda: process_of(visitor) == "m-z")
    visitor.still()
    users_of(visitor, 4)
    until(lambda: takes_users(visitor, 7))
    expect(visitor.page).to_have_url(re.compile("users=7"))
    assert (teacher.n_sent, connected) == (sent, [])
    site.processes.start("b-k")
    # Visitors come to it again as soon as nginx has tried.
    until(lambda: ask(site, "/kv_cache", "b-k") == (200, "") and answered(site) == "b-k")

    teacher.page.get_by_role("button", name="Open a room", exact=True).click()
    expect(teacher.page.locator(BAR)).to_have_attribute("data-state", "leads")
    code = teacher.page.locator('[data-kvviz="room-code"]').inner_text()
    assert code[0] in "MNPRSTWXZ"
    teacher.page.keyboard.press("Escape")
    visitor.page.goto(f"{site.address}/model_sizes?room=BBBBB")
    users_of(visitor, 1)
    visitor.page.get_by_role("button", name="Join", exact=True).click()
    visitor.page.get_by_label("Code of a room").fill(code.lower())
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.locator(BAR)).to_have_attribute("data-state", "follows", timeout=LONG_MS)
    visitor.wait(nSteps=2)
    expect(visitor.page).to_have_url(re.compile(rf"/kv_cache\?.*room={code}"))
    expect(visitor.page.get_by_text("in another process")).to_have_count(0)
    for tab in (visitor, teacher):
        tab.complaints[:] = [one for one in tab.complaints if not OF_A_LOST_SERVER.search(one)]
