"""The question that the page opens with: what the second cache costs at the next step."""

from __future__ import annotations

import numpy as np

from kvviz.player import fingerprint
from kvviz.trace import CrossAttention, GenerationTrace
from kvviz.translation import gettext as _
from kvviz.translation import ngettext
from kvviz.ui.pages.encoder_decoder.counts import in_layers, in_tokens
from kvviz.ui.parts.experiment import Choice, Experiment, Verdict
from kvviz.ui.parts.run_state import RunState


def experiment(trace: GenerationTrace, cross: CrossAttention) -> Experiment:
    """Return the experiment with one run."""
    n = cross.n_encoder
    offered = {one: f"{one}" for one in sorted({0, 1, n, n + 1})}
    if n > 1:
        offered[n] = _("all {n}").format(n=n)
    return Experiment(
        "cross-rows",
        [Choice(offered)],
        lambda result: told(trace, cross),
        words={"n_encoder": n},
        about=fingerprint(trace),
        by_hand=_(
            "Now do it: press → or the step button in the player, and look at the second cache."
        ),
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
        ngettext(
            "Step 1 computed {computed} cross-attention row and read all {reused} again; in the "
            "decoder's own cache it computed {own_computed} and read {own_reused}.",
            "Step 1 computed {computed} cross-attention rows and read all {reused} again; in the "
            "decoder's own cache it computed {own_computed} and read {own_reused}.",
            computed,
        ).format(
            computed=computed,
            reused=step.cross_reused.size,
            own_computed=step.computed.size,
            own_reused=step.reused.size,
        ),
        numbers(trace, cross),
        hook="told",
        facts={"n-cross-computed": computed},
    )


def numbers(trace: GenerationTrace, cross: CrossAttention) -> list[str]:
    """Return the counts of the first steps, and what shows that no row changed."""
    same = np.array_equal(cross.written_fingerprints, cross.final_fingerprints)
    n_prints = cross.written_fingerprints.size
    lines = [
        _(
            "Step {step}: of its own rows {own_computed} computed and {own_reused} reused; of the "
            "cross-attention rows {computed} computed and {reused} reused."
        ).format(
            step=step.index,
            own_computed=step.computed.size,
            own_reused=step.reused.size,
            computed=step.cross_computed.size,
            reused=step.cross_reused.size,
        )
        for step in trace.steps[:4]
    ]
    if same:
        told = _(
            "A fingerprint of each cross-attention row, K and V of {layers} × {tokens}, was taken "
            "when it was written and again after the last step: all {n:,} are the same."
        )
    else:
        told = _(
            "A fingerprint of each cross-attention row, K and V of {layers} × {tokens}, was taken "
            "when it was written and again after the last step: they are not all the same."
        )
    layers, tokens = in_layers(trace.model.n_layers), in_tokens(cross.n_encoder)
    return [*lines, told.format(layers=layers, tokens=tokens, n=n_prints)]
