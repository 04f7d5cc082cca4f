"""Check the table of models: `python -m tests.check_models [FILE]`, or `make check-models`.

What a row must have at all is refused where the file is read; here stands what can be computed: the
parameters that a shape gives are those that the maker writes, or the row says why not; what a
token goes through likewise; dates do not contradict the papers that they are taken from.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from kvviz.analysis.parameters import count_parameters
from kvviz.errors import KvvizError
from kvviz.lessons.model_table import HERE, ModelRow, amount, read_models

MOST_OFF = 0.05
"""A published total is rounded to its last digit, and people cut as often as they round, so a whole
unit of that digit is let pass. A name such as 7B says less than that: no unit of more than a
twentieth is."""

MONTHS_EARLY, MONTHS_LATE = 12, 3
"""How many months a model may be older than the paper that dates it, since reports follow weights,
and how many younger, since weights follow preprints."""


def complaints(rows: Sequence[ModelRow]) -> list[str]:
    """Return what is wrong with the rows, a sentence each."""
    found = [
        f"Two models are called {name!r}."
        for name, n in Counter(row.name for row in rows).items()
        if n > 1
    ]
    for row in rows:
        found += [f"Model {row.id!r}: {what}" for what in (*_of_shape(row), *_of_date(row))]
    return found


def _of_shape(row: ModelRow) -> list[str]:
    """Return what is wrong between a row's shape and what its maker writes."""
    if row.shape is None:
        return [] if row.note else ["it has no shape, and no note says why."]
    count, published = count_parameters(row.shape), amount(row.published)
    if published is None:
        return ["it has a shape, but no size."]
    found: list[str] = []
    agrees = abs(count.total - published.number) <= min(published.unit, MOST_OFF * published.number)
    if not agrees and not row.off_because:
        found.append(
            f"its shape gives {count.total:,} parameters and its maker writes {row.published}; "
            "correct the shape, or say in off_because why."
        )
    if agrees and row.off_because:
        found.append("its shape gives what its maker writes, so off_because has no reason.")
    if row.shape.n_other and not row.other:
        found.append("its n_other parameters are not explained in other.")
    if bool(row.shape.n_expert_layers) != bool(row.active):
        found.append("a mixture of experts, and no other model, says what is active.")
    active = amount(row.active)
    if active and not row.off_because:
        # Makers count the embedding matrices whole, in part, or not at all.
        least, most = count.active - count.embeddings - active.unit, count.active + active.unit
        if not least <= active.number <= most:
            found.append(
                f"a token goes through {count.active:,} parameters by its shape, and its maker "
                f"writes {row.active}."
            )
    return found


def _of_date(row: ModelRow) -> list[str]:
    """Return what is wrong between a row's month and the paper that dates it."""
    paper = re.search(r"arXiv (\d\d)(\d\d)\.", row.source_of("date"))
    year, _dash, month = row.month.partition("-")
    if paper is None or not month:
        return []
    younger = (int(year) - 2000 - int(paper[1])) * 12 + int(month) - int(paper[2])
    if -MONTHS_EARLY <= younger <= MONTHS_LATE:
        return []
    return [f"it is dated {row.month}, but its paper is of 20{paper[1]}-{paper[2]}."]


def main(arguments: Sequence[str]) -> int:
    """Check a file, the table that ships unless another is named; return 0 if all is well."""
    path = Path(arguments[0]) if arguments else HERE / "models.toml"
    try:
        rows = read_models(path)
    except KvvizError as error:
        sys.stdout.write(f"{error}\n")
        return 1
    found = complaints(rows)
    statuses = Counter(row.status for row in rows)
    sys.stdout.write(
        "\n".join(found or [f"{path.name}: {len(rows)} models, {dict(statuses)}."]) + "\n"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
