"""The steps of a run as a table, for spreadsheets and scripts."""

from __future__ import annotations

import csv
import io
from typing import Any

from kvviz.trace import GenerationTrace

FORMULA_SIGNS = ("=", "+", "-", "@")


def steps_table(trace: GenerationTrace) -> list[dict[str, Any]]:
    """Return one row a step: what was fed, computed and reused, what was chosen, what it cost.

    ``rows_so_far`` sums the computed rows up to and with the step, and ``chosen_is_special`` is 1
    of a token that stands for no text, else 0. A run with an encoder has two columns more, the rows
    of its cross-attention; they are not in that sum. One with a named cache has ``n_evicted``, the
    rows that it dropped after the step, over all layers and KV heads; one whose rows are kept in
    fewer bits or numbers ``n_packed``, those of the reused ones that were read from them. Times and
    cache bytes are measured, FLOPs counted; units stand in the names.
    """
    table: list[dict[str, Any]] = []
    rows_so_far = 0
    for step in trace.steps:
        rows_so_far += int(step.computed.size)
        position = trace.n_prompt + step.index
        cross = {
            "n_cross_computed": int(step.cross_computed.size),
            "n_cross_reused": int(step.cross_reused.size),
        }
        table.append(
            {
                "step": step.index,
                "kind": step.kind,
                "n_fed": int(step.fed.size),
                "n_computed": int(step.computed.size),
                "n_reused": int(step.reused.size),
                "rows_so_far": rows_so_far,
                **(cross if trace.cross is not None else {}),
                **({"n_evicted": step.evicted.shape[1]} if trace.options.cache else {}),
                **(
                    {"n_packed": int(trace.packed.is_read_packed(step.index)[step.reused].sum())}
                    if trace.packed is not None
                    else {}
                ),
                "chosen_position": position,
                "chosen_id": step.chosen_id,
                "chosen_text": trace.tokens_in_place[position],
                "chosen_is_special": int(step.chosen_id in trace.special_ids),
                "chosen_prob": step.chosen_prob,
                "time_ms": step.seconds * 1e3,
                "flops": step.flops,
                "cache_bytes": step.cache_bytes,
                "max_row_change": step.max_row_change,
            }
        )
    return table


def to_csv(trace: GenerationTrace) -> str:
    """Return `steps_table` as CSV with a header line.

    A text that a spreadsheet would take for a formula gets an apostrophe in front, which a
    spreadsheet shows as text: tokens are made by a model and may be anything.
    """
    table = steps_table(trace)
    lines = io.StringIO()
    writer = csv.DictWriter(lines, list(table[0]), lineterminator="\n")
    writer.writeheader()
    for row in table:
        writer.writerow({name: _harmless(cell) for name, cell in row.items()})
    return lines.getvalue()


def _harmless(cell: Any) -> Any:
    if isinstance(cell, str) and cell.lstrip().startswith(FORMULA_SIGNS):
        return f"'{cell}"
    return cell
