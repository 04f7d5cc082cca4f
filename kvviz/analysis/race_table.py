"""A race as a table, for spreadsheets and scripts."""

from __future__ import annotations

import csv
import io

import numpy as np

from kvviz.analysis.cost import step_costs
from kvviz.analysis.kept_bytes import Keeping
from kvviz.analysis.speed_up import speed_ups
from kvviz.trace.race import Race


def race_csv(race: Race) -> str:
    """Return a race as CSV with a header line, one line a step.

    Times are medians over the repeats, as measured; cache bytes are those of the tensors; FLOPs
    are by formula, for all sequences together. The speed-up is that of the race up to this step.
    """
    ups, keeping = speed_ups(race), Keeping(rows=race.rows)
    flops = [
        step_costs(race.model, race.n_prompt, race.n_new, use_cache=on, keeping=keeping).flops
        for on in (True, False)
    ]
    columns = {
        "step": np.arange(race.n_new),
        "tokens_generated": ups.n_new,
        "with_cache_ms": np.median(race.cached_seconds, axis=0) * 1e3,
        "without_cache_ms": np.median(race.uncached_seconds, axis=0) * 1e3,
        "speed_up": ups.median,
        "speed_up_low": ups.low,
        "speed_up_high": ups.high,
        "with_cache_flops": flops[0] * race.batch,
        "without_cache_flops": flops[1] * race.batch,
        "cache_bytes": race.cache_bytes,
    }
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*(column.tolist() for column in columns.values()), strict=True))
    return text.getvalue()
