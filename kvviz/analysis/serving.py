"""How many accelerators a model needs, and how many users fit on them, by their memory alone.

Left out is what memory does not settle: how fast they are, and how well a model can be split.
"""

from __future__ import annotations

from kvviz.analysis.cache_size import bits
from kvviz.errors import OptionsError
from kvviz.translation import gettext as _
from kvviz.translation import ngettext

FREE_SHARE = 10
"""One part in so many of the memory is kept free, for activations and the software's own needs."""


def parameter_bytes(n_parameters: int, number: str = "bfloat16") -> int:
    """Count the bytes of parameters, a begun byte as a whole one.

    Args:
        n_parameters: How many, at least 1.
        number: Number format, a key of `BITS`. The scales of a quantised one are left out.

    Raises:
        OptionsError: If there is no parameter, or the format is unknown.
    """
    if n_parameters < 1:
        raise OptionsError(
            _("A model has parameters."), found=_("Found {n:,}.").format(n=n_parameters)
        )
    return -(-n_parameters * bits(number) // 8)


def usable_bytes(memory_gb: int) -> int:
    """Return the bytes of an accelerator's memory that are not kept free.

    Args:
        memory_gb: Its memory in units of 10^9 bytes, at least 1.

    Raises:
        OptionsError: If it has none.
    """
    if memory_gb < 1:
        raise OptionsError(
            _("An accelerator has memory."),
            found=_("Found {memory_gb:,} GB.").format(memory_gb=memory_gb),
        )
    total = memory_gb * 10**9
    return total - total // FREE_SHARE


def accelerators_needed(n_bytes: int, memory_gb: int) -> int:
    """Return the fewest accelerators that hold so many bytes, split evenly.

    Args:
        n_bytes: Weights and caches together, at least 1.
        memory_gb: Memory of one accelerator, in units of 10^9 bytes.

    Raises:
        OptionsError: If there is nothing to hold, or nothing to hold it in.
    """
    if n_bytes < 1:
        raise OptionsError(
            _("There is nothing to hold."),
            found=ngettext("Found {n:,} byte.", "Found {n:,} bytes.", n_bytes).format(n=n_bytes),
        )
    return -(-n_bytes // usable_bytes(memory_gb))


def users_that_fit(weights: int, cache_of_one: int, memory_gb: int, n_accelerators: int) -> int:
    """Return how many users' caches fit beside the weights.

    Args:
        weights: Bytes of the weights.
        cache_of_one: Bytes of one user's cache, at least 1.
        memory_gb: Memory of one accelerator, in units of 10^9 bytes.
        n_accelerators: How many there are.

    Returns:
        The users, 0 where not even the weights fit.

    Raises:
        OptionsError: If a user's cache takes nothing, so that any number would fit.
    """
    if cache_of_one < 1:
        raise OptionsError(
            _("Without a cache this number has no end."),
            found=ngettext(
                "Found {n:,} byte a user.", "Found {n:,} bytes a user.", cache_of_one
            ).format(n=cache_of_one),
        )
    free = n_accelerators * usable_bytes(memory_gb) - weights
    return max(0, free // cache_of_one)
