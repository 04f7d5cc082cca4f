"""Two texts as a model's tokenizer cuts them: where they part, and what the second could share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from kvviz.trace.cut_characters import with_characters
from kvviz.translation import gettext as _

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel
    from kvviz.trace import GenerationTrace


@dataclass(frozen=True)
class CutText:
    """A text in tokens.

    Attributes:
        ids: Ids of its tokens.
        tokens: How each reads in its place.
    """

    ids: tuple[int, ...]
    tokens: tuple[str, ...]

    @classmethod
    def typed(cls, model: LoadedModel, text: str) -> CutText:
        """Cut a text as a run of the model would; nothing else is asked of it.

        Raises:
            PromptError: If it is nothing that the model can read.
        """
        ids = tuple(model.begun_ids(text))
        return cls(ids, with_characters([model.token_text(one) for one in ids]))

    @classmethod
    def read(cls, run: GenerationTrace) -> CutText:
        """Return the prompt that a run read."""
        n = run.n_prompt
        return cls(tuple(run.token_ids[:n].tolist()), tuple(run.tokens_in_place[:n]))


@dataclass(frozen=True)
class TwoTexts:
    """Two texts under each other.

    Attributes:
        first: The one whose rows are there.
        second: The one that is to be read.
    """

    first: CutText
    second: CutText

    @property
    def parts_at(self) -> int | None:
        """The first place at which they have another token; None if one goes on the other."""
        pairs = enumerate(zip(self.first.ids, self.second.ids, strict=False))
        return next((at for at, (one, other) in pairs if one != other), None)

    @property
    def n_alike(self) -> int:
        """Tokens that both begin with."""
        at = self.parts_at
        return min(len(self.first.ids), len(self.second.ids)) if at is None else at

    @property
    def n_shareable(self) -> int:
        """Rows that the second can take over: its last token is read in any case.

        What a run takes over is in its record; this is known before there is one.
        """
        return max(0, min(self.n_alike, len(self.second.ids) - 1))

    @cached_property
    def same_behind(self) -> tuple[int, ...]:
        """Places behind the one at which they part where both have the same token again."""
        start = self.parts_at
        if start is None:
            return ()
        pairs = enumerate(zip(self.first.ids, self.second.ids, strict=False))
        return tuple(at for at, (one, other) in pairs if at > start and one == other)

    @property
    def where(self) -> str:
        """Say where they part, and by which character."""
        at = self.parts_at
        if at is None:
            return (
                _("The second text goes on where the first one ends.")
                if len(self.second.ids) > len(self.first.ids)
                else _("The second text says nothing that the first one does not.")
            )
        tokens = (one.tokens[at] for one in (self.first, self.second))
        first, other = (token.strip(" ") or token for token in tokens)
        said = _("The texts part at token {at}, “{other}” where the first has “{first}”.").format(
            at=at, first=_shown(first), other=_shown(other)
        )
        return f"{said} {_by_character(self.first.tokens[at:], self.second.tokens[at:])}"


def _by_character(first: Sequence[str], other: Sequence[str]) -> str:
    """Say which character it is at which texts part whose tokens from a place on are given.

    It may stand behind the first token that is another: a tokenizer cuts what stands before it
    otherwise.
    """
    one, two = "".join(first), "".join(other)
    at = next((at for at, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), None)
    if at is not None:
        return _("The character that makes it is “{other}” in place of “{first}”.").format(
            other=_shown(two[at]), first=_shown(one[at])
        )
    if len(two) > len(one):
        return _("The character that makes it is “{other}”, where the first text ends.").format(
            other=_shown(two[len(one)])
        )
    return _("What makes it is that it ends before “{first}”.").format(first=_shown(one[len(two)]))


def _shown(text: str) -> str:
    """Return characters as they are told in a sentence; a space would not be seen."""
    # not for people: signs
    return text.replace("\n", "↵").replace(" ", "␣") or "∅"
