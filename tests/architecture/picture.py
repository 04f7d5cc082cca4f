"""The picture of the rooms and of who imports whom, drawn from the code's real imports.

`make picture` writes `docs/pictures/architecture.svg`; a test holds the committed file to the code.
Floors are the layers that pyproject.toml declares, arrows are imports that import-linter's graph
finds, and what a room is for is the first sentence of its docstring.
"""

from __future__ import annotations

import ast
import textwrap
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import grimp

from tests.architecture.sources import PACKAGE, ROOT

FILE = ROOT / "docs" / "pictures" / "architecture.svg"
ROOMY = ("ui", "engine")
"""Packages whose own rooms are drawn."""
PAGES, PAGES_A_ROW = "ui.pages", 4
"""The rooms in it lie side by side, since no page knows another."""

WIDTH, MARGIN, GAP = 1080, 24, 22
LINE, PAD = 15, 12

STYLE = """
    .ground { fill: #fbfaf7; }
    .floor { fill: #ffffff; stroke: #c9c5ba; stroke-width: 1.2; }
    .room { fill: #f4f2ec; stroke: #ded9cd; }
    .trace { fill: #e8eefb; stroke: #2f63c8; stroke-width: 1.6; }
    .name { font-weight: 650; fill: #1d1d1b; font-size: 14px; }
    .what { fill: #5c5a54; font-size: 11.5px; }
    .also { fill: #8a6d3b; font-size: 11px; font-style: italic; }
    .imports { stroke: #77736a; stroke-opacity: .55; stroke-width: 1.3; fill: none; marker-end: url(#head); }
"""  # noqa: E501 - one rule a line


@dataclass
class Box:
    """One package, and where it stands."""

    name: str
    title: str
    lines: list[str]
    also: list[str] = field(default_factory=list)
    rows: list[list[Box]] = field(default_factory=list)
    x: float = 0
    y: float = 0
    width: float = 0
    height: float = 0

    @property
    def boxes(self) -> Iterable[Box]:
        """This box and those in it."""
        yield self
        for row in self.rows:
            for box in row:
                yield from box.boxes


def contracts() -> list[dict[str, Any]]:
    """Return what pyproject.toml asks of import-linter."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return settings["tool"]["importlinter"]["contracts"]


def floors(package: str) -> list[list[str]]:
    """Return the layers that are declared for a package, the top one first."""
    (contract,) = (one for one in contracts() if one.get("containers") == [package])
    return [[name.strip() for name in layer.split("|")] for layer in contract["layers"]]


def pages() -> list[list[str]]:
    """Return the names of the pages' folders, so many a row."""
    names = sorted(file.parent.name for file in (PACKAGE / "ui" / "pages").glob("*/__init__.py"))
    return [names[at : at + PAGES_A_ROW] for at in range(0, len(names), PAGES_A_ROW)]


def purpose(module: str) -> str:
    """Return the first sentence of a module's docstring."""
    path = PACKAGE.parent.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    first = " ".join(docstring.split("\n\n")[0].split()).split(". ")[0]
    return first.rstrip(".").replace("`", "")


def build(name: str, width: float) -> Box:
    """Return the box of a package, with its rooms, as wide as given."""
    module = f"kvviz.{name}"
    is_page = name.startswith(f"{PAGES}.")
    lines = textwrap.wrap(
        purpose(f"{module}.page" if is_page else module), max(16, int((width - 2 * PAD) / 6.1))
    )
    box = Box(name, name.rpartition(".")[2], lines, width=width)
    if not is_page and (far := beyond(name)):
        box.also = textwrap.wrap(
            f"imports also {', '.join(far)}", max(16, int((width - 2 * PAD) / 6.1))
        )
    box.height = 2 * PAD + LINE * (1.2 + len(lines) + len(box.also))
    if name in ROOMY or name == PAGES:
        for layer in floors(module) if name in ROOMY else pages():
            inner = (width - 2 * PAD - GAP * (len(layer) - 1) / 2) / len(layer)
            row = [build(f"{name}.{one}", inner) for one in layer]
            box.rows.append(row)
            box.height += max(one.height for one in row) + GAP
    return box


def place(box: Box, x: float, y: float) -> None:
    """Put a box and those in it where they belong."""
    box.x, box.y = x, y
    at = y + PAD + LINE * (1.2 + len(box.lines) + len(box.also)) + PAD / 2
    for row in box.rows:
        left = x + PAD
        tallest = max(one.height for one in row)
        for one in row:
            one.height = tallest
            place(one, left, at)
            left += one.width + GAP / 2
        at += tallest + GAP


def house() -> tuple[list[list[Box]], float]:
    """Return the floors of the package with every box in its place, and the height of it all."""
    rows: list[list[Box]] = []
    y: float = MARGIN
    for layer in floors("kvviz"):
        shares = [3.0 if name == "engine" else 1.0 for name in layer]
        room = WIDTH - 2 * MARGIN - GAP * (len(layer) - 1)
        row = [
            build(name, room * share / sum(shares))
            for name, share in zip(layer, shares, strict=True)
        ]
        tallest = max(box.height for box in row)
        x: float = MARGIN
        for box in row:
            box.height = tallest
            place(box, x, y)
            x += box.width + GAP
        rows.append(row)
        y += tallest + 34
    return rows, y


@cache
def beyond(name: str) -> list[str]:
    """Return what a package imports from floors that are not the next one below it."""
    parent, _, _ = f"kvviz.{name}".rpartition(".")
    prefix = "" if parent == "kvviz" else parent.removeprefix("kvviz.") + "."
    layers = floors(parent)
    level = {f"{prefix}{one}": n for n, layer in enumerate(layers) for one in layer}
    return [
        other.removeprefix(prefix)
        for one, other in imports(list(level))
        if one == name and level[other] > level[one] + 1
    ]


@cache
def graph() -> grimp.ImportGraph:
    """Return who imports whom."""
    return grimp.build_graph("kvviz")


def imports(names: list[str]) -> list[tuple[str, str]]:
    """Return the pairs of packages of which the first imports from the second."""
    return [
        (one, other)
        for one in names
        for other in names
        if one != other
        and not one.startswith(f"{other}.")
        and not other.startswith(f"{one}.")
        and _imports(f"kvviz.{one}", f"kvviz.{other}")
    ]


def _imports(one: str, other: str) -> bool:
    inside = {other, *graph().find_descendants(other)}
    return any(
        graph().find_modules_directly_imported_by(module) & inside
        for module in (one, *graph().find_descendants(one))
    )


def arrow(one: Box, other: Box, number: int, count: int) -> str:
    """Return the path of an import from one floor to the next."""
    start = one.x + one.width * (number + 1) / (count + 1), one.y + one.height
    end = other.x + other.width * (0.5 + 0.32 * (start[0] / WIDTH - 0.5)), other.y - 3
    middle = (start[1] + end[1]) / 2
    return (
        f"M{start[0]:.0f} {start[1]:.0f}C{start[0]:.0f} {middle:.0f} {end[0]:.0f} {middle:.0f} "
        f"{end[0]:.0f} {end[1]:.0f}"
    )


def drawn(box: Box) -> str:
    """Return a box as SVG."""
    kind = "trace" if box.name == "trace" else "room" if "." in box.name else "floor"
    words = [("what", line) for line in box.lines] + [("also", line) for line in box.also]
    text = "".join(
        f'<text class="{kind}" x="{box.x + PAD:.0f}" y="{box.y + PAD + LINE * (2 + n):.0f}">'
        f"{escape(line)}</text>"
        for n, (kind, line) in enumerate(words)
    )
    return (
        f'<rect class="{kind}" x="{box.x:.0f}" y="{box.y:.0f}" width="{box.width:.0f}" '
        f'height="{box.height:.0f}" rx="9"/>'
        f'<text class="name" x="{box.x + PAD:.0f}" y="{box.y + PAD + LINE * 0.8:.0f}">'
        f"{escape(box.title)}</text>{text}"
    )


def picture() -> str:
    """Return the picture as SVG."""
    rows, height = house()
    every = {box.name: box for row in rows for top in row for box in top.boxes}
    arrows: list[str] = []
    told: list[str] = []
    for group in (rows, *(every[name].rows for name in ROOMY)):
        level = {box.name: n for n, row in enumerate(group) for box in row}
        pairs = imports(list(level))
        told += [f"{one} imports {other}" for one, other in pairs]
        for one in level:
            below = [b for a, b in pairs if a == one and level[b] == level[one] + 1]
            arrows += [
                arrow(every[one], every[b], number, len(below)) for number, b in enumerate(below)
            ]
    paths = "\n  ".join(f'<path class="imports" d="{path}"/>' for path in arrows)
    boxes = "\n  ".join(drawn(box) for box in every.values())
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" \
role="img" aria-labelledby="t d" font-family="ui-sans-serif, system-ui, sans-serif">
  <title id="t">The rooms of kvviz and who imports whom</title>
  <desc id="d">{escape("; ".join(told))}.</desc>
  <style>{STYLE}  </style>
  <defs>
    <marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="6" markerHeight="6" \
orient="auto"><path d="M0 0 10 5 0 10z" fill="#77736a"/></marker>
  </defs>
  <rect class="ground" width="{WIDTH}" height="{height:.0f}"/>
  {boxes}
  {paths}
</svg>
"""


def main(path: Path = FILE) -> None:
    """Write the picture."""
    path.write_text(picture(), encoding="utf-8")


if __name__ == "__main__":
    main()
