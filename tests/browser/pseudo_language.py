"""A page in the pseudo-language: what was not marked has no accents, what is long may not fit.

The app must be started with ``KVVIZ_PSEUDO=1``.
"""

from __future__ import annotations

from dataclasses import replace

from kvviz.translation.pseudo import pseudo
from tests.browser.whole_page import Sight

UNMARKED = """() => {
  const parts = document.querySelectorAll("[data-testid=stMain], [data-testid=stSidebar]");
  // What comes from a model, a table or a person, or is a name.
  const data = `code, kbd, textarea, .kv-chip, .kv-bar-token, .kt-strip,
    .lm-token, .lm-fed, .lm-asked, .kvviz-filled, .kvviz-offered, .kvviz-name,
    [data-kvviz=race-result], [data-testid=stIconMaterial], .xtick, .ytick, .textpoint,
    .annotation`;
  const names = /(GPT-2|BERT|T5) mini|Gemma Terms of Use/g;
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

OVERLAPS = """() => {
  const unseen = '[class*="unseen"], .kv-sr, .js-plotly-plot, [aria-hidden=true], svg';
  const seen = { visibilityProperty: true, opacityProperty: true };
  const lines = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const by = node.parentElement;
    if (!node.data.trim() || !by.checkVisibility(seen) || by.closest(unseen)) continue;
    let [left, top, right, bottom] = [-Infinity, -Infinity, Infinity, Infinity];
    let floats = false; // over what is scrolled below it
    for (let box = by; box && !floats; box = box.parentElement) {
      const { position, overflowX, overflowY } = getComputedStyle(box);
      floats = /fixed|sticky/.test(position);
      const edge = box.getBoundingClientRect();
      if (overflowX !== "visible") {
        [left, right] = [Math.max(left, edge.left), Math.min(right, edge.right)];
      }
      if (overflowY !== "visible") {
        [top, bottom] = [Math.max(top, edge.top), Math.min(bottom, edge.bottom)];
      }
    }
    if (floats) continue;
    const aside = !!by.closest("[data-testid=stSidebar]");
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const one of range.getClientRects()) {
      const line = { node, aside, left: Math.max(left, one.left), right: Math.min(right, one.right),
        top: Math.max(top, one.top), bottom: Math.min(bottom, one.bottom) };
      if (line.right - line.left > 2 && line.bottom - line.top > 4) lines.push(line);
    }
  }
  lines.sort((a, b) => a.top - b.top);
  const overlaps = new Set();
  lines.forEach((a, i) => {
    for (let k = i + 1; k < lines.length && lines[k].top < a.bottom; k += 1) {
      const b = lines[k];
      const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      // The boxes of lines that are set close touch by a few pixels; their letters do not.
      const least = Math.min(a.bottom - a.top, b.bottom - b.top) / 3;
      if (a.node !== b.node && a.aside === b.aside && width > 2 && height > least) {
        overlaps.add(`${a.node.data.trim()} | ${b.node.data.trim()}`);
      }
    }
  });
  return [...overlaps];
}"""
"""Texts that lie on one another, as pairs; the sidebar of a telephone lies on the page."""


def in_pseudo(sight: Sight) -> Sight:
    """Return a sight as it is in the pseudo-language."""
    path = f"{sight.path}{'&' if '?' in sight.path else '?'}lang=en-XA"
    return replace(sight, path=path, press=pseudo(sight.press))
