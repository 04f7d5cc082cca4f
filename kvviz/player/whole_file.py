"""A file that is there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from secrets import token_hex

from kvviz.errors import PayloadError, said_by_system
from kvviz.translation import gettext as _


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file. One of that name is replaced, and only once the new one is complete.

    What is there and is no file, such as a pipe, is written to and stays.

    Args:
        path: Where to.
        content: All of it.

    Raises:
        PayloadError: If it cannot be written.
    """
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{token_hex(8)}.tmp")
    is_whole = target.is_file() or not target.exists()
    try:
        (temporary if is_whole else target).write_bytes(content)
        if is_whole:
            temporary.replace(target)
    except OSError as error:
        raise PayloadError(
            _("The file could not be written to {path}.").format(path=os.fspath(path)),
            found=said_by_system(error),
            fix=_("Choose a folder that exists, can be written to and has room."),
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
