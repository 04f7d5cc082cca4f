"""A published model added to those at hand: fetched, read, and put into its place in one step."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread

import torch

from kvviz import errors
from kvviz.engine.models.device_memory import free_bytes
from kvviz.errors import KvvizError, ModelFilesError, OptionsError, OutOfMemoryError
from kvviz.published import catalogue, fetching, model_home
from kvviz.published.catalogue import PublishedModel, megabytes
from kvviz.published.progress import Phase
from kvviz.translation import gettext as _
from kvviz.translation import language

Told = Callable[[Phase, int, int], object]
"""Called with what is done now, how much of it, and of how much: bytes, or tensors."""
Cancelled = Callable[[], bool]

GGUF_PACKAGE = "gguf==0.19.0"
"""What reads a GGUF: an extra, and not a requirement, of kvviz."""

CARD = Path(catalogue.__file__).with_name("card.md")
_READER = "kvviz.engine.models.gguf_conversion"
_LOOKS_EVERY_S = 0.1


def add(
    name: str,
    *,
    accept_terms: bool = False,
    told: Told = lambda phase, done, of: None,
    cancelled: Cancelled = lambda: False,
) -> Path:
    """Add a published model to those at hand, from where it loads without a network.

    Nothing is left of a model that could not be added, whatever the reason.

    Args:
        name: Of the catalogue, with or without ``kvviz/`` before it.
        accept_terms: Whether the person has accepted the terms that the model comes under.
        told: Told how far it is.
        cancelled: Asked ten times a second.

    Returns:
        Its folder. One that is there already stays as it is.

    Raises:
        ModelNotFoundError: If there is no such model.
        OptionsError: If its terms have to be accepted first.
        ModelFilesError: If gguf or pip are not there, what came is not what was tried, or it cannot
            be kept.
        NetworkError: If the index does not give it.
        OutOfMemoryError: If reading it takes more memory than there is.
        RunCancelledError: If cancelled.
    """
    model = catalogue.published(name)
    if there := model_home.at_hand().get(model.full_name):
        return there
    if model.has_terms and not accept_terms:
        raise OptionsError(
            _("{model} comes under terms that you must accept first: {licence}.").format(
                model=model.title, licence=model.licence
            ),
            found=_("They are at {address}.").format(address=model.licence_address),
            fix=_("Read them; if you accept them, say so with --accept-terms."),
        )
    if find_spec("gguf") is None:
        command = f'python -m pip install "{GGUF_PACKAGE}"'  # not for people: what is typed
        raise ModelFilesError(
            _("Reading this model takes the package gguf, which is not installed."),
            fix=_("Install it: {command}.").format(command=command),
        )
    _check_room(model)
    with model_home.begun(model.name) as folder, fetching.enough_room(model, folder):
        gguf = fetching.fetch(model, folder, lambda *done: told("fetching", *done), cancelled)
        made = folder / "made"
        _read(model, gguf, made, told, cancelled)
        for paper in (folder / "papers").iterdir():
            shutil.move(paper, made / paper.name)
        (made / "README.md").write_text(card(model), encoding="utf-8")
        return model_home.keep(made, model.name)


def _check_room(model: PublishedModel) -> None:
    free = free_bytes(torch.device("cpu"))
    if free is not None and free < model.reading_bytes:
        raise OutOfMemoryError(
            _("There is too little memory to read the weights of {model}.").format(
                model=model.title
            ),
            found=_("Reading them takes {needed}, and {free} are free.").format(
                needed=megabytes(model.reading_bytes), free=megabytes(free)
            ),
            fix=_("Close other programs, then try again."),
        )


def card(model: PublishedModel) -> str:
    """Return what stands in the folder about where a model came from."""
    facts = {**model._asdict(), "bits": 8 * model.gguf_bytes / model.n_params}
    packages = ", ".join(f"{wheel.name} {wheel.version}" for wheel in model.wheels)
    return CARD.read_text(encoding="utf-8").format(**facts, packages=packages)


def _read(model: PublishedModel, gguf: Path, made: Path, told: Told, cancelled: Cancelled) -> None:
    """Let a process of its own read the GGUF; it can be stopped at any moment."""
    command = [sys.executable, "-m", _READER, str(gguf), str(made), language()]
    reader = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, encoding="utf-8", errors="replace", start_new_session=True,
    )  # fmt: skip
    lines: SimpleQueue[str] = SimpleQueue()
    complaints: list[str] = []
    threads = [
        Thread(target=lambda: [lines.put(line) for line in reader.stdout or ()], daemon=True),
        Thread(target=lambda: complaints.extend(reader.stderr or ()), daemon=True),
    ]
    for thread in threads:
        thread.start()
    told("reading", 0, 0)
    try:
        while True:
            ended = reader.poll() is not None
            if ended:
                threads[0].join()
            _take(lines, told)
            if ended:
                break
            if cancelled():
                raise fetching.cancelled_by_someone()
            time.sleep(_LOOKS_EVERY_S)
    finally:
        if reader.poll() is None:
            reader.kill()
        reader.wait()
        for thread in threads:
            thread.join()
        for stream in (reader.stdout, reader.stderr):
            if stream is not None:
                stream.close()
    if reader.returncode < 0:
        raise OutOfMemoryError(
            _("Reading the weights of {model} was stopped by the system.").format(
                model=model.title
            ),
            found=_(
                "Signal {number}; most likely memory ran out, of which it takes {size}."
            ).format(number=-reader.returncode, size=megabytes(model.reading_bytes)),
            fix=_("Close other programs, then try again."),
        )
    if reader.returncode:
        raise ModelFilesError(
            _("Reading the weights of {model} has failed.").format(model=model.title),
            found=_("It says: {words}.").format(words=(complaints or [""])[-1].strip()[:200]),
            fix=_("Nothing half done was kept; try again."),
        )


def _take(lines: SimpleQueue[str], told: Told) -> None:
    """Take in what the reading process has said.

    Raises:
        KvvizError: If it said so.
    """
    while True:
        try:
            said = json.loads(lines.get_nowait())
        except Empty:
            return
        except ValueError:  # a library that writes to standard output
            continue
        if "of" in said:
            told("reading", said["done"], said["of"])
        elif "errno" in said:
            raise OSError(said["errno"], "")
        elif "error" in said:
            kind: type[KvvizError] = getattr(errors, said["error"])
            raise kind(said["what"], found=said["found"], fix=said["fix"])
