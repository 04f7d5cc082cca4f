"""The letters that are drawn on canvases: how large they are on the screen, and which touch.

A canvas says nothing of what was drawn on it, so what draws is asked: from `WATCH` on each text is
noted with its place and its size, until its canvas is cleared.
"""

from __future__ import annotations

from typing import NamedTuple

from playwright.sync_api import Page

WATCH = """() => {
  const kept = (window.kvvizLetters = new Map());
  const { clearRect, fillText } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.clearRect = function (...box) {
    kept.set(this.canvas, []);
    return clearRect.apply(this, box);
  };
  CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
    const { a, b, c, d, e, f } = this.getTransform();
    const measured = this.measureText(text);
    kept.get(this.canvas)?.push({
      text, font: parseFloat(/([\\d.]+)px/.exec(this.font)[1]), scale: Math.hypot(a, b),
      turn: Math.atan2(b, a), x: a * x + c * y + e, y: b * x + d * y + f,
      left: measured.actualBoundingBoxLeft, right: measured.actualBoundingBoxRight,
      up: measured.actualBoundingBoxAscent, down: measured.actualBoundingBoxDescent,
    });
    return fillText.call(this, text, x, y);
  };
}"""

_READ = """() => {
  const sizes = [], touching = [];
  for (const [canvas, texts] of window.kvvizLetters) {
    if (!canvas.isConnected || !canvas.checkVisibility()) continue;
    const shown = canvas.getBoundingClientRect().width / canvas.width;
    // In the frame of each text's own line, in pixels of the screen.
    const boxes = texts.filter(({ text }) => text.trim()).map((one) => {
      const [cos, sin] = [Math.cos(one.turn), Math.sin(one.turn)];
      const [u, v, k] = [one.x * cos + one.y * sin, one.y * cos - one.x * sin, one.scale];
      sizes.push([one.font * k * shown, one.text]);
      return { text: one.text, turn: one.turn.toFixed(3),
        left: (u - one.left * k) * shown, right: (u + one.right * k) * shown,
        top: (v - one.up * k) * shown, bottom: (v + one.down * k) * shown };
    });
    boxes.forEach((one, i) => boxes.slice(i + 1).forEach((other) => {
      const over = Math.min(one.right, other.right) - Math.max(one.left, other.left);
      const upon = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
      if (one.turn === other.turn && over > 0.5 && upon > 0.5) {
        touching.push(`${one.text} | ${other.text}`);
      }
    }));
  }
  sizes.sort(([one], [other]) => one - other);
  return [sizes.length, ...(sizes[0] ?? [0, ""]), touching];
}"""


class Letters(NamedTuple):
    """What was found on the canvases in sight.

    Attributes:
        n: How many texts there are.
        smallest: Size of the smallest letters, in CSS pixels of the screen.
        of: The text that has them.
        touching: Texts that lie upon one another, two and two.
    """

    n: int
    smallest: float
    of: str
    touching: list[str]


def letters(page: Page) -> Letters:
    """Return what was drawn since `WATCH`."""
    return Letters(*page.evaluate(_READ))
