"""Logarithmic axes with units that one can say: bytes as ``100 GB``, tokens as ``10,000``."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from kvviz.translation import ngettext

_UNITS = {0: "B", 3: "kB", 6: "MB", 9: "GB", 12: "TB", 15: "PB"}


def bytes_against_tokens(
    figure: go.Figure, *, bytes_title: str, tokens_title: str, powers: range
) -> None:
    """Make both axes of a figure logarithmic: bytes upwards, tokens to the right.

    Args:
        figure: The figure.
        bytes_title: What the bytes are of.
        tokens_title: What the tokens are of.
        powers: Powers of ten of the bytes that may be marked.
    """
    figure.update_yaxes(
        type="log",
        title_text=bytes_title,
        tickvals=[10.0**power for power in powers],
        ticktext=[power_in_bytes(power) for power in powers],
    )
    figure.update_xaxes(
        type="log",
        title_text=tokens_title,
        tickvals=[10.0**power for power in range(8)],
        ticktext=[f"{10**power:,}" for power in range(8)],
    )


def counted_tokens(counts: np.ndarray) -> list[str]:
    """Return numbers of tokens with their noun, for the hover text of marks over that axis."""
    return [
        ngettext("{n:,} token", "{n:,} tokens", n).format(n=n) for n in map(round, counts.tolist())
    ]


def power_in_bytes(power: int) -> str:
    """Return a power of ten with its unit.

    Example:
        >>> power_in_bytes(11)
        '100 GB'
    """
    base = max(unit for unit in _UNITS if unit <= power)
    return f"{10 ** (power - base):,} {_UNITS[base]}"
