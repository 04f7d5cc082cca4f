"""A text that is named on the command line: a file, or standard input."""

from __future__ import annotations

import sys
from pathlib import Path

from kvviz.errors import PromptError, said_by_system
from kvviz.translation import gettext as _

MOST_BYTES = 16 * 2**20
"""Far more than the longest context of any model that runs here."""


def read(name: str) -> str:
    """Return a text file's text.

    Raises:
        PromptError: If it cannot be read, is no text, or far too long.
    """
    try:
        if name == "-":
            data = sys.stdin.buffer.read(MOST_BYTES + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise PromptError(
            _("The text {name} cannot be read.").format(name=name),
            found=said_by_system(error),
            fix=_("Check its name and that you may read it."),
        ) from error
    if len(data) > MOST_BYTES:
        raise PromptError(
            _("The text {name} is too long.").format(name=name),
            found=_("It has more than {n:,} bytes.").format(n=MOST_BYTES),
            fix=_("Give a part of it."),
        )
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise PromptError(
            _("The file {name} is no text in UTF-8.").format(name=name),
            found=_("Byte {n:,} begins no character.").format(n=error.start),
            fix=_("Save it as UTF-8."),
        ) from error


def tell(done: int, n_tokens: int) -> None:
    """Write how many tokens are done on one line, where somebody is looking."""
    if sys.stderr.isatty():
        said = _("token {n} of {last}").format(n=done, last=n_tokens)
        print(f"\r{said}", end="\n" if done == n_tokens else "", file=sys.stderr, flush=True)
