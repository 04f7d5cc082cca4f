"""Which of several processes behind one address this is (`KVVIZ_PROCESS`).

A room lives in the memory of one process, so a class has to be kept together. Each process has
letters of its own with which the codes of its rooms begin, and is named by them: the proxy before
them reads off a link, and any process off a code that was typed, where its room is. All codes
together are as many as where there is one process, and as hard to guess.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from kvviz.errors import OptionsError
from kvviz.translation import gettext as _
from kvviz.ui.rooms.room_code import LETTERS, is_code

VARIABLE = "KVVIZ_PROCESS"
_NAMED = re.compile(r"([a-z])(?:-([a-z]))?")


@dataclass(frozen=True)
class Process:
    """One of the processes that serve the app at one address.

    Attributes:
        name: The letters of its rooms as a range, such as ``b-k``; empty for the only process.
        letters: With which the codes of its rooms begin.
    """

    name: str = ""
    letters: str = LETTERS

    @classmethod
    def read(cls, variables: Mapping[str, str] | None = None) -> Process:
        """Read it from the variables, those of the process if none are given.

        Raises:
            OptionsError: If it is no range of letters, or one that no code begins with.
        """
        variables = os.environ if variables is None else variables
        name = variables.get(VARIABLE, "").strip().lower()
        if not name:
            return cls()
        ends = _NAMED.fullmatch(name)
        first, last = (ends[1].upper(), (ends[2] or ends[1]).upper()) if ends else ("Z", "A")
        letters = "".join(letter for letter in LETTERS if first <= letter <= last)
        if not letters:
            raise OptionsError(
                _("{name} needs letters from {letters} as a range, such as b-k.").format(
                    name=VARIABLE, letters=LETTERS
                ),
                found=_("It is {found!r}.").format(found=name[:40]),
                fix=_("Set it right, or leave it out, and start the app again."),
            )
        return cls(name, letters)

    def has(self, code: str) -> bool:
        """Whether a room of this code would be here; so it is with whatever is no code."""
        return not is_code(code) or code[0] in self.letters

    def address(self, path: str) -> str:
        """Return a path below the app's own address by which a proxy finds this very process.

        A browser has one cookie for all its tabs, which may be of several processes: so what a page
        fetches names the process that has it.

        Example:
            >>> Process("b-k", "BCD").address("_kvviz/jobs/x"), Process().address("_kvviz/jobs/x")
            ('at/b-k/_kvviz/jobs/x', '_kvviz/jobs/x')
        """
        return f"at/{self.name}/{path}" if self.name else path


ONLY = Process()
"""The only process at its address."""
