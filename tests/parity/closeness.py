"""How near two computations of the same thing must be."""

from __future__ import annotations

import numpy as np
import torch


def assert_close(ours, theirs, unit, what):
    """Compare up to a few roundings of the dtype, at the scale of the largest number.

    Both sides multiply in the same order, so that most are equal bit for bit. What is left: a
    matrix library may split a product differently by the strides of its operands, and the upcast
    attention of transformers scales inside the product. Either costs some roundings in float32
    and float64; the short dtypes are summed in float32 and rounded once.
    """
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    roundings = 8 if unit < 1e-6 else 1
    limit = roundings * unit * max(1.0, np.abs(theirs).max())
    worst = np.abs(ours - theirs).max()
    assert worst <= limit, f"{what} differ by {worst:.2e}, more than {limit:.2e}"


class Rounded:
    """What is computed by kvviz and by transformers alone, and what one rounding may cost."""

    @property
    def unit(self) -> float:
        """Gap between 1 and the next number of the dtype."""
        return torch.finfo(self.plain.dtype).eps

    @property
    def traced_unit(self) -> float:
        """The same for the rows of a trace, which are float32 at most."""
        return max(self.unit, torch.finfo(torch.float32).eps)
