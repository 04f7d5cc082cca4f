"""Which way of keeping K/V rows a run used, where it is neither of the two oldest."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, cast

from kvviz.errors import OptionsError
from kvviz.translation import gettext as _

Plain = bool | int | float | str | None
Setting = Plain | tuple[Plain, ...]

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_TOLD_BY_USE_CACHE = ("full", "recomputed")


@dataclass(frozen=True)
class NamedCache:
    """The name of a way of keeping rows and its settings; a trace does not know how it is done.

    Attributes:
        name: Small letters, digits, ``-`` and ``_``. Not ``full`` or ``recomputed``: of those two
            `GenerationOptions.use_cache` tells, and their laws are stricter.
        settings: Name and value of each setting, in the order of its description; several values
            where there is one a layer.

    Raises:
        OptionsError: If a name is none, or a setting is no plain, finite value.
    """

    name: str
    settings: tuple[tuple[str, Setting], ...] = ()

    def __post_init__(self) -> None:
        if not _is_name(self.name) or self.name in _TOLD_BY_USE_CACHE:
            raise OptionsError(
                _(
                    "The name of a cache is made of small letters, digits, - and _, and is not one "
                    "of {one} and {other}."
                ).format(one=_TOLD_BY_USE_CACHE[0], other=_TOLD_BY_USE_CACHE[1]),
                found=_("Found {name!r}.").format(name=self.name)[:200],
                fix=_("Give the cache another name."),
            )
        names = [setting[0] for setting in self.settings]
        wrong = [name for name, value in self.settings if not _is_name(name) or not _plain(value)]
        if wrong or len(set(names)) < len(names):
            raise OptionsError(
                _(
                    "The settings of a cache have names, each its own, and plain values: a number, "
                    "a text, yes, no, nothing, or several of these."
                ),
                found=_("Those of {name} are {names}.").format(
                    name=self.name, names=", ".join(map(str, names))
                )[:200],
                fix=_("Describe the cache by such settings alone."),
            )

    @property
    def told(self) -> str:
        """Name and settings in one line, as they are written in Python: ``window (size = 64)``."""
        settings = ", ".join(f"{name} = {value}" for name, value in self.settings)
        return f"{self.name} ({settings})" if settings else self.name

    def to_json(self) -> dict[str, Any]:
        """Return name and settings as a plain dictionary for a JSON header."""
        settings = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in self.settings
        }
        return {"name": self.name, "settings": settings}

    @classmethod
    def from_json(cls, data: Any) -> NamedCache:
        """Build it from what `to_json` returned.

        Raises:
            OptionsError: If the data is something else.
        """
        facts = cast("dict[str, Any]", data) if isinstance(data, dict) else {}
        settings = facts.get("settings")
        if set(facts) != {"name", "settings"} or not isinstance(settings, dict):
            raise OptionsError(_("The options do not say which cache a run used."))
        read: list[tuple[str, Setting]] = []
        for name, value in cast("dict[str, Any]", settings).items():
            is_list = isinstance(value, list)
            read.append((name, tuple(cast("list[Any]", value)) if is_list else value))
        return cls(facts["name"], tuple(read))


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def _plain(value: Any) -> bool:
    if isinstance(value, tuple):
        parts = cast("tuple[Any, ...]", value)
        return all(not isinstance(part, tuple) and _plain(part) for part in parts)
    if type(value) is float:
        return math.isfinite(value)
    return value is None or type(value) in (bool, int, str)
