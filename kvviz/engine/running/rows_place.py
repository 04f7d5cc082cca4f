"""What the rows of a model's run are rows of, and where they live."""

from __future__ import annotations

from functools import partial

from kvviz.engine.caches.protocol import RowsPlace
from kvviz.engine.caches.shared_rows import SharedRows
from kvviz.engine.models.loaded_model import LoadedModel
from kvviz.engine.running.calibration import basis


def rows_place(
    model: LoadedModel, n_positions: int, n_prompt: int, shared: SharedRows | None = None
) -> RowsPlace:
    """Return the place of a run's rows.

    Args:
        model: Whose rows they are.
        n_positions: Most positions that the run can feed, 1 or more.
        n_prompt: How many of them are the prompt, after which the first token is chosen.
        shared: Rows of the beginning that are there already, or None.
    """
    return RowsPlace(
        model.card,
        model.family.n_projections,
        n_positions,
        n_prompt,
        model.dtype,
        model.device,
        partial(model.family.turn, model.module),
        shared,
        partial(basis, model),
    )
