"""What is said of how a run came about, where it is not as usual."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvviz.trace import CacheComparison, GenerationTrace
from kvviz.translation import gettext as _
from kvviz.translation import ngettext

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel


def parted_note(comparison: CacheComparison) -> str:
    """Say what is left out where the tokens of both runs part and one of them ends early."""
    cached, uncached = len(comparison.cached.steps), len(comparison.uncached.steps)
    if cached == uncached:
        return ""
    common = min(cached, uncached)
    took = ngettext(
        "The run with the cache took {cached:,} step, the one without {uncached:,}, since their "
        "tokens part.",
        "The run with the cache took {cached:,} steps, the one without {uncached:,}, since their "
        "tokens part.",
        cached,
    ).format(cached=cached, uncached=uncached)
    both = ngettext(
        "The player shows the one step that both took.",
        "The player shows the {n:,} steps that both took.",
        common,
    ).format(n=common)
    return f"{took} {both}"


def hurry_note() -> str:
    """Say that a run was made with the cache only, since others waited."""
    return _(
        "Others were waiting, so this run was made with the cache only: its rows, tokens and FLOPs "
        "are all there, and what it would take without is by formula. Press Without or Side by "
        "side to make that run too."
    )


def left_out_note(model: LoadedModel) -> str:
    """Say which heads of the checkpoint were not loaded."""
    if not model.left_out:
        return ""
    heads = ", ".join(model.left_out)
    return _("{model} was loaded without its parts for other tasks: {heads}.").format(
        model=model.card.name, heads=heads
    )


def cancelled_note(trace: GenerationTrace, n_new: int) -> str:
    """Say how far a run came that was cancelled; nothing of any other."""
    if trace.stopped != "cancelled":
        return ""
    n_steps = len(trace.steps)
    return ngettext(
        "Cancelled: here is the {n:,} step that was done, of {all:,}.",
        "Cancelled: here are the {n:,} steps that were done, of {all:,}.",
        n_steps,
    ).format(n=n_steps, all=n_new)
