import asyncio
import sys

import pytest

from kvviz.ui.work import preload
from kvviz.ui.work.switch_interval import SWITCH_INTERVAL_S, shorten_switch_interval


@pytest.fixture(autouse=True)
def usual_turn():
    before = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before)


def test_a_server_that_starts_lets_its_threads_take_short_turns(monkeypatch):
    monkeypatch.setattr(preload, "_load", lambda: pytest.fail("nobody waited so long"))
    sys.setswitchinterval(0.005)

    async def serve():
        async with preload.lifespan(None):
            return sys.getswitchinterval()

    assert asyncio.run(serve()) == pytest.approx(SWITCH_INTERVAL_S, abs=1.1e-6)


def test_shorter_turns_are_left_as_they_are():
    sys.setswitchinterval(SWITCH_INTERVAL_S / 5)
    shorten_switch_interval()
    # Python keeps it in whole microseconds, rounded down.
    assert sys.getswitchinterval() == pytest.approx(SWITCH_INTERVAL_S / 5, abs=1.1e-6)
