"""The messages that the front ends need, as an entry of what is sent to them."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

from kvviz.translation.catalogues import catalogue
from kvviz.translation.present_language import ENGLISH, LOCALE, language

FRONT_END = LOCALE / "front_end.json"
"""The keys that stand in JavaScript, as `make words` finds them."""
N_FORMS_SENT = 200
"""A rule for plurals looks at a number's last two digits and at small numbers, so the forms of 100
to 199 are those of all larger ones, and a table takes the place of an expression to be evaluated.
"""


def front_end_catalogue() -> dict[str, Any]:
    """Return ``{"translation": ...}`` for what a front end is sent, and nothing in English.

    It is to be the first entry of a packed header: the front end looks for it there before it reads
    the rest. `js/translation.js` of the player reads it.

    Returns:
        An empty dict in English. Else the entry with the ``language``, the ``forms`` (a digit a
        number from 0 on: which plural form goes with it) and the ``messages``, a list of forms
        where the key has a plural; a key with a context begins with it and U+0004, as gettext
        writes it.
    """
    name = language()
    return {} if name == ENGLISH else {"translation": _entry(name)}


@cache
def _entry(name: str) -> dict[str, Any]:
    found = catalogue(name)
    # English and the pseudo-language have no catalogue and so no rule of their own.
    rule: Callable[[int], int] = getattr(found, "plural", lambda n: int(n != 1))
    forms = [int(rule(n)) for n in range(N_FORMS_SENT)]
    examples = [forms.index(form) for form in range(max(forms) + 1)]
    messages: dict[str, str | list[str]] = {}
    for context, one, many in json.loads(FRONT_END.read_text(encoding="utf-8")):
        if context is not None:
            messages[f"{context}\x04{one}"] = found.pgettext(context, one)
        elif many is not None:
            messages[one] = [found.ngettext(one, many, n) for n in examples]
        else:
            messages[one] = found.gettext(one)
    return {
        "language": name,
        "forms": "".join(map(str, forms)),
        "messages": messages,
    }
