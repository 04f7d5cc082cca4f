"""What a model is asked to go on from: a text as typed, or a conversation that becomes one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast

from kvviz.engine.models.loaded_model import LoadedModel
from kvviz.errors import OptionsError
from kvviz.trace import Conversation
from kvviz.trace.conversation import NO_CONVERSATION
from kvviz.translation import gettext as _
from kvviz.translation import ngettext

Prompt = str | Conversation | Sequence[Mapping[str, str]]
"""A text, or a conversation; also as a list of its turns, with ``role`` and ``content`` in each."""


class AskedPrompt(NamedTuple):
    """A prompt that a model has read.

    Attributes:
        text: As typed, or as the chat template wrote it.
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


def _text_of(model: LoadedModel, prompt: Prompt) -> tuple[str, Conversation]:
    """Return the text of a prompt, and the turns that it was made of."""
    if not isinstance(prompt, Conversation | list | tuple):
        # What is neither that nor a text is refused where it is read.
        return cast("str", prompt), NO_CONVERSATION
    conversation = Conversation.of(prompt.messages if isinstance(prompt, Conversation) else prompt)
    return model.chat_text(conversation), conversation
