"""A trace as one file: a zip of NumPy arrays beside a JSON header. Nothing in it is ever executed.

The members are ordinary ``.npy`` arrays, so that ``numpy.load`` opens the file too; the header is
UTF-8 JSON kept as an array of bytes. A file may come from anyone, so sizes are checked from what
it declares before anything is unpacked, and every number goes through the checks of the trace.
"""

from __future__ import annotations

import io
import math
import os
import tokenize
import zipfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import IO, Any, Literal, overload

import numpy as np

from kvviz.errors import KvvizError, TraceFileError
from kvviz.trace.encoding import EncodingTrace
from kvviz.trace.generation import GenerationTrace
from kvviz.trace.storage import encoding_header, generation_header, header_json
from kvviz.trace.storage.header_json import Array, damaged, read_json, write_json

Trace = GenerationTrace | EncodingTrace
Header = generation_header.Header | encoding_header.EncodingHeader
Kind = Literal["generation", "encoding"]

MAX_BYTES = 2 * 2**30
"""Default limit on the unpacked size: twice the rows of GPT-2 XL at its full 1,024 tokens."""

_HEADER = "header"
_A_KIND = {
    "generation": "a generation",
    "encoder-decoder": "a generation",
    "named-cache": "a generation",
    "encoding": "an encoding",
}
_NPY_PREFIX_BYTES = 1024  # more than the preamble of any array written here


def save_trace(trace: Trace, path: str | os.PathLike[str] | IO[bytes]) -> None:
    """Write a trace; see `GenerationTrace.save`.

    Raises:
        TraceFileError: If it cannot be written, or is too large to be opened again.
    """
    kind, facts, arrays = _parts(trace)
    head = write_json(kind, facts)
    _typed(head, None)  # what could not be opened again is refused now
    members = {_HEADER: np.frombuffer(head, dtype=np.uint8), **arrays}
    n_bytes = sum(array.nbytes for array in members.values())
    if n_bytes > MAX_BYTES:
        raise TraceFileError(
            "This run is too large for a trace file.",
            found=f"It takes {n_bytes:,} bytes, and a file holds up to {MAX_BYTES:,}.",
            fix="Generate fewer tokens, or use a shorter prompt.",
        )
    try:
        if isinstance(path, str | os.PathLike):
            with _replaced(Path(path)) as file:
                _write_members(file, members)
        else:
            _write_members(path, members)
    except OSError as error:
        place = f" to {os.fspath(path)!s}" if isinstance(path, str | os.PathLike) else ""
        raise TraceFileError(
            f"The trace could not be saved{place}.",
            found=f"The system says: {error.strerror or error}.",
            fix="Choose a folder that exists, can be written to and has room.",
        ) from error


@overload
def open_trace(
    path: str | os.PathLike[str] | IO[bytes],
    *,
    max_bytes: int = MAX_BYTES,
    kind: Literal["generation"],
) -> GenerationTrace: ...
@overload
def open_trace(
    path: str | os.PathLike[str] | IO[bytes],
    *,
    max_bytes: int = MAX_BYTES,
    kind: Literal["encoding"],
) -> EncodingTrace: ...
@overload
def open_trace(
    path: str | os.PathLike[str] | IO[bytes], *, max_bytes: int = MAX_BYTES, kind: None = None
) -> Trace: ...
def open_trace(
    path: str | os.PathLike[str] | IO[bytes],
    *,
    max_bytes: int = MAX_BYTES,
    kind: Kind | None = None,
) -> Trace:
    """Open a trace that `GenerationTrace.save` or `EncodingTrace.save` wrote.

    Args:
        path: The file, or an open binary file such as an upload.
        max_bytes: Most bytes the file may take, packed and unpacked. Lower it for files of
            strangers.
        kind: ``generation`` or ``encoding`` to refuse the other; None for either.

    Returns:
        The trace, equal to the saved one bit for bit.

    Raises:
        TraceFileError: If the file cannot be read, is no kvviz trace, is of an unknown format
            version, is damaged, is larger than `max_bytes`, or holds the other kind.
    """
    try:
        if isinstance(path, str | os.PathLike):
            with Path(path).open("rb") as file:
                return _read(file, max_bytes, kind)
        return _read(path, max_bytes, kind)
    except OSError as error:
        raise TraceFileError(
            "The trace file could not be read.",
            found=f"The system says: {error.strerror or error}.",
            fix="Check its name and that you may read it.",
        ) from error


def _parts(trace: Trace) -> tuple[str, dict[str, Any], dict[str, Array]]:
    """Return the kind of a trace, what its header says, and its arrays."""
    if isinstance(trace, EncodingTrace):
        return "encoding", encoding_header.header_facts(trace), encoding_header.arrays_of(trace)
    kind = generation_header.kind_of(trace)
    return kind, generation_header.header_facts(trace), generation_header.arrays_of(trace)


def _write_members(file: IO[bytes], members: dict[str, np.ndarray[Any, Any]]) -> None:
    # Level 1: random-looking floats shrink by a tenth at any level, and 6 takes thrice the time.
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, array in members.items():
            # ZipInfo's fixed date makes equal traces equal files.
            info = zipfile.ZipInfo(f"{name}.npy")
            info.compress_type = zipfile.ZIP_DEFLATED
            little_endian = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
            with archive.open(info, "w", force_zip64=True) as member:
                np.lib.format.write_array(member, little_endian, version=(1, 0), allow_pickle=False)


@contextmanager
def _replaced(path: Path) -> Generator[IO[bytes]]:
    """Open a temporary neighbour that takes the place of `path` once it is complete."""
    temporary = path.with_name(f".{path.name}.{token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            yield file
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def _read(file: IO[bytes], max_bytes: int, kind: Kind | None) -> Trace:
    packed = _size_of(file)
    if packed > max_bytes:
        raise _too_large(packed, max_bytes)
    try:
        with zipfile.ZipFile(file) as archive:
            return _read_members(archive, max_bytes, kind)
    except zipfile.BadZipFile as error:
        file.seek(0)
        if file.read(2) == b"PK":
            raise damaged("It is cut short, or its bytes were changed.") from error
        raise TraceFileError(
            "This is not a kvviz trace.",
            found="It is empty." if not packed else "It is not even a zip archive.",
            fix="Choose a file that kvviz saved, ending in .npz.",
        ) from error
    except (zlib.error, EOFError, ValueError, RuntimeError, NotImplementedError) as error:
        raise damaged("Its bytes were changed.") from error


def _size_of(file: IO[bytes]) -> int:
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    return size


def _read_members(archive: zipfile.ZipFile, max_bytes: int, kind: Kind | None) -> Trace:
    members = {info.filename: info for info in archive.infolist()}
    if f"{_HEADER}.npy" not in members:
        raise TraceFileError(
            "This is not a kvviz trace.",
            found="It is a zip archive without a kvviz header.",
            fix="Choose a file that kvviz saved, ending in .npz.",
        )
    unpacked = sum(info.file_size for info in archive.infolist())
    if unpacked > max_bytes:
        raise _too_large(unpacked, max_bytes)
    found = _read_header(archive, members[f"{_HEADER}.npy"], kind)
    expected = found.expected
    names = {f"{name}.npy" for name in (_HEADER, *expected)}
    if set(members) != names or len(archive.infolist()) != len(names):
        other = sorted(set(members) ^ names)[:3]
        words = f"It lacks or adds {', '.join(other)}." if other else "It has an array twice."
        raise damaged(words[:200])
    arrays = {
        name: _read_array(archive, members[f"{name}.npy"], dtype, shape)
        for name, (dtype, shape) in expected.items()
    }
    try:
        return found.build(arrays)
    except KvvizError as error:
        raise damaged(str(error)) from error


def _read_header(archive: zipfile.ZipFile, info: zipfile.ZipInfo, kind: Kind | None) -> Header:
    if info.file_size > header_json.MAX_HEADER_BYTES + _NPY_PREFIX_BYTES:
        raise damaged(f"Its header takes {info.file_size:,} bytes.")
    dtype, shape = _declared(archive, info)
    if dtype != "|u1" or len(shape) != 1:
        raise damaged("Its header is not an array of bytes.")
    return _typed(_read_array(archive, info, dtype, shape).tobytes(), kind)


def _typed(data: bytes, kind: Kind | None) -> Header:
    found, facts = read_json(data)
    if kind is not None and (found == "encoding") != (kind == "encoding"):
        raise TraceFileError(
            f"This file holds {_A_KIND[found]}, not {_A_KIND[kind]}.",
            fix=f"Choose a file that was saved from {_A_KIND[kind]}.",
        )
    if found == "encoding":
        return encoding_header.read_header(facts)
    return generation_header.read_header(facts, kind=found)


def _read_array(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, dtype: str, shape: tuple[int, ...]
) -> np.ndarray[Any, Any]:
    """Read one array, once the file declares the very dtype, shape and size that are expected."""
    found_dtype, found_shape = _declared(archive, info)
    if (found_dtype, found_shape) != (dtype, shape):
        raise damaged(
            f"{info.filename} declares {found_dtype} {found_shape}, not {dtype} {shape}."[:300]
        )
    n_bytes = np.dtype(dtype).itemsize * math.prod(shape)
    if not n_bytes < info.file_size <= n_bytes + _NPY_PREFIX_BYTES:
        raise damaged(f"{info.filename} has {info.file_size:,} bytes for {n_bytes:,} of numbers.")
    with archive.open(info) as member:
        array: np.ndarray[Any, Any] = np.lib.format.read_array(member, allow_pickle=False)
        # Reading on to the end makes the zip check the sum of what was read.
        if member.read(1):
            raise damaged(f"{info.filename} is longer than its shape.")
    return array.astype(np.dtype(dtype).newbyteorder("="), copy=False)


def _declared(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> tuple[str, tuple[int, ...]]:
    """Return dtype and shape that an array says it has, without reading its numbers."""
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise damaged(f"{info.filename} is packed in a way that kvviz never uses."[:200])
    with archive.open(info) as member:
        if np.lib.format.read_magic(member) != (1, 0):
            raise damaged(f"{info.filename} is in another version of the array format."[:200])
        try:
            shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(member)
        except (SyntaxError, tokenize.TokenError, MemoryError) as error:
            # NumPy reads a header as a Python literal; nonsense can trip the parser itself.
            raise damaged(f"{info.filename} declares no shape."[:200]) from error
    if is_fortran or dtype.hasobject:
        raise damaged(f"{info.filename} is laid out in a way that kvviz never uses."[:200])
    return dtype.str, shape


def _too_large(found: int, limit: int) -> TraceFileError:
    return TraceFileError(
        "This trace file is too large.",
        found=f"It takes {found:,} bytes, and up to {limit:,} are allowed here.",
        fix="Open a shorter run.",
    )
