"""The JSON header of a trace file, whatever kind of trace it heads.

A header may come from anyone: it is held to a size before it is read; `header_fields` holds what
it says to what a header may say.
"""

from __future__ import annotations

import json
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
    4: ("encoder-decoder-named-cache", "turning-named-cache", "packing-named-cache"),
}
"""The kinds of trace that each format version may hold; version 1 has one and does not name it.

A ``named-cache`` is a generation whose cache drops rows, or could have; one that is ``turning``
turned keys that it kept to other places, and one that is ``packing`` kept rows in fewer bits.
"""

MAX_HEADER_BYTES = 16 * 2**20


def write_json(kind: str, facts: dict[str, Any]) -> bytes:
    """Return the header of a trace of that kind, as UTF-8 JSON that `read_json` reads."""
    version = next(version for version, kinds in FORMATS.items() if kind in kinds)
    first: dict[str, Any] = {"magic": MAGIC, "format": version}
    if version > 1:
        first["kind"] = kind
    header = first | facts
    return json.dumps(header, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def read_json(data: bytes) -> tuple[str, dict[str, Any]]:
    """Return the kind of trace that a header heads, and what it says of it.

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
    return kind, facts


def _refuse_constant(text: str) -> Any:
    raise ValueError(text)
