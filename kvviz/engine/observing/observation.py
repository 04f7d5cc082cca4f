"""What two of the three observers see of one forward pass.

The third is the cache itself (`kvviz.engine.caches`). Each hears of the step by a way of its own:
the projections through a context variable that a hook reads, the attention through a keyword that
travels down the model, the cache through its own `update`. A claim about a step holds only where
all three agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, partial
from typing import Any, Literal, NamedTuple, Protocol

from torch import Tensor, nn

_current: ContextVar[StepObservation | None] = ContextVar("kvviz_observation", default=None)


Passed = Literal["query", "key", "value", "stream", "added"]
"""What passes an attention layer: what its three projections were given, the residual stream before
it, and what it adds to that."""


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
        keep_passed: Whether to keep what each attention layer was given and gave.

    Attributes:
        projected: Layer and number of rows of each K/V projection.
        attended: Operands of each attention.
        cross_projected: The same of the cross-attention of a decoder.
        cross_attended: Likewise.
        hidden: The residual stream before the first layer, after each layer, and after the final
            norm where there is one, if it is kept.
        passed: What each attention layer was given and gave, by whether it is cross-attention, its
            layer, and what it is; if that is kept.
    """

    __slots__ = (
        "attended",
        "cross_attended",
        "cross_projected",
        "hidden",
        "keep_hidden",
        "keep_passed",
        "passed",
        "projected",
    )

    def __init__(self, *, keep_hidden: bool = False, keep_passed: bool = False) -> None:
        self.keep_hidden = keep_hidden
        self.keep_passed = keep_passed
        self.projected: list[tuple[int, int]] = []
        self.attended: list[Attended] = []
        self.cross_projected: list[tuple[int, int]] = []
        self.cross_attended: list[Attended] = []
        self.hidden: list[Tensor] = []
        self.passed: dict[tuple[bool, int, Passed], Tensor] = {}

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
    _listen(projection, partial(_count_rows, layer, cross))


def watch_given(module: nn.Module, layer: int, *what: Passed, cross: bool = False) -> None:
    """Make a part of an attention layer report what it is given; once, at load."""
    _listen(module, partial(_keep_given, layer, cross, what))


def watch_added(projection: nn.Module, layer: int, *, cross: bool = False) -> None:
    """Make the last product of an attention layer report what it gives; once, at load."""
    _listen(projection, partial(_keep_added, layer, cross))


def watch_hidden(blocks: Iterable[nn.Module], final_norm: nn.Module | None = None) -> None:
    """Make a stack of layers report the residual stream to whoever keeps it; once, at load."""
    for number, block in enumerate(blocks):
        if number == 0:
            _listen(block, _keep_input)
        _listen(block, _keep_output)
    if final_norm is not None:
        _listen(final_norm, _keep_output)


def mark_cross_attention(attention: nn.Module) -> None:
    """Let an attention layer be known as one that attends to an encoder."""
    attention.kvviz_is_cross = True  # pyright: ignore[reportArgumentType]


def is_cross_attention(attention: nn.Module) -> bool:
    """Return whether a layer attends to an encoder."""
    # Not getattr: a module searches long for what it does not have, and this is asked of every
    # layer at every step.
    return attention.__dict__.get("kvviz_is_cross", False)


class _Heard(Protocol):
    """What is done with a call of a module that someone watches."""

    def __call__(self, observation: StepObservation, given: Tensor, output: Any, /) -> None: ...


def _listen(module: nn.Module, heard: _Heard) -> None:
    """Let a module report its calls, where someone watches.

    The module becomes one of a class of its own, whose forward reports. A forward hook would do
    the same and make every call, watched or not, take torch's longer way round, which a small
    model feels at each of its layers. A copy of the module reports too.
    """
    listeners = module.__dict__.get("kvviz_heard", ())
    if not listeners:
        module.__class__ = _reporting(type(module))
    module.kvviz_heard = (*listeners, heard)  # pyright: ignore[reportArgumentType]


@cache
def _reporting(kind: type[nn.Module]) -> type[nn.Module]:
    def forward(self: Any, given: Tensor, *args: Any, **kwargs: Any) -> Any:
        output = kind.forward(self, given, *args, **kwargs)
        observation = _current.get()
        if observation is not None:
            for heard in self.kvviz_heard:
                heard(observation, given, output)
        return output

    return type(kind.__name__, (kind,), {"forward": forward, "__module__": kind.__module__})


def _count_rows(
    layer: int, cross: bool, observation: StepObservation, _given: Tensor, output: Tensor
) -> None:
    seen = observation.cross_projected if cross else observation.projected
    seen.append((layer, output.shape[-2]))


def _keep_given(
    layer: int,
    cross: bool,
    what: tuple[Passed, ...],
    observation: StepObservation,
    given: Tensor,
    _output: Any,
) -> None:
    if observation.keep_passed:
        observation.passed.update({(cross, layer, one): given for one in what})


def _keep_added(
    layer: int, cross: bool, observation: StepObservation, _given: Tensor, output: Tensor
) -> None:
    if observation.keep_passed:
        observation.passed[cross, layer, "added"] = output


def _keep_input(observation: StepObservation, given: Tensor, _output: Any) -> None:
    # Heard after the layer has run, so that it is put before what the layer gave.
    if observation.keep_hidden:
        observation.hidden.insert(0, given)


def _keep_output(observation: StepObservation, _given: Tensor, output: Any) -> None:
    if observation.keep_hidden:
        observation.hidden.append(output[0] if isinstance(output, tuple) else output)
