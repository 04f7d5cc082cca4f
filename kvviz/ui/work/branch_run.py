"""A branch of a run: what it goes on from, and what can be seen of the rows that it takes over."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from kvviz.errors import OptionsError
from kvviz.trace import GenerationTrace, forward_flops
from kvviz.translation import gettext as _
from kvviz.translation import ngettext
from kvviz.ui.work.branch_facts import BranchFacts
from kvviz.ui.work.branch_path import Fork
from kvviz.ui.work.run_settings import RunSettings
from kvviz.ui.work.shown_run import ShownRun

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel


@dataclass(frozen=True)
class Begun:
    """What a run begins with.

    Attributes:
        settings: What is asked for, of a branch with the tokens that are left to it.
        prompt: Tokens that are read in place of the prompt; None for that.
        prefix: The run whose rows are taken over, None where none is.
    """

    settings: RunSettings
    prompt: list[int] | None = None
    prefix: GenerationTrace | None = None


def branch_tokens(run: GenerationTrace, fork: Fork) -> list[int]:
    """Return the tokens that a branch goes on from: those of the run up to the step, and others.

    Raises:
        OptionsError: If the run has no such step, the model no such token, or the run took these
            very tokens itself.
    """
    n_steps, n_before, d_vocab = len(run.steps), run.n_prompt + fork.step, run.model.d_vocab
    if fork.step >= n_steps:
        raise OptionsError(
            _("The run has no step {step} to branch off.").format(step=fork.step),
            found=ngettext(
                "It has {n} step, step 0.", "It has {n} steps, 0 to {last}.", n_steps
            ).format(n=n_steps, last=n_steps - 1),
            fix=_("Take one that it has."),
        )
    if max(fork.tokens) >= d_vocab:
        raise OptionsError(
            _("There is no token {token} to take.").format(token=max(fork.tokens)),
            found=_("{model} knows 0 to {last:,}.").format(model=run.model.name, last=d_vocab - 1),
            fix=_("Choose one of the likely tokens in the player."),
        )
    if run.token_ids[n_before : n_before + len(fork.tokens)].tolist() == list(fork.tokens):
        raise OptionsError(
            _("The run itself goes on like this after step {step}.").format(step=fork.step),
            found=_("It is “{text}”.").format(
                text="".join(run.tokens[n_before : n_before + len(fork.tokens)])[:60]
            ),
            fix=_("Choose another token."),
        )
    return [*run.token_ids[:n_before].tolist(), *fork.tokens]


def begun(settings: RunSettings, beside: ShownRun | None) -> Begun:
    """Return what a run begins with: of a branch the beginning of the run beside it, and its rows.

    Raises:
        OptionsError: As `branch_tokens`.
    """
    if beside is None or not settings.branch:
        return Begun(settings)
    prompt = branch_tokens(beside.trace, settings.branch.forks[-1])
    n_new = n_new_tokens(beside.trace, len(prompt))
    return Begun(replace(settings, new=n_new), prompt, beside.trace)


def finished(model: LoadedModel, shown: ShownRun, beside: ShownRun | None) -> ShownRun:
    """Return a run with what was observed of it beside another, where it is a branch of that one.

    Raises:
        KvvizError: What the engine raises.
    """
    if beside is None or not shown.settings.branch:
        return shown
    fork = shown.settings.branch.forks[-1]
    facts = observed(model, beside.trace, beside.branch, shown.trace, fork)
    return replace(shown, branch=facts)


def n_new_tokens(run: GenerationTrace, n_begun: int) -> int:
    """Return how many tokens a branch that begins with so many generates: to the run's own end."""
    return max(1, run.n_prompt + run.options.max_new_tokens - n_begun)


def observed(
    model: LoadedModel,
    run: GenerationTrace,
    before: BranchFacts | None,
    branch: GenerationTrace,
    fork: Fork,
) -> BranchFacts:
    """Return what can be seen of a branch beside its run, and beside one pass from nothing.

    Args:
        model: The model of both.
        run: The run that it leaves.
        before: What was observed of that one, if it is a branch itself.
        branch: The branch.
        fork: Where it leaves.

    Raises:
        KvvizError: What the engine raises.
    """
    from kvviz.engine import trace_encoding

    n = branch.options.n_shared
    same = np.all(
        branch.final_fingerprints[:, :, :n] == run.written_fingerprints[:, :, :n], axis=(0, 1)
    )
    alone = trace_encoding(model, branch.token_ids.tolist(), top_k=1)
    row_difference, n_equal = 0.0, np.ones(branch.n_rows, dtype=bool)
    for name in ("all_keys", "all_values"):
        own, other = getattr(branch, name), getattr(alone, name)[:, :, : branch.n_rows]
        apart = np.abs(own - other).max(axis=(0, 1, 3))
        row_difference = max(row_difference, float(apart.max()))
        n_equal &= apart == 0
    first = branch.token_ids[: run.n_tokens] != run.token_ids[: branch.n_tokens]
    n_prompt = branch.n_prompt
    return BranchFacts(
        taken=(
            *(() if before is None else before.taken),
            model.text_of(fork.tokens, goes_on=True),
        ),
        parts_at=int(first.argmax()) if first.any() else run.n_tokens,
        n_asked=run.n_prompt if before is None else before.n_asked,
        n_shared=n,
        n_proven=int(same.sum()),
        n_computed=sum(int(step.computed.size) for step in branch.steps),
        flops=branch.steps[0].flops,
        flops_alone=forward_flops(branch.model, n_prompt, n_prompt),
        row_difference=row_difference,
        n_equal_rows=int(n_equal.sum()),
        same_next=int(alone.top_ids[branch.n_rows - 1, 0]) == int(branch.steps[-1].top_ids[0]),
        logprobs=alone.label_logprobs[: branch.n_rows],
    )
