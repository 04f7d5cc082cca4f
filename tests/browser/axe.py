"""axe-core, which judges a page: WCAG 2.2 up to AA, and what it calls best practices."""

import os

import pytest

from tests.browser.server import ROOT

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
JUDGE = """async ([tags, colours, within]) => {
  const ofColour = axe.getRules(["cat.color"]).map(({ ruleId }) => ruleId);
  const values = axe.getRules(tags).map(({ ruleId }) => ruleId)
    .filter((rule) => ofColour.includes(rule));
  const runOnly = colours ? { type: "rule", values } : tags;
  const options = { runOnly, resultTypes: ["violations"] };
  const { violations } = await axe.run(within ?? document, options);
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} (${failureSummary})`));
}"""
"""Judges by all rules with these tags, or by those of them alone that look at colours; the whole
page, or what a selector finds."""


def axe_source() -> str:
    """Return the source of axe-core, a development tool like the bundler and the type checker."""
    if not AXE.exists():
        lacks = f"axe-core is not in {AXE.parent}. Run: npm ci"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(lacks)
    return AXE.read_text(encoding="utf-8")
