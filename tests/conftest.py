"""What holds for all tests: one thread of arithmetic a process, and the long tiers first."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

from tests.one_thread import take_one_thread

take_one_thread()

# No deadline: on a busy machine an example may take any time, and no law is about time.
settings.register_profile("kvviz", deadline=None)
settings.load_profile("kvviz")

SLOW_TIERS = ("browser", "pages", "parity")


class FromBothEnds(LoadFileScheduling):
    """Hands file after file to the workers: to every other one from the end of the order.

    A browser test keeps a browser, an app and this process busy, and waits for one another of them:
    two at a time make each other slower and the whole little faster (22 tests: 140 s for 172). So
    beside one goes what needs no browser, as long as there is such, and only the last of the
    browser's files go two by two.
    """

    def _assign_work_unit(self, node: WorkerController) -> None:
        if int(node.gateway.id.removeprefix("gw")) % 2:
            self.workqueue.move_to_end(next(reversed(self.workqueue)), last=False)
        super()._assign_work_unit(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FromBothEnds:
    """Have the workers begin at both ends."""
    return FromBothEnds(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files of the slow tiers first, and in it those of most tests.

    Workers are handed file after file from both ends of this order (`FromBothEnds`).
    """
    n_tests = Counter(item.path for item in items)
    root = Path(__file__).parent

    def place(item: pytest.Item) -> tuple[int, int, Path]:
        tier = item.path.relative_to(root).parts[0]
        rank = SLOW_TIERS.index(tier) if tier in SLOW_TIERS else len(SLOW_TIERS)
        return rank, -n_tests[item.path], item.path

    # A stable sort: in its file each test keeps its place.
    items.sort(key=place)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Have full collections of garbage look at what tests make, and at no module and no test.

    Torch, transformers and five thousand tests are a million objects that stay: until they are
    there nothing is collected, and then they are passed over.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()
