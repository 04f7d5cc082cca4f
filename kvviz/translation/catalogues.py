"""The messages of each language, read once, and the functions that look into them."""

from __future__ import annotations

from functools import cache
from gettext import GNUTranslations, NullTranslations

from kvviz.translation.present_language import DOMAIN, ENGLISH, LOCALE, PSEUDO, language
from kvviz.translation.pseudo import pseudo


class _PseudoTranslations(NullTranslations):
    """Every message there is, made longer and accented."""

    def gettext(self, message: str) -> str:
        return pseudo(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return pseudo(msgid1 if n == 1 else msgid2)

    def pgettext(self, context: str, message: str) -> str:
        return pseudo(message)


@cache
def catalogue(name: str) -> NullTranslations:
    """Return the messages of a language; those of English are the keys themselves.

    Raises:
        OSError: If there is no catalogue of it.
    """
    if name == ENGLISH:
        return NullTranslations()
    if name == PSEUDO:
        return _PseudoTranslations()
    with (LOCALE / name / "LC_MESSAGES" / f"{DOMAIN}.mo").open("rb") as compiled:
        return GNUTranslations(compiled)


def gettext(message: str) -> str:
    """Return a message in the language of the present context."""
    # The empty key is where a catalogue keeps its own header.
    return catalogue(language()).gettext(message) if message else ""


def ngettext(one: str, many: str, n: int) -> str:
    """Return the form of a message that goes with a number.

    Args:
        one: English for 1.
        many: English for all others.
        n: The number; it still has to be filled in, as ``.format(n=n)``.
    """
    return catalogue(language()).ngettext(one, many, n)


def pgettext(context: str, message: str) -> str:
    """Return a message whose English has two meanings, told apart by a word of context."""
    return catalogue(language()).pgettext(context, message)
