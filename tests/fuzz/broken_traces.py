"""Trace files that somebody, or a disk, has changed."""

from __future__ import annotations

import io
import json
import struct
import warnings
import zipfile
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Any

import numpy as np

from tests.fuzz.cases import HOSTILE, Path, any_text, changed, places
from tests.trace_files import header_of, members, npy, zipped

HEADER = "header.npy"
STORED, DEFLATED = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED
_NPY_BEGINS = 10
"""Bytes before the text of an array's header: a magic word, a version and that text's length."""


@dataclass(frozen=True)
class SoundFile:
    """A trace file as it was saved, taken apart once."""

    data: bytes

    @cached_property
    def parts(self) -> dict[str, bytes]:
        return members(self.data)

    @cached_property
    def arrays(self) -> list[str]:
        """Members whose numbers can be changed."""
        return [name for name in self.parts if name != HEADER and len(self.parts[name]) > 128]

    @cached_property
    def header(self) -> dict[str, Any]:
        """What its header says but for its digest."""
        return header_of(self.data)

    @cached_property
    def ways(self) -> list[Path]:
        return places(self.header)

    @cached_property
    def without_digest(self) -> dict[str, bytes]:
        """Its members as they were saved before there were digests."""
        return self.parts | {HEADER: header_member(self.header)}


def header_member(header: object) -> bytes:
    """Return a header as the member of a file."""
    text = json.dumps(header, separators=(",", ":")).encode()
    return npy(np.frombuffer(text, dtype=np.uint8))


def other_bytes(draw: Random, data: bytes) -> bytes:
    """Return bytes that a disk, a line or a program has spoilt."""
    found = bytearray(data)
    for _ in range(draw.choice((1, 1, 1, 2, 5))):
        at = draw.randrange(len(found)) if found else 0
        end = min(len(found), at + draw.choice((1, 2, 8, 64)))
        match draw.randrange(8):
            case 0 if found:
                found[at] ^= 1 << draw.randrange(8)
            case 1:
                found[at:end] = draw.randbytes(end - at)
            case 2:
                del found[at:]
            case 3:
                del found[at:end]
            case 4:
                found[at:at] = draw.randbytes(draw.randrange(1, 30))
            case 5:
                found[at:at] = found[at:end]
            case 6:
                found[at:end] = bytes(end - at)
            case _:
                found += draw.randbytes(draw.randrange(1, 50))
    return bytes(found)


def other_members(draw: Random, file: SoundFile) -> bytes:
    """Return a zip with other members, or other names, or packed in another way."""
    parts = [*file.parts.items()]
    at = draw.randrange(len(parts))
    name, content = parts[at]
    method = STORED
    match draw.randrange(9):
        case 0:
            del parts[at]
        case 1:
            parts.append((name, content))
        case 2:
            parts[at] = draw.choice((*_NAMES, any_text(draw, 8, surrogates=False))), content
        case 3:
            other = draw.randrange(len(parts))
            parts[at], parts[other] = (name, parts[other][1]), (parts[other][0], content)
        case 4:
            parts[at] = name, other_bytes(draw, content)
        case 5:
            parts[at] = name, other_preamble(draw, content)
        case 6:
            parts.append((draw.choice(_NAMES), draw.randbytes(9)))
        case 7:
            method = draw.choice((zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
        case _:
            parts[at] = name, b""
    with warnings.catch_warnings(action="ignore"):  # of names that are there twice
        return packed(parts, method)


_NAMES = ("../header.npy", "/etc/passwd", "header", "HEADER.NPY", "a/b.npy", "", HEADER, *HOSTILE)


_DTYPES = (b"'|O'", b"'<f8'", b"'<i4'", b"'|V4'", b"[('a','<f4')]")


def other_preamble(draw: Random, content: bytes) -> bytes:
    """Return an array that says something else of itself."""
    length = int.from_bytes(content[8:10], "little")
    said, numbers = content[_NPY_BEGINS : _NPY_BEGINS + length], content[_NPY_BEGINS + length :]
    other = draw.choice((
        said.replace(b"False", b"True"),
        said.replace(b"<", b">"),
        said.replace(b"'<f4'", draw.choice(_DTYPES)),
        said.replace(b"(", b"(" + str(draw.choice((0, -1, 7, 10**9, 10**30))).encode() + b","),
        said.replace(b"shape", b"shapes"),
        b"{" * draw.choice((1, 300, 60_000)),
        b"__import__('os').system('true')",
        other_bytes(draw, said),
    ))[:65_000]  # fmt: skip
    said_so = draw.choice((len(other), len(other), len(said), 0, 65_535))
    begins = content[:8] if draw.random() < 0.8 else other_bytes(draw, content[:8])
    return begins + struct.pack("<H", said_so) + other + numbers


def packed(parts: list[tuple[str, bytes]], method: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in parts:
            archive.writestr(name or "x", content)
    return file.getvalue()


def other_header(draw: Random, file: SoundFile) -> bytes:
    """Return a file whose header says something else, and that has no digest to tell by."""
    header = file.header
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        header = changed(draw, header, file.ways if header is file.header else None)
        if not isinstance(header, dict):
            break
    return zipped(file.parts | {HEADER: header_member(header)}, STORED)


def flipped(draw: Random, file: SoundFile) -> bytes:
    """Return a file with one bit of an array flipped, and its zip made right."""
    name = draw.choice(file.arrays)
    content = bytearray(file.parts[name])
    numbers_begin = _NPY_BEGINS + int.from_bytes(content[8:10], "little")
    place = draw.randrange(8 * numbers_begin, 8 * len(content))
    content[place // 8] ^= 1 << place % 8
    return zipped(file.parts | {name: bytes(content)}, STORED)


def other_numbers(draw: Random, file: SoundFile) -> bytes:
    """Return a file with other numbers in an array, and no digest to tell by."""
    name = draw.choice(file.arrays)
    array = np.lib.format.read_array(io.BytesIO(file.parts[name])).copy()
    flat = array.reshape(-1)
    if array.dtype.kind == "f":
        values: tuple[Any, ...] = (np.nan, np.inf, -1e30, 0.0, 3e38, -0.0, 1e-45)
    else:
        values = (0, 1, 63, 64) if array.dtype.kind == "b" else (0, -1, 1, 63, 64, 2**62, -(2**63))
    at = draw.randrange(flat.size)
    flat[at : at + draw.choice((1, 1, 5, flat.size))] = draw.choice(values)
    if draw.random() < 0.1:
        array = draw.choice((array[..., :-1], array.T, array[None], array.astype(">f8"), array[:0]))
    return zipped(file.without_digest | {name: npy(array)}, STORED)
