"""How many bytes a step of a GPT-2 has to move between memory and processor at the least."""

from __future__ import annotations

from dataclasses import dataclass

from kvviz.errors import OptionsError
from kvviz.trace import ModelCard
from kvviz.translation import gettext as _
from kvviz.translation import ngettext


@dataclass(frozen=True)
class StepBytes:
    """Bytes that a step moves at the least, by formula.

    Attributes:
        weights: Every weight that the step uses, read once, however many rows use it.
        cache_read: Key and value rows read from the cache.
        cache_written: Rows written to it.
    """

    weights: int
    cache_read: int
    cache_written: int

    @property
    def total(self) -> int:
        """All together."""
        return self.weights + self.cache_read + self.cache_written


def step_bytes(
    card: ModelCard, n_new: int, n_keys: int, *, batch: int = 1, use_cache: bool = True
) -> StepBytes:
    """Count the bytes that a step moves at the least.

    The weights of all layers, of the last norm and of the head are read once; of the two embedding
    tables only the rows that are looked up. Each earlier row of the cache is read once, each new
    one written once. What lives between two operations is left out, since it may stay in the
    processor; so are the rows of a step without a cache, which go from one operation to the next.

    Args:
        card: A GPT-2's shape and dtype.
        n_new: Rows of a sequence that go through the network, at least 1.
        n_keys: Rows that they attend to; more than `n_new` where some come from the cache.
        batch: Sequences at the same time.
        use_cache: Whether there is a cache to write to; without one all rows are computed.

    Raises:
        OptionsError: If the model is no GPT-2, or the numbers fit no step.

    Source: counting from the shapes in Radford et al. (2019), section 2.3.
    """
    possible = 1 <= n_new <= n_keys and (use_cache or n_new == n_keys)
    if card.family != "gpt2" or not possible or batch < 1:
        raise OptionsError(
            _("Bytes are counted for a step of a GPT-2 that computes at least one row."),
            found=ngettext(
                "Found a {family}, {n_new} of {n} row, a batch of {batch}.",
                "Found a {family}, {n_new} of {n} rows, a batch of {batch}.",
                n_keys,
            ).format(family=card.family, n_new=n_new, n=n_keys, batch=batch),
        )
    width, inner = card.d_model, card.d_mlp
    layer = (
        (3 * width * width + 3 * width)  # Q, K and V projections
        + (width * width + width)  # output projection
        + (2 * width * inner + inner + width)  # MLP
        + 4 * width  # two norms
    )
    numbers = card.n_layers * layer + 2 * width + card.d_vocab * width
    looked_up = n_new * batch * width + n_new * width  # tokens, and positions, which all share
    return StepBytes(
        weights=(numbers + looked_up) * card.bytes_per_number,
        cache_read=card.cache_bytes_per_token * (n_keys - n_new) * batch,
        cache_written=card.cache_bytes_per_token * n_new * batch if use_cache else 0,
    )
