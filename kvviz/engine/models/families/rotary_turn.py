"""Queries and keys turned by their positions, said to torch in few words."""

from __future__ import annotations

from functools import cache
from types import FunctionType
from typing import Any

import torch
from torch import Tensor, nn

_TURNING = "apply_rotary_pos_emb"
"""What transformers' attention layers call to turn their rows."""


def settle_turning(module: nn.Module) -> None:
    """Let the attention layers of a rotary model turn queries and keys in one go; once, at load.

    They give what they gave, to the last bit, in a third of the words: in a decode step to say
    them takes longer than to do them (decision 58). A layer that turns its rows by other means
    stays as it is.

    Args:
        module: The model.
    """
    for part in module.modules():
        forward = type(part).forward
        if isinstance(forward, FunctionType) and _TURNING in forward.__code__.co_names:
            part.__class__ = _settled(type(part))


@cache
def _settled(kind: type[nn.Module]) -> type[nn.Module]:
    given: Any = kind.forward
    # The layer's own code, to which one name means something else.
    forward = FunctionType(
        given.__code__,
        {**given.__globals__, _TURNING: turned},
        given.__name__,
        given.__defaults__,
        given.__closure__,
    )
    forward.__kwdefaults__ = given.__kwdefaults__
    return type(kind.__name__, (kind,), {"forward": forward, "__module__": kind.__module__})


def turned(queries: Tensor, keys: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor]:
    """Turn queries and keys by the angles of their positions.

    A row's first half is paired with its second. Where the formula negates the second half before
    it is multiplied, the sines are negated here, once a pass: the product is the same.

    Args:
        queries: Shape ``batch head position d_head``.
        keys: Shape ``batch kv_head position d_head``.
        cos: Cosines of the angles, shape ``batch position d_head``.
        sin: Their sines likewise. What is made of them is kept with them, for the next layer.

    Returns:
        Queries and keys after the turn, in their shapes.

    Source: Su et al. (2021), “RoFormer”, section 3.4.2, equation 34, pairs as Llama has them.
    """
    made: tuple[Tensor, Tensor] | None = sin.__dict__.get("kvviz_angles")
    if made is None:
        first, second = sin.chunk(2, dim=-1)
        made = cos.unsqueeze(1), torch.cat((-first, second), dim=-1).unsqueeze(1)
        sin.kvviz_angles = made  # pyright: ignore[reportAttributeAccessIssue]
    straight, across = made
    rows = torch.cat((queries, keys), dim=1)
    swapped = rows.roll(rows.shape[-1] // 2, -1).mul_(across)
    swapped += rows.mul_(straight)
    n_heads, n_kv_heads = queries.shape[1], keys.shape[1]
    return swapped.narrow(1, 0, n_heads), swapped.narrow(1, n_heads, n_kv_heads)
