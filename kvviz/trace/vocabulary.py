"""The texts of tokens in a trace, and what holds for them in traces of every kind."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import numpy as np
from jaxtyping import Int64

from kvviz.errors import TraceError
from kvviz.trace.model_card import ModelCard
from kvviz.translation import gettext as _
from kvviz.translation import ngettext


def check_token_ids(card: ModelCard, ids: Int64[np.ndarray, " n"]) -> None:
    """Hold token ids to a model's vocabulary.

    Raises:
        TraceError: If one lies outside it.
    """
    if ids.min() < 0 or ids.max() >= card.d_vocab:
        raise TraceError(
            _("Token ids lie in the model's vocabulary."),
            found=ngettext(
                "They reach from {least} to {largest}, the vocabulary has {n} entry.",
                "They reach from {least} to {largest}, the vocabulary has {n} entries.",
                card.d_vocab,
            ).format(least=ids.min(), largest=ids.max(), n=card.d_vocab),
        )


def check_named(law: str, ids: Iterable[int], vocabulary: Collection[int]) -> None:
    """Hold a trace to having a text for each of these tokens.

    Args:
        law: What should be so, a sentence.
        ids: The tokens.
        vocabulary: Those that have a text.

    Raises:
        TraceError: If one has none.
    """
    if without := {int(i) for i in ids} - set(vocabulary):
        raise TraceError(law, found=_("Token {token} has none.").format(token=min(without)))


def check_unicode(text: str, tokens: Iterable[str], vocabulary: Mapping[int, str]) -> None:
    """Hold all texts of a trace to being Unicode.

    Raises:
        TraceError: If one holds half a character.
    """
    try:
        "".join([text, *tokens, *vocabulary.values()]).encode()
    except UnicodeEncodeError as error:
        raise TraceError(
            _("The texts of a trace are Unicode."),
            found=_("One holds half a character: {reason}.").format(reason=error.reason),
        ) from error
