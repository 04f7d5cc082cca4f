"""Every chart carries a hook, since there is one place that draws charts, and it gives them one."""

import ast
import re

from tests.architecture.sources import MODULES, PACKAGE, tree_of

FIGURES = sorted(
    path for path in (PACKAGE / "figures").glob("*.py")
    if "def template" not in (text := path.read_text(encoding="utf-8")) and "template(" in text
)  # fmt: skip


def test_charts_are_drawn_in_one_place():
    places = {
        str(path.relative_to(PACKAGE))
        for path in MODULES
        if "plotly_chart" in path.read_text(encoding="utf-8")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute) and node.attr == "plotly_chart"
    }
    assert places == {"ui/parts/chart.py"}


def test_a_figure_has_a_name_that_its_hook_can_carry():
    nameless = [
        path.name for path in FIGURES
        if not re.search(
            rf'(meta=|"meta": ){{"figure": {_name(path.stem)}', path.read_text(encoding="utf-8")
        )
    ]  # fmt: skip
    assert FIGURES
    assert nameless == []


def _name(stem: str) -> str:
    return f'"{stem.replace("_", "-")}"' if stem != "head_comparison" else 'f"head-comparison-'
