"""The first question: what becomes of both counts when the text is twice as long."""

from __future__ import annotations

from kvviz.analysis.cost import token_passes
from kvviz.trace import CacheComparison
from kvviz.translation import N_
from kvviz.translation import gettext as _
from kvviz.ui.parts.experiment import Choice, Experiment, Verdict

BUCKETS = ((N_("less than 2×"), 2.0), (N_("2× to 2.5×"), 2.5), (N_("more than 2.5×"), float("inf")))
"""Answers, and the factor that each ends below."""


def experiment(comparison: CacheComparison) -> Experiment:
    """Return the experiment with a run that was made both ways.

    What was observed of the run stands in the question. What a longer one would come to is counted
    by the formula of `token_passes`, which a test holds to the rows that the observers saw.
    """
    both = comparison.cached, comparison.uncached
    counts = [sum(step.computed.size for step in run.steps) for run in both]
    n_prompt, n_new = both[0].n_prompt, len(both[0].steps)
    longer = [token_passes(n_prompt, 2 * n_new, use_cache=use) for use in (True, False)]
    times = [there / here for there, here in zip(longer, counts, strict=True)]
    answers = {number: _(label) for number, (label, _end) in enumerate(BUCKETS)}
    return Experiment(
        "twice-as-long",
        [Choice(answers, _("With the cache")), Choice(answers, _("Without"))],
        lambda _found: Verdict(
            [{bucket(one)} for one in times],
            {
                "new": f"{2 * n_new:,}",
                "on": f"{longer[0]:,}",
                "off": f"{longer[1]:,}",
                "on_times": f"{times[0]:.1f}",
                "off_times": f"{times[1]:.1f}",
            },
        ),
        words={"new": f"{n_new:,}", "on": f"{counts[0]:,}", "off": f"{counts[1]:,}"},
    )


def bucket(times: float) -> int:
    """Return the number of the answer that a factor belongs to."""
    return next(number for number, (_label, end) in enumerate(BUCKETS) if times < end)
