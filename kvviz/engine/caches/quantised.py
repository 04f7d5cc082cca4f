"""Every row is kept, in fewer bits a number: KIVI."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from kvviz.engine.caches.budget import checked_count, checked_switch
from kvviz.engine.caches.packed_numbers import Axis, PackedNumbers
from kvviz.engine.caches.protocol import RowsPlace
from kvviz.engine.caches.rebuilt_rows import RebuiltRows
from kvviz.engine.caches.rotation import Rotation
from kvviz.engine.caches.whole_numbers import WholeNumbers
from kvviz.errors import OptionsError
from kvviz.translation import N_
from kvviz.translation import gettext as _

BITS = (1, 2, 4, 8)


@dataclass(frozen=True)
class Quantised:
    """Keep every row in a few bits a number, with the least number and the step of each group.

    A prompt is read whole, and its rows are packed after it; a row is read unpacked from the step
    on that follows its packing. Rows whose group is not full yet are kept as they are. In a layer
    that sees a window of positions a row goes when it has fallen out of it.

    Args:
        key_bits: Of a number of a key: 1, 2, 4 or 8; None, and keys are kept whole.
        value_bits: Of a number of a value likewise; one of the two is packed.
        keys: Along what the numbers of a group lie: ``channel`` for one number of so many rows,
            ``token`` for so many numbers of one row.
        values: Likewise of values.
        group: Numbers of a group.
        rotated: Whether a row is turned by a random rotation before it is packed, and back when it
            is read, so that no number of it stands out.
        seed: Of the rotation.

    Raises:
        OptionsError: If a setting is none.

    Source: Liu et al. (2024), “KIVI: a tuning-free asymmetric 2bit quantization for KV cache”,
    sections 3.1 and 3.3; for the rotation see `Rotation`.
    """

    key_bits: int | None = 4
    value_bits: int | None = 4
    keys: Axis = "channel"
    values: Axis = "token"
    group: int = 32
    rotated: bool = False
    seed: int = 0

    name: ClassVar[str] = "quantised"
    summary: ClassVar[str] = N_("Every row stays, in a few bits a number.")
    keeps_rows: ClassVar[bool] = True
    for_every_decoder: ClassVar[bool] = True
    reads_in_pieces: ClassVar[bool] = False

    def __post_init__(self) -> None:
        for name in ("key_bits", "value_bits"):
            bits = getattr(self, name)
            if bits is not None and (type(bits) is not int or bits not in BITS):
                raise OptionsError(
                    _(
                        "{name} must be one of 1, 2, 4 and 8, or none to keep that part whole."
                    ).format(name=name),
                    found=_("Found {found!r}.").format(found=bits)[:200],
                    fix=_("Change it and run again."),
                )
        if self.key_bits is None and self.value_bits is None:
            raise OptionsError(
                _("Keys or values are packed, or both."),
                found=_("Both are to be kept whole."),
                fix=_("Choose bits for one of them, or take the full cache."),
            )
        for name in ("keys", "values"):
            axis = getattr(self, name)
            if axis not in ("channel", "token"):
                raise OptionsError(
                    _("{name} are grouped by channel or by token.").format(name=name),
                    found=_("Found {found!r}.").format(found=axis)[:200],
                    fix=_("Change it and run again."),
                )
        checked_count("group", self.group, at_least=1)
        checked_switch("rotated", self.rotated)
        checked_count("seed", self.seed, at_least=0)

    @property
    def packed_axes(self) -> tuple[Axis, ...]:
        """Along what the parts are grouped that are packed."""
        parts: tuple[tuple[int | None, Axis], ...] = (
            (self.key_bits, self.keys),
            (self.value_bits, self.values),
        )
        return tuple(axis for bits, axis in parts if bits is not None)

    def rows(self, place: RowsPlace) -> RebuiltRows:
        """Make room for the rows of a run.

        Raises:
            OptionsError: If groups along a row do not divide it, or groups of rows are larger than
                the window of a layer.
        """
        width, windows = place.card.d_head, [one for one in place.card.windows if one]
        if "token" in self.packed_axes and width % self.group:
            raise OptionsError(
                _("A group along a row must divide its width, {width}.").format(width=width),
                found=_("Found {found!r}.").format(found=self.group),
                fix=_("Choose a group that divides it."),
            )
        if windows and "channel" in self.packed_axes and self.group > min(windows):
            raise OptionsError(
                _("A group of rows must fit into the window of each layer, {window}.").format(
                    window=min(windows)
                ),
                found=_("Found {found!r}.").format(found=self.group),
                fix=_("Choose a smaller group, or group by token."),
            )
        return RebuiltRows(place, partial(_QuantisedStore, self, place))


class _QuantisedStore:
    """The rows of some layers, packed.

    Args:
        cache: How they are packed.
        place: What they are rows of, and where they live.
        layers: Which layers.
    """

    def __init__(self, cache: Quantised, place: RowsPlace, layers: list[int]) -> None:
        card, window = place.card, place.card.window(layers[0])
        # Rows that are packed, and as many again, so that they seldom move; but for a long prompt.
        n_most = place.n_positions if window is None else 2 * (window + cache.group)
        shape = (len(layers), card.n_kv_heads, n_most, card.d_head)
        rotation = Rotation(card.d_head, cache.seed, device=place.device) if cache.rotated else None
        options: dict[str, Any] = {"dtype": place.dtype, "device": place.device}

        def part(bits: int | None, axis: Axis) -> PackedNumbers | WholeNumbers:
            if bits is None:
                return WholeNumbers(shape, **options)
            return PackedNumbers(bits, axis, cache.group, shape, rotation=rotation, **options)

        self._parts = part(cache.key_bits, cache.keys), part(cache.value_bits, cache.values)

    @property
    def n_bytes(self) -> int:
        """Bytes of codes, least numbers and steps, and of rows that wait or are kept whole."""
        return sum(part.n_bytes for part in self._parts)

    @property
    def n_changed(self) -> tuple[int, int]:
        """How many positions have K and V rows that are packed."""
        keys, values = self._parts
        return keys.n_packed, values.n_packed

    def flops(self, start: int, stop: int, n_new: int) -> int:
        """Return 0: numbers are packed, unpacked and turned one by one."""
        return 0

    def add(self, rows: Float[Tensor, "2 layer kv_head row d_head"]) -> None:
        """Take rows in, and pack those whose groups are full."""
        for part, new in zip(self._parts, rows, strict=True):
            part.add(new)

    def read(self, start: int, stop: int) -> Float[Tensor, "2 layer kv_head row d_head"]:
        """Return the rows of some positions, unpacked."""
        return torch.stack([part.read(start, stop) for part in self._parts])

    def let_go(self, first: int) -> None:
        """Let go of the rows before a position."""
        for part in self._parts:
            part.let_go(first)
