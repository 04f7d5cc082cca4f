"""Where added models are kept: a folder each, in the user's cache directory.

``KVVIZ_HOME`` names another directory. A model that is being added lies beside the others in a
folder whose name begins with a dot, and gets its own name by one rename at the end: what has a
name is whole.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from kvviz.errors import ModelFilesError, ModelNotFoundError, said_by_system
from kvviz.published.catalogue import PREFIX
from kvviz.translation import gettext as _

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
"""What a model is called: it can be no path out of its folder."""

_BEGUN = ".adding-"
_FORGOTTEN_AFTER_S = 24 * 3600.0
"""What was begun so long ago was cut short by the end of its process, and goes."""


def home() -> Path:
    """Return the directory of everything that kvviz fetches for this user."""
    if said := os.environ.get("KVVIZ_HOME", "").strip():
        return Path(said).expanduser()
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        # not for people: a folder
        return (Path(local) if local else Path.home() / "AppData" / "Local") / "kvviz"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "kvviz"  # not for people: a folder
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "kvviz"


def models() -> Path:
    """Return the directory with a folder for each model that was added."""
    return home() / "models"


def at_hand() -> dict[str, Path]:
    """Return the models that were added, by their full names, and their folders."""
    try:
        found = sorted(models().iterdir())
    except OSError:  # nothing was ever added, or nobody may look
        return {}
    return {
        PREFIX + folder.name: folder
        for folder in found
        if _NAME.fullmatch(folder.name) and (folder / "config.json").is_file()
    }


def remove(name: str) -> int:
    """Remove a model that was added.

    Args:
        name: With or without ``kvviz/`` before it.

    Returns:
        The bytes that its files took.

    Raises:
        ModelNotFoundError: If it was not added.
        ModelFilesError: If it cannot be removed.
    """
    there = at_hand()
    folder = there.get(PREFIX + name.removeprefix(PREFIX))
    if folder is None:
        listed = ", ".join(one.removeprefix(PREFIX) for one in there)
        raise ModelNotFoundError(
            _("{model} was not added, so it cannot be removed.").format(model=name[:80]),
            fix=_("There is: {models}.").format(models=listed)
            if listed
            else _("No model was added here."),
        )
    n_bytes = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    # Another name first: a folder that is half removed is not taken for a model.
    leaving = folder.with_name(f"{_BEGUN}{folder.name}-{os.getpid()}")
    try:
        folder.rename(leaving)
        shutil.rmtree(leaving)
    except OSError as error:
        raise ModelFilesError(
            _("{model} cannot be removed.").format(model=name[:80]),
            found=said_by_system(error),
            fix=_("Remove the folder {folder} by hand.").format(folder=folder),
        ) from error
    return n_bytes


@contextmanager
def begun(name: str) -> Generator[Path]:
    """Give an empty folder beside the models, which goes with all that is in it.

    Args:
        name: Of the model that is made in it.

    Raises:
        ModelFilesError: If the folder cannot be made.
    """
    try:
        models().mkdir(parents=True, exist_ok=True)
        _forget_what_was_cut_short()
        folder = Path(mkdtemp(prefix=f"{_BEGUN}{name}-", dir=models()))
    except OSError as error:
        raise ModelFilesError(
            _("Models cannot be kept in {folder}.").format(folder=models()),
            found=said_by_system(error),
            fix=_("Set KVVIZ_HOME to a directory that you can write to."),
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def keep(folder: Path, name: str) -> Path:
    """Give a finished folder its model's name, in one step; return where it is now.

    One that somebody else has finished meanwhile stays, since both are the same.
    """
    target = models() / name
    try:
        folder.rename(target)
    except OSError:
        if PREFIX + name not in at_hand():
            raise
    return target


def _forget_what_was_cut_short() -> None:
    for folder in models().glob(f"{_BEGUN}*"):
        if time.time() - folder.stat().st_mtime > _FORGOTTEN_AFTER_S:
            shutil.rmtree(folder, ignore_errors=True)
