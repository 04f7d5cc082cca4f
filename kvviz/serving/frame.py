"""How requests and messages travel: a line of JSON, and behind it bytes such as a trace file.

Nothing of it is ever executed, and whoever reads it checks each field: what a visitor has typed
stands in it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from io import BytesIO
from typing import Any, cast

from kvviz.errors import RunnerError
from kvviz.trace import GenerationTrace
from kvviz.trace.storage import open_trace, save_trace
from kvviz.translation import gettext as _

SIZES = "sizes"
LONGEST_HEAD = 8 * 2**20
"""Most bytes of the JSON: a prompt of any model's context, as text or as tokens."""
PREFIX_BYTES = 8
MOST_BYTES = 2**36
"""Of one message. A number above it is none that was written here."""


def framed(head: dict[str, Any], parts: Sequence[bytes] = ()) -> bytes:
    """Return a head and what comes with it as bytes.

    Args:
        head: What JSON can hold; how long each part is comes to it as ``sizes``.
        parts: Bytes that are sent as they are.
    """
    said = json.dumps(head | {SIZES: [len(part) for part in parts]}, allow_nan=False)
    return b"\n".join((said.encode(), b"".join(parts)))


def unframed(data: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """Return the head and the parts of what `framed` made.

    Raises:
        RunnerError: If it is something else.
    """
    line, newline, rest = data.partition(b"\n")
    try:
        if not newline or len(line) > LONGEST_HEAD:
            raise ValueError
        head = json.loads(line)
        sizes = head.pop(SIZES)
        if not all(type(size) is int and size >= 0 for size in sizes) or sum(sizes) != len(rest):
            raise ValueError
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise misread() from error
    parts: list[bytes] = []
    for size in cast("list[int]", sizes):
        parts.append(rest[:size])
        rest = rest[size:]
    return head, parts


def prefixed(message: bytes) -> bytes:
    """Return a message with its length before it, as it stands in a stream of them."""
    return len(message).to_bytes(PREFIX_BYTES, "big") + message


class MessageReader:
    """Cuts a stream, however it comes in pieces, into the messages that `prefixed` made."""

    def __init__(self) -> None:
        self._held = bytearray()

    def read(self, piece: bytes) -> list[bytes]:
        """Take in a piece and return the messages that are whole with it.

        Raises:
            RunnerError: If it is something else.
        """
        self._held += piece
        messages: list[bytes] = []
        while len(self._held) >= PREFIX_BYTES:
            until = PREFIX_BYTES + int.from_bytes(self._held[:PREFIX_BYTES], "big")
            if until > MOST_BYTES:
                raise misread()
            if len(self._held) < until:
                break
            messages.append(bytes(self._held[PREFIX_BYTES:until]))
            del self._held[:until]
        return messages


def misread() -> RunnerError:
    """Return the error of what cannot be read."""
    return RunnerError(
        _("The app and what runs its models do not understand each other."),
        fix=_("Install the same version of kvviz for both, and start both again."),
    )


def as_file(trace: GenerationTrace) -> bytes:
    """Return a trace as the bytes of its file.

    To pack it takes a fifth of the time of a short run, and floats shrink little.
    """
    file = BytesIO()
    save_trace(trace, file, packed=False)
    return file.getvalue()


def from_file(data: bytes) -> GenerationTrace:
    """Return the trace of a file's bytes.

    Raises:
        TraceFileError: If they are no trace of a generation, or a damaged one.
    """
    return open_trace(BytesIO(data), kind="generation")
