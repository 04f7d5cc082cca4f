"""Every row is kept, in fewer bits a number: KIVI."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from transformers import Cache

from kvviz.engine.caches.budget import checked_count
from kvviz.engine.caches.packed_numbers import Axis, PackedNumbers
from kvviz.engine.caches.preallocated_layer import PreallocatedLayer
from kvviz.engine.caches.protocol import FinalRows, RowsPlace, StepRows, to_numpy
from kvviz.engine.caches.proven_rows import proven_rows
from kvviz.engine.observing.agreement import check_cache_writes, check_layers
from kvviz.engine.observing.fingerprints import RowFingerprint
from kvviz.engine.observing.observation import StepObservation
from kvviz.errors import OptionsError
from kvviz.trace.packed_rows import PackedRows
from kvviz.translation import N_
from kvviz.translation import gettext as _

BITS = (1, 2, 4, 8)


@dataclass(frozen=True)
class Quantised:
    """Keep every row in a few bits a number, with the least number and the step of each group.

    A prompt is read whole, and its rows are packed after it; a row is read unpacked from the step
    on that follows its packing. Rows whose group is not full yet are kept as they are.

    Args:
        key_bits: Of a number of a key: 1, 2, 4 or 8.
        value_bits: Of a number of a value likewise.
        keys: Along what the numbers of a group lie: ``channel`` for one number of so many rows,
            ``token`` for so many numbers of one row.
        values: Likewise of values.
        group: Numbers of a group.

    Raises:
        OptionsError: If a setting is none.

    Source: Liu et al. (2024), “KIVI: a tuning-free asymmetric 2bit quantization for KV cache”,
    sections 3.1 and 3.3.
    """

    key_bits: int = 4
    value_bits: int = 4
    keys: Axis = "channel"
    values: Axis = "token"
    group: int = 32

    name: ClassVar[str] = "quantised"
    summary: ClassVar[str] = N_("Every row stays, in a few bits a number.")
    keeps_rows: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for name in ("key_bits", "value_bits"):
            bits = getattr(self, name)
            if type(bits) is not int or bits not in BITS:
                raise OptionsError(
                    _("{name} must be one of 1, 2, 4 and 8.").format(name=name),
                    found=_("Found {found!r}.").format(found=bits)[:200],
                    fix=_("Change it and run again."),
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

    def rows(self, place: RowsPlace) -> QuantisedRows:
        """Make room for the rows of a run.

        Raises:
            OptionsError: If groups along a row do not divide it.
        """
        if "token" in (self.keys, self.values) and place.card.d_head % self.group:
            raise OptionsError(
                _("A group along a row must divide its width, {width}.").format(
                    width=place.card.d_head
                ),
                found=_("Found {found!r}.").format(found=self.group),
                fix=_("Choose a group that divides it."),
            )
        return QuantisedRows(self, place)


class QuantisedRows:
    """K/V rows that are computed once, packed, and unpacked for each step that reads them.

    Args:
        cache: How they are packed.
        place: What they are rows of, and where they live.
    """

    def __init__(self, cache: Quantised, place: RowsPlace) -> None:
        card, self._place = place.card, place
        shape = (card.n_layers, card.n_kv_heads, place.n_positions, card.d_head)
        options: dict[str, Any] = {"dtype": place.dtype, "device": place.device}
        self._kept = (
            PackedNumbers(cache.key_bits, cache.keys, cache.group, shape, **options),
            PackedNumbers(cache.value_bits, cache.values, cache.group, shape, **options),
        )
        self._fingerprint = RowFingerprint(card.n_kv_heads, card.d_head, place.device)
        self._layers: list[PreallocatedLayer] = []
        self._unpacked = torch.empty((2, *shape[:2], 0, card.d_head), **options)
        self._n_rows = self._n_steps = 0
        self._record: list[Tensor] = []
        # Of each part: rows as they were unpacked first, and the last step that read them unpacked.
        self._images: tuple[list[Tensor], list[Tensor]] = ([], [])
        self._packed_after = np.zeros((2, place.n_positions), dtype=np.int64)
        self._queries: list[Tensor] = []
        self._scales: list[float] = []

    def fed(self, n_tokens: int) -> range:
        """Return the positions that have no row yet."""
        return range(self._n_rows, n_tokens)

    def arguments(self, fed: range) -> dict[str, Any]:
        """Return a cache for this step alone, with the rows unpacked in it; positions follow."""
        card = self._place.card
        shape = (2, card.n_layers, card.n_kv_heads, fed.stop, card.d_head)
        self._unpacked = torch.empty(shape, dtype=self._place.dtype, device=self._place.device)
        for part, room in zip(self._kept, self._unpacked, strict=True):
            part.write_to(room)
        self._layers = [
            PreallocatedLayer(keys[None], values[None], fed.start)
            for keys, values in self._unpacked.unbind(1)
        ]
        return {"past_key_values": Cache(layers=[*self._layers]), "use_cache": True}

    def settle(self, observation: StepObservation, fed: range) -> StepRows:
        """Compare cache, projections and attention; pack the rows whose groups are full."""
        check_layers(observation, self._place.card.n_layers, self._place.n_projections, fed)
        check_cache_writes(observation, self._layers, fed)
        new = self._unpacked[..., fed.start :, :].clone()
        self._record.append(new)
        self._queries.append(torch.cat([attended.query for attended in observation.attended]))
        self._scales = [attended.scaling for attended in observation.attended]
        for number, part in enumerate(self._kept):
            before = part.n_packed
            part.add(new[number])
            if part.n_packed > before:
                self._images[number].append(part.unpacked(before))
                self._packed_after[number, before : part.n_packed] = self._n_steps
        self._n_rows = fed.stop
        self._n_steps += 1
        # What was unpacked is of this step alone.
        self._layers, self._unpacked = [], self._unpacked[..., :0, :].clone()
        return StepRows(
            computed=fed,
            reused=range(fed.start),
            n_keys=fed.stop,
            cache_bytes=sum(part.n_bytes for part in self._kept),
        )

    def final(self) -> FinalRows:
        """Return the rows, and hold what is unpacked of each to what was unpacked first.

        A row that waits to be packed is held to the bits that were written.
        """
        record = torch.cat(self._record, dim=-2)
        read, last = record.clone(), torch.empty_like(record)
        packed_after = self._packed_after[:, : self._n_rows].copy()
        for number, part in enumerate(self._kept):
            if part.n_packed:
                read[number, :, :, : part.n_packed] = torch.cat(self._images[number], dim=-2)
            part.write_to(last[number])
            packed_after[number, part.n_packed :] = self._n_steps
        # Layer by layer, since the products of bits and factors take up to four times the rows.
        written, final = (
            torch.stack([self._fingerprint(layer) for layer in rows.unbind(1)], dim=1)
            for rows in (read, last)
        )
        read_keys, read_values = to_numpy(read)
        packed = PackedRows(read_keys, read_values, packed_after)
        return proven_rows(record, self._queries, self._scales, written, final, packed=packed)
