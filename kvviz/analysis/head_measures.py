"""What each head of an encoding does, in three numbers: looks ahead, spreads, reaches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Float, Float64

from kvviz.analysis.attention import attention_distance, attention_entropy
from kvviz.errors import PatternError
from kvviz.trace import EncodingTrace
from kvviz.translation import gettext as _


@dataclass(frozen=True, eq=False)
class HeadMeasures:
    """Means over the queries of a text, for every head.

    Attributes:
        forward: Share of the attention that goes to later positions, from 0 to 1.
        entropy: Spread of the attention, in bits.
        distance: How far away it looks, in positions.
    """

    forward: Float64[np.ndarray, "layer head"]
    entropy: Float64[np.ndarray, "layer head"]
    distance: Float64[np.ndarray, "layer head"]


def forward_share(pattern: Float[np.ndarray, "... query key"]) -> Float64[np.ndarray, "... query"]:
    """Measure how much of each query's attention goes to positions after its own.

    0 under a causal mask, where later cells are masked. The last query has nothing after it and
    always has 0.

    Args:
        pattern: Softmaxed weights of a text over itself; masked cells are NaN or 0.

    Returns:
        Share of each query, from 0 to 1.

    Raises:
        PatternError: If the pattern is not square.

    Example:
        >>> forward_share(np.array([[0.25, 0.75], [0.5, 0.5]]))
        array([0.75, 0.  ])
    """
    weights: Any = np.nan_to_num(np.asarray(pattern, dtype=np.float64), nan=0.0)
    if weights.ndim < 2 or weights.shape[-1] != weights.shape[-2]:
        raise PatternError(
            _("What lies ahead can only be told in a pattern of a text over itself."),
            found=_("Its shape is {shape}.").format(shape=weights.shape),
        )
    return np.triu(weights, k=1).sum(axis=-1)


def query_measures(
    pattern: Float[np.ndarray, "query key"],
) -> Float64[np.ndarray, "3 query"]:
    """Measure each query of a head: what it gives to later positions, its entropy, its distance.

    Their means are the head's `HeadMeasures`.

    Raises:
        PatternError: If the pattern is not square.
    """
    measures = (forward_share, attention_entropy, attention_distance)
    return np.stack([measure(pattern) for measure in measures])


_measured: WeakKeyDictionary[EncodingTrace, HeadMeasures] = WeakKeyDictionary()


def head_measures(encoding: EncodingTrace) -> HeadMeasures:
    """Measure every head of an encoding; each number is the mean over its queries.

    An encoding is measured once: of a large model on a long text it takes a second, and a page asks
    again whenever it is drawn.

    Source: entropy, Clark et al. (2019), section 3.3; distance, Vig and Belinkov (2019),
    section 4.2.
    """
    if encoding in _measured:
        return _measured[encoding]
    card = encoding.model
    numbers = np.zeros((3, card.n_layers, card.n_heads))
    for layer, head in np.ndindex(card.n_layers, card.n_heads):
        numbers[:, layer, head] = query_measures(encoding.pattern(layer, head)).mean(axis=1)
    numbers.flags.writeable = False
    return _measured.setdefault(encoding, HeadMeasures(*numbers))
