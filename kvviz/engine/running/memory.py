"""How work is done with a loaded model: its threads, no gradients, and memory that may run out."""

from __future__ import annotations

import platform
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypeVar

import torch

from kvviz.engine.models.devices import (
    device_failure,
    first_line,
    is_device_failure,
    is_out_of_memory,
    release_memory,
)
from kvviz.engine.models.loaded_model import LoadedModel
from kvviz.engine.models.threads import thread_count
from kvviz.errors import DeviceError, OutOfMemoryError
from kvviz.translation import gettext as _

T = TypeVar("T")


def running(model: LoadedModel, work: Callable[[], T], *, fix: str, rows_at_once: int = 1) -> T:
    """Return what `work` returns, done in inference mode with the model's threads.

    Args:
        model: The model that works.
        work: What to do.
        fix: What to do where memory runs out.
        rows_at_once: Rows of one pass. What is timed beside steps of one row leaves it at that.

    Raises:
        OutOfMemoryError: If memory runs out; what the work held has been given back.
        DeviceError: If the device fails.
    """
    failure: OutOfMemoryError | DeviceError
    try:
        with torch.inference_mode(), thread_count(model.threads_for(rows_at_once)):
            return work()
    except (RuntimeError, MemoryError) as error:
        if is_out_of_memory(error):
            failure = OutOfMemoryError(
                _("The run does not fit into the memory of {device}.").format(
                    device=model.card.device
                ),
                found=first_line(error),
                fix=fix,
            )
        elif is_device_failure(error):
            failure = device_failure(model.card.device, error)
        else:
            raise
    # Raised only here, where the traceback that held the tensors of the work is gone.
    release_memory(model.device)
    raise failure


def environment(model: LoadedModel) -> dict[str, str]:
    """Return what a reader of a trace needs to judge its times."""
    facts = {**_versions(), "device": model.card.device, "dtype": model.card.dtype}
    if model.device.type == "cuda":
        facts["processor"] = torch.cuda.get_device_name(model.device)
    if model.format_trial is not None:
        facts["format_trial"] = str(model.format_trial)
    return facts | {"threads": str(model.n_threads)}


@cache
def _versions() -> dict[str, str]:
    facts = {name: version(name) for name in ("torch", "transformers", "numpy")}
    with suppress(PackageNotFoundError):  # a checkout runs without being installed
        facts["kvviz"] = version("kvviz")
    return facts | {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
    }


def _processor() -> str:
    cpu_info = Path("/proc/cpuinfo")
    if cpu_info.exists():
        for line in cpu_info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
