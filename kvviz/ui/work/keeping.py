"""How a run keeps its rows, in words that links and the command line have: ``window:60+4``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from kvviz.translation import N_
from kvviz.translation import gettext as _
from kvviz.ui.shell.links import Reader

if TYPE_CHECKING:
    from kvviz.engine.caches.protocol import KVCache

EVERY_ROW = "full"
EXAMPLE = "window:60+4"  # not for people: the words of a way, as they are typed
LONGEST = 80

CALLED: Mapping[str, str] = {
    EVERY_ROW: N_("every row"),
    "window": N_("a window of the last rows"),
    "heavy": N_("heavy hitters (H2O)"),
    "least": N_("all but the least attended (TOVA)"),
    "observed": N_("what the prompt’s last queries see (SnapKV)"),
    "random": N_("rows drawn by lot"),
    "quantised": N_("every row, in fewer bits"),
    "low-rank": N_("every row, in fewer numbers"),
    "latent": N_("keys and values in one row of fewer numbers"),
    "paged": N_("every row, in blocks"),
}
"""Each way by the word that a link has for it."""

OTHER_WORDS = {"heavy-hitters": "heavy", "least-attended": "least"}
"""Long names, which the command line takes too."""

OFFERED = (
    EVERY_ROW,
    "window:12+4",
    "heavy:16",
    "least:16",
    "observed:16,window=8",
    "random:16+4",
    "quantised:4",
    "latent:128",
    "paged:16",
)
"""What a person chooses from; others can be typed."""

_WORDS = re.compile(
    r"(?P<way>[a-z-]+)(:([0-9]+(\.[0-9]+)?|none)(/([0-9]+(\.[0-9]+)?|none))*(\+[0-9]+)?"
    r"(,[a-z_]+=[a-z0-9_.-]+)*)?"
)


def keeping_words(text: str) -> str:
    """Return the words of a way of keeping rows as a link has them.

    Whether its numbers can be kept to, and whether a model takes it, the engine says.

    Raises:
        ValueError: If they name none.
    """
    # A plus that was typed into an address comes as a space.
    found = _WORDS.fullmatch(text.strip().replace(" ", "+")) if len(text) <= LONGEST else None
    if found is None:
        raise ValueError
    long, colon, rest = found[0].partition(":")
    way = OTHER_WORDS.get(long, long)
    if way not in CALLED or (way == EVERY_ROW) == bool(colon):
        raise ValueError
    return f"{way}{colon}{rest}"


def keeping_reader() -> Reader:
    """Return the reader of a link's way of keeping rows."""
    return Reader(keeping_words, wanted)


def read(text: str) -> str | None:
    """Return the words of a way of keeping rows, None where a text names none."""
    try:
        return keeping_words(text)
    except ValueError:
        return None


def read_typed(text: str) -> str:
    """Return the words that a person chose or typed; what names no way stays as it was typed."""
    return read(text) or text


def wanted() -> str:
    """Return what a way of keeping rows must look like."""
    return _("on, off, both, or a way of keeping rows such as window:60+4 or heavy:64")


def called(words: str) -> str:
    """Return a way of keeping rows as it stands in a list: what it keeps, and its words."""
    found = read(words)
    if found is None:
        return words
    name = _(CALLED[found.partition(":")[0]])
    return name if found == EVERY_ROW else f"{found} · {name}"


def cache_for(words: str) -> KVCache | None:
    """Return what the engine takes; None for every row.

    Raises:
        OptionsError: If the words describe nothing that can be kept.
    """
    if words == EVERY_ROW:
        return None
    from kvviz.engine.caches.cache_words import cache_of

    return cache_of(words)
