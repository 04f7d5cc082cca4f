"""Which device and number format a model gets, and what either can do."""

from __future__ import annotations

import gc
import os
from contextlib import suppress

import torch

from kvviz.errors import DeviceError
from kvviz.trace import BYTES_PER_NUMBER
from kvviz.translation import gettext as _
from kvviz.translation import ngettext

DTYPES = {name: getattr(torch, name) for name in BYTES_PER_NUMBER}


def checked_device(device: object, dtype: torch.dtype) -> torch.device:
    """Return the device of that name, which is there and knows the dtype.

    ``auto`` means what the environment variable ``KVVIZ_DEVICE`` says, else the first of cuda, mps
    and cpu that is there.

    Raises:
        DeviceError: If the device is unknown, not there, or lacks the dtype.
    """
    if device == "auto":
        device = os.environ.get("KVVIZ_DEVICE", "").strip() or _first_device()
        if device == "auto":
            device = _first_device()
    try:
        found = torch.device(device)  # pyright: ignore[reportArgumentType]
    except (RuntimeError, TypeError) as error:
        raise DeviceError(
            _("There is no device called {device!r}.").format(device=device),
            fix=_("Ask for auto, cpu, cuda, cuda:0 and so on, or mps."),
        ) from error
    if found.type not in ("cpu", "cuda", "mps"):
        raise DeviceError(
            _("kvviz does not run on {device}.").format(device=found.type),
            fix=_("Ask for auto, cpu, cuda or mps."),
        )
    if found.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        found = torch.device("cuda", found.index or 0)
        if found.index >= count:
            raise DeviceError(
                _("The device {device} is not on this machine.").format(device=found),
                found=ngettext(
                    "torch {version} sees {n} CUDA device.",
                    "torch {version} sees {n} CUDA devices.",
                    count,
                ).format(version=torch.__version__, n=count),
                fix=_("Ask for auto or cpu."),
            )
    if has_failed(str(found)):
        raise DeviceError(
            _("The device {device} has failed before, since kvviz was started.").format(
                device=found
            ),
            fix=_on_the_cpu(),
        )
    if found.type == "mps":
        if not torch.backends.mps.is_available():
            raise DeviceError(
                _("The device {device} is not on this machine.").format(device=found),
                fix=_("Ask for auto or cpu."),
            )
        if dtype == torch.float64:
            raise DeviceError(_("The device mps has no float64."), fix=_("Ask for cpu or float32."))
    return torch.device("cpu") if found.type == "cpu" else found


def checked_dtype(dtype: object) -> torch.dtype:
    """Return the torch dtype of that name.

    Raises:
        DeviceError: If it is none of float32, bfloat16, float16 and float64.
    """
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise DeviceError(
            _("There is no number format called {dtype!r}.").format(dtype=dtype),
            fix=_("Ask for {dtypes}.").format(dtypes=", ".join(DTYPES)),
        )
    return DTYPES[dtype]


def dtype_name(dtype: torch.dtype) -> str:
    """Return ``float32`` for ``torch.float32``."""
    return str(dtype).removeprefix("torch.")


def synchronise(device: torch.device) -> None:
    """Wait until the device has done what it was given, so that a clock read now is honest."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that memory ran out, on any device."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    # not for people: what torch says
    words = ("can't allocate memory", "not enough memory", "out of memory")
    return isinstance(error, RuntimeError) and any(word in str(error) for word in words)


_failed: set[str] = set()
"""Devices that have failed in this process. What a kernel has left behind in its context stays
there: each later call fails too, and only another process can use such a device again."""

# not for people: what torch says
_FAILURES = ("CUDA error", "CUDA driver error", "CUDNN_STATUS", "CUBLAS_STATUS", "HIP error",
             "MPS backend")  # fmt: skip
"""How torch begins what it says of a device that has failed, or of a library that runs on it."""


def is_device_failure(error: BaseException) -> bool:
    """Return whether an error says that a device has failed, and not that its memory ran out."""
    return (
        isinstance(error, RuntimeError)
        and not is_out_of_memory(error)
        and any(word in str(error) for word in _FAILURES)
    )


def has_failed(device: str) -> bool:
    """Return whether a device has failed in this process."""
    return device in _failed


def device_failure(device: str, error: BaseException) -> DeviceError:
    """Take in that a device has failed, and return the error that says so.

    From now on ``auto`` is another one.
    """
    if device != "cpu":
        _failed.add(device)
    return DeviceError(
        _("The device {device} has failed.").format(device=device),
        found=first_line(error),
        fix=_on_the_cpu(),
    )


def _on_the_cpu() -> str:
    return _("Run it again, on the CPU. Start kvviz anew to use the device again.")


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, which may be empty, in at most 200 letters."""
    return str(error).partition("\n")[0][:200]


def release_memory(device: torch.device) -> None:
    """Give unused memory back to the device."""
    gc.collect()
    with suppress(RuntimeError):  # of a device that has failed there is nothing to be had
        if device.type == "cuda":
            torch.cuda.empty_cache()
        elif device.type == "mps":
            torch.mps.empty_cache()


def _first_device() -> str:
    if torch.cuda.is_available() and not has_failed("cuda:0"):
        return "cuda"
    has_mps = torch.backends.mps.is_available() and not has_failed("mps")
    return "mps" if has_mps else "cpu"
