"""The control of a way of keeping rows: as many rows, drawn by lot.

It is written as the engine reads it, and read here without the engine, which takes seconds to
import: what ships is told before it is there.
"""

from __future__ import annotations

import re
from typing import Any

from kvviz.translation import gettext as _
from kvviz.translation import ngettext

_WORDS = re.compile(
    r"random:(?P<rows>\d+)(\+(?P<sinks>\d+))?,recent=(?P<recent>[\d.]+)(?P<once>,once=on)?"
)


def control_words(words: str) -> str | None:
    """Return the control of a way of keeping rows, in words that `judgement` takes.

    Args:
        words: What `cache_of` of the engine reads.

    Returns:
        None where a way has no control.

    Raises:
        OptionsError: If the words describe no way of keeping rows.
    """
    from kvviz.engine.caches.cache_words import cache_of, control_of

    control: Any = control_of(cache_of(words))
    if control is None:
        return None
    once = ",once=on" if control.once else ""
    sinks = f"+{control.sinks}" if control.sinks else ""
    return f"random:{control.budget}{sinks},recent={control.recent:g}{once}"


def named(words: str) -> str:
    """Return what a control keeps, in the language of the page.

    Args:
        words: What `control_words` returned.

    Raises:
        ValueError: If they are those of no control.
    """
    found = _WORDS.fullmatch(words)
    if found is None:
        raise ValueError(words)
    n_sinks = int(found["sinks"] or 0)
    sinks = ngettext("{n} sink", "{n} sinks", n_sinks).format(n=n_sinks)
    form = (
        _("{rows} rows of the prompt by lot, once")
        if found["once"]
        else _("{rows} rows a head by lot, {share:.0%} of them the last ones, {sinks}")
    )
    return form.format(rows=int(found["rows"]), share=float(found["recent"]), sinks=sinks)
