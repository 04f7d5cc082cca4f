"""Every chart carries a hook, since there is one place that draws charts, and it gives them one."""

import ast
from pathlib import Path

import pytest

from tests.architecture.sources import MODULES, PACKAGE

FIGURES = sorted(
    path for path in (PACKAGE / "figures").glob("*.py")
    if "def template" not in (text := path.read_text(encoding="utf-8")) and "template(" in text
)  # fmt: skip


def test_charts_are_drawn_in_one_place():
    places = {
        str(path.relative_to(PACKAGE))
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "plotly_chart"
    }
    assert places == {"ui/parts/chart.py"}


@pytest.mark.parametrize("path", FIGURES, ids=lambda path: path.stem)
def test_a_figure_has_a_name_that_its_hook_can_carry(path: Path):
    text = path.read_text(encoding="utf-8")
    assert f'meta={{"figure": {_name(path.stem)}' in text


def _name(stem: str) -> str:
    return f'"{stem.replace("_", "-")}"' if stem != "head_comparison" else 'f"head-comparison-'
