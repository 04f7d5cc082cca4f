"""Files that are either whole or absent: written beside the target, then renamed over it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from training.errors import CheckpointError


def write_whole(path: Path, data: bytes) -> None:
    """Writes `data` to `path` so that a reader sees the old file or the new one, never half.

    The bytes go to a temporary file in the same folder, are flushed to the disk, and the file is
    renamed. If any of that fails the temporary file is removed and the old file stays as it was.

    Args:
        path: Where the file shall be; its folder is made when missing.
        data: The whole content.

    Raises:
        CheckpointError: The disk is full, or the file cannot be written for another reason.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise CheckpointError(
                f"There is no room on the disk to save {path.name}.",
                found=f"{len(data) / 1e6:.1f} MB were to be written to {path.parent}.",
                fix="Free some space and resume: the file saved before is untouched.",
            ) from error
        raise CheckpointError(
            f"{path.name} cannot be saved.",
            found=f"The system says: {error.strerror or error}.",
            fix=f"Check that {path.parent} can be written to.",
        ) from error
