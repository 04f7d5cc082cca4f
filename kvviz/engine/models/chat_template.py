"""A conversation as the chat template of a tokenizer writes it, which is a program of the model's.

transformers runs it in the sandbox of Jinja, where it can reach nothing but the conversation. It
may still fail, or never come to an end; both are said in a sentence.
"""

from __future__ import annotations

import ctypes
from threading import Thread
from typing import Any

from kvviz.errors import PromptError
from kvviz.trace import Conversation
from kvviz.translation import gettext as _

MOST_SECONDS = 5.0
"""The templates of published models take less than a millisecond a turn."""


class _TooLongError(Exception):
    """Raised inside a template that has had its time."""


def has_template(tokenizer: Any) -> bool:
    """Whether a tokenizer brings a chat template."""
    return bool(getattr(tokenizer, "chat_template", None))


def written(tokenizer: Any, conversation: Conversation, model: str) -> str:
    """Return a conversation as the text that a model is to go on from.

    Where the assistant has the last word the model goes on with just that; else the template
    begins a turn of the assistant's.

    Args:
        tokenizer: A tokenizer of transformers; None of a model that takes no conversation.
        conversation: The turns.
        model: The model's name, for what goes wrong.

    Raises:
        PromptError: If there is no template, or it fails, takes too long or writes nothing.
    """
    if not has_template(tokenizer):
        raise PromptError(
            _("{model} takes no conversation: its tokenizer has no chat template.").format(
                model=model
            ),
            fix=_("Type a prompt, or choose a model that was trained on conversations."),
        )
    goes_on = conversation.is_to_go_on
    found: list[str] = []
    failed: list[BaseException] = []

    def write() -> None:
        try:
            found.append(
                tokenizer.apply_chat_template(
                    conversation.messages,
                    tokenize=False,
                    add_generation_prompt=not goes_on,
                    continue_final_message=goes_on,
                )
            )
        except BaseException as error:  # a template is a program, and raises what it likes
            failed.append(error)

    # On a thread of its own, since only so can it be ended.
    worker = Thread(target=write, name="kvviz-chat-template", daemon=True)
    worker.start()
    worker.join(MOST_SECONDS)
    if worker.is_alive():
        _end(worker)
        raise _failed(model, _("It does not come to an end."))
    if failed:
        words = " ".join(str(failed[0]).split())[:200].rstrip(".")
        said = words or type(failed[0]).__name__
        raise _failed(model, _("It says: {words}.").format(words=said)) from failed[0]
    if not found[0].strip():
        raise _failed(model, _("It writes nothing."))
    return found[0]


def _end(worker: Thread) -> None:
    """Raise an error inside a thread, at the next line of Python that it runs."""
    if worker.ident is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(worker.ident), ctypes.py_object(_TooLongError)
        )


def _failed(model: str, found: str) -> PromptError:
    return PromptError(
        _("The chat template of {model} fails on this conversation.").format(model=model),
        found=found,
        fix=_("Change the turns or their roles, or turn the conversation off and type a prompt."),
    )
