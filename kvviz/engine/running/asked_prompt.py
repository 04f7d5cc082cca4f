"""What a model is asked to go on from: a text, a conversation that becomes one, or tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeGuard, cast

import numpy as np

from kvviz.engine.models.context_errors import run_too_long
from kvviz.engine.models.loaded_model import LoadedModel
from kvviz.errors import OptionsError, PromptError
from kvviz.trace import Conversation
from kvviz.trace.conversation import NO_CONVERSATION
from kvviz.translation import gettext as _
from kvviz.translation import ngettext

Tokens = Sequence[int] | np.ndarray
Prompt = str | Conversation | Sequence[Mapping[str, str]] | Tokens
"""A text, or a conversation; also as a list of its turns, with ``role`` and ``content`` in each. Or
token ids, which are read as they are: text that is cut into tokens again may give others."""


class AskedPrompt(NamedTuple):
    """A prompt that a model has read.

    Attributes:
        text: As typed, or as the chat template wrote it, or what the given tokens say.
        ids: The tokens that are read at once.
        given: Those that are read one a step, behind them.
        conversation: The turns that it was made of; none where it was typed.
    """

    text: str
    ids: list[int]
    given: list[int]
    conversation: Conversation


def asked_prompt(
    model: LoadedModel, prompt: Prompt, max_new_tokens: int, first: int | None = None
) -> AskedPrompt:
    """Return what a model reads of a prompt, with room for so many new tokens.

    Args:
        model: The model.
        prompt: The prompt.
        max_new_tokens: The room.
        first: Tokens that are read at once, all of them if None.

    Raises:
        PromptError: As `kvviz.trace_generation`.
        ContextLengthError: Likewise.
        OptionsError: If `first` is no whole number, less than 1, or more than there are; or the
            model is a T5, whose encoder reads the prompt.
    """
    if _are_tokens(prompt):
        conversation, ids = NO_CONVERSATION, _given_ids(model, prompt, max_new_tokens)
        n_begun = len(model.first_ids) if tuple(ids[:1]) == model.first_ids[:1] else 0
        text = model.text_of(ids[n_begun:])
    else:
        text, conversation = _text_of(model, prompt)
        ids = model.prompt_ids(text, max_new_tokens, is_chat=bool(conversation))
    if first is None:
        return AskedPrompt(text, ids, [], conversation)
    if (
        model.family.architecture != "decoder"
        or type(first) is not int
        or not (1 <= first <= len(ids))
    ):
        raise OptionsError(
            ngettext(
                "The prefill reads 1 token of the prompt.",
                "The prefill reads 1 to {n:,} tokens of the prompt.",
                len(ids),
            ).format(n=len(ids)),
            found=_("Found {found!r}, and {model}.").format(found=first, model=model.card.name),
            fix=_("Leave it out to have it read all of a prompt."),
        )
    return AskedPrompt(text, ids[:first], ids[first:], conversation)


def _are_tokens(prompt: Prompt) -> TypeGuard[Tokens]:
    """Return whether a prompt is a list of token ids, which are checked when they are read."""
    if isinstance(prompt, np.ndarray):
        return True
    found: list[Any] = [*prompt] if isinstance(prompt, list | tuple) else []
    return bool(found) and all(isinstance(one, int | np.integer) for one in found)


def _given_ids(model: LoadedModel, prompt: Tokens, max_new_tokens: int) -> list[int]:
    """Return token ids that were given, if a decoder can go on from them.

    Raises:
        PromptError: If one is none of the vocabulary, there are none, or an encoder reads the
            prompt: it puts tokens of its own around a text.
        ContextLengthError: If they leave no room for the new tokens.
    """
    if model.family.architecture != "decoder":
        raise PromptError(
            _("Only a decoder goes on from tokens as they are given."),
            found=_("{model} is a {family}.").format(
                model=model.card.name, family=model.family.title
            ),
            fix=_("Give it a text."),
        )
    ids = model.given_tokens(cast("Sequence[int]", prompt)).token_ids
    if max_new_tokens > model.card.n_ctx - len(ids):
        raise run_too_long(model.card, len(ids), max_new_tokens)
    return ids


def _text_of(model: LoadedModel, prompt: Prompt) -> tuple[str, Conversation]:
    """Return the text of a prompt, and the turns that it was made of."""
    if not isinstance(prompt, Conversation | list | tuple):
        # What is neither that nor a text is refused where it is read.
        return cast("str", prompt), NO_CONVERSATION
    conversation = Conversation.of(prompt.messages if isinstance(prompt, Conversation) else prompt)
    return model.chat_text(conversation), conversation
