"""The choice of the next token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from kvviz.engine.running.likely_tokens import most_likely
from kvviz.trace import GenerationOptions

# Tokens that top-p looks at first: to order them takes a hundredth of the time that all take.
_OFTEN_ENOUGH = 1024


class Choice(NamedTuple):
    """A token that was chosen.

    Attributes:
        token_id: Which.
        probs: The probabilities it was drawn with, or None if the choice was greedy.
    """

    token_id: int
    probs: Float64[Tensor, " vocab"] | None


class TokenChooser:
    """Chooses tokens, the same ones for the same logits and seed on every device.

    One number is drawn a step and looked up in the cumulative distribution, in the order of the
    token ids, in float64. So the last bits of the logits, in which a run with the cache differs
    from one without, move no border by more than they move a probability.

    Args:
        options: Temperature, top-k, top-p and seed.
    """

    def __init__(self, options: GenerationOptions) -> None:
        self._options = options
        self._generator = torch.Generator().manual_seed(options.seed)

    def choose(self, logits: Float[Tensor, " vocab"]) -> Choice:
        """Return the next token, and what it was drawn from."""
        if self._options.temperature == 0.0:
            return Choice(int(logits.argmax()), None)
        probs = sampling_distribution(
            logits.cpu().double(),
            self._options.temperature,
            self._options.top_k,
            self._options.top_p,
        )
        cumulative = probs.cumsum(0)
        # At most 1 - 2^-53 times the total, which in float64 always rounds to less than the total.
        draw = torch.rand((), generator=self._generator, dtype=torch.float64) * cumulative[-1]
        return Choice(int(torch.searchsorted(cumulative, draw, right=True)), probs)


class GivenTokens:
    """Gives the tokens that a text goes on with, and then lets another choose.

    Args:
        given: The tokens.
        then: Who chooses after them.
    """

    def __init__(self, given: Sequence[int], then: TokenChooser) -> None:
        self._given = iter(given)
        self._then = then

    def choose(self, logits: Float[Tensor, " vocab"]) -> Choice:
        """Return the next token, whatever the model says as long as any is given."""
        token_id = next(self._given, None)
        return self._then.choose(logits) if token_id is None else Choice(token_id, None)


def sampling_distribution(
    logits: Float64[Tensor, " vocab"], temperature: float, top_k: int | None, top_p: float | None
) -> Float64[Tensor, " vocab"]:
    """Return the probabilities that a token is drawn with.

    Temperature comes first, then top-k, then top-p on what top-k left.

    Args:
        logits: Logits of all tokens.
        temperature: Divisor of the logits, above 0.
        top_k: Keep this many of the most likely tokens; of equal ones the lowest ids.
        top_p: Keep the fewest most likely tokens that together have this probability.

    Returns:
        Probabilities of all tokens, which sum to 1.

    Source: Fan et al. (2018) for top-k, Holtzman et al. (2020), section 3.1, for top-p.
    """
    # The largest logit is taken off first, so that a tiny temperature gives -inf, not inf - inf.
    probs = ((logits - logits.max()) / temperature).softmax(0)
    if top_k is not None and top_k < probs.numel():
        kept = _largest(logits, top_k)
        probs = torch.zeros_like(probs).index_copy_(0, kept, probs[kept])
        probs /= probs.sum()
    if top_p is not None and top_p < 1.0:
        ids = _largest(logits, _OFTEN_ENOUGH)
        if probs[ids].sum() < top_p:
            ids = _largest(logits, probs.numel())
        mass = probs[ids]
        kept = ids[mass.cumsum(0) - mass < top_p]
        probs = torch.zeros_like(probs).index_copy_(0, kept, probs[kept])
        probs /= probs.sum()
    return probs


def _largest(logits: Float64[Tensor, " vocab"], count: int) -> Int64[Tensor, " k"]:
    return torch.from_numpy(most_likely(logits[None], count)[0][0])
