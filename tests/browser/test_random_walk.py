"""However fast a person goes to and fro: when all is settled, the address names what is shown.

`make test-soak` walks further, and another way in each of its runs.
"""

import os

import pytest

from tests.browser.random_walk import GROUNDS, settled, wait_until_alike, walk

pytestmark = pytest.mark.browser

SEED = int(os.environ.get("KVVIZ_WALK_SEED", "1"))
N_ACTIONS = int(os.environ.get("KVVIZ_WALK_ACTIONS", "8"))

WALKS = (
    *((name, SEED) for name in GROUNDS),
    # A step back that is followed while the next press is on its way.
    ("model_sizes", SEED + 5),
)

FORGIVEN = (
    # Two parts of a page were used within one tick: Streamlit then runs the whole page.
    "Multiple different fragmentIds detected",
    # A table that was taken away before Streamlit had asked whether its file is there.
    "status of 404",
    "Download Button source error",
    # After it Streamlit may draw into a part that is gone; the page is then loaded anew.
    "delta path",
)


def page_of(url, address):
    """Return the name of the page that an address leads to."""
    return url.removeprefix(address).split("?")[0].strip("/") or "start"


@pytest.mark.parametrize(("name", "seed"), WALKS)
def test_after_a_random_walk_the_address_names_the_view(visit, name, seed):
    tab = visit()
    tab.page.goto(f"{tab.address}{GROUNDS[name].path}")
    settled(tab.page)
    walk(tab.page, GROUNDS[name], seed, N_ACTIONS)
    settled(tab.page)
    here = tab.page.url
    ground = GROUNDS[page_of(here, tab.address)]
    fresh = visit()
    fresh.page.goto(here)
    wait_until_alike(tab.page, fresh.page, ground)
    settled(fresh.page)
    wait_until_alike(tab.page, fresh.page, ground)
    assert fresh.page.url == tab.page.url == here
    tab.complaints[:] = [one for one in tab.complaints if not any(f in one for f in FORGIVEN)]
