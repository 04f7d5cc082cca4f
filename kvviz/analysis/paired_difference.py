"""By how much two ways differ on the very same tokens, and how sure that is."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from kvviz.errors import OptionsError
from kvviz.translation import gettext as _

SURE_AT = 2.0
"""Standard errors from which on a difference is called one: one in twenty passes them by chance."""


class PairedDifference(NamedTuple):
    """The mean of differences, token by token.

    Attributes:
        mean: First minus second, in the unit of both.
        error: Standard error of that mean, 0 where all differences are equal or there is but one.
        is_sure: Whether the mean is further from nothing than chance would easily bring it.
    """

    mean: float
    error: float
    is_sure: bool


def paired_difference(
    one: Float[np.ndarray, " score"], other: Float[np.ndarray, " score"]
) -> PairedDifference:
    """Compare two ways on the same tokens.

    Tokens of one text are no independent draws, so that the error is a lower bound: what is not
    sure by it is not sure.

    Args:
        one: A number for each token.
        other: Likewise, of the other way.

    Raises:
        OptionsError: If there are none, or not equally many.

    Example:
        >>> paired_difference(np.array([2.0, 3.0, 4.0]), np.array([1.0, 1.0, 1.0])).mean
        2.0

    Source: Student (1908), “The probable error of a mean”, section IX, on paired observations.
    """
    if one.shape != other.shape or not one.size:
        raise OptionsError(
            _("Two ways are compared on the same tokens, one at least."),
            found=_("Found {n} and {m}.").format(n=one.size, m=other.size),
        )
    differences = np.asarray(one, dtype=np.float64) - np.asarray(other, dtype=np.float64)
    mean, n = float(differences.mean()), differences.size
    error = float(differences.std(ddof=1) / math.sqrt(n)) if n > 1 else 0.0
    return PairedDifference(mean, error, n > 1 and abs(mean) > SURE_AT * error)
