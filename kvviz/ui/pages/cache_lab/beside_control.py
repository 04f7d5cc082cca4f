"""A way of keeping rows beside its control, both judged on the very same tokens."""

from __future__ import annotations

from dataclasses import dataclass

from kvviz.analysis.paired_difference import PairedDifference, paired_difference
from kvviz.translation import gettext as _
from kvviz.ui.pages.cache_lab.judgement import Judgement, OfCache
from kvviz.ui.parts.quantity import in_bytes

WAY, ALIKE = "way", "alike"
"""Answers to what is nearer to the full cache: the way, or neither for sure. That which names the
control is each experiment's own."""


def amounts(found: Judgement, words: str) -> dict[str, object]:
    """Return what a way came to, as the braces of a sentence name it.

    Args:
        found: What it was judged by.
        words: The way, in the engine's words.
    """
    one = found.caches[words]
    return {
        "n": found.n_scored,
        "kl": f"{one.kl:.3f}",
        "same": one.n_same,
        "more": f"{one.loss - found.full_loss:+.3f}",
        "bytes": in_bytes(one.n_bytes),
        "full_bytes": in_bytes(found.full_bytes),
    }


def facts(found: Judgement, words: str) -> dict[str, object]:
    """Return the same as the hooks of a verdict say it."""
    one = found.caches[words]
    return {
        "kl": f"{one.kl:.4f}",
        "loss": f"{one.loss:.4f}",
        "full-loss": f"{found.full_loss:.4f}",
        "n-same": one.n_same,
        "n-scored": found.n_scored,
        "cache-bytes": one.n_bytes,
        "full-bytes": found.full_bytes,
    }


@dataclass(frozen=True, eq=False)
class BesideControl:
    """A way and its control.

    Attributes:
        found: What both were judged by, with every row kept beside them.
        way: The way, in the engine's words.
        control: Its control likewise.
        control_answer: What the experiment calls the control among its answers.
    """

    found: Judgement
    way: str
    control: str
    control_answer: str

    @property
    def of_control(self) -> OfCache:
        """What came of the control."""
        return self.found.caches[self.control]

    @property
    def apart(self) -> PairedDifference:
        """How much farther from the full cache the way is than its control, token by token."""
        own = self.found.caches[self.way]
        return paired_difference(own.divergences, self.of_control.divergences)

    @property
    def nearer(self) -> str:
        """The answer that is right."""
        if not self.apart.is_sure:
            return ALIKE
        return WAY if self.apart.mean < 0 else self.control_answer

    @property
    def amounts(self) -> dict[str, object]:
        """What both came to, as the braces of a sentence name it."""
        other = amounts(self.found, self.control)
        named = {f"control_{name}": other[name] for name in ("kl", "same", "more")}
        return amounts(self.found, self.way) | named

    @property
    def facts(self) -> dict[str, object]:
        """The same as the hooks of a verdict say it."""
        other = facts(self.found, self.control)
        named = {"control-kl": other["kl"], "control-loss": other["loss"]}
        named["control-bytes"] = other["cache-bytes"]
        return facts(self.found, self.way) | named | {"outcome-is": self.nearer}

    @property
    def difference(self) -> str:
        """The line of arithmetic by which the answer is found."""
        return _(
            "Difference of both from the full cache, token by token: {mean:+.3f} ± {error:.3f} "
            "nats (standard error). Below twice its error it is called none."
        ).format(mean=self.apart.mean, error=self.apart.error)


def nothing_shown() -> str:
    """Say that neither is nearer."""
    return _("On this text no difference of both can be shown.")


def capital(text: str) -> str:
    """Return a name as it begins a sentence."""
    return text[:1].upper() + text[1:]
