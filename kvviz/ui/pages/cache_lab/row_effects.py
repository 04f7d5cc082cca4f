"""What the change of each row of a head does to the next token, one row at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float64

from kvviz.analysis.rank_correlation import rank_correlation
from kvviz.trace import GenerationTrace
from kvviz.ui.pages.cache_lab.cut import Cut

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel

DIGITS = 6
"""Significant digits of the numbers that are written into a recorded result."""
STANDS_OUT = 1 / 3
"""Weight of the row that is looked at most, in the head that the page takes by itself."""


@dataclass(frozen=True, eq=False)
class Effects:
    """The rows of a head, and what the change of each does.

    Attributes:
        weights: Weight of the last query on each before the change, in [0, 1].
        lengths: Length of each value row.
        kl: Divergence of the next token's distribution, in nats.
        same: Whether the likeliest token stays the same.
    """

    weights: Float64[np.ndarray, " row"]
    lengths: Float64[np.ndarray, " row"]
    kl: Float64[np.ndarray, " row"]
    same: Bool[np.ndarray, " row"]

    @property
    def looked_at(self) -> int:
        """The row with most weight."""
        return int(self.weights.argmax())

    @property
    def matters(self) -> int:
        """The row whose change moves the next token most."""
        return int(self.kl.argmax())

    @property
    def by_lot(self) -> float:
        """What a row drawn by lot does on average, in nats."""
        return float(self.kl.mean())

    @property
    def by_weight(self) -> float:
        """Rank correlation of weight and effect."""
        return rank_correlation(self.weights, self.kl)

    @property
    def by_amount(self) -> float:
        """Rank correlation of the effect and weight times length of the value: what is mixed in."""
        return rank_correlation(self.weights * self.lengths, self.kl)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data, numbers rounded."""
        numbers = {"weights": self.weights, "lengths": self.lengths, "kl": self.kl}
        said = {
            name: [float(f"{number:.{DIGITS}g}") for number in one] for name, one in numbers.items()
        }
        return said | {"same": self.same.astype(int).tolist()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Effects:
        """Build it from what `to_json` returned."""
        weights, lengths, kl = (
            np.array(data[one], dtype=np.float64) for one in ("weights", "lengths", "kl")
        )
        return cls(weights, lengths, kl, np.array(data["same"], dtype=bool))


def effects(
    model: LoadedModel,
    trace: GenerationTrace,
    layer: int,
    kv_head: int,
    cut: Cut,
    **who_waits: Any,
) -> Effects:
    """Change each row of a head in turn; for use on a worker thread.

    Args:
        model: The model that read the text.
        trace: The text, with one token asked for.
        layer: A layer.
        kv_head: A KV head of it.
        cut: What is done to each row.
        who_waits: `progress` and `cancel` of `kvviz.engine.row_effects`.

    Raises:
        KvvizError: What `kvviz.engine.row_effects` raises.
    """
    from kvviz.engine import row_effects

    found = row_effects(model, trace, 0, layer, kv_head, kind=cut.kind, part=cut.part, **who_waits)
    return Effects(found.weights, found.value_lengths, found.kl_nats, found.same)


def telling_head(trace: GenerationTrace) -> tuple[int, int]:
    """Return the layer and KV head in which one row stands out, and others count too.

    There the largest weight of the last query on a row before it is nearest to `STANDS_OUT`.
    """
    card, last = trace.model, trace.n_prompt - 1
    n_sharing = card.n_heads // card.n_kv_heads
    most = np.array(
        [
            [trace.pattern(layer, head)[last, :last].max() for head in range(card.n_heads)]
            for layer in range(card.n_layers)
        ]
    )
    layer, head = np.unravel_index(int(np.abs(most - STANDS_OUT).argmin()), most.shape)
    return int(layer), int(head) // n_sharing


def weights_of(trace: GenerationTrace, layer: int, kv_head: int) -> Float64[np.ndarray, " row"]:
    """Return the weight of the last query on each row before it, a mean over the sharing heads."""
    card, last = trace.model, trace.n_prompt - 1
    n_sharing = card.n_heads // card.n_kv_heads
    heads = range(kv_head * n_sharing, (kv_head + 1) * n_sharing)
    found = [trace.pattern(layer, head)[last, :last] for head in heads]
    return np.mean(found, axis=0).astype(np.float64)
