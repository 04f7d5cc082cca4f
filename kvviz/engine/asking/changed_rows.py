"""What a model says next once a row of its cache was changed: zeroed, swapped or shifted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Bool, Float32, Float64, Int64
from torch import Tensor
from transformers import Cache

from kvviz.engine.asking.model_of_run import require_model_of
from kvviz.engine.caches.preallocated_layer import PreallocatedLayer
from kvviz.engine.models.loaded_model import LoadedModel
from kvviz.engine.observing.agreement import check_cache_writes, check_layers
from kvviz.engine.observing.observation import StepObservation
from kvviz.engine.running.forward_pass import ForwardPass, pass_alone
from kvviz.engine.running.likely_tokens import require_finite
from kvviz.engine.running.memory import running
from kvviz.engine.running.reading import FIX, Cancel, Progress, require_decoder, stop_if_asked
from kvviz.errors import ObservationError, OptionsError
from kvviz.trace import GenerationTrace
from kvviz.trace.arrays import checked_index
from kvviz.translation import gettext as _

Kind = Literal["zero", "swap", "shift"]
Part = Literal["key", "value", "both"]
_PARTS: dict[Part, tuple[int, ...]] = {"key": (0,), "value": (1,), "both": (0, 1)}


@dataclass(frozen=True)
class RowChange:
    """A change of one row of a cache, in one layer.

    Attributes:
        layer: The layer.
        kv_head: The KV head of it, None for all of the layer.
        position: The row.
        kind: ``zero`` makes all its numbers 0, ``swap`` lets it change places with another row,
            ``shift`` writes its neighbour's numbers over it: those of the row before it, of row 0
            those of row 1.
        part: Whether its ``key``, its ``value`` or ``both`` are changed.
        other: The row that it changes places with; of no meaning otherwise.
    """

    layer: int
    kv_head: int | None
    position: int
    kind: Kind = "zero"
    part: Part = "both"
    other: int = 0


@dataclass(frozen=True, eq=False)
class ChangedNext:
    """The next token's distribution before and after a change.

    Attributes:
        change: What was changed.
        before: Log probabilities with every row as it was written, in nats, in float64.
        after: The same with the row changed.
    """

    change: RowChange
    before: Float64[np.ndarray, " vocab"]
    after: Float64[np.ndarray, " vocab"]

    @property
    def kl_nats(self) -> float:
        """Kullback-Leibler divergence of the distribution after from that before, in nats."""
        # A divergence of nothing may be rounded to less.
        return max(0.0, float((np.exp(self.before) * (self.before - self.after)).sum()))

    @property
    def same_argmax(self) -> bool:
        """Whether both name the same token as the likeliest."""
        return bool(self.before.argmax() == self.after.argmax())


@dataclass(frozen=True, eq=False)
class RowEffects:
    """What the same change of each row of a head does to the next token, one row at a time.

    Attributes:
        layer: The layer.
        kv_head: The KV head.
        kind: What is done to each row.
        part: To what of it.
        weights: Weight that the last query put on each row before any change, a mean over the query
            heads that share the KV head, each in [0, 1]. What is missing to 1 lies on its own row.
        value_lengths: Length of each value row.
        kl_nats: Divergence of the next token's distribution after the change from that before.
        same: Whether the likeliest token stays the same.
    """

    layer: int
    kv_head: int
    kind: Kind
    part: Part
    weights: Float64[np.ndarray, " position"]
    value_lengths: Float64[np.ndarray, " position"]
    kl_nats: Float64[np.ndarray, " position"]
    same: Bool[np.ndarray, " position"]


def change_row(
    model: LoadedModel,
    trace: GenerationTrace,
    step: int,
    layer: int,
    position: int,
    kind: Kind = "zero",
    *,
    part: Part = "both",
    kv_head: int | None = None,
    other: int = 0,
) -> ChangedNext:
    """Change a row of a run's cache right before a step, and ask for the next token again.

    The step's token goes through the network once with all rows as the run wrote them, and once
    with the change; its own row is made anew, and all other rows are those of the run. So the
    difference is what the step reads through that one row.

    Args:
        model: The model that made the run.
        trace: A run whose cache kept every row.
        step: Before which step: its query is that of the last token then, and reads the rows before
            it.
        layer: Of which layer.
        position: The row.
        kind: What is done to it, see `RowChange`.
        part: To what of it.
        kv_head: Of which KV head; None for all of the layer.
        other: The row that it changes places with, where it does.

    Raises:
        ModelFamilyError: If the model is no decoder.
        TraceError: If there is no such step, layer or head.
        OptionsError: If there is no such row or change, the model is another than the run's, or the
            run let rows go.
        ObservationError: If observers of a pass disagree, or the model does not give what the run
            has at that step.
        OutOfMemoryError: If memory runs out.
    """
    read = _Reading.of(model, trace, step)
    change = RowChange(layer, kv_head, position, kind, part, other)
    read.check(change)
    return running(
        model, lambda: ChangedNext(change, read.before(), read.after(change)), fix=_(FIX)
    )


def row_effects(
    model: LoadedModel,
    trace: GenerationTrace,
    step: int,
    layer: int,
    kv_head: int,
    *,
    kind: Kind = "zero",
    part: Part = "value",
    other: int = 0,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> RowEffects:
    """Make the same change of each row of a head, one at a time; see `change_row`.

    Args:
        model: The model that made the run.
        trace: A run whose cache kept every row.
        step: Before which step.
        layer: A layer.
        kv_head: A KV head of it.
        kind: What is done to each row.
        part: To what of it.
        other: The row that each changes places with, where they do.
        progress: Called after each row with how many are done and how many there are.
        cancel: Asked before each row; True ends the work.

    Raises:
        KvvizError: As `change_row` does; `RunCancelledError` if cancelled.
    """
    read = _Reading.of(model, trace, step)
    changes = [
        RowChange(layer, kv_head, position, kind, part, other) for position in range(read.n_rows)
    ]
    read.check(changes[0])
    card, query = trace.model, read.n_rows
    n_sharing = card.n_heads // card.n_kv_heads
    heads = range(kv_head * n_sharing, (kv_head + 1) * n_sharing)
    weights = np.mean([trace.pattern(layer, head)[query, :query] for head in heads], axis=0)

    def work() -> list[ChangedNext]:
        before, found = read.before(), list[ChangedNext]()
        for change in changes:
            stop_if_asked(cancel)
            found.append(ChangedNext(change, before, read.after(change)))
            if progress is not None:
                progress(len(found), len(changes))
        return found

    found = running(model, work, fix=_(FIX))
    values = trace.values(layer)[kv_head, :query].astype(np.float64)
    return RowEffects(
        layer,
        kv_head,
        kind,
        part,
        weights.astype(np.float64),
        np.linalg.norm(values, axis=-1),
        np.array([one.kl_nats for one in found]),
        np.array([one.same_argmax for one in found]),
    )


@dataclass(frozen=True, eq=False)
class _Reading:
    """A step that is made again, with rows that were changed before it.

    Attributes:
        n_rows: Rows that are there before it; the step's query stands at this position.
        rows: Keys and values of all layers, as the run wrote them.
    """

    model: LoadedModel
    trace: GenerationTrace
    step: int
    n_rows: int
    rows: Tensor

    @classmethod
    def of(cls, model: LoadedModel, trace: GenerationTrace, step: int) -> _Reading:
        """Hold a run to what can be changed, and take its rows.

        Raises:
            KvvizError: As `change_row` says.
        """
        require_decoder(model, _("Only a decoder has rows that a cache keeps for later."))
        card = trace.model
        require_model_of(trace, model, _("A row is changed with the model that made the run."))
        if trace.options.cache is not None or card.windows:
            raise OptionsError(
                _("Rows are changed in a run whose cache keeps every row as it was written."),
                found=_("This one's drops some, or packs them."),
                fix=_("Take a run of the full cache, of a model without windows."),
            )
        step = checked_index(step, len(trace.steps), "step")
        n_rows = trace.n_prompt + step - 1
        if n_rows < 1:
            raise OptionsError(
                _("Before the first token there is no row to be changed."),
                fix=_("Take a later step, or a longer text."),
            )
        numbers = np.stack(
            [
                [of(layer)[:, :n_rows] for layer in range(card.n_layers)]
                for of in (trace.keys, trace.values)
            ]
        )
        rows = torch.from_numpy(numbers).to(device=model.device, dtype=model.dtype)
        return cls(model, trace, step, n_rows, rows)

    def check(self, change: RowChange) -> None:
        """Refuse a change of what is not there.

        Raises:
            TraceError: If there is no such layer or head.
            OptionsError: If there is no such row, kind or part.
        """
        card = self.trace.model
        checked_index(change.layer, card.n_layers, "layer")
        if change.kv_head is not None:
            checked_index(change.kv_head, card.n_kv_heads, "head")
        for row in (change.position, change.other):
            if type(row) is not int or not 0 <= row < self.n_rows:
                raise OptionsError(
                    _("Before this step there are rows 0 to {last}.").format(last=self.n_rows - 1),
                    found=_("Found {found!r}.").format(found=row)[:200],
                    fix=_("Choose one of them."),
                )
        for found, known in ((change.kind, get_args(Kind)), (change.part, get_args(Part))):
            if found not in known:
                raise OptionsError(
                    _("A change is one of {known}.").format(known=", ".join(known)),
                    found=_("Found {found!r}.").format(found=found)[:200],
                    fix=_("Choose one of them."),
                )

    def before(self) -> Float64[np.ndarray, " vocab"]:
        """Return log probabilities with every row as it was written, held to those of the run.

        Raises:
            ObservationError: If they are not. The step may have been made among others, in another
                order of sums, which leaves half of the digits.
        """
        found = self._next(self.rows)
        step = self.trace.steps[self.step]
        ids: Int64[np.ndarray, " k"] = np.asarray(step.top_ids)
        told: Float32[np.ndarray, " k"] = np.asarray(step.top_probs)
        off = float(np.abs(np.exp(found[ids]) - told).max(initial=0.0))
        step_of_format = max(torch.finfo(self.model.dtype).eps, torch.finfo(torch.float32).eps)
        if off > np.sqrt(step_of_format):
            raise ObservationError(
                _("Asked once more, the model does not say what it said in this run."),
                found=_("A probability is off by {off:.2g}.").format(off=off),
                fix=_("Run it again, with the model that is loaded now."),
            )
        return found

    def after(self, change: RowChange) -> Float64[np.ndarray, " vocab"]:
        """Return log probabilities with a row changed."""
        rows = self.rows.clone()
        head = change.kv_head
        heads = slice(None) if head is None else slice(head, head + 1)
        row, other = change.position, change.other
        for part in _PARTS[change.part]:
            own = rows[part, change.layer, heads]
            if change.kind == "zero":
                own[:, row] = 0
            elif change.kind == "swap":
                own[:, [row, other]] = own[:, [other, row]]
            elif self.n_rows > 1:
                own[:, row] = own[:, row - 1 if row else 1].clone()
        return self._next(rows)

    def _next(self, rows: Tensor) -> Float64[np.ndarray, " vocab"]:
        """Feed the step's token to a cache with these rows."""
        fed = range(self.n_rows, self.n_rows + 1)
        # Room for the token's own row behind them.
        room = torch.nn.functional.pad(rows, (0, 0, 0, 1))
        layers = [PreallocatedLayer(k[None], v[None], fed.start) for k, v in room.unbind(1)]
        token: Sequence[int] = self.trace.token_ids[fed.start : fed.stop].tolist()
        observation = StepObservation()
        made = pass_alone(
            self.model,
            ForwardPass(
                fed,
                token,
                {"past_key_values": Cache(layers=[*layers]), "use_cache": True},
                observation,
                False,
            ),
        )
        card, family = self.model.card, self.model.family
        check_layers(observation, card.n_layers, family.n_projections, fed)
        # Attention read this very memory, so that it read the change.
        check_cache_writes(observation, layers, fed)
        found = made.logits.cpu().double().log_softmax(-1)
        require_finite(found, self.model.dtype)
        return found.numpy()
