"""The rows that one text gets at two places, and what a turn makes of those at the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from kvviz.engine.models.loaded_model import LoadedModel
from kvviz.engine.observing.agreement import check_layers
from kvviz.engine.observing.observation import StepObservation
from kvviz.engine.running.memory import running
from kvviz.engine.running.reading import FIX, checked_text, require_decoder
from kvviz.errors import OptionsError
from kvviz.trace import ModelCard
from kvviz.translation import gettext as _
from kvviz.translation import ngettext


@dataclass(frozen=True, eq=False)
class MovedRows:
    """Keys and values of a text at positions 0, 1, 2, ... and of the same text further on.

    Both are observed. `turned_keys` are the first ones turned by the model's own rotation for so
    many places: what a cache can make of rows that it has, without the model. Rows of a model in
    float64 are float64, all others float32.

    Attributes:
        model: Whose they are.
        token_ids: The text.
        n_places: How many places further on it stands the second time.
        keys: As attention used them at the first place.
        values: Likewise.
        moved_keys: As attention used them at the second place.
        moved_values: Likewise.
        turned_keys: `keys`, turned; None in a model that does not turn its keys.
    """

    model: ModelCard
    token_ids: Int64[np.ndarray, " position"]
    n_places: int
    keys: Float[np.ndarray, "layer kv_head position d_head"]
    values: Float[np.ndarray, "layer kv_head position d_head"]
    moved_keys: Float[np.ndarray, "layer kv_head position d_head"]
    moved_values: Float[np.ndarray, "layer kv_head position d_head"]
    turned_keys: Float[np.ndarray, "layer kv_head position d_head"] | None

    @property
    def best_keys(self) -> Float[np.ndarray, "layer kv_head position d_head"]:
        """What a cache can offer as keys of the second place: turned where the model turns."""
        return self.keys if self.turned_keys is None else self.turned_keys


def how_far(
    rows: Float[np.ndarray, "... d_head"], wanted: Float[np.ndarray, "... d_head"]
) -> Float64[np.ndarray, "..."]:
    """Return the length of the difference of each row from the one wanted, in lengths of that.

    0 where both are nothing.
    """
    apart = np.linalg.norm(rows.astype(np.float64) - wanted, axis=-1)
    length = np.linalg.norm(wanted.astype(np.float64), axis=-1)
    return np.divide(apart, length, out=np.where(apart > 0, np.inf, 0.0), where=length > 0)


def rows_at_two_places(model: LoadedModel, token_ids: Sequence[int], n_places: int) -> MovedRows:
    """Read a text twice, from position 0 on and from `n_places` on, each time alone.

    Nothing stands before it either time, so that only its position differs.

    Args:
        model: A decoder.
        token_ids: The text, with the tokens that every prompt of the model begins with, if it is
            to begin so.
        n_places: At least 1, and such that the model has positions for all of it.

    Raises:
        ModelFamilyError: If the model is no decoder.
        PromptError: If the text is empty.
        OptionsError: If a token or the number of places is none that the model knows.
        ContextLengthError: If the text does not fit into the model.
        OutOfMemoryError: If memory runs out.
        ObservationError: If observers of a pass disagree.

    Source: Su et al. (2021), “RoFormer”, section 3.2.1: scores of turned rows depend on how far
    apart their positions are, and on nothing else of them.
    """
    require_decoder(model, _("Only a decoder has rows that a cache keeps for later."))
    ids = checked_text(model, token_ids, n_added=0)
    most = model.card.n_ctx - len(ids)
    if type(n_places) is not int or not 1 <= n_places <= most:
        raise OptionsError(
            ngettext(
                "A text of {n:,} token is moved by 1 to {most:,} places.",
                "A text of {n:,} tokens is moved by 1 to {most:,} places.",
                len(ids),
            ).format(n=len(ids), most=most),
            found=_("Found {found!r}.").format(found=n_places),
            fix=_("Choose another number, or shorten the text."),
        )
    return running(model, lambda: _read_twice(model, ids, n_places), fix=_(FIX))


def _read_twice(model: LoadedModel, ids: list[int], n_places: int) -> MovedRows:
    here, there = (_rows(model, ids, first) for first in (0, n_places))
    turned: list[Tensor] = []
    for layer, (key, _value) in enumerate(here):
        turn = model.family.turn(model.module, layer, n_places)
        if turn is not None:
            turned.append(turn.of(key))
    return MovedRows(
        model=model.card,
        token_ids=np.array(ids, dtype=np.int64),
        n_places=n_places,
        keys=_numbers([key for key, _value in here]),
        values=_numbers([value for _key, value in here]),
        moved_keys=_numbers([key for key, _value in there]),
        moved_values=_numbers([value for _key, value in there]),
        turned_keys=_numbers(turned) if turned else None,
    )


def _rows(model: LoadedModel, ids: list[int], first: int) -> list[tuple[Tensor, Tensor]]:
    """Return the keys and values of each layer, of a text that begins at a position."""
    observation = StepObservation()
    places = range(first, first + len(ids))
    with observation.watching():
        model.family.reader(model.module)(
            **model.family.reading_inputs(torch.tensor([ids], device=model.device)),
            position_ids=torch.tensor([list(places)], device=model.device),
            kvviz_observation=observation,
        )
    check_layers(observation, model.card.n_layers, model.family.n_projections, range(len(ids)))
    return [(layer.key[0], layer.value[0]) for layer in observation.attended]


def _numbers(layers: list[Tensor]) -> np.ndarray:
    # Copied, so that nothing of the pass is held.
    rows = torch.stack(layers)
    wide = torch.promote_types(rows.dtype, torch.float32)
    return rows.to(wide).cpu().numpy().copy()
