"""How fast a machine copies and multiplies, as measured in a moment."""

from __future__ import annotations

from dataclasses import dataclass

from kvviz.errors import TraceError
from kvviz.translation import gettext as _


@dataclass(frozen=True)
class Ceilings:
    """What a machine does at best, by a short test.

    Attributes:
        bytes_per_second: Bytes read and written by a large copy, per second.
        flops_per_second: Floating-point operations of a large square product, per second.
        copied_bytes: Size of the tensor that was copied.
        side: Rows and columns of the matrices that were multiplied.
        dtype: Number format of the test.
        device: Where it ran.
        threads: CPU threads that it ran with.
        n_trials: Trials, the fastest of which counts.

    Raises:
        TraceError: If a speed is not above 0.
    """

    bytes_per_second: float
    flops_per_second: float
    copied_bytes: int
    side: int
    dtype: str
    device: str
    threads: int
    n_trials: int

    def __post_init__(self) -> None:
        if not (self.bytes_per_second > 0 and self.flops_per_second > 0):
            raise TraceError(
                _("A machine's ceilings are above 0."),
                found=_("{bandwidth} B/s and {compute} FLOP/s.").format(
                    bandwidth=self.bytes_per_second, compute=self.flops_per_second
                ),
            )

    @property
    def ridge(self) -> float:
        """FLOPs a byte from which on computing, not memory, is the limit."""
        return self.flops_per_second / self.bytes_per_second
