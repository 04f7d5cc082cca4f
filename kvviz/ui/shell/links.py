"""Every view is a URL: what a link says, checked, and the link that says it.

Links come from anyone, so nothing in them is trusted: lengths and ranges are limited, and what
cannot be used gives the default and one line that says so. What there is to say belongs to the
pages: each describes its dataclasses by `LinkFields`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import reduce
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import quote

from kvviz.translation import gettext as _
from kvviz.translation import languages
from kvviz.ui.shell import asked_first

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

LONGEST_LINK = 8_000
"""Most characters that a text may take in a link."""

LONGEST_QUOTED = 60
"""Most characters that a line takes for what it quotes of a link."""

S = TypeVar("S", bound="DataclassInstance")


@dataclass(frozen=True)
class Reader:
    """How one value of a link is read.

    Attributes:
        read: Makes the value of its text; raises ValueError or OverflowError where it cannot be.
        wanted: Says what the text must be, in the language of who opened the link.
    """

    read: Callable[[str], Any]
    wanted: Callable[[], str]


@dataclass(frozen=True)
class LinkFields(Generic[S]):
    """The fields of one dataclass as they stand in a link, each under its own name.

    Attributes:
        usual: What a link without parameters says.
        readers: The reader of each field that a link may hold.
    """

    usual: S
    readers: Mapping[str, Reader]

    def parse(self, parameters: Mapping[str, str]) -> tuple[S, tuple[str, ...]]:
        """Read a link. Other names than those of the fields are left alone.

        Returns:
            What the link says, with the usual value where a parameter could not be used, and a
            phrase on each of those.
        """
        values, unusable = values_of(parameters, self.readers)
        return replace(self.usual, **values), unusable

    def write(self, value: S) -> dict[str, str]:
        """Return the parameters that lead back, without usual values and texts too long for it."""
        chosen = {
            one.name: getattr(value, one.name)
            for one in fields(value)
            if one.name in self.readers
            and getattr(value, one.name) != getattr(self.usual, one.name)
        }
        texts = {
            name: _shortest(one) if isinstance(one, float) else str(one)
            for name, one in chosen.items()
        }
        return {name: text for name, text in texts.items() if fits(text)}


def _shortest(number: float) -> str:
    """Return a number as a person writes it, with all digits that lead back to it."""
    text = f"{number:g}"
    return text if float(text) == number else repr(number)


def fits(text: str) -> bool:
    """Whether a text is short enough for an address bar."""
    return len(quote(text)) <= LONGEST_LINK


def values_of(
    parameters: Mapping[str, str], readers: Mapping[str, Reader]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Read query parameters, each by its own reader.

    Returns:
        The values that could be used, by name, and a phrase on each that could not.
    """
    values: dict[str, Any] = {}
    unusable: list[str] = []
    for name, reader in readers.items():
        text = parameters.get(name)
        if text is None:
            continue
        try:
            values[name] = reader.read(text)
        except (ValueError, OverflowError):
            unusable.append(
                _("{name} is {text!r}, not {wanted}").format(
                    name=name, text=_beginning(text), wanted=reader.wanted()
                )
            )
    return values, tuple(unusable)


def _beginning(text: str) -> str:
    """Return as much of a text as a line has room for, where signs that show nothing are spelt."""
    shown = text[:40]
    while len(repr(shown)) > LONGEST_QUOTED:
        shown = shown[:-1]
    return text if shown == text else f"{shown}…"


def lines_about(unusable: Sequence[str]) -> tuple[str, ...]:
    """Return one friendly line about what in a link could not be used, or none."""
    if not unusable:
        return ()
    return (
        _(
            "Part of this link could not be used, so the usual value stands in its place: {list}."
        ).format(list="; ".join(unusable)),
    )


def unusable_anywhere(parameters: Mapping[str, str]) -> tuple[str, ...]:
    """Return a phrase on each value that a link to any page may have and that cannot be used."""
    return values_of(parameters, {"lang": language_code(), asked_first.PARAMETER: one_of(("1",))})[
        1
    ]


def whole(least: int, most: int) -> Reader:
    """Return a reader of whole numbers from `least` to `most`."""

    def read(text: str) -> int:
        number = int(text)
        if not least <= number <= most:
            raise ValueError
        return number

    return Reader(
        read,
        lambda: _("a whole number from {least:,} to {most:,}").format(least=least, most=most),
    )


def decimal(least: float, most: float, *, open_below: bool = False) -> Reader:
    """Return a reader of numbers from `least` (left out if open) to `most`."""

    def read(text: str) -> float:
        number = float(text)
        too_small = number <= least if open_below else number < least
        if not math.isfinite(number) or too_small or number > most:
            raise ValueError
        return number

    def wanted() -> str:
        if open_below:
            form = _("a number above {least:g} up to {most:g}")
        else:
            form = _("a number from {least:g} to {most:g}")
        return form.format(least=least, most=most)

    return Reader(read, wanted)


def one_of(names: Sequence[str], wanted: Callable[[], str] | None = None) -> Reader:
    """Return a reader of one of a few words, which are listed unless it is said what they are."""

    def read(text: str) -> str:
        if text not in names:
            raise ValueError
        return text

    return Reader(read, wanted or (lambda: reduce(_or, names)))


def _or(words: str, word: str) -> str:
    # Translators: a list of words of which one is wanted, and one more of them.
    return _("{words} or {word}").format(words=words, word=word)


def language_code() -> Reader:
    """Return a reader of a language's code."""

    def read(text: str) -> str:
        if text not in languages():
            raise ValueError
        return text

    return Reader(read, lambda: _("the code of a language that is spoken here"))


def text_up_to(length: int, *, least: int = 1) -> Reader:
    """Return a reader of text of `least` to `length` characters."""

    def read(text: str) -> str:
        if not least <= len(text) <= length:
            raise ValueError
        return text

    return Reader(
        read,
        lambda: _("a text of {least} to {length:,} characters").format(least=least, length=length),
    )
