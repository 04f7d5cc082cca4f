"""What the page runs, and the link that says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from kvviz.lessons import lessons
from kvviz.translation import gettext as _
from kvviz.ui.parts.view import LAYER_OR_HEAD, VIEW_FIELDS, View
from kvviz.ui.shell.links import LinkFields, text_up_to, values_of, whole
from kvviz.ui.work.run_settings import LONGEST_MODEL, LONGEST_PROMPT, RunSettings

MODEL = "kvviz/t5-mini"
NEW = 16
LEAST_NEW = 2
"""With one new token no second step would be there to look at."""

_ENCODER = ("encoder_layer", "encoder_head")


class EncoderHead(NamedTuple):
    """A head of the encoder that a person chose to look at."""

    layer: int
    head: int


def usual() -> RunSettings:
    """Return what the page opens with."""
    return RunSettings(model=MODEL, prompt=lessons().inputs[0].text, new=NEW)


def run_fields(max_new_tokens: int = 1024) -> LinkFields[RunSettings]:
    """Return what of a run stands in a link, which may ask for so many new tokens."""
    return LinkFields(
        usual(),
        {
            "model": text_up_to(LONGEST_MODEL),
            "prompt": text_up_to(LONGEST_PROMPT),
            "new": whole(LEAST_NEW, max_new_tokens),
        },
    )


def parse(
    parameters: Mapping[str, str], max_new_tokens: int
) -> tuple[RunSettings, View, tuple[str, ...]]:
    """Read a link: run and view, and a phrase on each value that could not be used."""
    settings, wrong_run = run_fields(max_new_tokens).parse(parameters)
    view, wrong_view = VIEW_FIELDS.parse(parameters)
    return settings, view, wrong_run + wrong_view


def parse_encoder(parameters: Mapping[str, str]) -> tuple[EncoderHead | None, tuple[str, ...]]:
    """Read which head of the encoder a link looks at, and a phrase on what could not be used.

    Returns:
        None for the page's own choice, which it is unless a link names both layer and head.
    """
    values, unusable = values_of(parameters, dict.fromkeys(_ENCODER, LAYER_OR_HEAD))
    if len(values) == len(_ENCODER):
        return EncoderHead(*(values[name] for name in _ENCODER)), ()
    if not unusable and values:
        ((given, value),) = values.items()
        (missing,) = set(_ENCODER) - {given}
        unusable = (
            _("{given} is {value}, and {missing} is missing beside it").format(
                given=given, value=value, missing=missing
            ),
        )
    return None, unusable


def write(settings: RunSettings, view: View, encoder: EncoderHead | None = None) -> dict[str, str]:
    """Return the parameters that lead back to a run, a view and a head of the encoder."""
    head = {} if encoder is None else dict(zip(_ENCODER, map(str, encoder), strict=True))
    return head | run_fields().write(settings) | VIEW_FIELDS.write(view)
