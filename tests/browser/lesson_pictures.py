"""The pictures of a lesson with a room: a projector, six telephones, a question voted on twice."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, Page, expect

VOTES = ((1, 2), (1, 2), (3, 3), (2, 2), (1, 2), (3, 1))
"""What each of the six says first, and after they have talked about it: numbers of the options."""
ANSWERS = ".st-key-kvviz-answers-edited-token"
VOTE, VERDICT = '[data-kvviz="vote"]', '[data-kvviz="verdict"]'
PATIENCE_MS = 60_000


def take_lesson(browser: Browser, address: str, folder: Path) -> list[Path]:
    """Hold the lesson and return the pictures of its end, on the projector and on a telephone."""
    expect.set_options(timeout=PATIENCE_MS)
    projector = _page(browser, 1920, 1080)
    projector.goto(f"{address}/kv_cache?new=6")
    projector.get_by_role("button", name="Open a room").click()
    code = projector.locator('[data-kvviz="room-code"]').inner_text()
    projector.keyboard.press("Escape")
    phones = [_page(browser, 390, 844) for _vote in VOTES]
    for phone in phones:
        phone.goto(f"{address}/?room={code}")
        expect(phone.locator(ANSWERS)).to_be_visible()
    projector.get_by_role("button", name="Presenter view").click()
    expect(projector.locator(".kv-stage")).to_have_attribute("data-kvviz-idea", "now")
    while not projector.locator(f"[data-kvviz-idea] {ANSWERS}").count():
        projector.keyboard.press("PageDown")
    _press(projector, "Ask the room")
    for number in range(2):
        for phone, votes in zip(phones, VOTES, strict=True):
            expect(phone.locator(VOTE)).to_have_attribute("data-round", str(number + 1))
            phone.locator(ANSWERS).get_by_role("button").nth(votes[number]).click()
            expect(phone.locator(VOTE)).to_have_attribute("data-own", "1")
        _press(projector, "Reveal what happens" if number else "Show the counts")
        if not number:
            _press(projector, "Vote once more")
    for page in (projector, phones[0]):
        expect(page.locator(VERDICT)).to_be_visible()
        page.wait_for_timeout(2000)
    files = [folder / f"room-{name}-light.png" for name in ("projector", "phone")]
    projector.screenshot(path=files[0])
    phones[0].screenshot(path=files[1])
    for page in (projector, *phones):
        page.context.close()
    return files


def _page(browser: Browser, width: int, height: int) -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="light", reduced_motion="reduce"
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    return page


def _press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()
