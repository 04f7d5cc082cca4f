"""A step is seen happening: rows written, keys swept, bars settled. Or not, if it is not wanted."""

import pytest

pytestmark = pytest.mark.browser

PRESS = """(key) => {
  const player = document.querySelector('[data-kvviz="player"]');
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  return player.kvviz.isMoving();
}"""
"""Presses a key and returns whether the player is showing how something happens."""

SEEN = """(moments) => {
  const player = document.querySelector('[data-kvviz="player"]');
  const bars = player.querySelector(".kv-bars");
  const canvases = [".kv-history-canvas", ".kv-panel[data-run=on] .kv-part-kv canvas",
    ".kv-panel[data-run=on] .kv-part-heat canvas"].map((one) => player.querySelector(one));
  return moments.map((t) => {
    player.kvviz.drawAt(t);
    const settled = Number(getComputedStyle(bars).getPropertyValue("--kv-settled"));
    return [settled, ...canvases.map((canvas) => canvas.toDataURL())];
  });
}"""
"""Draws moments of the step in view; how far the bars are at each, and lives, K and V, pattern."""


def test_a_step_is_seen_happening_and_nothing_moves_where_less_motion_is_asked_for(visit):
    """A moment looks the same whichever way one comes to it."""
    tab = visit(moving=True).open("/kv_cache", prompt="The cat sat on the", new="6", step="1")
    tab.wait(step=1)
    tab.still()
    assert tab.page.evaluate(PRESS, "ArrowRight")
    tab.wait(step=2)
    tab.page.wait_for_function(
        "() => !document.querySelector('[data-kvviz=player]').kvviz.isMoving()"
    )
    at_rest, start, written, swept, mixed, end, written_again = tab.page.evaluate(
        SEEN, [1, 0, 0.34, 0.5, 0.75, 1, 0.34]
    )
    settled = [moment[0] for moment in (start, written, swept, mixed, end)]
    assert settled == [0, 0, 0, 0, 1]
    assert end == at_rest
    assert written_again == written
    # Keys and values are written before the pattern's row is read, then the values are mixed.
    _, _, kv, pattern = zip(start, written, swept, mixed, end, strict=True)
    assert len(set(pattern)) == 3
    assert pattern[0] == pattern[1]
    assert pattern[3] == pattern[4]
    assert len(set(kv)) == 5
    lives = [moment[1] for moment in (start, swept, end)]
    assert len(set(lives)) == 3

    # Where less motion is asked for neither a step nor a jump is shown happening.
    tab.page.emulate_media(reduced_motion="reduce")
    assert not tab.page.evaluate(PRESS, "ArrowRight")
    tab.wait(step=3)
    assert not tab.page.evaluate(PRESS, "End")
    tab.wait(step=5)
