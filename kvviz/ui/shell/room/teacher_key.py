"""The key by which a teacher opens a room, where not everybody may.

It is made at the start and printed once on the terminal of who starts the app, or is chosen by them
in `KVVIZ_TEACHER_KEY`. It is typed, and in no address, no page and no log.
"""

from __future__ import annotations

import hmac
import os
import secrets
import sys
import time
from collections.abc import Mapping
from functools import cache
from threading import BoundedSemaphore, Lock

from kvviz.errors import OptionsError, RoomError
from kvviz.translation import gettext as _
from kvviz.translation import ngettext
from kvviz.ui.rooms.room_code import LETTERS
from kvviz.ui.shell.drawing_turns import drawing_turns
from kvviz.ui.shell.mode import Mode

VARIABLE = "KVVIZ_TEACHER_KEY"
LEAST_LETTERS = 16
N_GROUPS, IN_GROUP = 5, 5
"""25 of the 17 letters of a room's code: 102 bits, as long as can well be typed."""

PAUSE_S = 0.5
"""Each key is looked at for so long, and one at a time: whoever guesses, from however many tabs, is
answered twice a second. Nobody is locked out, or one pupil could lock out the teacher, who has the
same address."""
MOST_WAITING = 16

_one_at_a_time = Lock()
_waiting = BoundedSemaphore(MOST_WAITING)


@cache
def teacher_key() -> str:
    """Return the key of this process.

    Raises:
        OptionsError: If the one that was chosen is too short to be safe.
    """
    return chosen_key(os.environ) or "-".join(_group() for _number in range(N_GROUPS))


def chosen_key(variables: Mapping[str, str]) -> str:
    """Return the key that was chosen by who starts the app, empty if none was.

    Raises:
        OptionsError: If it is too short to be safe. It is not repeated.
    """
    chosen = variables.get(VARIABLE, "").strip()
    n_letters = len(_as_compared(chosen))
    if chosen and n_letters < LEAST_LETTERS:
        raise OptionsError(
            _("{name} needs {least} letters or more, spaces and dashes not counted.").format(
                name=VARIABLE, least=LEAST_LETTERS
            ),
            found=ngettext("It has {n} letter.", "It has {n} letters.", n_letters).format(
                n=n_letters
            ),
            fix=_("Set it right, or leave it out, and start the app again."),
        )
    return chosen


def announce() -> None:
    """Print the key where rooms are opened with one, unless it was chosen: then it is known."""
    if Mode.read().rooms != "teacher" or chosen_key(os.environ):
        return
    said = _("Teacher's key, to open a room: {key}").format(key=teacher_key())
    # Not by a logger, which may write into a file that others read.
    sys.stdout.write(f"\n  {said}\n\n")
    sys.stdout.flush()


def require(given: str) -> None:
    """Refuse who may open no room here.

    Args:
        given: The key that was typed, however it was.

    Raises:
        RoomError: If rooms are off, or the key is another one.
    """
    rooms = Mode.read().rooms
    if rooms == "nobody":
        raise rooms_are_off()
    if rooms == "anybody":
        return
    if not _waiting.acquire(blocking=False):
        raise RoomError(
            _("Too many keys are being tried at this moment."), fix=_("Try again in a moment.")
        )
    try:
        with drawing_turns.away(), _one_at_a_time:
            time.sleep(PAUSE_S)
            is_right = hmac.compare_digest(
                _as_compared(given).encode(), _as_compared(teacher_key()).encode()
            )
    finally:
        _waiting.release()
    if not is_right:
        raise RoomError(
            _("This is not the teacher's key."),
            fix=_("It stands on the terminal in which the app was started."),
        )


def rooms_are_off() -> RoomError:
    """Return the error of who asks for a room where there are none."""
    return RoomError(
        _("There are no rooms in this app, which is open to the public."),
        fix=_("For a class, start one of your own with KVVIZ_MODE=classroom."),
    )


def _group() -> str:
    return "".join(secrets.choice(LETTERS) for _letter in range(IN_GROUP))


def _as_compared(key: str) -> str:
    return "".join(key.split()).replace("-", "").upper()
