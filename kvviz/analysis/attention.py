"""What an attention pattern looks like in numbers: how spread, how far back, how much on a sink.

Patterns are softmaxed weights with axes ``... query key``; masked cells are NaN or 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Float64

from kvviz.errors import PatternError
from kvviz.translation import gettext as _
from kvviz.translation import ngettext

ROW_SUM_TOLERANCE = 1e-4
"""1,024 float32 weights add up to 1 within 1,024 x 2^-24 = 6e-5; a lost weight shows far more."""

Pattern = Float[np.ndarray, "... query key"]
PerQuery = Float64[np.ndarray, "... query"]


def attention_entropy(pattern: Pattern) -> PerQuery:
    """Measure how spread the attention of each query is, in bits.

    0 when a query looks at one key, log2(n) when it looks at n keys alike. Masked cells are left
    out.

    Args:
        pattern: Softmaxed weights; each row sums to 1.

    Returns:
        Entropy of each query, from 0 to log2(keys it may see).

    Raises:
        PatternError: If it is no pattern: too few axes, a weight outside [0, 1], or a row that does
            not sum to 1.

    Example:
        >>> attention_entropy(np.array([[1.0, 0.0], [0.5, 0.5]]))
        array([0., 1.])

    Source: Shannon (1948), section 6; for attention, Clark et al. (2019), section 3.3.
    """
    weights = _checked(pattern)
    logs = np.log2(weights, where=weights > 0, out=np.zeros_like(weights))
    # Adding 0.0 turns the -0.0 of a certain row into 0.0.
    return -(weights * logs).sum(axis=-1) + 0.0


def sink_mass(pattern: Pattern, n_sink: int = 1) -> PerQuery:
    """Measure how much of each query's attention rests on the first positions.

    Args:
        pattern: Softmaxed weights; each row sums to 1.
        n_sink: How many first positions count as the sink, 1 to the number of keys.

    Returns:
        Share of each query, from 0 to 1. The first query of a causal pattern can look at nothing
        else and has 1.

    Raises:
        PatternError: If it is no pattern, or there are fewer keys than `n_sink`.

    Example:
        >>> sink_mass(np.array([[1.0, 0.0], [0.25, 0.75]]))
        array([1.  , 0.25])

    Source: Xiao et al. (2023), "Efficient Streaming Language Models with Attention Sinks",
    section 3.
    """
    weights = _checked(pattern)
    if not 1 <= n_sink <= weights.shape[-1]:
        raise PatternError(
            _("A sink has at least one position and no more than there are keys."),
            found=_("Found {n_sink} of {n_keys}.").format(n_sink=n_sink, n_keys=weights.shape[-1]),
        )
    return weights[..., :n_sink].sum(axis=-1)


def attention_distance(pattern: Pattern) -> PerQuery:
    """Measure how many positions away each query looks, on average.

    Args:
        pattern: Softmaxed weights of a text over itself; each row sums to 1.

    Returns:
        Mean of ``|query - key|`` in positions, weighted by attention: 0 when a query looks at
        itself.

    Raises:
        PatternError: If it is no pattern, or not square.

    Example:
        >>> attention_distance(np.array([[1.0, 0.0], [0.5, 0.5]]))
        array([0. , 0.5])

    Source: the attention distance of Vig and Belinkov (2019), section 4.2.
    """
    weights = _checked(pattern)
    n_queries, n_keys = weights.shape[-2:]
    if n_queries != n_keys:
        raise PatternError(
            _("Distances need a pattern of a text over itself."),
            found=_("It has {queries} and {keys}.").format(
                queries=ngettext("{n} query", "{n} queries", n_queries).format(n=n_queries),
                keys=ngettext("{n} key", "{n} keys", n_keys).format(n=n_keys),
            ),
        )
    positions = np.arange(n_keys, dtype=np.float64)
    distances = np.abs(np.subtract.outer(positions, positions))
    return (weights * distances).sum(axis=-1)


def _checked(pattern: Any) -> Float64[np.ndarray, "... query key"]:
    """Return the pattern with 0 in masked cells, if it is one."""
    weights = np.nan_to_num(np.asarray(pattern, dtype=np.float64), nan=0.0)
    if weights.ndim < 2 or not weights.size:
        raise PatternError(
            _("A pattern has a query and a key axis, and at least one of each."),
            found=_("Its shape is {shape}.").format(shape=weights.shape),
        )
    off = np.abs(weights.sum(axis=-1) - 1)
    if (weights < 0).any() or not (off <= ROW_SUM_TOLERANCE).all():
        raise PatternError(
            _("The rows of a pattern are shares that sum to 1."),
            found=_("One is off by {most:.3g}, and the smallest weight is {least:.3g}.").format(
                most=off.max(), least=weights.min()
            ),
            fix=_("Pass weights after softmax, such as trace.pattern(layer, head)."),
        )
    return weights
