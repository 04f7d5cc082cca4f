"""The JSON header of a trace file, whatever kind of trace it heads.

A header may come from anyone: it is held to a size before it is read; `header_fields` holds what
it says to what a header may say. Its digest tells a file that was damaged or edited from the one
that was saved; it is no signature, since whoever edits a file can take its digest again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from kvviz.errors import TraceFileError
from kvviz.trace.storage.header_fields import damaged, short
from kvviz.translation import gettext as _
from kvviz.translation import ngettext

Array = np.ndarray[Any, Any]
Expected = dict[str, tuple[str, tuple[int, ...]]]

MAGIC = "kvviz-trace"
FORMATS = {
    1: ("generation",),
    2: ("encoding", "encoder-decoder"),
    3: ("named-cache",),
    4: (
        "encoder-decoder-named-cache",
        "turning-named-cache",
        "packing-named-cache",
        "encoder-decoder-packing-named-cache",
    ),
}
"""The kinds of trace that each format version may hold; version 1 has one and does not name it.

A ``named-cache`` is a generation whose cache drops rows, or could have; one that is ``turning``
turned keys that it kept to other places, and one that is ``packing`` kept rows in fewer bits or in
fewer numbers.
"""

MAX_HEADER_BYTES = 16 * 2**20

_DIGEST = "sha256"
"""The last field of a header. A file from before it has none."""


@dataclass(frozen=True)
class HeadOfFile:
    """What a header says, whatever kind of trace it heads.

    Attributes:
        kind: The kind of trace.
        facts: What it says of the trace.
        digest: The SHA-256 that it says all of the file has, as hexadecimal digits; None in a file
            from before there was one.
    """

    kind: str
    facts: dict[str, Any]
    digest: str | None

    def check(self, arrays: Mapping[str, Array]) -> None:
        """Hold the file to its digest.

        Raises:
            TraceFileError: If its header or its arrays are not those that were saved.
        """
        if self.digest is not None and self.digest != _digest(_first(self), arrays):
            raise damaged(_("What it holds is not what was saved: its checksum is another."))


def _first(head: HeadOfFile) -> dict[str, Any]:
    """Return what a header says in the order in which it says it, but for the digest."""
    version = next(version for version, kinds in FORMATS.items() if head.kind in kinds)
    first: dict[str, Any] = {"magic": MAGIC, "format": version}
    if version > 1:
        first["kind"] = head.kind
    return first | head.facts


def _digest(header: Mapping[str, Any], arrays: Mapping[str, Array]) -> str:
    """Return the SHA-256 of a header and of the arrays: their names, shapes and numbers."""
    digest = hashlib.sha256(_as_json(header))
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        digest.update(f"|{name}|{array.dtype.str}|{array.shape}|".encode())
        digest.update(array.data)
    return digest.hexdigest()


def _as_json(header: Mapping[str, Any]) -> bytes:
    return json.dumps(header, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def write_json(kind: str, facts: dict[str, Any], arrays: Mapping[str, Array]) -> bytes:
    """Return the header of a trace of that kind, as UTF-8 JSON that `read_json` reads.

    Args:
        kind: The kind of trace.
        facts: What the header says of it.
        arrays: All arrays of the file by their names; their digest is the header's last field.
    """
    header = _first(HeadOfFile(kind, facts, None))
    return _as_json(header | {_DIGEST: _digest(header, arrays)})


def read_json(data: bytes) -> HeadOfFile:
    """Return what a header says, which may come from anywhere.

    Raises:
        TraceFileError: If it is too large, no JSON, no header of a kvviz trace, or of an unknown
            format version or kind.
    """
    if len(data) > MAX_HEADER_BYTES:
        raise damaged(
            ngettext(
                "Its header takes {n:,} byte, more than {most:,}.",
                "Its header takes {n:,} bytes, more than {most:,}.",
                len(data),
            ).format(n=len(data), most=MAX_HEADER_BYTES)
        )
    try:
        parsed: Any = json.loads(data.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise damaged(_("Its header is not JSON.")) from error
    facts = cast("dict[str, Any]", parsed) if isinstance(parsed, dict) else {}
    if facts.pop("magic", None) != MAGIC:
        raise TraceFileError(
            _("This is not a kvviz trace."),
            found=_("Its header does not say so."),
            fix=_("Choose a file that kvviz saved."),
        )
    version = facts.pop("format", None)
    kinds = FORMATS.get(version) if type(version) is int else None
    kind = facts.pop("kind", None) if version != 1 else "generation"
    if kinds is None or kind not in kinds:
        says = (
            _("It says format {version} of kind {kind}, and formats 1 to {last} can be read.")
            if kinds
            else _("It says format {version}, and formats 1 to {last} can be read.")
        )
        raise TraceFileError(
            _("This trace is in a format that this kvviz does not know."),
            found=says.format(version=short(version), kind=short(kind), last=max(FORMATS)),
            fix=_("Update kvviz, or save the run again with this one."),
        )
    has_digest = _DIGEST in facts
    digest = facts.pop(_DIGEST, None)
    if has_digest and not isinstance(digest, str):
        raise damaged(_("Its checksum is no text: {found}.").format(found=short(digest)))
    return HeadOfFile(kind, facts, digest)


def _refuse_constant(text: str) -> Any:
    raise ValueError(text)
