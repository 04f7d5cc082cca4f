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
_DTYPES = {name: short for short, name in FRAME["dtypes"].items()}


Named = Iterable[tuple[str, np.ndarray[Any, Any]]]


def pack(header: dict[str, Any], arrays: Named) -> bytes:
    """Pack a header and named arrays.

    Args:
        header: What can be written as JSON, without NaN; ``arrays`` is added to it.
        arrays: Names and arrays, of the dtypes of the frame, any shape and memory order.

    Raises:
        PayloadError: If an array is of a dtype that the browser is not told how to read.
    """
    listed, data = _laid_out(arrays, 0)
    return _framed(header | {"arrays": listed}, data)


def appended(buffer: bytes, arrays: Named) -> bytes:
    """Return a buffer with more arrays behind those that it has, which are not looked at.

    Args:
        buffer: What `pack` returned.
        arrays: As for `pack`, of other names than those that are there.

    Raises:
        PayloadError: As `pack`.
    """
    start = _LENGTH.size + _LENGTH.unpack_from(buffer)[0]
    header = json.loads(buffer[_LENGTH.size : start])
    listed, data = _laid_out(arrays, len(buffer) - start)
    header["arrays"] += listed
    return _framed(header, memoryview(buffer)[start:], data)


def _laid_out(arrays: Named, offset: int) -> tuple[list[dict[str, Any]], bytes]:
    """Return the entries of arrays that begin at an offset, and their bytes."""
    parts: list[bytes] = []
    listed: list[dict[str, Any]] = []
    for name, array in arrays:
        if array.dtype.name not in _DTYPES:
            raise PayloadError(
                _("The array {name} cannot be packed.").format(name=name),
                found=_("It is of {dtype}; a buffer holds {dtypes}.").format(
                    dtype=array.dtype.name, dtypes=", ".join(_DTYPES)
                ),
            )
        dtype = _DTYPES[array.dtype.name]
        listed.append({"name": name, "dtype": dtype, "shape": array.shape, "offset": offset})
        data = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()
        parts += [data, bytes(-len(data) % ALIGNMENT)]
        offset += len(data) + -len(data) % ALIGNMENT
    return listed, b"".join(parts)


def _framed(header: dict[str, Any], *data: bytes | memoryview) -> bytes:
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-(_LENGTH.size + len(text)) % ALIGNMENT)
    return b"".join([_LENGTH.pack(len(text)), text, *data])
