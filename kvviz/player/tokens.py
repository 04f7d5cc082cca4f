"""The tokens of a text, as the player is told of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from jaxtyping import Int64
from numpy import ndarray

from kvviz.trace import GenerationTrace


def named_tokens(
    token_ids: Int64[ndarray, " token"], alone: Sequence[str], in_place: Sequence[str]
) -> list[dict[str, Any]]:
    """Return id and text of each token, and its bytes where these are a part of a character.

    Args:
        token_ids: Their ids.
        alone: Their texts, each by itself: bytes that are no whole character in hex.
        in_place: As they read in their text.
    """
    return [
        {"id": int(token_id), "text": text} | ({} if text == raw else {"bytes": raw})
        for token_id, raw, text in zip(token_ids, alone, in_place, strict=True)
    ]


def special_tokens(runs: Iterable[GenerationTrace]) -> dict[str, list[int]]:
    """Return the header's ``special_ids``, tokens that stand for no text; nothing without any."""
    ids = sorted(frozenset[int]().union(*(run.special_ids for run in runs)))
    return {"special_ids": ids} if ids else {}
