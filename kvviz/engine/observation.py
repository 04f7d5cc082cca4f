"""What two of the three observers see of one forward pass.

The third is the cache itself (`kvviz.engine.rows`). Each hears of the step by a way of its own:
the projections through a context variable that a hook reads, the attention through a keyword that
travels down the model, the cache through its own `update`. A claim about a step holds only where
all three agree.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, NamedTuple

from torch import Tensor, nn

_current: ContextVar[StepObservation | None] = ContextVar("kvviz_observation", default=None)


class Attended(NamedTuple):
    """The operands of one layer's attention: rows of shape ``1 head position d_head``."""

    layer: int
    query: Tensor
    key: Tensor
    value: Tensor
    scaling: float


class StepObservation:
    """Everything seen during one forward pass, in the order of the layers.

    Attributes:
        projected: Layer and number of rows of each K/V projection.
        attended: Operands of each attention.
    """

    __slots__ = ("attended", "projected")

    def __init__(self) -> None:
        self.projected: list[tuple[int, int]] = []
        self.attended: list[Attended] = []

    def saw_attention(
        self, layer: int, query: Tensor, key: Tensor, value: Tensor, scaling: float
    ) -> None:
        """Take note of the operands of an attention."""
        self.attended.append(Attended(layer, query, key, value, scaling))

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Receive the projections of forward passes made here, in this thread alone."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)


def watch_projection(projection: nn.Module, layer: int) -> None:
    """Make a layer's K/V projection report its rows to whoever watches; once, at load."""
    projection.register_forward_hook(partial(_count_rows, layer))


def _count_rows(layer: int, _module: nn.Module, _args: Any, output: Tensor) -> None:
    observation = _current.get()
    if observation is not None:
        observation.projected.append((layer, output.shape[-2]))
