"""A row put elsewhere: a rotary key can be turned to another position, a learnt one cannot."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from kvviz.errors import RunCancelledError
from kvviz.lessons import lessons
from kvviz.translation import gettext as _
from kvviz.ui.pages.model_sizes.five_years.pair import NEW, OLD, loaded
from kvviz.ui.pages.model_sizes.five_years.turned_pairs import Pairs, pairs_picture
from kvviz.ui.parts import float64_check
from kvviz.ui.parts.experiment import Choice, Experiment, Record, Verdict, Work
from kvviz.ui.parts.quantity import NO_BREAK
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.work.admission import Ask
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.model_names import called

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel

N_PLACES = 100

SAME_ROW = 1e-3
"""Rows this near are one but for rounding. In float32 the angle at place 1,000 is off by 6e-5, and
six layers and their sums add to that; a row that is really another is off by a tenth and more. What
float64 leaves of it is asked for beside it."""

BOTH, ONLY_OLD, ONLY_NEW, NEITHER = "both", "old", "new", "neither"


@dataclass(frozen=True)
class Moved:
    """How far rows that a cache can offer elsewhere are from those that a run has there.

    Attributes:
        model: Its name.
        keys: For each layer the farthest key, in lengths of the one wanted.
        unturned: The same of the keys as they were kept.
        values: The same of the values.
        pairs: Pairs of numbers of one key: as kept, further on, and as the cache can offer it.
    """

    model: str
    keys: tuple[float, ...]
    unturned: tuple[float, ...]
    values: tuple[float, ...]
    pairs: Pairs

    @property
    def farthest(self) -> float:
        """The farthest of all that a cache can offer."""
        return max(*self.keys, *self.values)

    @property
    def can_move(self) -> bool:
        """Whether all rows are those of a run there but for rounding."""
        return self.farthest <= SAME_ROW


def draw(text: str) -> None:
    """Draw the experiment, and the check in float64 once it is told."""
    outcome = experiment(text).draw()
    if outcome is not None:
        _in_float64(text, outcome.found[1])


def experiment(text: str) -> Experiment:
    """Return the experiment that puts the rows of a text elsewhere."""
    only = _("only in {model}")
    return Experiment(
        "moved-rows",
        [
            Choice(
                {
                    BOTH: _("in both"),
                    ONLY_NEW: only.format(model=called(NEW)),
                    ONLY_OLD: only.format(model=called(OLD)),
                    NEITHER: _("in neither"),
                }
            )
        ],
        told,
        words={"old": called(OLD), "new": called(NEW), "n": N_PLACES},
        about=text,
        work=Work(
            "moved-rows",
            text,
            _("Both models read the text at two places"),
            lambda job: read_at_two_places(text, job),
            Ask((text,)),
        ),
    )


def read_at_two_places(text: str, job: Job) -> tuple[Moved, Moved]:
    """Have both models read a text at two places, the older first."""
    found: list[Moved] = []
    for name in (OLD, NEW):
        found.append(moved(loaded(name), name, text))
        job.report(len(found), 2)
    return found[0], found[1]


def moved(model: LoadedModel, name: str, text: str) -> Moved:
    """Compare the rows that a cache can offer further on with those that a run has there.

    Raises:
        KvvizError: What `kvviz.engine.rows_at_two_places` raises.
    """
    from kvviz.engine import how_far, rows_at_two_places

    rows = rows_at_two_places(model, [*model.first_ids, *model.tokenize(text)], N_PLACES)

    def farthest(offered: np.ndarray, wanted: np.ndarray) -> tuple[float, ...]:
        return tuple(float(one) for one in how_far(offered, wanted).max(axis=(1, 2)))

    return Moved(
        name,
        farthest(rows.best_keys, rows.moved_keys),
        farthest(rows.keys, rows.moved_keys),
        farthest(rows.values, rows.moved_values),
        Pairs.of(rows.keys[0, 0, -1], rows.moved_keys[0, 0, -1], rows.best_keys[0, 0, -1]),
    )


def told(read: Sequence[Moved]) -> Verdict:
    """Say in which model rows can be used elsewhere, with the differences that were measured."""
    old, new = read
    outcome = {(True, True): BOTH, (False, True): ONLY_NEW, (True, False): ONLY_OLD}
    right = outcome.get((old.can_move, new.can_move), NEITHER)
    return Verdict(
        [{right}],
        {
            "old": called(old.model),
            "new": called(new.model),
            "turned": _percent(new.keys),
            "unturned": _percent(new.unturned),
            "added": _percent(old.keys),
            "values": _percent(old.values),
            "n": N_PLACES,
        },
        [
            # Translators: {keys} and {values} are numbers, a layer each.
            _("{model}, farthest key of each layer: {keys}; farthest value: {values}.").format(
                model=called(one.model),
                keys=", ".join(f"{far:.1e}" for far in one.keys),
                values=", ".join(f"{far:.1e}" for far in one.values),
            )
            for one in read
        ],
        _("Measured here: each text read from position 0 and from position {n}.").format(
            n=N_PLACES
        ),
        html=pairs_picture({called(one.model): one.pairs for one in read}, N_PLACES),
        facts={
            "turned": f"{max(new.keys):.3e}",
            "unturned": f"{max(new.unturned):.3e}",
            "added": f"{max(old.keys):.3e}",
        },
        hook="moved-rows",
    )


def _percent(shares: Sequence[float]) -> str:
    """Return the largest share, to a place that is not zero."""
    largest = 100 * max(shares)
    if largest >= 1:
        return f"{largest:.0f}{NO_BREAK}%"
    return f"{np.format_float_positional(largest, 1, fractional=False, trim='-')}{NO_BREAK}%"


def _in_float64(text: str, one: Moved) -> None:
    """Draw what float64 leaves of the difference, or the button that asks for it."""
    key, record = ("moved-float64", text), Record.here()
    if key not in record.seen:
        st.button(
            _("Check the turned rows in float64"),
            key="moved:float64",
            type="tertiary",
            on_click=record.seen.add,
            args=(key,),
        )
        return
    work = Work(
        "moved-float64",
        text,
        _("Reading the text in float64"),
        lambda _job: moved(loaded(one.model).as_dtype("float64"), one.model, text).farthest,
        Ask((text,)),
    )
    with suppress(RunCancelledError):
        after: float = work.result()
        name = (
            "float64-shrank" if float64_check.is_rounding(one.farthest, after) else "float64-stayed"
        )
        before = _("Of its length, a turned row is off by {difference} at most in float32.").format(
            difference=f"{one.farthest:.1e}"
        )
        st.html(
            f'<p class="kvviz-body" data-kvviz="moved-float64" data-difference="{after:.2e}" '
            f'title="{plain_html(lessons().caption(name).text)}">'
            f"{plain_html(before)} {float64_check.told(one.farthest, after)}</p>"
        )
