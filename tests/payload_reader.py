"""Reads a packed buffer as the browser does, following what is written of it and nothing else."""

from __future__ import annotations

import json
import struct
from importlib.resources import files
from typing import Any

import numpy as np

CONTRACT: dict[str, Any] = json.loads(
    files("kvviz.player").joinpath("contract.json").read_text(encoding="utf-8")
)
FRAME: dict[str, Any] = json.loads(
    files("kvviz.player").joinpath("packed_buffer.json").read_text(encoding="utf-8")
)


def unpack(buffer: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return header and arrays, checking the frame on the way."""
    (length,) = struct.unpack_from("<I", buffer)
    start = 4 + length
    assert start % FRAME["alignment"] == 0
    header = json.loads(buffer[4:start].decode())
    arrays: dict[str, np.ndarray] = {}
    end = 0
    for entry in header["arrays"]:
        assert list(entry) == FRAME["array"]
        assert entry["offset"] % FRAME["alignment"] == 0
        assert 0 <= entry["offset"] - end < FRAME["alignment"]
        dtype = np.dtype(FRAME["dtypes"][entry["dtype"]]).newbyteorder("<")
        count = int(np.prod(entry["shape"]))
        numbers = np.frombuffer(buffer, dtype, count, start + entry["offset"])
        arrays[entry["name"]] = numbers.reshape(entry["shape"])
        end = entry["offset"] + numbers.nbytes
    assert 0 <= len(buffer) - start - end < FRAME["alignment"]
    return header, arrays


def square(triangle: np.ndarray, n_rows: int) -> np.ndarray:
    """Return a head's lower triangle as a square, 0 above the diagonal."""
    whole = np.zeros((n_rows, n_rows), dtype=triangle.dtype)
    whole[np.tril_indices(n_rows)] = triangle
    return whole
