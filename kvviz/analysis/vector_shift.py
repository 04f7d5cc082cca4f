"""How far a token's vector moves, layer by layer, when other words of its text change."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from kvviz.errors import OptionsError
from kvviz.trace import EncodingTrace
from kvviz.translation import gettext as _


def vector_shift(
    one: EncodingTrace, other: EncodingTrace, position: int, other_position: int | None = None
) -> Float64[np.ndarray, " layer"]:
    """Measure the cosine distance between a token's vectors in two texts, in every layer.

    0 where the vectors are the same to the last bit, 1 where they stand at a right angle, 2 where
    they point opposite ways.

    Args:
        one: A text.
        other: A text by the same model.
        position: Where the token stands in the first.
        other_position: Where it stands in the second; the same place if None.

    Returns:
        Distances, from 0 to 2; layer 0 is the embedding, before any attention.

    Raises:
        OptionsError: If there is no such position in one of the texts.

    Source: contextuality by cosine, Ethayarajh (2019), arXiv 1909.00512, section 3.1.
    """
    places = (position, position if other_position is None else other_position)
    for encoding, place in zip((one, other), places, strict=True):
        if not 0 <= place < encoding.token_ids.size:
            raise OptionsError(
                _("The text has no such position."),
                found=_("Asked for {place} of {n}.").format(place=place, n=encoding.token_ids.size),
                fix=_("Name a position of the text."),
            )
    distances = np.zeros(one.model.n_layers + 1)
    for layer in range(one.model.n_layers + 1):
        first, second = one.hidden(layer)[places[0]], other.hidden(layer)[places[1]]
        if np.array_equal(first, second):
            continue  # a product of roots would leave a rest of 1e-16 where there is none
        a, b = first.astype(np.float64), second.astype(np.float64)
        distances[layer] = 1 - (a @ b) / (np.linalg.norm(a) * np.linalg.norm(b))
    return distances
