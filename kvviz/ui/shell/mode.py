"""Who the app is open to, and what a visitor may ask of it: a laptop, a class, the open internet.

`KVVIZ_MODE` names one of three. Each cap has a variable of its own, which holds in every mode.

| variable | `laptop` | `classroom` | `public` | caps |
|---|---|---|---|---|
| `KVVIZ_MAX_PROMPT` | none | 4,000 | 2,000 | characters of the texts of a run |
| `KVVIZ_MAX_NEW_TOKENS` | 1,024 | 256 | 128 | new tokens of a run |
| `KVVIZ_MAX_RUNS` | none | 40 | 20 | runs that a visitor starts within a minute |
| `KVVIZ_MAX_RUNS_PER_ADDRESS` | none | 1,200 | 120 | runs that an address starts within a minute |
| `KVVIZ_MAX_SESSIONS` | none | 300 | 100 | tabs that are open at a time |
| `KVVIZ_MAX_SESSIONS_PER_ADDRESS` | none | 300 | 20 | tabs of an address that are open at a time |
| `KVVIZ_MAX_UPLOAD` | none | 64 | 32 | megabytes of a saved run, packed and unpacked |

In a class and in public the new tokens of a race are those of its whole batch.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from kvviz.errors import OptionsError
from kvviz.translation import gettext as _

VARIABLE = "KVVIZ_MODE"


@dataclass(frozen=True)
class Mode:
    """Who may do what, read once from the environment.

    A cap that is None is none at all; every other one is 1 or more.

    Attributes:
        name: ``laptop``, ``classroom`` or ``public``.
        is_open: Whether a visitor may name any model and have one fetched; else only those listed
            are loaded, from this machine's own disk.
        rooms: Who may open a room.
        prompt: Most characters of a run's texts.
        new_tokens: Most new tokens of a run.
        runs: Most runs of a visitor within a minute.
        runs_per_address: Most runs of an address within a minute.
        sessions: Most tabs at a time.
        sessions_per_address: Most tabs of an address at a time.
        upload: Most megabytes of an uploaded file, as it comes and as it unpacks.
    """

    name: str
    is_open: bool
    rooms: Literal["anybody", "teacher", "nobody"]
    prompt: int | None = None
    new_tokens: int = 1024
    runs: int | None = None
    runs_per_address: int | None = None
    sessions: int | None = None
    sessions_per_address: int | None = None
    upload: int | None = None

    @classmethod
    def read(cls, variables: Mapping[str, str] | None = None) -> Mode:
        """Read the mode and its caps, of the process's variables if none are given.

        Raises:
            OptionsError: If the mode is unknown, or a cap is no whole number in its range.
        """
        variables = os.environ if variables is None else variables
        named = variables.get(VARIABLE, "").strip() or LAPTOP.name
        if named not in MODES:
            raise OptionsError(
                _("{name} is one of {modes}.").format(name=VARIABLE, modes=", ".join(MODES)),
                found=_("It is {found!r}.").format(found=named[:40]),
                fix=_("Set it right, or leave it out, and start the app again."),
            )
        mode = MODES[named]
        caps: dict[str, int | None] = {
            field: whole_number(variables, variable, getattr(mode, field), largest)
            for field, (variable, largest) in CAPS.items()
        }
        return replace(mode, **caps)

    @property
    def has_places(self) -> bool:
        """Whether tabs are counted."""
        return self.sessions is not None or self.sessions_per_address is not None

    @property
    def tells_visitors_apart(self) -> bool:
        """Whether a browser is given a name, to count what it asks for."""
        return self.runs is not None or self.has_places


CAPS: Mapping[str, tuple[str, int]] = {
    "prompt": ("KVVIZ_MAX_PROMPT", 1_000_000),
    "new_tokens": ("KVVIZ_MAX_NEW_TOKENS", 100_000),
    "runs": ("KVVIZ_MAX_RUNS", 100_000),
    "runs_per_address": ("KVVIZ_MAX_RUNS_PER_ADDRESS", 1_000_000),
    "sessions": ("KVVIZ_MAX_SESSIONS", 100_000),
    "sessions_per_address": ("KVVIZ_MAX_SESSIONS_PER_ADDRESS", 100_000),
    "upload": ("KVVIZ_MAX_UPLOAD", 128),
}
"""The variable of each cap, and the largest number that it takes."""

LAPTOP = Mode("laptop", is_open=True, rooms="anybody")
CLASSROOM = Mode(
    "classroom",
    is_open=False,
    rooms="teacher",
    prompt=4_000,
    new_tokens=256,
    runs=40,
    runs_per_address=1_200,
    sessions=300,
    sessions_per_address=300,
    upload=64,
)
"""A class has one address as a rule, so what an address may do is thirty times what a visitor may.
"""
PUBLIC = Mode(
    "public",
    is_open=False,
    rooms="nobody",
    prompt=2_000,
    new_tokens=128,
    runs=20,
    runs_per_address=120,
    sessions=100,
    sessions_per_address=20,
    upload=32,
)
MODES: Mapping[str, Mode] = {mode.name: mode for mode in (LAPTOP, CLASSROOM, PUBLIC)}


def whole_number(
    variables: Mapping[str, str], name: str, default: int | None, largest: int
) -> int | None:
    """Return the whole number that a variable holds, or the default where it is not set.

    Raises:
        OptionsError: If it holds something that is none from 1 to the largest.
    """
    text = variables.get(name, "").strip()
    if not text:
        return default
    try:
        number = int(text)
    except ValueError:
        number = 0
    if not 1 <= number <= largest:
        raise OptionsError(
            _("{name} needs a whole number from 1 to {largest:,}.").format(
                name=name, largest=largest
            ),
            found=_("It is {found!r}.").format(found=text[:40]),
            fix=_("Set it right, or leave it out, and start the app again."),
        )
    return number
