"""The place that a picture tells: the browser's word for where a person has come to rest."""

from __future__ import annotations

from collections.abc import Mapping

from kvviz.errors import LinkError
from kvviz.ui.shell.plain_text import quoted


def told_place(message: object, name: str, n_places: int, view_number: int) -> int | None:
    """Return the place that a message from the browser names.

    Args:
        message: What the browser sent; it may be anything.
        name: What a place is called in it, such as ``step``.
        n_places: How many there are, from 0 on.
        view_number: That of the view which the picture was last told to take.

    Returns:
        None if it was come to before the picture took on another view.

    Raises:
        LinkError: If there is no such place.
    """
    facts = message if isinstance(message, Mapping) else {}
    place = facts.get(name)
    if type(place) is not int or not 0 <= place < n_places:
        # not for people: what is wrong with a message goes into the log
        raise LinkError("The picture sent a place that is not there.", found=quoted(message))
    return place if facts.get("view_number") == view_number else None
