"""Counting models: the baselines that a network has to beat on the same tokens.

The 5-gram is interpolated modified Kneser-Ney, the strongest of the plain counting models.
Source: Chen and Goodman, "An Empirical Study of Smoothing Techniques for Language Modeling",
TR-10-98, Harvard University, 1998, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64, Integer, UInt64

from training.errors import RecipeError

MIN_DISCOUNT = 0.1


def unigram_nats(
    train: Integer[np.ndarray, " n"], test: Integer[np.ndarray, " m"], d_vocab: int
) -> Float64[np.ndarray, " m"]:
    """Returns -ln p of each test token by its share of the training tokens, add-one smoothed.

    Args:
        train: Token ids below `d_vocab`.
        test: Token ids below `d_vocab`.
        d_vocab: Number of entries.
    """
    counts = np.bincount(train, minlength=d_vocab) + 1.0
    return -np.log(counts / counts.sum())[test]


@dataclass(frozen=True)
class _Order:
    """Counts of one order; keys are n-grams packed into one number, oldest token highest."""

    keys: UInt64[np.ndarray, " gram"]
    discounted: Float64[np.ndarray, " gram"]
    contexts: UInt64[np.ndarray, " context"]
    totals: Float64[np.ndarray, " context"]
    backoffs: Float64[np.ndarray, " context"]


class KneserNey:
    """An interpolated n-gram model.

    Args:
        train: Token ids below `d_vocab`.
        d_vocab: Number of entries.
        n: Length of the longest n-gram, the predicted token included.

    Raises:
        RecipeError: `n` tokens of this vocabulary do not fit into 64 bits.
    """

    def __init__(self, train: Integer[np.ndarray, " n"], d_vocab: int, n: int = 5) -> None:
        self._bits = max(1, (d_vocab - 1).bit_length())
        if n * self._bits > 64:
            raise RecipeError(
                f"A {n}-gram over this vocabulary cannot be counted.",
                found=f"{d_vocab} entries need {self._bits} bits each, and 64 is the most in all.",
                fix="Evaluate a model with at most 4,096 entries.",
            )
        self._d_vocab, self._n = d_vocab, n
        keys, counts = np.unique(self._grams(train, n), return_counts=True)
        orders = [self._order(keys, counts)]
        for k in range(n - 1, 0, -1):
            # Lower orders count in how many contexts a gram occurs, not how often.
            keys, counts = np.unique(keys & self._mask(k), return_counts=True)
            orders.append(self._order(keys, counts))
        self._orders = orders[::-1]

    def nats(self, test: Integer[np.ndarray, " m"], before: int) -> Float64[np.ndarray, " m"]:
        """Returns -ln p of each token given the n-1 tokens before it.

        Args:
            test: Token ids, one running text.
            before: The token that is taken to stand before the text.
        """
        padded = np.concatenate([np.full(self._n - 1, before, dtype=np.uint64), test])
        return -np.log(self._probabilities(self._grams(padded, self._n)))

    def likeliest(self, contexts: Integer[np.ndarray, "m n_minus_1"]) -> Int64[np.ndarray, " m"]:
        """Returns the most probable next token after each context of n-1 tokens."""
        every = np.arange(self._d_vocab, dtype=np.uint64)
        shift = np.uint64(self._bits)
        keys = np.zeros(len(contexts), dtype=np.uint64)
        for column in contexts.T.astype(np.uint64):
            keys = (keys << shift) | column
        return np.array(
            [self._probabilities((key << shift) | every).argmax() for key in keys], dtype=np.int64
        )

    def _probabilities(self, longest: UInt64[np.ndarray, " m"]) -> Float64[np.ndarray, " m"]:
        p = np.full(len(longest), 1.0 / self._d_vocab)
        for k, order in enumerate(self._orders, start=1):
            keys = longest & self._mask(k)
            context, seen = _find(order.contexts, keys >> np.uint64(self._bits))
            gram, known = _find(order.keys, keys)
            mass = np.where(known, order.discounted[gram], 0.0)
            p = np.where(seen, mass / order.totals[context] + order.backoffs[context] * p, p)
        return p

    def _grams(self, tokens: Integer[np.ndarray, " n"], n: int) -> UInt64[np.ndarray, " gram"]:
        tokens = tokens.astype(np.uint64)
        keys = np.zeros(len(tokens) - n + 1, dtype=np.uint64)
        for j in range(n):
            keys = (keys << np.uint64(self._bits)) | tokens[j : len(tokens) - n + 1 + j]
        return keys

    def _mask(self, n: int) -> np.uint64:
        return np.uint64((1 << (n * self._bits)) - 1)

    def _order(
        self, keys: UInt64[np.ndarray, " gram"], counts: Int64[np.ndarray, " gram"]
    ) -> _Order:
        once, twice, thrice, four = (float(np.sum(counts == c)) for c in (1, 2, 3, 4))
        y = once / max(1.0, once + 2 * twice)
        discounts = np.array(
            [
                0.0,
                1 - 2 * y * twice / max(1.0, once),
                2 - 3 * y * thrice / max(1.0, twice),
                3 - 4 * y * four / max(1.0, thrice),
            ]
        )
        # Few tokens are rare enough to estimate the discounts of single tokens from; a discount
        # of nought would leave no probability for a token never seen.
        discounts[1:] = discounts[1:].clip(MIN_DISCOUNT, [1.0, 2.0, 3.0])
        taken = discounts[np.minimum(counts, 3)]
        contexts, starts = np.unique(keys >> np.uint64(self._bits), return_index=True)
        totals = np.add.reduceat(counts, starts).astype(np.float64)
        return _Order(
            keys=keys,
            discounted=counts - taken,
            contexts=contexts,
            totals=totals,
            backoffs=np.add.reduceat(taken, starts) / totals,
        )


def _find(
    ascending: UInt64[np.ndarray, " n"], wanted: UInt64[np.ndarray, " m"]
) -> tuple[Int64[np.ndarray, " m"], np.ndarray]:
    """Returns the place of each wanted number, and whether it stands there at all."""
    place = np.minimum(np.searchsorted(ascending, wanted), len(ascending) - 1)
    return place, ascending[place] == wanted
