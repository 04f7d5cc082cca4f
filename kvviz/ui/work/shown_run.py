"""A run that a page shows, and what is looked at in it first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from kvviz.analysis import HeadRole, head_roles, telling_head
from kvviz.player.payload import CacheView
from kvviz.trace import CacheComparison, Conversation, GenerationTrace
from kvviz.ui.work.branch_facts import BranchFacts
from kvviz.ui.work.run_settings import RunSettings


@dataclass(frozen=True)
class ShownRun:
    """A run that a page shows.

    Attributes:
        settings: What was asked for.
        trace: The run that figures are read from: the cached one where there is one.
        comparison: Both runs, where both were made.
        origin: ``run`` if it was made here, ``file`` if it was opened, ``shipped`` if it came with
            kvviz.
        note: A line about how it came to be, or nothing.
        induction_heads: Those of the model, found on a probe; empty if the model is not at hand.
        in_a_hurry: Whether the run without the cache was left for later, since others waited.
        branch: What was observed of it, where it is a branch of another run.
    """

    settings: RunSettings
    trace: GenerationTrace
    comparison: CacheComparison | None = None
    origin: str = "run"
    note: str = ""
    induction_heads: tuple[HeadRole, ...] = ()
    in_a_hurry: bool = False
    branch: BranchFacts | None = None

    @property
    def n_asked(self) -> int:
        """Tokens of the prompt that a person wrote."""
        return self.trace.n_prompt if self.branch is None else self.branch.n_asked

    @property
    def asked_again(self) -> str | Conversation | list[int]:
        """What the model is to go on from to make the run once more, of a branch its tokens."""
        if self.branch is None:
            return self.settings.asked
        return self.trace.token_ids[: self.trace.n_prompt].tolist()

    def settings_at(self, device: str) -> RunSettings:
        """Return what was asked for, as it is asked on a device."""
        return replace(self.settings, device=device)

    @property
    def subject(self) -> GenerationTrace | CacheComparison:
        """What the player is given."""
        return self.comparison or self.trace

    @property
    def observed(self) -> Literal["measured", "recorded"]:
        """How its numbers came about: here, or elsewhere and kept in a file."""
        return "measured" if self.origin == "run" else "recorded"

    @cached_property
    def roles(self) -> tuple[HeadRole, ...]:
        """Heads that play a role, by the rules of `kvviz.analysis`.

        A head has the role that it plays in this run. One that plays none here, but copied on
        the probe, is an induction head: most texts give it nothing to copy.
        """
        found = (*self.induction_heads, *self.roles_here)
        return tuple({(role.layer, role.head): role for role in found}.values())

    @cached_property
    def roles_here(self) -> tuple[HeadRole, ...]:
        """Roles that this run alone shows: all patterns of all heads are gone through, once."""
        return head_roles(self.trace)

    @cached_property
    def opening_head(self) -> tuple[int, int]:
        """Layer and head to look at where none is asked for: one that has something to show."""
        return self.head_to_show(None)

    def head_to_show(self, layer: int | None) -> tuple[int, int]:
        """Return the clearest induction head, where this text repeats itself, else a telling one.

        The heads of a long run are not compared: there it is the one that looks most clearly at the
        previous token, which is the easiest to read, or the first head if no rule finds one.
        """

        def clearest(name: str) -> tuple[int, int] | None:
            found = [r for r in self.roles_here if r.role == name and layer in (None, r.layer)]
            best = max(found, key=lambda role: role.score, default=None)
            return None if best is None else (best.layer, best.head)

        telling = clearest("induction") or telling_head(self.trace, layer)
        return telling or clearest("previous-token") or (layer or 0, 0)

    @property
    def n_steps(self) -> int:
        """Steps that the player shows: those that both runs took."""
        runs = (self.comparison.uncached, self.trace) if self.comparison else (self.trace,)
        return min(len(run.steps) for run in runs)

    @property
    def caches(self) -> tuple[CacheView, ...]:
        """Which of the player's three ways of looking are there without another run."""
        if self.comparison:
            return ("on", "off", "both")
        return ("on",) if self.trace.options.use_cache else ("off",)
