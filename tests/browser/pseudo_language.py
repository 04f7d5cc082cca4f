"""A page in the pseudo-language: what was not marked has no accents, what is long may be cut.

The app must be started with ``KVVIZ_PSEUDO=1``.
"""

from __future__ import annotations

from dataclasses import replace

from kvviz.translation.pseudo import pseudo
from tests.browser.whole_page import Sight

UNMARKED = """() => {
  const parts = document.querySelectorAll("[data-testid=stMain], [data-testid=stSidebar]");
  // What comes from a model, a table or a person, or is a name.
  const data = `code, kbd, textarea, .kv-chip, .kv-bar-token, .kt-strip, .lm-token,
    .lm-fed, .lm-asked, .kvviz-filled, .kvviz-offered, .kvviz-name, [data-kvviz=race-result],
    [data-testid=stIconMaterial], .xtick, .ytick, .textpoint, .annotation`;
  const names = /(GPT-2|BERT|T5) mini/g;
  const words = new Map();
  for (const part of parts) {
    const walker = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
    let depth = 0;
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const by = node.parentElement;
      let outside = "";
      for (const letter of node.data) {
        if (letter === "⟦") depth += 1;
        else if (letter === "⟧") depth -= 1;
        else if (!depth) outside += letter;
      }
      const isMarked = !/[a-z]{3}/.test(outside.replace(names, ""));
      if (!isMarked && by.checkVisibility() && !by.closest(data)) {
        words.set(outside.trim(), by.outerHTML);
      }
    }
  }
  return [...words];
}"""
"""What is said outside the brackets of the pseudo-language, and the element that says it."""

CUT = """() => {
  const unseen = '[class*="unseen"], .kv-sr, .js-plotly-plot';
  const cut = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    if (!node.data.includes("⟦") || !parent.checkVisibility() || parent.closest(unseen)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const { left, right } = range.getBoundingClientRect();
    if (right <= left || right <= 0) continue; // of no size, or on a sidebar that is folded away
    for (let box = parent; box; box = box.parentElement) {
      const { overflowX } = getComputedStyle(box);
      if (/auto|scroll/.test(overflowX)) break; // there one can go to it
      const edge = box.getBoundingClientRect();
      const hides = /hidden|clip/.test(overflowX) && edge.width > 1;
      if (hides && right > edge.right + 1) cut.push(node.data);
    }
  }
  return cut;
}"""
"""Sentences that go beyond what hides them. Of a chart Plotly itself says where its texts end."""


def in_pseudo(sight: Sight) -> Sight:
    """Return a sight as it is in the pseudo-language."""
    path = f"{sight.path}{'&' if '?' in sight.path else '?'}lang=en-XA"
    return replace(sight, path=path, press=pseudo(sight.press))
