"""The list of files that hold sentences which are not marked yet: it only ever gets shorter."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from words.catalogues import ROOT, SOURCES
from words.unmarked import Unmarked, unmarked

LIST = Path(__file__).parent / "unmarked_python.txt"


def sources(paths: Iterable[Path] = (SOURCES,)) -> list[Path]:
    """Return the Python files among some files and folders."""
    return sorted(
        one
        for path in paths
        for one in ([path] if path.is_file() else path.rglob("*.py"))
        if one.suffix == ".py"
    )


def listed() -> set[str]:
    """Return the files that may hold unmarked sentences, as paths below the root."""
    return {line for line in LIST.read_text(encoding="utf-8").splitlines() if line}


def unfinished() -> dict[str, list[Unmarked]]:
    """Return what is unmarked, by file, as paths below the root."""
    found = {path.relative_to(ROOT).as_posix(): unmarked(path) for path in sources()}
    return {name: texts for name, texts in found.items() if texts}


def write_list() -> None:
    """Bring the list up to date."""
    LIST.write_text("".join(f"{name}\n" for name in sorted(unfinished())), encoding="utf-8")
