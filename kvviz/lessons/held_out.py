"""Texts that no model was trained on, by which a way of keeping rows is judged."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from kvviz.lessons.lesson_files import LessonError
from kvviz.translation import gettext as _

FOLDER = Path(__file__).parent / "stories"


@cache
def held_out_stories() -> dict[str, str]:
    """Return the held-out stories by the names of their files, in their order; English all.

    Raises:
        LessonError: If there are none.
    """
    found = {
        file.stem: file.read_text(encoding="utf-8").strip() for file in sorted(FOLDER.glob("*.txt"))
    }
    if not found:
        raise LessonError(_("There are no held-out stories."), found=str(FOLDER))
    return found
