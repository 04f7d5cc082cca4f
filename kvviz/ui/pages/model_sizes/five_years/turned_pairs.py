"""A key as pairs of numbers, each an arrow: kept, further on, and turned to where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from kvviz.translation import gettext as _
from kvviz.ui.shell.plain_text import plain_html

N_PAIRS = 5
REACH = 21.0
"""Pixels of the longest arrow in its field, whose middle the style puts all of them at."""

Arrows = Float[np.ndarray, "pair 2"]


@dataclass(frozen=True, eq=False)
class Pairs:
    """The first pairs of one key; those that turn fastest in a rotary model.

    Attributes:
        kept: As the cache has it.
        there: As a run has it further on.
        offered: What the cache can make of the first: turned, where the model turns.
    """

    kept: Arrows
    there: Arrows
    offered: Arrows

    @classmethod
    def of(cls, kept: np.ndarray, there: np.ndarray, offered: np.ndarray) -> Pairs:
        """Pair each of the first numbers with the one half a key further on."""
        half = len(kept) // 2
        return cls(
            *(
                np.stack([key[:half], key[half:]], axis=-1)[:N_PAIRS]
                for key in (kept, there, offered)
            )
        )


def pairs_picture(of: Mapping[str, Pairs], n_places: int) -> str:
    """Return both models' arrows as HTML, with a legend and words for who does not see them."""
    legend = _(
        "A key of the last token in layer 0, two of its numbers an arrow. Thin: as it is kept. "
        "Thick, orange: as a run has it for the same token {n} places further on. Ring, blue: what "
        "the cache can offer there, which is the kept key, turned where the model turns."
    ).format(n=n_places)
    rows = "".join(_row(name, pairs) for name, pairs in of.items())
    return f'<div class="kvviz-pairs">{rows}<p class="kvviz-body">{plain_html(legend)}</p></div>'


def _row(name: str, pairs: Pairs) -> str:
    longest = max(float(np.linalg.norm(one, axis=-1).max()) for one in (pairs.kept, pairs.there))
    scale = REACH / (longest or 1.0)
    off = float(np.linalg.norm(pairs.offered - pairs.there, axis=-1).max()) / (longest or 1.0)
    read_out = _(
        "{model}, {n} pairs of numbers of one key: what the cache can offer is off by up to "
        "{share} of the longest pair."
    ).format(model=name, n=N_PAIRS, share=f"{off:.0%}")
    fields = "".join(
        f"<i>{_arrow('was', kept)}{_arrow('is', there)}"
        f'<b class="kvviz-offered" style="transform:translate({ring[0]:.1f}px,{ring[1]:.1f}px)">'
        f"</b></i>"
        for kept, there, ring in zip(
            pairs.kept * scale, pairs.there * scale, pairs.offered * scale, strict=True
        )
    )
    return (
        f'<div class="kvviz-pairs-row" role="img" aria-label="{plain_html(read_out)}">'
        f"<span>{plain_html(name)}</span>{fields}</div>"
    )


def _arrow(name: str, pair: Float[np.ndarray, "2"]) -> str:
    length, degrees = np.hypot(*pair), np.degrees(np.arctan2(pair[1], pair[0]))
    return (
        f'<b class="kvviz-{name}" style="width:{length:.1f}px;'
        f'transform:rotate({degrees:.1f}deg)"></b>'
    )
