"""A folder that is there whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from kvviz.errors import PublishError, said_by_system
from kvviz.translation import gettext as _

N_NAMED = 3
"""Of what is found in a folder so many are named."""


@contextmanager
def whole_folder(target: Path) -> Generator[Path]:
    """Give a folder beside another one, which takes its place once all is written.

    Where the work within is broken off, by whatever, nothing is left of it.

    Args:
        target: Where the folder is to stand: nothing is there, or a folder that is empty.

    Raises:
        PublishError: If something is in the way, before anything is made, or it cannot be written.
    """
    target = target.absolute()
    _require_free(target)
    temporary = target.with_name(f".{target.name}.{token_hex(8)}.tmp")
    try:
        temporary.mkdir()
        yield temporary
        if target.is_dir():
            # Not every system puts a folder in the place of another, be it empty.
            target.rmdir()
        temporary.replace(target)
    except OSError as error:
        raise PublishError(
            _("The site cannot be written to {folder}.").format(folder=target),
            found=said_by_system(error),
            fix=_("Choose a folder within one that exists, can be written to and has room."),
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _require_free(target: Path) -> None:
    """Refuse a place where something is already.

    Raises:
        PublishError: With what was found there.
    """
    if not target.exists() and not target.is_symlink():
        return
    if target.is_symlink() or not target.is_dir():
        raise PublishError(
            _("A site is a folder of its own, and {path} is something else.").format(path=target),
            fix=_("Name a new folder."),
        )
    try:
        names = sorted(one.name for one in target.iterdir())
    except OSError as error:
        raise PublishError(
            _("The folder {folder} cannot be looked into.").format(folder=target),
            found=said_by_system(error),
            fix=_("Choose another folder."),
        ) from error
    if names:
        listed = ", ".join(names[:N_NAMED]) + (", …" if names[N_NAMED:] else "")
        raise PublishError(
            _("The folder {folder} is not empty.").format(folder=target),
            found=_("In it: {names}.").format(names=listed),
            fix=_("Name a new folder, or empty this one."),
        )
