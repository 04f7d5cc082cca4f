"""Which branch of a run is asked for: at which steps which other tokens are taken."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kvviz.translation import gettext as _
from kvviz.ui.shell.links import Reader

MOST_FORKS = 8
"""How many branches of branches a link may ask for; each needs the run before it."""
MOST_TYPED = 32
"""Most tokens that are typed over the last ones of a run."""

_FORK = re.compile(rf"[0-9]{{1,5}}(\.[0-9]{{1,7}}){{1,{MOST_TYPED}}}")
"""A step, and the tokens that are taken in place of the run's own."""


@dataclass(frozen=True)
class Fork:
    """Where a branch leaves its run.

    Attributes:
        step: Step of the run after which another token is taken.
        tokens: What is taken in its place: one token, or several that were typed.
    """

    step: int
    tokens: tuple[int, ...]

    def __str__(self) -> str:
        """Return the words of a link, such as ``5.262``."""
        return ".".join(map(str, (self.step, *self.tokens)))


@dataclass(frozen=True)
class BranchPath:
    """The way from a run to one of its branches, or to a branch of a branch.

    Attributes:
        forks: Where each leaves the one before; none for the run itself.
    """

    forks: tuple[Fork, ...] = ()

    def __str__(self) -> str:
        """Return the words of a link, such as ``5.262-2.11``."""
        return "-".join(map(str, self.forks))

    def __bool__(self) -> bool:
        """Whether it leads away from the run."""
        return bool(self.forks)

    def __len__(self) -> int:
        """How many forks it takes."""
        return len(self.forks)

    @property
    def parent(self) -> BranchPath:
        """The way to the run that the branch leaves."""
        return BranchPath(self.forks[:-1])

    def then(self, fork: Fork) -> BranchPath:
        """Return the way to a branch of this one."""
        return BranchPath((*self.forks, fork))


NO_BRANCH = BranchPath()


def branch_path(words: str) -> BranchPath:
    """Return the way that a link's words say.

    Raises:
        ValueError: If they say none, or one that is too long.
    """
    forks = words.split("-")
    if len(forks) > MOST_FORKS or not all(_FORK.fullmatch(fork) for fork in forks):
        raise ValueError
    numbers = [[int(number) for number in fork.split(".")] for fork in forks]
    return BranchPath(tuple(Fork(step, tuple(tokens)) for step, *tokens in numbers))


def branch_reader() -> Reader:
    """Return the reader of a link's branch."""
    return Reader(
        branch_path,
        lambda: _(
            "a step and a token, such as 5.262, or up to {most} such, each after a dash"
        ).format(most=MOST_FORKS),
    )
