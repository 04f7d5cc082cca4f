"""What two of the three observers see of one forward pass.

The third is the cache itself (`kvviz.engine.rows`). Each hears of the step by a way of its own:
the projections through a context variable that a hook reads, the attention through a keyword that
travels down the model, the cache through its own `update`. A claim about a step holds only where
all three agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, NamedTuple

from torch import Tensor, nn

_current: ContextVar[StepObservation | None] = ContextVar("kvviz_observation", default=None)


class Attended(NamedTuple):
    """The operands of one layer's attention: rows of shape ``1 head position d_head``.

    The mask is what was added to the scores, or None; the bias likewise.
    """

    layer: int
    query: Tensor
    key: Tensor
    value: Tensor
    scaling: float
    mask: Tensor | None = None
    position_bias: Tensor | None = None


class StepObservation:
    """Everything seen during one forward pass, in the order of the layers.

    Args:
        keep_hidden: Whether to keep the residual stream too.

    Attributes:
        projected: Layer and number of rows of each K/V projection.
        attended: Operands of each attention.
        cross_projected: The same of the cross-attention of a decoder.
        cross_attended: Likewise.
        hidden: The residual stream before the first layer, after each layer, and after the final
            norm where there is one, if it is kept.
    """

    __slots__ = (
        "attended",
        "cross_attended",
        "cross_projected",
        "hidden",
        "keep_hidden",
        "projected",
    )

    def __init__(self, *, keep_hidden: bool = False) -> None:
        self.keep_hidden = keep_hidden
        self.projected: list[tuple[int, int]] = []
        self.attended: list[Attended] = []
        self.cross_projected: list[tuple[int, int]] = []
        self.cross_attended: list[Attended] = []
        self.hidden: list[Tensor] = []

    def saw_attention(self, attended: Attended, *, cross: bool = False) -> None:
        """Take note of the operands of an attention."""
        (self.cross_attended if cross else self.attended).append(attended)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Receive the projections of forward passes made here, in this thread alone."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)


def watch_projection(projection: nn.Module, layer: int, *, cross: bool = False) -> None:
    """Make a layer's K/V projection report its rows to whoever watches; once, at load."""
    projection.register_forward_hook(partial(_count_rows, layer, cross))


def watch_hidden(blocks: Iterable[nn.Module], final_norm: nn.Module | None = None) -> None:
    """Make a stack of layers report the residual stream to whoever keeps it; once, at load."""
    for number, block in enumerate(blocks):
        if number == 0:
            block.register_forward_pre_hook(_keep_input)
        block.register_forward_hook(_keep_output)
    if final_norm is not None:
        final_norm.register_forward_hook(_keep_output)


def mark_cross_attention(attention: nn.Module) -> None:
    """Let an attention layer be known as one that attends to an encoder."""
    attention.kvviz_is_cross = True  # pyright: ignore[reportArgumentType]


def is_cross_attention(attention: nn.Module) -> bool:
    """Return whether a layer attends to an encoder."""
    return getattr(attention, "kvviz_is_cross", False)


def _count_rows(layer: int, cross: bool, _module: nn.Module, _args: Any, output: Tensor) -> None:
    observation = _current.get()
    if observation is not None:
        seen = observation.cross_projected if cross else observation.projected
        seen.append((layer, output.shape[-2]))


def _keep_input(_module: nn.Module, args: tuple[Any, ...]) -> None:
    observation = _current.get()
    if observation is not None and observation.keep_hidden:
        observation.hidden.append(args[0])


def _keep_output(_module: nn.Module, _args: Any, output: Any) -> None:
    observation = _current.get()
    if observation is not None and observation.keep_hidden:
        observation.hidden.append(output[0] if isinstance(output, tuple) else output)
