"""What the header of a trace file says of one step: all but its large arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from kvviz.errors import TraceFileError
from kvviz.trace.step import Step
from kvviz.trace.storage.header_fields import damaged, short, short_names
from kvviz.trace.storage.header_json import Array
from kvviz.translation import gettext as _

POSITIONS = ("fed", "computed", "reused")
"""Fields that hold positions, told by the first of them and the one after the last."""
_STEP_FIELDS = {
    "chosen_id",
    "chosen_prob",
    "seconds",
    "flops",
    "cache_bytes",
    "max_row_change",
}


def step_facts(step: Step) -> dict[str, Any]:
    """Return the numbers of a step, as `typed_step` takes them."""
    facts: dict[str, Any] = {
        "chosen_id": int(step.chosen_id),
        "chosen_prob": float(step.chosen_prob),
        "seconds": float(step.seconds),
        "flops": int(step.flops),
        "cache_bytes": int(step.cache_bytes),
        "max_row_change": float(step.max_row_change),
    }
    for name in POSITIONS:
        facts[name] = ends_of(getattr(step, name))
    return facts


def ends_of(positions: Array) -> list[int]:
    """Return two numbers that tell all positions, since they follow one another."""
    return [int(positions[0]), int(positions[-1]) + 1] if positions.size else [0, 0]


def typed_step(facts: dict[str, Any], number: int, last: Mapping[str, int]) -> dict[str, Any]:
    """Check the numbers of a step, whose positions end at or before the `last` of their name."""
    wanted = _STEP_FIELDS | set(last)
    if set(facts) != wanted:
        raise damaged(
            _("Step {step} lacks or adds {names}.").format(
                step=number, names=short_names(set(facts) ^ wanted)
            )
        )
    for name in last:
        ends = facts[name]
        if (
            not isinstance(ends, list)
            or [type(end) for end in cast("list[Any]", ends)] != [int, int]
            or not 0 <= ends[0] <= ends[1] <= last[name]
        ):
            raise _wrong(name, number, cast("object", ends))
    for name in ("chosen_id", "flops", "cache_bytes"):
        if type(facts[name]) is not int:
            raise _wrong(name, number, facts[name])
    for name in ("chosen_prob", "seconds", "max_row_change"):
        if type(facts[name]) is not float:
            raise _wrong(name, number, facts[name])
    return facts


def _wrong(name: str, step: int, found: object) -> TraceFileError:
    return damaged(
        _("{name} of step {step} is {found}.").format(name=name, step=step, found=short(found))
    )
