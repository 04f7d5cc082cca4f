"""Trace files taken apart and put together again, for tests that break them."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from kvviz import open_trace
from kvviz.trace import GenerationTrace

ARRAYS = (
    "token_ids",
    "queries",
    "all_keys",
    "all_values",
    "score_scale",
    "written_fingerprints",
    "final_fingerprints",
)
"""Of a trace, by their names in it and in its file."""


def saved(trace: GenerationTrace) -> bytes:
    file = io.BytesIO()
    trace.save(file)
    return file.getvalue()


def opened_again(trace: GenerationTrace) -> GenerationTrace:
    """Save a trace and open it: what its steps reused and dropped is told again.

    Saved once more it must be the same file, to the last bit.
    """
    file = saved(trace)
    again = open_trace(io.BytesIO(file))
    for one, other in zip(trace.steps, again.steps, strict=True):
        assert np.array_equal(one.reused, other.reused)
        assert np.array_equal(one.evicted, other.evicted)
    assert saved(again) == file
    return again


def members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def zipped(parts: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=(1, 0))
    return file.getvalue()


def header_of(data: bytes) -> dict[str, Any]:
    """Return what a file's header says but for its digest, which is another once it is changed."""
    array = np.lib.format.read_array(io.BytesIO(members(data)["header.npy"]))
    header = json.loads(array.tobytes())
    header.pop("sha256", None)
    return header


def with_header(data: bytes, header: object) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return zipped(members(data) | {"header.npy": npy(np.frombuffer(text, dtype=np.uint8))})


def with_array(data: bytes, name: str, array: np.ndarray) -> bytes:
    return zipped(members(without_digest(data)) | {f"{name}.npy": npy(array)})


def without_digest(data: bytes) -> bytes:
    """Return a file as it was saved before there were digests."""
    return with_header(data, header_of(data))
