"""A trace as one file: a zip of NumPy arrays beside a JSON header. Nothing in it is ever executed.

The members are ordinary ``.npy`` arrays, so that ``numpy.load`` opens the file too; the header is
UTF-8 JSON kept as an array of bytes. A file may come from anyone, so sizes are checked from what
it declares before anything is unpacked, and every number goes through the checks of the trace.
"""

from __future__ import annotations

import io
import logging
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

from kvviz.errors import KvvizError, TraceFileError, said_by_system
from kvviz.trace.encoding import EncodingTrace
from kvviz.trace.generation import GenerationTrace
from kvviz.trace.storage import encoding_header, generation_header, header_json
from kvviz.trace.storage.header_fields import damaged
from kvviz.trace.storage.header_json import Array, HeadOfFile, read_json, write_json
from kvviz.trace.storage.saved_rows import check_rows
from kvviz.translation import gettext as _
from kvviz.translation import ngettext

_log = logging.getLogger(__name__)

Trace = GenerationTrace | EncodingTrace
Header = generation_header.Header | encoding_header.EncodingHeader
Kind = Literal["generation", "encoding"]

MAX_BYTES = 2 * 2**30
"""Default limit on the unpacked size: twice the rows of GPT-2 XL at its full 1,024 tokens."""

_HEADER = "header"
_NPY_PREFIX_BYTES = 1024  # more than the preamble of any array written here


def save_trace(
    trace: Trace, path: str | os.PathLike[str] | IO[bytes], *, packed: bool = True
) -> None:
    """Write a trace; see `GenerationTrace.save`.

    Args:
        trace: What to write.
        path: The file, or an open one.
        packed: Whether it is compressed; what is read at once and thrown away need not be.

    Raises:
        TraceFileError: If it cannot be written, or is too large to be opened again.
    """
    kind, facts, arrays = _parts(trace)
    head = write_json(kind, facts, arrays)
    _typed(read_json(head), None)  # what could not be opened again is refused now
    members = {_HEADER: np.frombuffer(head, dtype=np.uint8), **arrays}
    n_bytes = sum(array.nbytes for array in members.values())
    if n_bytes > MAX_BYTES:
        raise TraceFileError(
            _("This run is too large for a trace file."),
            found=ngettext(
                "It takes {n:,} byte, and a file holds up to {most:,}.",
                "It takes {n:,} bytes, and a file holds up to {most:,}.",
                n_bytes,
            ).format(n=n_bytes, most=MAX_BYTES),
            fix=_("Generate fewer tokens, or use a shorter prompt."),
        )
    try:
        if isinstance(path, str | os.PathLike):
            with _replaced(Path(path)) as file:
                _write_members(file, members, packed)
        else:
            _write_members(path, members, packed)
    except OSError as error:
        what = _("The trace could not be saved.")
        if isinstance(path, str | os.PathLike):
            what = _("The trace could not be saved to {place}.").format(place=os.fspath(path))
        raise TraceFileError(
            what,
            found=said_by_system(error),
            fix=_("Choose a folder that exists, can be written to and has room."),
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
            _("The trace file could not be read."),
            found=said_by_system(error),
            fix=_("Check its name and that you may read it."),
        ) from error


def has_checksum(path: str | os.PathLike[str] | IO[bytes]) -> bool:
    """Return whether a trace file, which can be opened, is held to a checksum of all that it holds.

    Those that were saved before there was one are not. Of these the rows alone are held to their
    fingerprints, where their number format allows it.
    """
    with zipfile.ZipFile(path) as archive:
        return _read_header(archive, archive.getinfo(f"{_HEADER}.npy")).digest is not None


def _parts(trace: Trace) -> tuple[str, dict[str, Any], dict[str, Array]]:
    """Return the kind of a trace, what its header says, and its arrays."""
    if isinstance(trace, EncodingTrace):
        return "encoding", encoding_header.header_facts(trace), encoding_header.arrays_of(trace)
    kind = generation_header.kind_of(trace)
    return kind, generation_header.header_facts(trace), generation_header.arrays_of(trace)


def _write_members(file: IO[bytes], members: dict[str, np.ndarray[Any, Any]], packed: bool) -> None:
    # Level 1: random-looking floats shrink by a tenth at any level, and 6 takes thrice the time.
    with zipfile.ZipFile(file, "w", compresslevel=1) as archive:
        for name, array in members.items():
            # ZipInfo's fixed date makes equal traces equal files.
            info = zipfile.ZipInfo(f"{name}.npy")
            info.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
            little_endian = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
            with archive.open(info, "w", force_zip64=True) as member:
                np.lib.format.write_array(member, little_endian, version=(1, 0), allow_pickle=False)


@contextmanager
def _replaced(path: Path) -> Generator[IO[bytes]]:
    """Open a temporary neighbour that takes the place of `path` once it is complete.

    What is there and is no file, such as a pipe, is written to and stays.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as file:
            yield file
        return
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
            raise damaged(_("It is cut short, or its bytes were changed.")) from error
        raise TraceFileError(
            _("This is not a kvviz trace."),
            found=_("It is empty.") if not packed else _("It is not even a zip archive."),
            fix=_("Choose a file that kvviz saved, ending in .npz."),
        ) from error
    except (zlib.error, EOFError, ValueError, RuntimeError, NotImplementedError) as error:
        raise damaged(_("Its bytes were changed.")) from error


def _size_of(file: IO[bytes]) -> int:
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    return size


def _read_members(archive: zipfile.ZipFile, max_bytes: int, kind: Kind | None) -> Trace:
    members = {info.filename: info for info in archive.infolist()}
    if f"{_HEADER}.npy" not in members:
        raise TraceFileError(
            _("This is not a kvviz trace."),
            found=_("It is a zip archive without a kvviz header."),
            fix=_("Choose a file that kvviz saved, ending in .npz."),
        )
    unpacked = sum(info.file_size for info in archive.infolist())
    if unpacked > max_bytes:
        raise _too_large(unpacked, max_bytes)
    head = _read_header(archive, members[f"{_HEADER}.npy"])
    found = _typed(head, kind)
    expected = found.expected
    names = {f"{name}.npy" for name in (_HEADER, *expected)}
    if set(members) != names or len(archive.infolist()) != len(names):
        other = sorted(set(members) ^ names)[:3]
        words = (
            _("It lacks or adds {names}.").format(names=", ".join(other))
            if other
            else _("It has an array twice.")
        )
        raise damaged(words[:200])
    arrays = {
        name: _read_array(archive, members[f"{name}.npy"], dtype, shape)
        for name, (dtype, shape) in expected.items()
    }
    head.check(arrays)
    if head.digest is None:
        _log.warning("A trace without a checksum: only its rows can be told to be those of a run.")
    try:
        trace = found.build(arrays)
    except KvvizError as error:
        raise damaged(str(error)) from error
    if isinstance(trace, GenerationTrace):
        check_rows(trace)
    return trace


def _read_header(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> HeadOfFile:
    if info.file_size > header_json.MAX_HEADER_BYTES + _NPY_PREFIX_BYTES:
        raise damaged(
            ngettext(
                "Its header takes {n:,} byte.", "Its header takes {n:,} bytes.", info.file_size
            ).format(n=info.file_size)
        )
    with _opened(archive, info) as member:
        dtype, shape = _declared(info, member)
    if dtype != "|u1" or len(shape) != 1:
        raise damaged(_("Its header is not an array of bytes."))
    return read_json(_read_array(archive, info, dtype, shape).tobytes())


def _typed(head: HeadOfFile, kind: Kind | None) -> Header:
    if kind is not None and (head.kind == "encoding") != (kind == "encoding"):
        raise _of_the_other_kind(kind)
    if head.kind == "encoding":
        return encoding_header.read_header(head.facts)
    return generation_header.read_header(head.facts, kind=head.kind)


def _read_array(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, dtype: str, shape: tuple[int, ...]
) -> np.ndarray[Any, Any]:
    """Read one array, once the file declares the very dtype, shape and size that are expected."""
    with _opened(archive, info) as member:
        found_dtype, found_shape = _declared(info, member)
        if (found_dtype, found_shape) != (dtype, shape):
            raise damaged(
                f"{info.filename} declares {found_dtype} {found_shape}, not {dtype} {shape}."[:300]
            )
        n_bytes = np.dtype(dtype).itemsize * math.prod(shape)
        if not n_bytes < info.file_size <= n_bytes + _NPY_PREFIX_BYTES:
            raise damaged(
                ngettext(
                    "{name} has {n:,} byte for {wanted:,} of numbers.",
                    "{name} has {n:,} bytes for {wanted:,} of numbers.",
                    info.file_size,
                ).format(name=info.filename, n=info.file_size, wanted=n_bytes)
            )
        numbers = member.read(n_bytes)
        # Reading on to the end makes the zip check the sum of what was read.
        if len(numbers) != n_bytes or member.read(1):
            raise damaged(
                _("{name} has not the numbers of its shape.").format(name=info.filename)[:200]
            )
    array = np.frombuffer(numbers, dtype=np.dtype(dtype)).reshape(shape)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _opened(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> IO[bytes]:
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise damaged(
            _("{name} is packed in a way that kvviz never uses.").format(name=info.filename)[:200]
        )
    return archive.open(info)


def _declared(info: zipfile.ZipInfo, member: IO[bytes]) -> tuple[str, tuple[int, ...]]:
    """Return dtype and shape that an array says it has; its numbers are read from there on."""
    if np.lib.format.read_magic(member) != (1, 0):
        raise damaged(
            _("{name} is in another version of the array format.").format(name=info.filename)[:200]
        )
    try:
        shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(member)
    except (SyntaxError, tokenize.TokenError, MemoryError) as error:
        # NumPy reads a header as a Python literal; nonsense can trip the parser itself.
        raise damaged(_("{name} declares no shape.").format(name=info.filename)[:200]) from error
    if is_fortran or dtype.hasobject:
        raise damaged(
            _("{name} is laid out in a way that kvviz never uses.").format(name=info.filename)[:200]
        )
    return dtype.str, shape


def _of_the_other_kind(wanted: Kind) -> TraceFileError:
    if wanted == "encoding":
        return TraceFileError(
            _("This file holds a generation, not an encoding."),
            fix=_("Choose a file that was saved from an encoding."),
        )
    return TraceFileError(
        _("This file holds an encoding, not a generation."),
        fix=_("Choose a file that was saved from a generation."),
    )


def _too_large(found: int, limit: int) -> TraceFileError:
    return TraceFileError(
        _("This trace file is too large."),
        found=ngettext(
            "It takes {n:,} byte, and up to {most:,} are allowed here.",
            "It takes {n:,} bytes, and up to {most:,} are allowed here.",
            found,
        ).format(n=found, most=limit),
        fix=_("Open a shorter run."),
    )
