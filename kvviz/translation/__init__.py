"""Every sentence that a person reads, in that person's language.

English stands in the code and is the key. `gettext` gives the sentence in the language of the
present context, `ngettext` the right one for a number; what is to be filled in is filled in
afterwards, since an f-string cannot be a key::

    from kvviz.translation import gettext as _, ngettext

    _("It has {shape}.").format(shape=shape)
    ngettext("{n:,} token", "{n:,} tokens", n).format(n=n)

This is the lowest layer: the errors stand on it, and it imports nothing of kvviz.
"""

from kvviz.translation.catalogues import gettext, ngettext, pgettext
from kvviz.translation.front_end import front_end_catalogue
from kvviz.translation.present_language import (
    ENGLISH,
    PSEUDO,
    choose,
    follow,
    language,
    languages,
    using,
)
from kvviz.translation.pseudo import pseudo


def N_(message: str) -> str:  # noqa: N802 - the name that gettext and its tools know
    """Mark a constant of a module, which is translated when it is shown: ``_(LABELS[name])``."""
    return message


__all__ = [
    "ENGLISH",
    "N_",
    "PSEUDO",
    "choose",
    "follow",
    "front_end_catalogue",
    "gettext",
    "language",
    "languages",
    "ngettext",
    "pgettext",
    "pseudo",
    "using",
]
