"""A conversation: turns of system, user and assistant, which a chat template makes a text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from kvviz.errors import PromptError
from kvviz.translation import gettext as _

ROLES = ("system", "user", "assistant")
"""Who speaks in a turn, in the words that chat templates know."""

MOST_TURNS = 64
"""A person types no more, and neither a link nor a file may hold more."""


@dataclass(frozen=True)
class Turn:
    """What one of them says.

    Attributes:
        role: One of `ROLES`.
        content: What is said, plain text.
    """

    role: str
    content: str


@dataclass(frozen=True)
class Conversation:
    """Turns in their order; none at all is no conversation, and false.

    As a string it is JSON, which `from_json` reads: that is how it stands in a link.
    """

    turns: tuple[Turn, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.turns)

    def __str__(self) -> str:
        return json.dumps(self.messages, ensure_ascii=False, separators=(",", ":"))

    @property
    def messages(self) -> list[dict[str, str]]:
        """The turns as a chat template reads them: dictionaries with ``role`` and ``content``."""
        return [{"role": turn.role, "content": turn.content} for turn in self.turns]

    @property
    def is_to_go_on(self) -> bool:
        """Whether the assistant has the last word, so that a model goes on with just that."""
        return bool(self.turns) and self.turns[-1].role == "assistant"

    @classmethod
    def of(cls, messages: object) -> Conversation:
        """Read a list of dictionaries with ``role`` and ``content``.

        Raises:
            PromptError: If it is something else, says nothing, or holds more than `MOST_TURNS`.
        """
        if isinstance(messages, str | bytes | Mapping) or not isinstance(messages, list | tuple):
            raise PromptError(
                _("A conversation is a list of turns."),
                found=_("It is of type {type}.").format(
                    type=type(cast("object", messages)).__name__
                ),
                fix=_example(),
            )
        listed = cast("list[Any]", [*messages])
        if not 1 <= len(listed) <= MOST_TURNS:
            raise PromptError(
                _("A conversation has 1 to {most} turns.").format(most=MOST_TURNS),
                found=_("This one has {n:,}.").format(n=len(listed)),
                fix=_("Leave out the oldest turns.") if listed else _example(),
            )
        return cls(tuple(_turn(number, one) for number, one in enumerate(listed, 1)))

    @classmethod
    def from_json(cls, text: str) -> Conversation:
        """Read what `str` gives of a conversation.

        Raises:
            PromptError: If it is no JSON, or as `of`.
        """
        try:
            messages = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise PromptError(
                _("This is no conversation in JSON."),
                found=f"{error}."[:200],
                fix=_example(),
            ) from error
        return cls.of(messages)


NO_CONVERSATION = Conversation()
"""What is typed as it is has no turns."""


def _turn(number: int, said: Any) -> Turn:
    """Read one turn, counted from 1."""
    facts = cast("dict[object, object]", said) if isinstance(said, dict) else {}
    role, content = facts.get("role"), facts.get("content")
    if set(facts) != {"role", "content"} or not isinstance(content, str):
        raise PromptError(
            _("Each turn of a conversation has a role and a content, and both are text."),
            found=_("Turn {number} is {found}.").format(
                number=number, found=repr(cast("object", said))[:80]
            ),
            fix=_example(),
        )
    if role not in ROLES:
        raise PromptError(
            _("The role of a turn is one of: {roles}.").format(roles=", ".join(ROLES)),
            found=_("Turn {number} says {found}.").format(number=number, found=repr(role)[:80]),
            fix=_("Change it and run again."),
        )
    if not content.strip():
        raise PromptError(
            _("A turn of a conversation says something."),
            found=_("Turn {number} has nothing but white space.").format(number=number)
            if content
            else _("Turn {number} is empty.").format(number=number),
            fix=_("Type a few words there, or take the turn away."),
        )
    try:
        content.encode()
    except UnicodeEncodeError as error:
        raise PromptError(
            _("A turn of a conversation holds half of a character."),
            found=_("Character {number} of turn {turn} is the lone surrogate U+{code:04X}.").format(
                number=error.start + 1, turn=number, code=ord(content[error.start])
            ),
            fix=_("Type or paste that character again."),
        ) from None
    return Turn(cast("str", role), content)


def _example() -> str:
    # not for people: the form itself, which no language changes
    form = '[{"role": "user", "content": "Hello"}]'
    return _("It looks like this: {form}.").format(form=form)
