"""What the page runs, and the link that says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import NamedTuple

from kvviz.lessons import lessons
from kvviz.ui.shell import links
from kvviz.ui.shell.links import RunSettings, View, values_of

MODEL = "kvviz/t5-mini"
NEW = 16
LEAST_NEW = 2
"""With one new token no second step would be there to look at."""

_RUN = ("model", "prompt", "new")
_VIEW = ("cache", "layer", "head", "step")
_ENCODER = ("encoder_layer", "encoder_head")


class EncoderHead(NamedTuple):
    """A head of the encoder that a person chose to look at."""

    layer: int
    head: int


def usual() -> RunSettings:
    """Return what the page opens with."""
    return RunSettings(model=MODEL, prompt=lessons().inputs[0].text, new=NEW)


def parse(
    parameters: Mapping[str, str], max_new_tokens: int
) -> tuple[RunSettings, View, tuple[str, ...]]:
    """Read a link: run and view, and a phrase on each value that could not be used."""
    readers = links.readers(max_new_tokens) | {"new": links.whole(LEAST_NEW, max_new_tokens)}
    known = {name: readers[name] for name in (*_RUN, *_VIEW)}
    values, unusable = values_of(parameters, known)
    default = usual()
    run = {name: values.get(name, getattr(default, name)) for name in _RUN}
    view = {name: values[name] for name in _VIEW if name in values}
    return RunSettings(**run), View(**view), unusable


def parse_encoder(parameters: Mapping[str, str]) -> tuple[EncoderHead | None, tuple[str, ...]]:
    """Read which head of the encoder a link looks at, and a phrase on what could not be used.

    Returns:
        None for the page's own choice, which it is unless a link names both layer and head.
    """
    number = links.whole(0, 9_999)
    values, unusable = values_of(parameters, dict.fromkeys(_ENCODER, number))
    if len(values) == len(_ENCODER):
        return EncoderHead(**{name.removeprefix("encoder_"): values[name] for name in _ENCODER}), ()
    if not unusable and values:
        ((given, value),) = values.items()
        (missing,) = set(_ENCODER) - {given}
        unusable = (f"{given} is {value}, and {missing} is missing beside it",)
    return None, unusable


def write(settings: RunSettings, view: View, encoder: EncoderHead | None = None) -> dict[str, str]:
    """Return the parameters that lead back, defaults left out, as is a text too long for a link."""
    default, parameters = usual(), {}
    if encoder is not None:
        parameters |= dict(zip(_ENCODER, map(str, encoder), strict=True))
    for name in _RUN:
        if getattr(settings, name) != getattr(default, name):
            parameters[name] = str(getattr(settings, name))
    for entry in fields(View):
        if getattr(view, entry.name) != entry.default:
            parameters[entry.name] = str(getattr(view, entry.name))
    if not links.fits(settings):
        parameters.pop("prompt", None)
    return parameters
