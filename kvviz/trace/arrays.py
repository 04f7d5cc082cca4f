"""The checks that every array of a trace goes through, whoever made it."""

from __future__ import annotations

import operator
from typing import Any, cast

import numpy as np

from kvviz.errors import TraceError
from kvviz.translation import N_
from kvviz.translation import gettext as _

_NO_SUCH = {
    "layer": N_("There is no layer {index!r}."),
    "head": N_("There is no head {index!r}."),
    "step": N_("There is no step {index!r}."),
}


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
        raise TraceError(
            _("{name} must be an array.").format(name=name),
            found=_("It is {kind}.").format(kind=type(array).__name__),
        )
    array = cast("np.ndarray[Any, Any]", array)
    if array.dtype != np.dtype(dtype):
        raise TraceError(
            _("{name} must be an array of {dtype}.").format(name=name, dtype=np.dtype(dtype).name),
            found=_("It is {kind}.").format(kind=array.dtype),
        )
    if n_axes is not None and array.ndim != n_axes:
        raise TraceError(
            _("{name} has the wrong number of axes.").format(name=name),
            found=_("It has {n}, not {wanted}.").format(n=array.ndim, wanted=n_axes),
        )
    if shape is not None and array.shape != shape:
        raise TraceError(
            _("{name} does not have the shape that model and tokens call for.").format(name=name),
            found=_("It is {shape}, not {wanted}.").format(shape=array.shape, wanted=shape),
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise TraceError(
            _("{name} holds a number that is not finite.").format(name=name),
            found=_("NaN or infinity cannot come out of a sound run."),
        )
    array.setflags(write=False)
    return array


def checked_index(index: Any, count: int, name: str) -> int:
    """Return the index of a ``layer``, ``head`` or ``step`` that exists.

    Raises:
        TraceError: If it does not.
    """
    try:
        place = operator.index(index)
    except TypeError:
        place = -1
    if not 0 <= place < count:
        raise TraceError(
            _(_NO_SUCH[name]).format(index=index),
            found=_("The model has {n}, from 0 on.").format(n=count),
        )
    return place
