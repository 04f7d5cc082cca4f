"""A header and arrays in one buffer of bytes, which a component in the browser reads in place.

The buffer is a little-endian u32 header length, a JSON header padded with spaces to a multiple of
8 bytes with the length before it, then little-endian arrays, each at a multiple of 8. The header's
``arrays`` list them; an array's ``offset`` counts from the end of the header. The frame is written
down in ``packed_buffer.json``, and ``js/packed_buffer.js`` reads it. What else is in the header is
the affair of whoever packs.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable
from importlib.resources import files
from typing import Any

import numpy as np

from kvviz.errors import PayloadError
from kvviz.translation import gettext as _

FRAME: dict[str, Any] = json.loads(files("kvviz.player").joinpath("packed_buffer.json").read_text())
ALIGNMENT: int = FRAME["alignment"]

_LENGTH = struct.Struct("<I")
_DTYPES = {np.dtype(name): short for short, name in FRAME["dtypes"].items()}


Named = Iterable[tuple[str, np.ndarray[Any, Any]]]


def pack(header: dict[str, Any], arrays: Named) -> bytes:
    """Pack a header and named arrays.

    Args:
        header: What can be written as JSON, without NaN; ``arrays`` is added to it.
        arrays: Names and arrays, of the dtypes of the frame, any shape and memory order.

    Raises:
        PayloadError: If an array is of a dtype that the browser is not told how to read.
    """
    parts: list[bytes] = []
    listed: list[dict[str, Any]] = []
    offset = 0
    for name, array in arrays:
        native = array.dtype.newbyteorder("=")
        if native not in _DTYPES:
            raise PayloadError(
                _("The array {name} cannot be packed.").format(name=name),
                found=_("It is of {dtype}; a buffer holds {dtypes}.").format(
                    dtype=array.dtype.name, dtypes=", ".join(FRAME["dtypes"].values())
                ),
            )
        listed.append(
            {"name": name, "dtype": _DTYPES[native], "shape": array.shape, "offset": offset}
        )
        data = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()
        parts += [data, bytes(-len(data) % ALIGNMENT)]
        offset += len(data) + -len(data) % ALIGNMENT
    header = header | {"arrays": listed}
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-(_LENGTH.size + len(text)) % ALIGNMENT)
    return b"".join([_LENGTH.pack(len(text)), text, *parts])
