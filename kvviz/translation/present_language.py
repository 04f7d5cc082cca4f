"""Which language the present context speaks, and which there are."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

LOCALE = Path(__file__).parent / "locale"
"""A folder a language, with its messages compiled: ``ko/LC_MESSAGES/kvviz.mo``."""
DOMAIN = "kvviz"
ENGLISH = "en"
PSEUDO = "en-XA"
"""English accented and too long, by its conventional code: a test language that nobody writes."""

_chosen: ContextVar[str | None] = ContextVar("kvviz_language", default=None)
_followed: list[Callable[[], str | None]] = []


def language() -> str:
    """Return the language of the present context; English where none was chosen."""
    chosen = _chosen.get()
    if chosen is None and _followed:
        chosen = _followed[0]()
        _chosen.set(chosen)
    return chosen or ENGLISH


def choose(name: str) -> None:
    """Speak a language in the rest of the present context, such as one run of a page's script.

    Raises:
        LookupError: If there is no catalogue of it.
    """
    _chosen.set(_known(name))


def languages() -> tuple[str, ...]:
    """Return the languages that a person can choose: English, and those with a catalogue.

    The pseudo-language is among them only where ``KVVIZ_PSEUDO=1`` is set, for the tests.
    """
    tested = [PSEUDO] if os.environ.get("KVVIZ_PSEUDO") == "1" else []
    return (ENGLISH, *_written(LOCALE), *tested)


@cache
def _written(folder: Path) -> tuple[str, ...]:
    """Return the languages that have a catalogue; each run of a page's script asks for them."""
    return tuple(sorted(path.parts[-3] for path in folder.glob(f"*/LC_MESSAGES/{DOMAIN}.mo")))


@contextmanager
def using(name: str) -> Generator[None]:
    """Speak a language inside a ``with``: in a test, a script, or a thread started for a person.

    Raises:
        LookupError: If there is no catalogue of it.
    """
    token = _chosen.set(_known(name))
    try:
        yield
    finally:
        _chosen.reset(token)


def follow(choice: Callable[[], str | None]) -> None:
    """Ask here for the language where the context itself names none.

    A server that runs each message of a session on another thread tells in this way what the person
    of that session reads: callbacks and redrawn parts of a page run before or without the script
    that could say it.

    Args:
        choice: Returns the language, or None where there is no session.
    """
    _followed[:] = [choice]


def _known(name: str) -> str:
    if name != PSEUDO and name not in languages():
        raise LookupError(f"There is no catalogue of {name!r}; there are {', '.join(languages())}.")
    return name
