"""What a config may say of rotary positions: which rotations are computed, which are refused."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

from kvviz.translation import gettext as _

_NUMBERS = {
    "default": (),
    "linear": ("factor",),
    "llama3": (
        "factor",
        "low_freq_factor",
        "high_freq_factor",
        "original_max_position_embeddings",
    ),
}
"""The ways of scaling the angles that are computed, and the numbers that each takes.

Source: Su et al. (2021), “RoFormer”, section 3.2; Chen et al. (2023), “Extending context window of
large language models via positional interpolation”, section 2; the configs of Llama 3.1.
"""


_LAYER_KINDS = ("full_attention", "sliding_attention")


def rope_refusal(settings: Mapping[str, Any], layer_types: tuple[str, ...] = ()) -> str:
    """Say in a sentence why the positions in a config are not computed, or return ''.

    Args:
        settings: What config.json says.
        layer_types: Kinds of layers that may each have a rotation of their own; none where all
            layers of a model turn alike.
    """
    for name in ("partial_rotary_factor", "rotary_pct", "rope_pct"):
        if settings.get(name) not in (None, 1, 1.0):
            return _partial(name, settings[name])
    if wrong := _base_refusal(settings, "rope_theta"):
        return wrong
    if wrong := _base_refusal(settings, "rope_local_base_freq"):
        return wrong
    for name in ("rope_scaling", "rope_parameters"):
        said = settings.get(name)
        if said is None:
            continue
        if not isinstance(said, dict):
            return _("{setting} is {found!r}, and must hold settings.").format(
                setting=name, found=said
            )
        parts = cast("dict[str, Any]", said)
        by_layer = name == "rope_parameters" and bool(layer_types)
        wanted, found = set(layer_types if by_layer else ()), set(parts)
        names = ", ".join(sorted(map(str, found)))[:80]
        if by_layer and not found <= wanted:
            return _("{setting} names {found}, and must name kinds of layers.").format(
                setting=name, found=names
            )
        if not by_layer and found & {*_LAYER_KINDS}:
            return _("{setting} names {found}, and all layers turn alike.").format(
                setting=name, found=names
            )
        for one in parts.values() if by_layer else [parts]:
            if one is None:
                continue
            if not isinstance(one, dict):
                return _("{setting} is {found!r}, and must hold settings.").format(
                    setting=name, found=one
                )
            if wrong := _one_refusal(cast("dict[str, Any]", one)):
                return wrong
    return ""


def _one_refusal(said: Mapping[str, Any]) -> str:
    """Say what is wrong with one rotation, or return ''."""
    kind: Any = said.get("rope_type", said.get("type", "default"))
    if not isinstance(kind, str) or kind not in _NUMBERS:
        return _("Its rotary positions are scaled as {kind!r}; kvviz computes {known}.").format(
            kind=kind, known=", ".join(_NUMBERS)
        )
    if said.get("partial_rotary_factor") not in (None, 1, 1.0):
        return _partial("partial_rotary_factor", said["partial_rotary_factor"])
    if wrong := _base_refusal(said, "rope_theta"):
        return wrong
    for name in _NUMBERS[kind]:
        if name == "original_max_position_embeddings" and said.get(name) is None:
            continue  # it is then that of the model
        if not _is_positive(said.get(name)):
            return _("{setting} is {found!r}, and must be a number above 0.").format(
                setting=name, found=said.get(name)
            )
    if kind == "llama3" and said["high_freq_factor"] <= said["low_freq_factor"]:
        return _("high_freq_factor is {high}, and must be above low_freq_factor, {low}.").format(
            high=said["high_freq_factor"], low=said["low_freq_factor"]
        )
    return ""


def _base_refusal(said: Mapping[str, Any], name: str) -> str:
    if said.get(name) is not None and not _is_positive(said[name]):
        return _("{setting} is {found!r}, and must be a number above 0.").format(
            setting=name, found=said[name]
        )
    return ""


def _partial(name: str, found: object) -> str:
    return _("{setting} is {found!r}: it turns only a part of each row.").format(
        setting=name, found=found
    )


def _is_positive(number: Any) -> bool:
    return type(number) in (int, float) and 0 < number < math.inf
