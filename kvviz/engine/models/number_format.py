"""Which number format an added model is loaded in, where nobody asked for one: by measurement."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch

from kvviz.engine.models.devices import synchronise
from kvviz.engine.models.model_files import read_config
from kvviz.engine.models.threads import thread_count
from kvviz.translation import gettext as _

AUTO = "auto"
"""In place of a dtype: let it be chosen."""

_BYTES = 16 * 2**20
"""Weights, in float32, that a trial reads: far more than lies beside a core, as those of a model,
and little enough for a few milliseconds."""

_MOST = 64
"""Matrices at most: of a tiny model the calls would take longer than the products."""

_TRIALS = 5
_CLEARLY_FASTER = 0.9
"""Share of the time in float32 that bfloat16 may take at most: half of the digits are its price."""

_UNITS = ("avx512_bf16", "amx_bf16", "bf16")
"""What torch calls instructions of processors that multiply numbers in bfloat16."""


class FormatTrial(NamedTuple):
    """What one product of a layer took in two number formats, and which is taken.

    Attributes:
        float32_s: Seconds in float32.
        bfloat16_s: Seconds in bfloat16; infinite where the device cannot compute with it.
        has_units: Whether the device multiplies in bfloat16, and does not only mimic it.
    """

    float32_s: float
    bfloat16_s: float
    has_units: bool

    def __str__(self) -> str:
        """Return it as the environment of a trace has it, in no language."""
        # not for people: a record
        times = f"float32 {self.float32_s * 1e3:.3f} ms, bfloat16 {self.bfloat16_s * 1e3:.3f} ms"
        # not for people: a record
        return f"{times}, bfloat16 units: {'yes' if self.has_units else 'no'}"

    @property
    def dtype(self) -> str:
        """bfloat16 where there are units for it and it is clearly faster; else float32.

        Without units a product may still gain, since it reads half the bytes; norms, softmax and
        sums of the attention are then slower, and a trial of products does not see that.
        """
        is_faster = self.bfloat16_s < _CLEARLY_FASTER * self.float32_s
        return "bfloat16" if self.has_units and is_faster else "float32"

    @property
    def told(self) -> str:
        """What was chosen and why, in a sentence with both times."""
        times = {"float32": self.float32_s * 1e3, "bfloat16": self.bfloat16_s * 1e3}
        if math.isinf(self.bfloat16_s):
            return _(
                "Runs in float32: this device cannot compute with bfloat16. The products that were "
                "tried took {float32:.2f} ms."
            ).format(**times)
        if not self.has_units:
            return _(
                "Runs in float32: this processor has no units for bfloat16. The products that were "
                "tried took {float32:.2f} ms in float32 and {bfloat16:.2f} ms in bfloat16."
            ).format(**times)
        return _(
            "Runs in {dtype}, by measurement: the products that were tried took {float32:.2f} ms "
            "in float32 and {bfloat16:.2f} ms in bfloat16."
        ).format(dtype=self.dtype, **times)


@cache
def format_trial(
    device: torch.device,
    d_model: int,
    d_mlp: int,
    clock: Callable[[], float] = time.perf_counter,
) -> FormatTrial:
    """Time products of one layer's shape, as a decode step makes them, in both formats; once.

    One row times a matrix of the MLP, which holds most of a layer's weights, and as many such
    matrices as 16 MB hold, so that they come from where a model's weights come from. On a CPU with
    one thread. The least of several times counts, the two formats in turn: whatever else the
    machine does can only make a product slower.

    Args:
        device: Where the model will run.
        d_model: Width of its residual stream.
        d_mlp: Inner width of its MLP.
        clock: Gives seconds; for tests.
    """
    n_matrices = min(_MOST, max(1, _BYTES // (4 * d_model * d_mlp)))

    def products(dtype: torch.dtype) -> Callable[[], None]:
        # Not zeros: numbers that cannot be told from nothing may be slower to multiply.
        weights = torch.full((n_matrices, d_mlp, d_model), 0.5, dtype=dtype, device=device)
        row = torch.ones((1, d_model), dtype=dtype, device=device)

        def run() -> None:
            for weight in weights:
                torch.nn.functional.linear(row, weight)
            synchronise(device)

        run()  # the first time is that of setting up
        return run

    with thread_count(1), torch.inference_mode():
        plain = products(torch.float32)
        try:
            narrow = products(torch.bfloat16)
        except (RuntimeError, NotImplementedError):
            return FormatTrial(min(_times(plain, clock)), math.inf, has_units=False)
        times = [(_seconds(plain, clock), _seconds(narrow, clock)) for _trial in range(_TRIALS)]
    wide_s, narrow_s = (min(one) for one in zip(*times, strict=True))
    return FormatTrial(wide_s, narrow_s, has_units(device))


def trial_of_added(folder: Path, device: torch.device) -> FormatTrial:
    """Return the trial that decides the format of a model that was added, without loading it.

    Args:
        folder: Of the model. What its config does not say is found out when it is loaded.
        device: Where it would run.

    Raises:
        ModelFilesError: If its config cannot be read.
    """
    sizes = [read_config(folder).get(name) for name in ("hidden_size", "intermediate_size")]
    d_model, d_mlp = (size if type(size) is int and size > 0 else 1 for size in sizes)
    return format_trial(device, d_model, d_mlp)


def has_units(device: torch.device) -> bool:
    """Return whether a device multiplies numbers in bfloat16."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        known = torch.cpu.get_capabilities()
        return any(known.get(name, False) for name in _UNITS)
    return True  # mps: what it cannot do it refuses


def _times(run: Callable[[], None], clock: Callable[[], float]) -> list[float]:
    return [_seconds(run, clock) for _trial in range(_TRIALS)]


def _seconds(run: Callable[[], None], clock: Callable[[], float]) -> float:
    start = clock()
    run()
    return clock() - start
