"""Teacher forcing beside free running: where a model's own continuation leaves the text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from kvviz.analysis.losses import label_bits
from kvviz.errors import TraceError
from kvviz.trace import EncodingTrace, GenerationTrace
from kvviz.translation import gettext as _
from kvviz.translation import ngettext


@dataclass(frozen=True, eq=False)
class Departure:
    """The same places of a text, predicted with the true words before them and without.

    A free run that ended its text before all places were filled wrote fewer tokens than there are
    places; the forced predictions are there for all of them.

    Attributes:
        n_given: Tokens of the beginning that both ways were given.
        true_ids: What stands in the text after it.
        forced_ids: The likeliest token at each place, the true words before it being given.
        forced_bits: Loss of those predictions, in bits.
        free_ids: What the model wrote, going on with its own words, from the first place on.
        free_bits: Its surprise at each of its own words, in bits.
    """

    n_given: int
    true_ids: Int64[np.ndarray, " place"]
    forced_ids: Int64[np.ndarray, " place"]
    forced_bits: Float64[np.ndarray, " place"]
    free_ids: Int64[np.ndarray, " written"]
    free_bits: Float64[np.ndarray, " written"]

    @property
    def n_places(self) -> int:
        """Places that are compared."""
        return int(self.true_ids.size)

    @property
    def n_written(self) -> int:
        """Places that the free run filled."""
        return int(self.free_ids.size)

    @property
    def departs_at(self) -> int:
        """The first place, from 0, where free running leaves the text; `n_places` if none."""
        differs = np.flatnonzero(self.free_ids != self.true_ids[: self.n_written])
        return int(differs[0]) if differs.size else self.n_written

    @property
    def n_forced_right(self) -> int:
        """Places where the forced prediction is the true token."""
        return int((self.forced_ids == self.true_ids).sum())

    @property
    def n_free_right(self) -> int:
        """Places where free running wrote the true token, before and after it departed."""
        return int((self.free_ids == self.true_ids[: self.n_written]).sum())


def departure(encoding: EncodingTrace, free: GenerationTrace) -> Departure:
    """Set the predictions of a text beside a free run from its beginning.

    As many places are compared as the free run was asked for and the text has.

    Args:
        encoding: The whole text, read by a model that predicts the next token.
        free: A run of the same model from the first tokens of that text.

    Raises:
        TraceError: If the run does not begin as the text does, or nothing of the text is left
            behind its beginning.
    """
    n_given = free.n_prompt
    n_places = min(free.options.max_new_tokens, encoding.token_ids.size - n_given)
    if n_places < 1 or (free.token_ids[:n_given] != encoding.token_ids[:n_given]).any():
        raise TraceError(
            _("A free run begins with the tokens that the text begins with, and the text goes on."),
            found=ngettext(
                "The run was given {n} token, the text has {n_text}.",
                "The run was given {n} tokens, the text has {n_text}.",
                n_given,
            ).format(n=n_given, n_text=encoding.token_ids.size),
        )
    places = slice(n_given, n_given + n_places)
    before = slice(n_given - 1, n_given - 1 + n_places)
    chosen = np.array([step.chosen_prob for step in free.steps[:n_places]], dtype=np.float64)
    return Departure(
        n_given=n_given,
        true_ids=encoding.token_ids[places],
        forced_ids=encoding.top_ids[before, 0],
        forced_bits=label_bits(encoding)[before],
        free_ids=free.token_ids[places],
        free_bits=-np.log2(np.maximum(chosen, np.finfo(np.float64).tiny)) + 0.0,
    )
