"""What rows of a window still carry of rows that fell out of it: kept beside computed afresh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int64

from kvviz.engine.asking.moved_rows import how_far
from kvviz.engine.caches.full import FullRows
from kvviz.engine.models.loaded_model import LoadedModel
from kvviz.engine.observing.observation import StepObservation
from kvviz.engine.running.forward_pass import ForwardPass, pass_alone
from kvviz.engine.running.likely_tokens import require_finite
from kvviz.engine.running.memory import running
from kvviz.engine.running.reading import FIX, Cancel, Progress, require_decoder, stop_if_asked
from kvviz.engine.running.rows_place import rows_place
from kvviz.errors import OptionsError
from kvviz.trace import GenerationTrace, ModelCard
from kvviz.translation import gettext as _


@dataclass(frozen=True, eq=False)
class ComputedAfresh:
    """The rows of a window computed from its own tokens alone, and those that were kept.

    Distances are of a row in one KV head, in lengths of the row computed afresh; 0 where the two
    are the same numbers.

    Attributes:
        places: At which positions the tokens stood when they were read alone.
        keys: How far kept keys are off, by layer, head and row.
        values: Likewise the values.
        log_probs: What the model says next with rows computed afresh, in nats, in float64.
    """

    places: Int64[np.ndarray, " row"]
    keys: Float64[np.ndarray, "layer kv_head row"]
    values: Float64[np.ndarray, "layer kv_head row"]
    log_probs: Float64[np.ndarray, " vocab"]

    @property
    def is_same(self) -> Bool[np.ndarray, "layer row"]:
        """Which rows are the same to the last bit, key and value in all heads."""
        return np.maximum(self.keys, self.values).max(axis=1) == 0


@dataclass(frozen=True, eq=False)
class GhostRows:
    """Rows of a window that has slid along a text, beside those that it alone would give.

    Attributes:
        model: Whose they are.
        positions: Which rows are there at the end of the run.
        n_evicted: How many fell out before.
        own_places: Its tokens read alone, each at the position where it stands in the text.
        begun_anew: Its tokens read alone, from position 0 on, as a text of their own.
        kl_nats: Divergence of what the run says next from what rows computed afresh at their own
            places say, in nats.
        same_argmax: Whether both name the same token as the likeliest.
    """

    model: ModelCard
    positions: Int64[np.ndarray, " row"]
    n_evicted: int
    own_places: ComputedAfresh
    begun_anew: ComputedAfresh
    kl_nats: float
    same_argmax: bool

    @property
    def is_behind(self) -> Bool[np.ndarray, " row"]:
        """Which rows stand behind what fell out: all that were made when it was there."""
        return self.positions != np.arange(self.positions.size)


def ghost_rows(
    model: LoadedModel,
    trace: GenerationTrace,
    *,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> GhostRows:
    """Compute the rows that a window has kept once more, from the window's tokens alone.

    The run must have read its text one token a step (``first=1``), and so does this: a row that was
    made of the same numbers then has the same bits.

    Args:
        model: The model that made the run.
        trace: A run with `caches.Window`, whose positions were kept.
        progress: Called after each token with how many are done and how many there are.
        cancel: Asked before each token; True ends the work.

    Raises:
        ModelFamilyError: If the model is no decoder.
        OptionsError: If the run kept its rows in another way, or is of another model.
        ObservationError: If observers of a pass disagree.
        OutOfMemoryError: If memory runs out.
        RunCancelledError: If cancelled.

    Source: Xiao et al. (2023), “Efficient streaming language models with attention sinks”, section
    1: a window that is computed afresh, beside one whose rows are kept.
    """
    require_decoder(model, _("Only a decoder has rows that a cache keeps for later."))
    settings = dict(trace.options.cache.settings) if trace.options.cache else {}
    if (
        trace.options.cache_name != "window"
        or settings.get("positions") != "kept"
        or trace.n_prompt != 1
        or model.card.windows
    ):
        raise OptionsError(
            _(
                "Rows are computed afresh beside those of a window that read its text one token a "
                "step."
            ),
            found=_("The run kept its rows by {cache!r}, and read {n} at once.").format(
                cache=trace.options.cache_name, n=trace.n_prompt
            ),
            fix=_("Run it with caches.Window and first=1, of a model without windows of its own."),
        )
    if (trace.model.name, trace.model.n_params) != (model.card.name, model.card.n_params):
        raise OptionsError(
            _("Rows are computed afresh with the model that made the run."),
            found=_("The run is of {run}, and this is {model}.").format(
                run=trace.model.name, model=model.card.name
            ),
            fix=_("Load that model."),
        )
    last = len(trace.steps) - 1
    positions = np.flatnonzero(trace.live(last, 0)[0])
    n_all, n_done = 2 * positions.size, 0

    def afresh(places: np.ndarray) -> ComputedAfresh:
        nonlocal n_done
        ids = trace.token_ids[positions].tolist()
        rows = FullRows(rows_place(model, len(ids), 1))
        logits = None
        for number, (token_id, place) in enumerate(zip(ids, places.tolist(), strict=True)):
            stop_if_asked(cancel)
            fed, observation = range(number, number + 1), StepObservation()
            where = torch.tensor([[place]], device=model.device)
            arguments = rows.arguments(fed) | {"position_ids": where}
            made = pass_alone(model, ForwardPass(fed, [token_id], arguments, observation, False))
            rows.settle(observation, fed)
            logits = made.logits
            n_done += 1
            if progress is not None:
                progress(n_done, n_all)
        assert logits is not None
        found = logits.cpu().double().log_softmax(-1)
        require_finite(found, model.dtype)
        final = rows.final()
        return ComputedAfresh(
            places,
            how_far(trace.all_keys[:, :, positions], final.keys),
            how_far(trace.all_values[:, :, positions], final.values),
            found.numpy(),
        )

    def work() -> GhostRows:
        own, anew = afresh(positions), afresh(np.arange(positions.size))
        step = trace.steps[last]
        said = _said(own.log_probs, step.top_ids, step.top_probs)
        return GhostRows(
            model.card,
            positions,
            trace.n_rows - positions.size,
            own,
            anew,
            said,
            bool(step.top_ids[0] == own.log_probs.argmax()),
        )

    return running(model, work, fix=_(FIX))


def _said(
    log_probs: Float64[np.ndarray, " vocab"],
    ids: Int64[np.ndarray, " k"],
    probs: np.ndarray,
) -> float:
    """Return the divergence of likely tokens of a step, all others taken as one, from a whole.

    Never more than that of the whole distribution.

    Source: Cover and Thomas (2006), “Elements of information theory”, section 2.7: grouping
    outcomes does not enlarge a divergence.
    """
    told = probs.astype(np.float64)
    other = np.exp(log_probs)
    told = np.append(told, max(0.0, 1.0 - told.sum()))
    other = np.append(other[ids], max(0.0, 1.0 - other[ids].sum()))
    known = told > 0
    apart = told[known] * np.log(told[known] / np.maximum(other[known], 1e-300))
    return max(0.0, float(apart.sum()))
