"""A random rotation, which spreads what stands out in one number of a row over all of them."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


class Rotation:
    """A random orthogonal matrix of any width, by additions as far as that is a power of two.

    A row's signs are drawn by lot, then it goes through a Hadamard matrix as large as the power of
    two that its width holds, and what is odd in the width through a random orthogonal matrix. All
    of it is done number by number, so that a row's bits do not depend on how many rows are turned
    with it. The matrix follows from the seed: nothing of it is kept with the rows.

    Args:
        width: Numbers of a row.
        seed: Of the signs and of the odd part.
        device: Where rows live.

    Source: Ashkboos et al. (2024), “QuaRot: outlier-free 4-bit inference in rotated LLMs”, section
    3, for Hadamard matrices with random signs; Zandieh et al. (2025), “TurboQuant”, section 3.1,
    for a random rotation before each number is rounded by itself.
    """

    def __init__(self, width: int, seed: int, *, device: torch.device) -> None:
        self._n_even = width & -width
        n_odd = width // self._n_even
        lot = torch.Generator().manual_seed(seed)
        signs = torch.randint(0, 2, (width,), generator=lot) * 2 - 1
        self._signs = signs.to(device, torch.float32)
        drawn = torch.randn(n_odd, n_odd, generator=lot, dtype=torch.float64)
        # Where it is 1 x 1, as for every power of two, nothing goes to the device for it.
        self._odd = torch.linalg.qr(drawn).Q

    def turn(self, rows: Float[Tensor, "... width"]) -> Float[Tensor, "... width"]:
        """Return rows turned, in float32 at least."""
        wide = rows.to(torch.promote_types(rows.dtype, torch.float32))
        return self._mixed(self._added(wide * self._signs.to(wide.dtype)), self._odd)

    def turn_back(self, rows: Float[Tensor, "... width"]) -> Float[Tensor, "... width"]:
        """Return turned rows as they were, but for rounding, in float32 at least."""
        wide = rows.to(torch.promote_types(rows.dtype, torch.float32))
        return self._added(self._mixed(wide, self._odd.T)) * self._signs.to(wide.dtype)

    def _added(self, rows: Tensor) -> Tensor:
        """Return rows times a symmetric Hadamard matrix of length 1, in each of the odd parts."""
        half = 1
        while half < self._n_even:
            first, second = rows.unflatten(-1, (-1, 2, half)).unbind(-2)
            rows = torch.stack([first + second, first - second], dim=-2).flatten(-3)
            half *= 2
        return rows * self._n_even**-0.5

    def _mixed(self, rows: Tensor, odd: Tensor) -> Tensor:
        """Return rows whose odd parts are mixed by a matrix.

        A product and a sum at a time: a matrix product would round otherwise for other numbers of
        rows.
        """
        if len(odd) == 1:
            return rows * float(odd[0, 0])
        parts = rows.unflatten(-1, (len(odd), self._n_even)).unbind(-2)
        mixed: list[Tensor] = []
        for factors in odd.tolist():
            total = parts[0] * factors[0]
            for part, factor in zip(parts[1:], factors[1:], strict=True):
                total = total + part * factor
            mixed.append(total)
        return torch.cat(mixed, dim=-1)
