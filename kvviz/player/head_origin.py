"""How the rows of one head came about, packed for the player.

It is a small buffer inside the run's, or one that is joined to it in the browser (``appended`` in
``js/packed_buffer.js``).

``contract.json`` names what it holds, and ``js/head_origin.js`` reads it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from kvviz.player import packed_buffer
from kvviz.player.contract import CONTRACT
from kvviz.trace import GenerationTrace
from kvviz.trace.head_origin import ROW_PARTS, HeadOrigin
from kvviz.translation import gettext as _

MAX_BYTES: int = CONTRACT["max_bytes_origin"]
"""Most bytes of one origin: the widest GPT-2 at its full context fills two thirds of it."""

RunCache = Literal["on", "off"]


@dataclass(frozen=True)
class OriginAsked:
    """Which head's rows are asked for.

    Attributes:
        layer: The layer.
        head: The query head.
        cross: Whether of the attention to an encoder.
        cache: Of the run with the cache, or of the one without.
    """

    layer: int
    head: int
    cross: bool = False
    cache: RunCache = "on"

    def is_in(self, run: GenerationTrace) -> bool:
        """Whether a run has such a head."""
        return (
            0 <= self.layer < run.model.n_layers
            and 0 <= self.head < run.model.n_heads
            and (not self.cross or run.cross is not None)
        )


Answer = HeadOrigin | str
"""What is known of a head that was asked for, or a sentence that says why nothing is."""


def origin_arrays(
    run_id: str, origins: Mapping[OriginAsked, Answer]
) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    """Yield name and bytes of each answer, as the arrays of a run's buffer.

    Args:
        run_id: The run's `kvviz.player.fingerprint`.
        origins: At most one of a decoder's own attention, and one of its cross-attention.
    """
    for asked, answer in origins.items():
        name = "cross_head_origin" if asked.cross else "head_origin"
        yield name, np.frombuffer(pack_origin(run_id, asked, answer), dtype=np.uint8)


def pack_origins(run_id: str, origins: Mapping[OriginAsked, Answer]) -> bytes:
    """Pack answers by themselves, for a player that has the run's buffer and joins them to it."""
    return packed_buffer.pack({}, origin_arrays(run_id, origins))


def pack_origin(run_id: str, asked: OriginAsked, answer: Answer) -> bytes:
    """Pack what is known of a head, or why nothing is; what is too large is refused."""
    if not isinstance(answer, str) and n_bytes_of(answer) > MAX_BYTES:
        answer = _("What these rows are made of is too large to be shown: the run is too long.")
    header = {
        "magic": CONTRACT["origin_magic"],
        "id": run_id,
        "cache": asked.cache,
        "layer": asked.layer,
        "head": asked.head,
        "cross": asked.cross,
        "within": {} if isinstance(answer, str) else {**answer.within},
        "epsilon": 0.0 if isinstance(answer, str) else answer.epsilon,
        "added_is_normed": not isinstance(answer, str) and answer.added_is_normed,
        "refused": answer if isinstance(answer, str) else "",
    }
    return packed_buffer.pack(header, () if isinstance(answer, str) else _arrays(answer))


def n_bytes_of(origin: HeadOrigin) -> int:
    """Return how many bytes the arrays of an origin take."""
    return sum(array.nbytes for _name, array in _arrays(origin))


def _arrays(origin: HeadOrigin) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    yield "hidden", origin.hidden
    if origin.encoder_hidden is not None:
        yield "encoder_hidden", origin.encoder_hidden
    for part in ROW_PARTS:
        yield f"{part}_weight", origin.weights[part]
    for part, bias in origin.biases.items():
        yield f"{part}_bias", bias
    for part, norm in origin.norms.items():
        yield f"{part}_norm", norm
    if origin.cos is not None and origin.sin is not None:
        yield "cos", origin.cos
        yield "sin", origin.sin
    yield "stream", origin.stream
    yield "added", origin.added
