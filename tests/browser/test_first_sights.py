"""Each page looks as it did when somebody looked at its pictures, at first and after a step."""

import pytest

from tests.browser.first_sights import (
    STEPPED,
    complaints,
    first_hooks,
    looks,
    looks_after_a_step,
    path_of,
)
from tests.browser.visit import WORK_MS
from tests.browser.whole_page import SIGHTS, wait_until_whole

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("name", SIGHTS)
def test_a_page_looks_as_it_did_when_its_pictures_were_last_looked_at(visit, name, tmp_path):
    tab = visit()
    tab.page.goto(f"{tab.address}{path_of(name)}")
    wait_until_whole(tab.page, first_hooks(name), charts=False, patience_ms=WORK_MS)
    changed = complaints(looks(tab.page, name), tmp_path)
    if name in STEPPED:
        changed += complaints(looks_after_a_step(tab.page, name), tmp_path)
    assert changed == []
