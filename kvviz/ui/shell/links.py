"""Every view is a URL: what a link says, checked, and the link that says it.

Links come from anyone, so nothing in them is trusted: lengths and ranges are limited, and what
cannot be used gives the default and one line that says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any
from urllib.parse import quote, urlencode

from kvviz.lessons import lessons
from kvviz.translation import languages

LONGEST_PROMPT = 20_000
LONGEST_LINK = 8_000
LARGEST_SEED = 2**32 - 1
CACHES = ("on", "off", "both")


@dataclass(frozen=True)
class RunSettings:
    """What is run.

    Attributes:
        model: Bundled name, hub id or folder.
        prompt: Text to continue, as typed.
        new: Tokens to generate.
        temperature: 0 for the most likely token.
        top_k: Keep only so many most likely tokens; None for all.
        top_p: Keep the smallest set with this much probability; None for all.
        seed: Seed of the sampling.
        device: Where to run; no part of a link, since it depends on the machine.
        dtype: Number format; no part of a link either.
    """

    model: str = "kvviz/gpt2-mini"
    prompt: str = field(default_factory=lambda: lessons().prompts[0].text)
    new: int = 16
    temperature: float = 0.0
    top_k: int | None = None
    top_p: float | None = None
    seed: int = 0
    device: str = "auto"
    dtype: str = "float32"


@dataclass(frozen=True)
class View:
    """What is looked at.

    Attributes:
        step: Step of the run, 0 is the prefill.
        layer: Layer, or None for the page's own choice.
        head: Head, or None likewise.
        cache: ``on``, ``off`` or ``both`` side by side.
    """

    step: int = 0
    layer: int | None = None
    head: int | None = None
    cache: str = "on"


@dataclass(frozen=True)
class Link:
    """A link's run and view, and what in it could not be used."""

    settings: RunSettings = field(default_factory=RunSettings)
    view: View = field(default_factory=View)
    lang: str = "en"
    unusable: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """One friendly line about what could not be used, or nothing."""
        return line_about(self.unusable)


def line_about(unusable: Sequence[str]) -> str:
    """Return one friendly line about what in a link could not be used, or nothing."""
    if not unusable:
        return ""
    return (
        "Part of this link could not be used, so the usual value stands in its place: "
        f"{'; '.join(unusable)}."
    )


def values_of(
    parameters: Mapping[str, str], readers: Mapping[str, Callable[[str], Any]]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Read query parameters, each by its own reader.

    Returns:
        The values that could be used, by name, and a phrase on each that could not.
    """
    values: dict[str, Any] = {}
    unusable: list[str] = []
    for name, reader in readers.items():
        text = parameters.get(name)
        if text is None:
            continue
        try:
            values[name] = reader(text)
        except (ValueError, OverflowError):
            shown = text if len(text) <= 40 else f"{text[:40]}…"
            unusable.append(f"{name} is {shown!r}, not {reader.__doc__}")
    return values, tuple(unusable)


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return a reader of whole numbers from `least` to `most`."""

    def read(text: str) -> int:
        number = int(text)
        if not least <= number <= most:
            raise ValueError
        return number

    read.__doc__ = f"a whole number from {least:,} to {most:,}"
    return read


def decimal(least: float, most: float, *, open_below: bool = False) -> Callable[[str], float]:
    """Return a reader of numbers from `least` (left out if open) to `most`."""

    def read(text: str) -> float:
        number = float(text)
        too_small = number <= least if open_below else number < least
        if not math.isfinite(number) or too_small or number > most:
            raise ValueError
        return number

    beginning = "a number above" if open_below else "a number from"
    read.__doc__ = f"{beginning} {least:g} {'up ' if open_below else ''}to {most:g}"
    return read


def one_of(names: Sequence[str]) -> Callable[[str], str]:
    """Return a reader of one of a few words."""

    def read(text: str) -> str:
        if text not in names:
            raise ValueError
        return text

    read.__doc__ = " or ".join(names)
    return read


def language_code() -> Callable[[str], str]:
    """Return a reader of a language's code."""

    def read(text: str) -> str:
        if text not in languages():
            raise ValueError
        return text

    read.__doc__ = "the code of a language that is spoken here"
    return read


def text_up_to(length: int, *, least: int = 1) -> Callable[[str], str]:
    """Return a reader of text of `least` to `length` characters."""

    def read(text: str) -> str:
        if not least <= len(text) <= length:
            raise ValueError
        return text

    read.__doc__ = f"a text of {least} to {length:,} characters"
    return read


def readers(max_new_tokens: int) -> dict[str, Callable[[str], Any]]:
    """Return the reader of each query parameter that the pages share."""
    return {
        "model": text_up_to(300),
        "prompt": text_up_to(LONGEST_PROMPT),
        "new": whole(1, max_new_tokens),
        "temperature": decimal(0.0, 10.0),
        "top_k": whole(1, 1_000_000),
        "top_p": decimal(0.0, 1.0, open_below=True),
        "seed": whole(0, LARGEST_SEED),
        "cache": one_of(CACHES),
        "layer": whole(0, 9_999),
        "head": whole(0, 9_999),
        "step": whole(0, 99_999),
        "lang": language_code(),
    }


def parse(parameters: Mapping[str, str], max_new_tokens: int = 1024) -> Link:
    """Read a link's query parameters.

    Args:
        parameters: Name to text. Unknown names are left alone, since a page has its own.
        max_new_tokens: Most new tokens that a link may ask for.

    Returns:
        The link. What could not be used has its default, and is named in `unusable`.
    """
    values, unusable = values_of(parameters, readers(max_new_tokens))
    chosen = {
        kind: {f.name: values[f.name] for f in fields(kind) if f.name in values}
        for kind in (RunSettings, View)
    }
    return Link(
        settings=RunSettings(**chosen[RunSettings]),
        view=View(**chosen[View]),
        lang=values.get("lang", "en"),
        unusable=unusable,
    )


def write(settings: RunSettings, view: View, lang: str = "en") -> dict[str, str]:
    """Return the query parameters that lead back to a run and a view, defaults left out.

    A prompt too long for an address bar is left out as well; `fits` tells.
    """
    parameters: dict[str, str] = {}
    for value, default in ((settings, RunSettings()), (view, View())):
        for entry in fields(value):
            chosen = getattr(value, entry.name)
            if entry.name in ("device", "dtype") or chosen == getattr(default, entry.name):
                continue
            parameters[entry.name] = f"{chosen:g}" if isinstance(chosen, float) else str(chosen)
    if lang != "en":
        parameters["lang"] = lang
    if not fits(settings):
        del parameters["prompt"]
    return parameters


def fits(settings: RunSettings) -> bool:
    """Whether the prompt is short enough for an address bar."""
    return len(quote(settings.prompt)) <= LONGEST_LINK


def query(settings: RunSettings, view: View) -> str:
    """Return the link's text after the question mark."""
    return urlencode(write(settings, view), quote_via=quote)


def within(view: View, n_steps: int, n_layers: int, n_heads: int) -> tuple[View, tuple[str, ...]]:
    """Bring a view inside a run.

    Returns:
        The view with what the run does not have set to its default, and a phrase on each.
    """
    unusable: list[str] = []
    for name, count in (("step", n_steps), ("layer", n_layers), ("head", n_heads)):
        chosen = getattr(view, name)
        if chosen is not None and chosen >= count:
            unusable.append(f"{name} is {chosen}, but this run has {name}s 0 to {count - 1}")
            view = replace(view, **{name: getattr(View(), name)})
    return view, tuple(unusable)
