"""A text whose prompt's rows are packed: what was written, what is read, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Float64

from kvviz.trace import GenerationTrace
from kvviz.trace.packed_rows import how_far_off
from kvviz.translation import gettext as _
from kvviz.ui.pages.cache_lab.bench import Bench, read_tokens
from kvviz.ui.pages.cache_lab.kept_run import KeptRun, second_half, written_by
from kvviz.ui.pages.cache_lab.packing import Packing
from kvviz.ui.parts.experiment import Work
from kvviz.ui.work.equal_work import Asker
from kvviz.ui.work.run_settings import RunSettings

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel

Rows = Float32[np.ndarray, "layer kv_head position d_head"]


class PackedPart(NamedTuple):
    """Keys or values of a prompt, once they are packed.

    Attributes:
        bits: Of a number; None where this part is kept whole.
        axis: ``channel`` or ``token``, along which they are grouped.
        read: As attention reads them from then on.
        is_packed: Which of them are; the others wait for their group, and are read as written.
        off: Mean length of a packed row's error, in lengths of the row; NaN where none is packed.
    """

    bits: int | None
    axis: str
    read: Rows
    is_packed: Bool[np.ndarray, " position"]
    off: Float64[np.ndarray, "layer kv_head"]

    @property
    def mean_off(self) -> float:
        """Mean of `off` over all heads."""
        return float(self.off.mean())


@dataclass(frozen=True, eq=False)
class PackedRun:
    """A text read and written on with packed rows, and the same grouped the other way.

    Attributes:
        kept: The run, and both beside the full cache on the tokens that it wrote.
        keys: Keys of the prompt as they were written.
        values: Values likewise.
        own: Keys and values of the prompt as they are read.
        control: The same, grouped the other way.
    """

    kept: KeptRun
    keys: Rows
    values: Rows
    own: tuple[PackedPart, PackedPart]
    control: tuple[PackedPart, PackedPart]

    @property
    def first_flip(self) -> int | None:
        """The first step at which it writes another token than every row would; None if at none.

        Up to there both write the same, so that it is where the two texts part.
        """
        same = self.kept.along.caches[self.kept.words].same
        return None if same.all() else int(same.argmin())

    @property
    def telling_head(self) -> tuple[int, int]:
        """Layer and KV head whose keys, or else values, differ most by how they are grouped."""
        part = 0 if self.own[0].bits is not None else 1
        apart = np.nan_to_num(np.abs(self.control[part].off - self.own[part].off))
        layer, head = np.unravel_index(int(apart.argmax()), apart.shape)
        return int(layer), int(head)


def run_task(bench: Bench) -> Work:
    """Return the work that makes the run."""
    wanted = bench.settings
    about = wanted.bits, wanted.text, wanted.new
    return bench.run_task("packed-run", about, _("Writing on with packed rows"), make)


def make(
    model: LoadedModel, asker: Asker, settings: RunSettings, bits: Packing, text: str, new: int
) -> PackedRun:
    """Make the run, and read the prompt once more, grouped the other way; on a worker thread.

    Raises:
        KvvizError: What the engine raises; `PromptError` and `ContextLengthError` also where the
            text does not suit the page.
    """
    from kvviz.engine import trace_generation
    from kvviz.engine.caches.cache_words import cache_of

    read_tokens(model, text, new)
    other = bits.other_way
    # First, since it is short, and refuses what does not suit the model.
    control = trace_generation(
        model, text, max_new_tokens=1, cache=cache_of(other.for_engine), cancel=asker.cancelled
    )
    kept = written_by(model, asker, settings, text, new, bits.for_engine, other.for_engine)
    n = kept.n_prompt
    written = kept.shown.trace
    keys, values = (
        np.stack([of(layer)[:, :n] for layer in range(written.model.n_layers)])
        for of in (written.keys, written.values)
    )
    return PackedRun(
        kept,
        keys,
        values,
        _parts(written, bits, keys, values),
        _parts(control, other, keys, values),
    )


def _parts(
    trace: GenerationTrace, bits: Packing, keys: Rows, values: Rows
) -> tuple[PackedPart, PackedPart]:
    packed, n = trace.packed, keys.shape[2]
    assert packed is not None
    found: list[PackedPart] = []
    for number, (n_bits, axis, read, wrote) in enumerate(
        (
            (bits.key_bits, bits.keys, packed.keys, keys),
            (bits.value_bits, bits.values, packed.values, values),
        )
    ):
        # After the prefill; later steps read what it packed, and pack more.
        is_packed = packed.packed_after[number, :n] < 1
        seen = np.where(is_packed[:, None], read[:, :, :n], wrote)
        off = np.full(keys.shape[:2], np.nan)
        if is_packed.any():
            off = how_far_off(seen[:, :, is_packed], wrote[:, :, is_packed]).mean(axis=-1)
        found.append(PackedPart(n_bits, axis, seen, is_packed, off))
    return found[0], found[1]


def reading_task(bench: Bench) -> Work:
    """Return the work that feeds the second half of the text to packed rows and their control."""
    bits = bench.settings.bits
    ways = [bits.for_engine, bits.other_way.for_engine]
    return second_half(bench, "packed-reading", bits, lambda: ways)
