"""The checks that every array of a trace goes through, whoever made it."""

from __future__ import annotations

import operator
from typing import Any, cast

import numpy as np

from kvviz.errors import TraceError


def checked_array(
    array: Any,
    name: str,
    dtype: type[np.generic],
    *,
    n_axes: int | None = None,
    shape: tuple[int, ...] | None = None,
) -> np.ndarray[Any, Any]:
    """Return the array, made read-only, if it is what a trace promises.

    Args:
        array: What was given.
        name: What it is called in the message.
        dtype: The exact NumPy scalar type it must have.
        n_axes: Number of axes it must have, or None for any.
        shape: Exact shape it must have, or None for any.

    Raises:
        TraceError: If it is no array, has another dtype, axes or shape, or holds NaN or infinity.
    """
    if not isinstance(array, np.ndarray):
        raise TraceError(f"{name} must be an array.", found=f"It is {type(array).__name__}.")
    array = cast("np.ndarray[Any, Any]", array)
    if array.dtype != np.dtype(dtype):
        raise TraceError(
            f"{name} must be an array of {np.dtype(dtype).name}.", found=f"It is {array.dtype}."
        )
    if n_axes is not None and array.ndim != n_axes:
        raise TraceError(
            f"{name} has the wrong number of axes.", found=f"It has {array.ndim}, not {n_axes}."
        )
    if shape is not None and array.shape != shape:
        raise TraceError(
            f"{name} does not have the shape that model and tokens call for.",
            found=f"It is {array.shape}, not {shape}.",
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise TraceError(
            f"{name} holds a number that is not finite.",
            found="NaN or infinity cannot come out of a sound run.",
        )
    array.setflags(write=False)
    return array


def checked_index(index: Any, count: int, name: str) -> int:
    """Return the index of a layer or head that exists.

    Raises:
        TraceError: If it does not.
    """
    try:
        place = operator.index(index)
    except TypeError:
        place = -1
    if not 0 <= place < count:
        raise TraceError(
            f"There is no {name} {index!r}.", found=f"The model has {count}, from 0 on."
        )
    return place
