"""How tokens are generated."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any, cast

from kvviz.errors import OptionsError
from kvviz.trace.named_cache import NamedCache
from kvviz.translation import gettext as _

_SOMETIMES = ("stop_ids", "cache", "n_given", "n_shared")


@dataclass(frozen=True)
class GenerationOptions:
    """How tokens are generated, checked when it is built.

    Attributes:
        max_new_tokens: Most tokens to generate, at least 1.
        use_cache: Whether K/V rows are kept between steps.
        temperature: 0 for the most likely token, else the divisor of the logits.
        top_k: Keep only this many most likely tokens, at least 1, or None for all.
        top_p: Keep the smallest set of tokens with this much probability, in (0, 1], or None.
        seed: Seed of the sampling, 0 or more.
        stop_ids: Tokens that end the run besides those that end a text for the model.
        cache: How rows are kept, where `use_cache` does not tell: None for every row where it is
            on, and none where it is off.
        n_given: How many of the new tokens are of the prompt, which is then read one a step.
        n_shared: Rows of the beginning that were not computed, but taken over from another run.

    Raises:
        OptionsError: If a setting is out of its range or of the wrong type, or a cache is named
            in a run without one.
    """

    max_new_tokens: int
    use_cache: bool = True
    temperature: float = 0.0
    top_k: int | None = None
    top_p: float | None = None
    seed: int = 0
    stop_ids: tuple[int, ...] = ()
    cache: NamedCache | None = None
    n_given: int = 0
    n_shared: int = 0

    def __post_init__(self) -> None:
        if type(self.max_new_tokens) is not int or self.max_new_tokens < 1:
            raise _out_of_range(
                _("New tokens must be a whole number, 1 or more."), self.max_new_tokens
            )
        if type(self.use_cache) is not bool:
            raise _out_of_range(_("The cache must be on (True) or off (False)."), self.use_cache)
        if not _is_number(self.temperature) or not 0 <= self.temperature < math.inf:
            raise _out_of_range(_("Temperature must be a number, 0 or more."), self.temperature)
        if self.top_k is not None and (type(self.top_k) is not int or self.top_k < 1):
            raise _out_of_range(_("Top-k must be a whole number, 1 or more, or off."), self.top_k)
        if self.top_p is not None and not (_is_number(self.top_p) and 0 < self.top_p <= 1):
            raise _out_of_range(
                _("Top-p must be a number above 0 and up to 1, or off."), self.top_p
            )
        if type(self.seed) is not int or not 0 <= self.seed < 2**63:
            raise _out_of_range(_("The seed must be a whole number from 0 to 2^63 - 1."), self.seed)
        if type(self.stop_ids) is not tuple or not all(map(_is_token_id, self.stop_ids)):
            raise _out_of_range(_("What ends a run must be a tuple of token ids."), self.stop_ids)
        if type(self.n_given) is not int or not 0 <= self.n_given <= self.max_new_tokens:
            raise _out_of_range(
                _("Given tokens must be a whole number, up to that of the new ones."), self.n_given
            )
        name = "full" if self.cache is None else getattr(self.cache, "name", "")
        is_plain = self.use_cache is True and name in ("full", "paged")
        if type(self.n_shared) is not int or self.n_shared < 0 or (self.n_shared and not is_plain):
            raise _out_of_range(
                _("Rows of another run are a whole number, and kept by a cache that keeps all."),
                self.n_shared,
            )
        if self.cache is not None and not (type(self.cache) is NamedCache and self.use_cache):
            raise _out_of_range(
                _("A named cache must be the cache of a run that uses one."), self.cache
            )

    @property
    def cache_name(self) -> str:
        """The name of the way in which rows are kept, as in `kvviz.caches.ALL`."""
        if self.cache is not None:
            return self.cache.name
        return "full" if self.use_cache else "recomputed"

    def to_json(self) -> dict[str, Any]:
        """Return the options as a plain dictionary for a JSON header.

        Of `stop_ids`, `cache`, given tokens and shared rows nothing is said where there are none.
        """
        data = {name: value for name, value in asdict(self).items() if name not in _SOMETIMES}
        if self.stop_ids:
            data["stop_ids"] = list(self.stop_ids)
        if self.cache is not None:
            data["cache"] = self.cache.to_json()
        for name in ("n_given", "n_shared"):
            if getattr(self, name):
                data[name] = getattr(self, name)
        return data

    @classmethod
    def from_json(cls, data: Any) -> GenerationOptions:
        """Build options from what `to_json` returned.

        Raises:
            OptionsError: If the data is no dictionary, lacks a setting, has one too many, or a
                setting is out of its range.
        """
        settings: dict[str, Any] = {}
        if isinstance(data, dict):
            settings |= cast("dict[str, Any]", data)
        stop_ids: Any = settings.pop("stop_ids", [])
        cache = NamedCache.from_json(settings.pop("cache")) if "cache" in settings else None
        counts: dict[str, Any] = {name: settings.pop(name, 0) for name in ("n_given", "n_shared")}
        others = {field.name for field in fields(cls)} - {*_SOMETIMES}
        if set(settings) != others or not isinstance(stop_ids, list):
            raise OptionsError(_("The options do not have the settings that a run has."))
        stops = tuple(cast("list[int]", stop_ids))
        return cls(**settings, stop_ids=stops, cache=cache, **counts)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _is_token_id(value: Any) -> bool:
    return type(value) is int and value >= 0


def _out_of_range(law: str, found: object) -> OptionsError:
    return OptionsError(
        law,
        found=_("Found {found!r}.").format(found=found),
        fix=_("Change it and run again."),
    )
