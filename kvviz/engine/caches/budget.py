"""How many rows a way of keeping them may keep: one number for all layers, or one a layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast

from kvviz.errors import OptionsError
from kvviz.translation import gettext as _
from kvviz.translation import ngettext

Amount = int | float
Budget = Amount | tuple[Amount, ...]
"""Rows that a query may read in each head, its own among them: a whole number, or a share above 0
and up to 1 of the tokens of the run; for all layers, or for each of them."""


def checked_budget(name: str, found: Budget | Sequence[Amount]) -> Budget:
    """Return a budget, a list of them as a tuple.

    Args:
        name: What it is called.
        found: What was given.

    Raises:
        OptionsError: If it is none.
    """
    is_list = isinstance(found, list | tuple)
    amounts: list[Any] = list(cast("Sequence[Any]", found)) if is_list else [found]
    if not amounts or not all(map(_is_amount, amounts)):
        raise OptionsError(
            _(
                "{name} must be a whole number of rows, 1 or more, a share of the run above 0 and "
                "up to 1, or a list of these, one a layer."
            ).format(name=name),
            found=_("Found {found!r}.").format(found=found)[:200],
            fix=_("Change it and run again."),
        )
    return tuple(amounts) if is_list else amounts[0]


def checked_count(name: str, found: object, *, at_least: int) -> int:
    """Return a setting that counts something.

    Raises:
        OptionsError: If it is no whole number, or below the least.
    """
    if type(found) is not int or found < at_least:
        raise OptionsError(
            _("{name} must be a whole number, {least} or more.").format(name=name, least=at_least),
            found=_("Found {found!r}.").format(found=found)[:200],
            fix=_("Change it and run again."),
        )
    return found


def checked_share(name: str, found: object) -> float:
    """Return a setting that is a share, from 0 to 1.

    Raises:
        OptionsError: If it is none.
    """
    if type(found) not in (int, float) or not 0 <= cast("float", found) <= 1:
        raise OptionsError(
            _("{name} must be a number from 0 to 1.").format(name=name),
            found=_("Found {found!r}.").format(found=found)[:200],
            fix=_("Change it and run again."),
        )
    return float(cast("float", found))


def checked_switch(name: str, found: object) -> bool:
    """Return a setting that is on or off.

    Raises:
        OptionsError: If it is neither.
    """
    if type(found) is not bool:
        raise OptionsError(
            _("{name} must be on (True) or off (False).").format(name=name),
            found=_("Found {found!r}.").format(found=found)[:200],
            fix=_("Change it and run again."),
        )
    return found


def check_room(budget: Budget, n_held: int, what: str) -> None:
    """Refuse rows that are always kept, where they leave no room for the others.

    Args:
        budget: Rows in all; shares are left to the run.
        n_held: Rows that are always kept.
        what: What they are, as in "4 sinks".

    Raises:
        OptionsError: If a budget is no more than they take.
    """
    amounts = budget if isinstance(budget, tuple) else (budget,)
    least = min((one for one in amounts if isinstance(one, int)), default=n_held + 1)
    if least <= n_held:
        raise OptionsError(
            _("{what} leave no room in a budget of {budget}.").format(what=what, budget=least),
            found=_("A query reads {budget} rows, its own among them.").format(budget=least),
            fix=_("Raise the budget, or keep fewer."),
        )


def rows_by_layer(budget: Budget, n_layers: int, n_tokens: int) -> list[int]:
    """Return how many rows a query may read in each layer, its own among them.

    Args:
        budget: As it was checked.
        n_layers: Layers of the model.
        n_tokens: Tokens of which a share is a share.

    Raises:
        OptionsError: If there is another number of budgets than of layers.
    """
    amounts = budget if isinstance(budget, tuple) else (budget,) * n_layers
    if len(amounts) != n_layers:
        raise OptionsError(
            ngettext(
                "A budget a layer is {n} budget for this model.",
                "A budget a layer are {n} budgets for this model.",
                n_layers,
            ).format(n=n_layers),
            found=_("Found {n}.").format(n=len(amounts)),
            fix=_("Name one for all layers, or one for each."),
        )
    return [one if isinstance(one, int) else max(1, math.ceil(one * n_tokens)) for one in amounts]


def largest(budget: Budget) -> int:
    """Return the largest budget that is a number of rows, 0 where all are shares."""
    amounts = budget if isinstance(budget, tuple) else (budget,)
    return max((one for one in amounts if isinstance(one, int)), default=0)


def _is_amount(found: object) -> bool:
    if type(found) is int:
        return found >= 1
    return type(found) is float and 0 < found <= 1
