"""Records the lessons and writes the site into a folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kvviz.errors import RunCancelledError
from kvviz.site.whole_folder import whole_folder
from kvviz.translation import gettext as _

if TYPE_CHECKING:
    from kvviz.site.lesson import Lesson


@dataclass(frozen=True)
class Published:
    """What was written.

    Attributes:
        folder: Where it stands.
        sizes: Bytes of each file, by its name.
    """

    folder: Path
    sizes: dict[str, int]

    @property
    def n_bytes(self) -> int:
        """Of all files."""
        return sum(self.sizes.values())


def publish(
    folder: Path,
    *,
    told: Callable[[int, int, str], object] = lambda number, n, name: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Published:
    """Record the lessons with the bundled models, and write the site.

    Whoever looks into the folder finds all of it or nothing.

    Args:
        folder: Where to: a folder that is not there yet, or an empty one.
        told: Hears the number of a step, how many there are, and what it is called.
        cancelled: Tells whether it is not wanted any more; asked before each step.

    Raises:
        PublishError: If the folder is not empty or cannot be written.
        RunCancelledError: If it was cancelled; nothing is left then.
        KvvizError: What loading and running the models raises.
    """

    def go_on() -> None:
        if cancelled():
            raise RunCancelledError(_("Cancelled: nothing was written."))

    with whole_folder(folder) as temporary:
        go_on()
        # What is wrong with the folder is said before anything is waited for.
        from kvviz.site.page import page_html
        from kvviz.site.recording import LESSONS, Models

        n_steps = len(LESSONS) + 1
        models = Models()
        lessons: list[Lesson] = []
        for number, (name, record) in enumerate(LESSONS, start=1):
            go_on()
            told(number, n_steps, _(name))
            lessons.append(record(models))
        go_on()
        told(n_steps, n_steps, _("Writing the pages"))
        sizes: dict[str, int] = {}
        for lesson in lessons:
            document = page_html(lesson, lessons).encode()
            (temporary / lesson.file).write_bytes(document)
            sizes[lesson.file] = len(document)
        go_on()
    return Published(folder.absolute(), sizes)
