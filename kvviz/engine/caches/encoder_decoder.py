"""The K/V rows of a run of a T5: those of its decoder, and those of its cross-attention.

The encoder reads the prompt once, with the cache and without: `generate` of transformers keeps its
output in either case. What the cache saves is the decoder's rows and the projections of the
encoder's output to cross-attention K/V, which every step without a cache computes again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from transformers import Cache, EncoderDecoderCache
from transformers.modeling_outputs import BaseModelOutput

from kvviz.engine.caches.kept_rows import KeptRows
from kvviz.engine.caches.preallocated_layer import PreallocatedLayer
from kvviz.engine.caches.protocol import FinalRows, KVCache, RowsPlace, StepRows, to_numpy
from kvviz.engine.observing.agreement import (
    counted_rows,
    disagreement,
    expected_projections,
    largest_change,
    position_text,
)
from kvviz.engine.observing.fingerprints import RowFingerprint, changed_rows
from kvviz.engine.observing.observation import Attended, StepObservation
from kvviz.errors import ObservationError
from kvviz.trace import CrossAttention, EncodingTrace
from kvviz.translation import gettext as _
from kvviz.translation import ngettext


class CrossRows:
    """Cross-attention rows that are computed once and read ever after, or at every step.

    Args:
        place: What they are rows of, and where they live; of its positions nothing is asked.
        n_encoder: Tokens that the encoder read.
        is_kept: Whether rows are kept.
    """

    def __init__(self, place: RowsPlace, n_encoder: int, is_kept: bool) -> None:
        card = place.card
        self._place, self._n_encoder = place, n_encoder
        self._fingerprint = RowFingerprint(card.n_kv_heads, card.d_head, place.device)
        self._layers: list[PreallocatedLayer] = []
        if is_kept:
            shape = (2, card.n_layers, card.n_kv_heads, n_encoder, card.d_head)
            buffer = torch.empty(shape, dtype=place.dtype, device=place.device)
            self._layers = [
                PreallocatedLayer(keys[None], values[None]) for keys, values in buffer.unbind(1)
            ]
        self.cache = Cache(layers=[*self._layers])
        self._written: Tensor | None = None
        self._last: list[Attended] = []
        self._queries: list[Tensor] = []

    def settle(self, observation: StepObservation, fed: range) -> StepRows:
        """Compare cache, projections and attention after a step; note what it computed.

        Raises:
            ObservationError: If they disagree.
        """
        every = range(self._n_encoder)
        is_computed = not self._layers or self._written is None
        self._check(observation, fed, every if is_computed else every[:0])
        before, self._last = self._last, observation.cross_attended
        change = 0.0
        if is_computed:
            self._written = self._fingerprints()
            change = largest_change(self._last, before)
        queries = torch.cat([attended.query for attended in self._last])
        self._queries = [*self._queries, queries] if self._layers else [queries]
        return StepRows(
            computed=range(0),
            reused=range(0),
            n_keys=0,
            cross_computed=every if is_computed else every[:0],
            cross_reused=every[:0] if is_computed else every,
            cache_bytes=sum(layer.keys.nbytes + layer.values.nbytes for layer in self._layers),
            max_row_change=change,
        )

    def final(self, encoder: EncodingTrace) -> CrossAttention:
        """Return the rows after the last step, held to the fingerprints they were written with.

        Raises:
            ObservationError: If a row is not the one that was written.
        """
        if self._written is None:
            raise ObservationError(_("No step attended to the encoder."))
        final = self._fingerprints()
        if changed := changed_rows(self._written, final):
            what, first = changed
            raise ObservationError(
                # Translators: {what} is a sentence, such as "2 cached rows do not have the bits …"
                _("Cross-attention: {what}").format(what=what),
                found=first,
            )
        keys, values = self._rows()
        return CrossAttention(
            encoder=encoder,
            queries=to_numpy(torch.cat(self._queries, dim=-2)),
            keys=to_numpy(keys),
            values=to_numpy(values),
            score_scale=torch.tensor([one.scaling for one in self._last]).numpy(),
            written_fingerprints=self._written.cpu().numpy(),
            final_fingerprints=final.cpu().numpy(),
        )

    def _check(self, observation: StepObservation, fed: range, computed: range) -> None:
        n_layers, n_products = self._place.card.n_layers, self._place.n_projections
        expected = expected_projections(n_layers, n_products, len(computed)) if computed else []
        if observation.cross_projected != expected:
            n_seen = len(observation.cross_projected)
            seen = ngettext(
                "{n} cross-attention projection reported rows.",
                "{n} cross-attention projections reported rows.",
                n_seen,
            )
            raise disagreement(None, seen.format(n=n_seen), fed)
        if [one.layer for one in observation.cross_attended] != list(range(n_layers)):
            n_seen = len(observation.cross_attended)
            seen = ngettext(
                "{n} layer attended to the encoder.",
                "{n} layers attended to the encoder.",
                n_seen,
            )
            raise disagreement(None, seen.format(n=n_seen), fed)
        for number, one in enumerate(observation.cross_attended):
            rows = (one.query.shape[-2], one.key.shape[-2], one.value.shape[-2])
            if rows != (len(fed), self._n_encoder, self._n_encoder):
                seen = _("Cross-attention saw {queries}, {keys} and {values}.")
                raise disagreement(number, seen.format(**counted_rows(*rows)), fed)
            if one.mask is not None and bool(one.mask.any()):
                raise disagreement(number, _("Cross-attention was masked."), fed)
            if one.position_bias is not None and bool(one.position_bias.any()):
                raise disagreement(number, _("Cross-attention had a position bias."), fed)
        for number, layer in enumerate(self._layers):
            writes = layer.take_writes()
            if writes != ([computed] if computed else []):
                wrote = _("The cross-attention cache wrote nothing.")
                if writes:
                    wrote = _("The cross-attention cache wrote positions {ranges}.")
                raise disagreement(number, wrote.format(ranges=position_text(writes)), fed)
            if not layer.is_read_by(observation.cross_attended[number]):
                seen = _("Cross-attention read other rows than the cache's.")
                raise disagreement(number, seen, fed)

    def _rows(self) -> tuple[Tensor, Tensor]:
        """Return all keys and values, as attention read them at the last step."""
        keys = torch.cat([attended.key for attended in self._last])
        return keys, torch.cat([attended.value for attended in self._last])

    def _fingerprints(self) -> Tensor:
        return torch.stack([self._fingerprint(rows) for rows in self._rows()])


class EncoderDecoderRows:
    """The rows of a T5's decoder and of its cross-attention, as one.

    Args:
        cache: How the decoder's rows are kept; those of cross-attention are kept if it keeps any.
        place: What they are rows of, and where they live.
        states: What the encoder made of the prompt, shape ``1 position d_model``.
        encoder: The record of that.
        bias: Gives what the model adds to the scores of these queries and of all keys up to the
            last of them, shape ``1 head query key``.
    """

    def __init__(
        self,
        cache: KVCache,
        place: RowsPlace,
        states: Tensor,
        encoder: EncodingTrace,
        bias: Callable[[range], Tensor],
    ) -> None:
        self._encoder = encoder
        self._own = cache.rows(place)
        self._cross = CrossRows(place, encoder.n_tokens, cache.keeps_rows)
        self._arguments: dict[str, Any] = {
            "encoder_outputs": BaseModelOutput(last_hidden_state=states)
        }
        if cache.keeps_rows:
            own = self._own.arguments(range(0))["past_key_values"]
            self._arguments["past_key_values"] = EncoderDecoderCache(own, self._cross.cache)
        self._bias = bias
        self._biases: list[Tensor] = []

    def fed(self, n_tokens: int) -> range:
        """Return the positions that the decoder's rows ask for."""
        return self._own.fed(n_tokens)

    def arguments(self, fed: range) -> dict[str, Any]:
        """Return both caches, and what the encoder made of the prompt.

        The model counts distances from how many rows there are. Where some are gone it is told
        the bias of those that are there.
        """
        arguments = self._own.arguments(fed) | self._arguments
        if isinstance(self._own, KeptRows):
            self._biases.append(self._bias(fed)[0])
            arguments["kvviz_bias"] = self._bias_there
        return arguments

    def _bias_there(self, layer: int) -> Tensor:
        """Return the bias of the rows that a layer's attention reads."""
        assert isinstance(self._own, KeptRows)
        bias = self._biases[-1]  # head query key
        places = self._own.positions(layer)[:, None].expand(-1, bias.shape[1], -1)
        return bias.gather(-1, places)[None]

    def settle(self, observation: StepObservation, fed: range) -> StepRows:
        """Compare the observers of both attentions."""
        own = self._own.settle(observation, fed)
        cross = self._cross.settle(observation, fed)
        self._keep_bias(observation, fed)
        return replace(
            cross,
            computed=own.computed,
            reused=own.reused,
            n_keys=own.n_keys,
            evicted=own.evicted,
            cache_bytes=own.cache_bytes + cross.cache_bytes,
            max_row_change=max(own.max_row_change, cross.max_row_change),
        )

    def final(self) -> FinalRows:
        """Return the rows of both attentions after the last step."""
        own = self._own.final()
        n_rows = own.queries.shape[-2]
        bias = torch.zeros(own.queries.shape[1], n_rows, n_rows)
        start = 0
        for rows in self._biases:
            stop = start + rows.shape[-2]
            bias[:, start:stop, : rows.shape[-1]] = rows.float().cpu()
            start = stop
        return replace(
            own, position_bias=bias.tril().numpy(), cross=self._cross.final(self._encoder)
        )

    def _keep_bias(self, observation: StepObservation, fed: range) -> None:
        """Keep what was added to the scores, which all layers must share.

        They cannot where each has rows of its own; what they share is then kept already.
        """
        if isinstance(self._own, KeptRows):
            return
        biases = {id(one.position_bias): one.position_bias for one in observation.attended}
        first = observation.attended[0].position_bias
        if len(biases) != 1 or first is None:
            seen = ngettext(
                "The layers added {n} position bias.",
                "The layers added {n} position biases.",
                len(biases),
            )
            raise disagreement(None, seen.format(n=len(biases)), fed)
        # Without the cache each step feeds all positions, so that the last tells them all.
        self._biases = [*self._biases, first[0]] if fed.start else [first[0]]
