"""The app behind a prefix, as a school's server has it: all that is its own is found below it."""

import pytest
from streamlit import config

from kvviz.ui.rooms.room_endpoint import RoomEndpoint
from kvviz.ui.rooms.room_store import RoomStore
from kvviz.ui.shell.asgi_middleware import RedirectHome, is_page
from kvviz.ui.shell.bytes_endpoint import BytesEndpoint
from kvviz.ui.shell.late_charts import LateCharts
from kvviz.ui.shell.own_path import own_path
from kvviz.ui.shell.served_bytes import serve_buffer
from kvviz.ui.work.growing_endpoint import GrowingEndpoint
from kvviz.ui.work.job_endpoint import JobEndpoint
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.ticket_queue import TicketQueue
from tests.pages.middleware_answer import answer_of


@pytest.fixture(params=["lab", "/teaching/lab/"])
def below(request, monkeypatch):
    """Streamlit is set to serve below a path, however it was written; what stands before pages."""
    kept = config.get_option
    said = {"server.baseUrlPath": request.param}
    monkeypatch.setattr(config, "get_option", lambda name: said.get(name) or kept(name))
    return f"/{request.param.strip('/')}"


def scope(path, root_path=""):
    return {"type": "http", "method": "GET", "path": path, "root_path": root_path}


def test_a_page_is_a_page_below_the_prefix_and_nowhere_else(below):
    for path in ("", "/", "/kv_cache", "/kv_cache/"):
        assert is_page(scope(f"{below}{path}")), path
    for path in ("/", "/kv_cache", f"{below}er/kv_cache", f"{below}/static"):
        assert not is_page(scope(path)), path
    # A server that has mounted the app says so, or a proxy has taken its part away.
    for path in (f"/school{below}/kv_cache", f"{below}/kv_cache"):
        assert own_path(scope(path, "/school")) == "/kv_cache"


def test_home_is_below_the_prefix(below):
    def leads(path, **more):
        found = answer_of(RedirectHome, path, **more)
        return found and found[1][b"location"].decode()

    assert leads(f"{below}/start", query=b"step=2") == f"{below}/?step=2"
    assert leads(f"{below}/no_such_page") == f"{below}/?lost=no_such_page"
    assert leads(f"{below}/tools", root_path="/school") == f"/school{below}/?lost=tools"
    for served in (below, f"{below}/", f"{below}/kv_cache", f"{below}/_stcore", "/elsewhere"):
        assert leads(served) is None, served


def test_every_address_of_the_apps_own_answers_below_the_prefix(below):
    job = Job(lambda job: 42, TicketQueue(1))
    assert job.wait(30)
    store = RoomStore()
    member = store.open()[0].join()
    served = serve_buffer(b"a run " * 1000)
    for middleware, path in (
        (JobEndpoint, f"/_kvviz/jobs/{job.key}"),
        (GrowingEndpoint, f"/_kvviz/jobs/{job.key}/run"),
        (lambda app: RoomEndpoint(app, store), f"/_kvviz/rooms/{member.key}"),
        (BytesEndpoint, f"/{served.address}"),
        (LateCharts, "/static/js/PlotlyChart.x.js"),
    ):
        for prefix in ("", below, f"/school{below}"):
            answer = answer_of(middleware, f"{prefix}{path}")
            assert answer is not None, (prefix, path)
            assert answer[0] == 200
