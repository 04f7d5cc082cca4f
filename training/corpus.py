"""The text that the models learn from: read, checked against its README, split into documents."""

from __future__ import annotations

import hashlib
import lzma
import re
from dataclasses import dataclass
from pathlib import Path

from training.errors import CorpusError

TRAINING_FILES = ("stories.txt.xz", "encyclopedic.txt.xz")
HELDOUT_FILE = "heldout.txt.xz"
SEPARATOR = "\n<|endoftext|>\n"

_ROW = re.compile(
    r"^\|\s*`(?P<name>[^`]+\.xz)`\s*\|.*\|\s*`(?P<sha256>[0-9a-f]{64})`\s*\|\s*`[0-9a-f]{64}`"
)


@dataclass(frozen=True)
class Corpus:
    """Documents and the checksums of the files that they came from.

    Attributes:
        documents: One string a document, no separator inside.
        checksums: File name to the sha256 of the packed file, as read and compared.
    """

    documents: tuple[str, ...]
    checksums: dict[str, str]


def read_corpus(folder: Path, names: tuple[str, ...] = TRAINING_FILES) -> Corpus:
    """Reads the named files of a corpus folder after comparing their checksums.

    Args:
        folder: A folder with a README.md that states the sha256 of each packed file in a table.
        names: Which files to read, in this order.

    Returns:
        The documents of all files, in the order of the files.

    Raises:
        CorpusError: The folder, its README or a file is missing, a checksum differs, or a file
            holds no text.
    """
    expected = _stated_checksums(folder)
    documents: list[str] = []
    checksums: dict[str, str] = {}
    for name in names:
        if name not in expected:
            raise CorpusError(
                f"The corpus README states no checksum for {name}.",
                found=f"It names {', '.join(sorted(expected)) or 'no file'}.",
                fix="Use the corpus folder as it was made, with its README.",
            )
        packed = _read(folder / name)
        found = hashlib.sha256(packed).hexdigest()
        if found != expected[name]:
            raise CorpusError(
                f"{name} is not the file that the corpus README describes.",
                found=f"Its sha256 is {found}, the README says {expected[name]}.",
                fix="Copy the file again; a different corpus would train a different model.",
            )
        text = lzma.decompress(packed).decode("utf-8")
        documents += [part for part in (d.strip("\n") for d in text.split(SEPARATOR)) if part]
        checksums[name] = found
    if not documents:
        raise CorpusError(
            "The corpus holds no documents.", found=f"Read {', '.join(names)} in {folder}."
        )
    return Corpus(tuple(documents), checksums)


def _stated_checksums(folder: Path) -> dict[str, str]:
    if not folder.is_dir():
        raise CorpusError(
            "The corpus folder is not there.",
            found=f"Looked for {folder}.",
            fix="Give the folder with stories.txt.xz in it: --corpus FOLDER.",
        )
    readme = folder / "README.md"
    lines = _read(readme).decode("utf-8").splitlines()
    rows = (_ROW.match(line) for line in lines)
    return {row["name"]: row["sha256"] for row in rows if row}


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CorpusError(
            f"The corpus lacks {path.name}.",
            found=f"{path}: {error.strerror}.",
            fix="Give a complete corpus folder: --corpus FOLDER.",
        ) from error
