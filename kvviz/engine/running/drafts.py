"""Who guesses the next tokens of a text: its own words looked up, or a smaller model."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

from kvviz.engine.caches.full import FullRows
from kvviz.engine.models.loaded_model import LoadedModel
from kvviz.engine.observing.observation import StepObservation
from kvviz.engine.running.forward_pass import ForwardPass, pass_alone
from kvviz.engine.running.rows_place import rows_place
from kvviz.engine.running.shared_beginning import n_shared
from kvviz.errors import ContextLengthError, OptionsError
from kvviz.trace import forward_flops
from kvviz.translation import gettext as _

LONGEST_LOOKED_UP = 3
"""Last tokens that are looked for in what stands before them; if nobody finds them, fewer are."""


class Guess(NamedTuple):
    """Tokens that were guessed, and what that took."""

    token_ids: list[int]
    seconds: float
    flops: int = 0


class Draft(Protocol):
    """Who guesses."""

    name: str

    def guess(self, token_ids: Sequence[int], n: int) -> Guess:
        """Return at most so many tokens that may stand behind these."""
        ...


class Lookup:
    """Guesses that a text goes on as it did when its last tokens stood there before.

    The longest of its endings, of at most `LONGEST_LOOKED_UP` tokens, is looked for from the
    beginning; what stood behind it is the guess. Where no ending is found there is none.

    Source: Saxena (2023), “Prompt lookup decoding”.
    """

    name = "lookup"

    def guess(self, token_ids: Sequence[int], n: int) -> Guess:
        """Return what stood behind the same tokens."""
        start = time.perf_counter()
        found = looked_up(token_ids, n)
        return Guess(found, time.perf_counter() - start)


def looked_up(token_ids: Sequence[int], n: int) -> list[int]:
    """Return at most `n` tokens that stood behind the ending of a text when it stood there first.

    Args:
        token_ids: The text.
        n: Most tokens.

    Example:
        >>> looked_up([7, 1, 2, 3, 4, 1, 2], 2)
        [3, 4]
    """
    ids = list(token_ids)
    for length in range(min(LONGEST_LOOKED_UP, len(ids) - 1), 0, -1):
        ending = ids[-length:]
        for at in range(len(ids) - length):
            if ids[at : at + length] == ending:
                return ids[at + length :][:n]
    return []


class SmallerModel:
    """Lets another model with the same tokenizer write on, and keeps its rows as it keeps its text.

    Args:
        model: A decoder without windows.
        n_positions: Most positions that it will ever be asked about.

    Raises:
        ContextLengthError: If it has not so many.

    Source: Leviathan et al. (2023), “Fast inference from transformers via speculative decoding”,
    section 2.3.
    """

    def __init__(self, model: LoadedModel, n_positions: int) -> None:
        self.name = model.card.name
        if n_positions > model.card.n_ctx:
            raise ContextLengthError(
                _("The model that guesses does not have positions for so long a text."),
                found=_("{model} has {n_ctx:,}, and the text may have {n:,}.").format(
                    model=self.name, n_ctx=model.card.n_ctx, n=n_positions
                ),
                fix=_("Shorten the prompt, or ask for fewer new tokens."),
            )
        self._model, self._rows = model, FullRows(rows_place(model, n_positions, 1))
        self._fed: list[int] = []

    def guess(self, token_ids: Sequence[int], n: int) -> Guess:
        """Take back the rows of what turned out otherwise, and write on, the likeliest first."""
        ids, guessed, seconds, flops = list(token_ids), list[int](), 0.0, 0
        # The last token is always fed: what comes behind it is asked for.
        n_same = min(n_shared(self._fed, ids), len(ids) - 1)
        self._rows.take_back(n_same)
        del self._fed[n_same:]
        while len(guessed) < n:
            fed = range(len(self._fed), len(ids))
            observation = StepObservation()
            asked = ForwardPass(
                fed, ids[fed.start :], self._rows.arguments(fed), observation, False
            )
            made = pass_alone(self._model, asked)
            self._rows.settle(observation, fed)
            self._fed += ids[fed.start :]
            start = time.perf_counter()
            ids.append(int(made.logits.argmax()))
            guessed.append(ids[-1])
            seconds += made.seconds + time.perf_counter() - start
            flops += forward_flops(self._model.card, len(fed), fed.stop, made.n_logits)
            if ids[-1] in self._model.stop_ids:
                break
        return Guess(guessed, seconds, flops)


def draft_of(model: LoadedModel, draft: Literal["lookup"] | LoadedModel, n_positions: int) -> Draft:
    """Return who guesses for a model.

    Args:
        model: For which.
        draft: ``lookup``, or another model.
        n_positions: Most positions of the text.

    Raises:
        OptionsError: If it is neither, or a model that cannot guess for this one.
        ContextLengthError: If it is a model that has not so many positions.
    """
    if isinstance(draft, str) and draft == Lookup.name:
        return Lookup()
    if not isinstance(draft, LoadedModel):
        raise OptionsError(
            _("What guesses is “lookup”, or a model with the same tokenizer."),
            found=_("Found {found!r}.").format(found=draft)[:200],
            fix=_("Choose one of them."),
        )
    if draft.card.architecture != "decoder" or draft.card.windows:
        raise OptionsError(
            _("A model that guesses is a decoder whose layers see the whole text."),
            found=_("{model} is none.").format(model=draft.card.name),
            fix=_("Choose another one, or “lookup”."),
        )
    if not same_tokens(model, draft):
        raise OptionsError(
            _("A model can guess for another only if both cut texts into the same tokens."),
            found=_("{draft} has another tokenizer than {model}.").format(
                draft=draft.card.name, model=model.card.name
            ),
            fix=_("Choose a model of the same family of tokenizers, or “lookup”."),
        )
    return SmallerModel(draft, n_positions)


def same_tokens(one: LoadedModel, other: LoadedModel) -> bool:
    """Return whether each token id means the same text to both models."""
    return one.vocabulary == other.vocabulary
