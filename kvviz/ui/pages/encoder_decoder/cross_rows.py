"""The question that the page opens with: what the second cache costs at the next step."""

from __future__ import annotations

import numpy as np

from kvviz.player import fingerprint
from kvviz.trace import CrossAttention, GenerationTrace
from kvviz.ui.parts.experiment import Choice, Experiment, Verdict
from kvviz.ui.parts.run_state import RunState


def experiment(trace: GenerationTrace, cross: CrossAttention) -> Experiment:
    """Return the experiment with one run."""
    n = cross.n_encoder
    rows = sorted({0, 1, n, n + 1})
    return Experiment(
        "cross-rows",
        [Choice({one: f"all {one}" if one == n > 1 else f"{one}" for one in rows})],
        lambda _: told(trace, cross),
        words={"n_encoder": n},
        about=fingerprint(trace),
        by_hand="Now do it: press → or the step button in the player, and look at the second "
        "cache.",
    )


def of_the_page(state: RunState) -> Experiment | None:
    """Return the experiment with the run on screen, None where it has no second step."""
    shown = state.shown
    if shown is None or shown.trace.cross is None or len(shown.trace.steps) < 2:
        return None
    return experiment(shown.trace, shown.trace.cross)


def looked(state: RunState) -> bool:
    """Take in that a decode step is in view; return whether that reveals the result."""
    found = of_the_page(state) if state.view.step >= 1 else None
    return found is not None and found.saw()


def draw(state: RunState) -> None:
    """Draw the question, then what to do, then what happened."""
    found = of_the_page(state)
    if found is not None:
        found.draw()


def told(trace: GenerationTrace, cross: CrossAttention) -> Verdict:
    """Return what the second step was seen to do, the counts of the first ones behind it."""
    step = trace.steps[1]
    computed = int(step.cross_computed.size)
    return Verdict(
        [{computed}],
        f"Step 1 computed {computed} cross-attention rows and read all {step.cross_reused.size} "
        f"again; in the decoder's own cache it computed {step.computed.size} and read "
        f"{step.reused.size}.",
        numbers(trace, cross),
        hook="told",
        facts={"n-cross-computed": computed},
    )


def numbers(trace: GenerationTrace, cross: CrossAttention) -> list[str]:
    """Return the counts of the first steps, and what shows that no row changed."""
    same = np.array_equal(cross.written_fingerprints, cross.final_fingerprints)
    n_prints = cross.written_fingerprints.size
    lines = [
        f"Step {step.index}: of its own rows {step.computed.size} computed and "
        f"{step.reused.size} reused; of the cross-attention rows {step.cross_computed.size} "
        f"computed and {step.cross_reused.size} reused."
        for step in trace.steps[:4]
    ]
    lines.append(
        f"A fingerprint of each cross-attention row, K and V of {trace.model.n_layers} layers × "
        f"{cross.n_encoder} tokens, was taken when it was written and again after the last step: "
        + (f"all {n_prints:,} are the same." if same else "they are not all the same.")
    )
    return lines
