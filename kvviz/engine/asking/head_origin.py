"""How the rows of a head came about: the run's tokens, read once more and watched more closely."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers.modeling_outputs import BaseModelOutput

from kvviz.engine.asking.model_of_run import require_model_of
from kvviz.engine.models.families import Projection
from kvviz.engine.models.loaded_model import LoadedModel
from kvviz.engine.observing.agreement import check_layers
from kvviz.engine.observing.observation import StepObservation
from kvviz.engine.running.encoding import encode
from kvviz.engine.running.memory import running
from kvviz.engine.running.reading import FIX, Cancel, stop_if_asked
from kvviz.errors import ObservationError, OptionsError
from kvviz.trace import GenerationTrace
from kvviz.trace.arrays import checked_index
from kvviz.trace.head_origin import ROW_PARTS, HeadOrigin, RowPart
from kvviz.translation import gettext as _


def head_origin(
    model: LoadedModel,
    trace: GenerationTrace,
    layer: int,
    head: int,
    *,
    cross: bool = False,
    cancel: Cancel | None = None,
) -> HeadOrigin:
    """Read the tokens of a run once more, in one pass, and return what a head's rows were made of.

    A trace does not keep what enters the products, which would make it a third larger. Each row is
    held to the one that the attention of the run used: one pass over many rows adds in another
    order than steps of one row, so that last digits differ.

    Args:
        model: The model that made the run.
        trace: The run.
        layer: A layer of what writes.
        head: A query head of it.
        cross: Whether of the attention to the encoder.
        cancel: Asked before each pass; True ends the work.

    Returns:
        What entered, the weights, the biases, and how far the rows so made are off at most.

    Raises:
        TraceError: If there is no such layer or head.
        OptionsError: If the model is another than the run's, or has no cross-attention.
        ObservationError: If observers of the pass disagree, or its rows are not those of the run:
            they must agree to half the digits that the model counts with. Above the first layer
            those of a run by a named cache are not, once it has dropped some.
        RunCancelledError: If cancelled.
        OutOfMemoryError: If memory runs out.
    """
    card = trace.model
    checked_index(layer, card.n_layers, "layer")
    checked_index(head, card.n_heads, "head")
    why = _("How a row came about is read with the model that made it.")
    require_model_of(trace, model, why)
    if cross and trace.cross is None:
        raise OptionsError(
            _("Only a T5 has an encoder and cross-attention."),
            found=_("{name} is a {family}.").format(name=card.name, family=card.family),
        )
    n_rows = trace.n_rows
    return running(
        model,
        lambda: _read(model, trace, layer, head, cross, cancel),
        fix=_(FIX),
        rows_at_once=n_rows,
    )


def _read(
    model: LoadedModel,
    trace: GenerationTrace,
    layer: int,
    head: int,
    cross: bool,
    cancel: Cancel | None,
) -> HeadOrigin:
    card, fed = trace.model, range(trace.n_rows)
    arguments: dict[str, Any] = {"use_cache": False}
    products: dict[RowPart, Projection] = {
        part: model.family.projection(model.module, layer, part, cross=cross) for part in ROW_PARTS
    }
    stop_if_asked(cancel)
    if trace.cross is not None:
        ids = trace.cross.encoder.token_ids.tolist()
        states = encode(model, ids, "bidirectional", len(ids)).states
        arguments |= {"encoder_outputs": BaseModelOutput(last_hidden_state=states)}
        stop_if_asked(cancel)
    observation = StepObservation(keep_passed=True)
    tokens = torch.tensor([trace.token_ids[: len(fed)].tolist()], device=model.device)
    with observation.watching():
        model.module(
            **model.family.writing_inputs(tokens), kvviz_observation=observation, **arguments
        )
    check_layers(observation, card.n_layers, model.family.n_projections, fed)

    weights: dict[RowPart, np.ndarray] = {}
    biases: dict[RowPart, np.ndarray] = {}
    norms: dict[RowPart, np.ndarray] = {}
    kv_head = head * card.n_kv_heads // card.n_heads
    for part in ROW_PARTS:
        product = products[part]
        number = head if part == "query" else kv_head
        columns = slice(number * card.d_head, (number + 1) * card.d_head)
        weights[part] = _numbers(product.weight[:, columns])
        if product.bias is not None:
            biases[part] = _numbers(product.bias[columns])
        if product.norm is not None:
            norms[part] = _numbers(product.norm)
    passed = {
        what: _numbers(rows[0])
        for (of_cross, number, what), rows in observation.passed.items()
        if (of_cross, number) == (cross, layer)
    }
    made = HeadOrigin(
        model=card,
        layer=layer,
        head=head,
        cross=cross,
        hidden=passed["query"],
        encoder_hidden=passed["key"] if cross else None,
        weights=weights,
        biases=biases,
        within={},
        stream=passed["stream"],
        added=passed["added"],
        norms=norms,
        epsilon=products["key"].epsilon,
        **_turns(model, layer, products["key"], len(fed)),
        added_is_normed=model.family.norms_added,
    )
    if any(not np.array_equal(passed[part], made.inputs(part)) for part in ROW_PARTS):
        raise ObservationError(_("Keys and values of one layer were made of different rows."))
    used = _used_rows(trace, layer, head, kv_head, cross)
    return replace(
        made,
        within={part: _distance(made, part, used[part], model.dtype, trace) for part in ROW_PARTS},
    )


def _turns(
    model: LoadedModel, layer: int, product: Projection, n_rows: int
) -> dict[str, np.ndarray]:
    """Return cosines and sines of each position, as the model makes them; nothing if not turned."""
    places = torch.arange(n_rows, device=model.device)
    turn = model.family.turn(model.module, layer, places) if product.is_turned else None
    if turn is None:
        return {}
    # Both numbers of a pair are turned alike, so half of them say all.
    half = turn.cos.shape[-1] // 2
    return {"cos": _numbers(turn.cos[:, :half]), "sin": _numbers(turn.sin[:, :half])}


def _used_rows(
    trace: GenerationTrace, layer: int, head: int, kv_head: int, cross: bool
) -> dict[RowPart, np.ndarray]:
    if cross and trace.cross is not None:
        queries = trace.cross.queries
        keys, values = trace.cross_keys(layer), trace.cross_values(layer)
    else:
        queries, keys, values = trace.queries, trace.keys(layer), trace.values(layer)
    return {"query": queries[layer, head], "key": keys[kv_head], "value": values[kv_head]}


def _distance(
    origin: HeadOrigin, part: RowPart, used: np.ndarray, dtype: torch.dtype, trace: GenerationTrace
) -> float:
    """Return how far a part's rows are off those that attention used, at most.

    Raises:
        ObservationError: If by more than rounding can explain. The root of the number format's
            step leaves half of its digits to it, of the largest number of the rows.
    """
    off = float(np.abs(origin.rows(part) - used).max())
    step = max(torch.finfo(dtype).eps, torch.finfo(torch.float32).eps)
    if off > np.sqrt(step) * float(np.abs(used).max()):
        found = _("In layer {layer}, head {head}, a number is off by {off:.2g}.").format(
            layer=origin.layer, head=origin.head, off=off
        )
        if trace.options.cache is not None:
            raise ObservationError(
                _(
                    "How a row came about is read in one pass over the whole text, and this run "
                    "made its rows of what {cache} had kept."
                ).format(cache=trace.options.cache.told),
                found=found,
                fix=_("Look at layer 0, where rows are made of their tokens alone."),
            )
        raise ObservationError(
            _("Read once more, the model does not give the rows of this run."),
            found=found,
            fix=_("Run it again, with the model that is loaded now."),
        )
    return off


def _numbers(rows: Tensor) -> np.ndarray:
    # Copied, so that nothing of the model or of the pass is held.
    return rows.detach().float().cpu().contiguous().numpy().copy()
