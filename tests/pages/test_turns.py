import asyncio
import sys

import pytest

from kvviz.ui import preload
from kvviz.ui.turns import TURN_S, shorten_turns


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

    assert asyncio.run(serve()) == pytest.approx(TURN_S, abs=1.1e-6)


def test_shorter_turns_are_left_as_they_are():
    sys.setswitchinterval(TURN_S / 5)
    shorten_turns()
    # Python keeps it in whole microseconds, rounded down.
    assert sys.getswitchinterval() == pytest.approx(TURN_S / 5, abs=1.1e-6)
