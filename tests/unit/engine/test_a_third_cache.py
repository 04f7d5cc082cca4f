"""A way of keeping rows that nobody foresaw runs through the decode loop as it is.

What the recipe in CONTRIBUTING says is done here for a cache that is thrown away: one description,
one `Rows`. After each step it drops every row of an odd position, so that the next has no such row
to read; told to drop nothing, it must give what `caches.Full` gives, to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import Cache
from transformers.cache_utils import CacheLayerMixin

import kvviz
from kvviz import caches, trace_generation
from kvviz.engine import head_origin, trace_both
from kvviz.engine.caches.protocol import FinalRows, RowsPlace, StepRows, to_numpy
from kvviz.engine.observing.agreement import check_layers, disagreement
from kvviz.engine.observing.fingerprints import RowFingerprint
from kvviz.errors import ObservationError, OptionsError, TraceError
from tests.parity.tiny_models import PROMPT
from tests.parity.tiny_t5s import TEXT
from tests.trace_files import opened_again
from tests.unit.engine.conftest import hold_same_run

N_NEW = 6


class GrowingLayer(CacheLayerMixin):
    """One layer whose rows lie in tensors just as large as they are."""

    def __init__(self, shape: tuple[int, ...], dtype: torch.dtype) -> None:
        super().__init__()
        self.keys, self.values = torch.empty(shape, dtype=dtype), torch.empty(shape, dtype=dtype)
        self.is_initialized = True

    def update(self, keys: Tensor, values: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        self.keys = torch.cat([self.keys, keys], dim=-2)
        self.values = torch.cat([self.values, values], dim=-2)
        return self.keys, self.values

    def keep(self, places: list[int]) -> None:
        self.keys, self.values = self.keys[..., places, :], self.values[..., places, :]

    def lazy_initialization(self, *_: Any) -> None:
        pass

    def get_seq_length(self) -> int:
        return self.keys.shape[-2]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.get_seq_length() + query_length, 0

    def get_max_length(self) -> int:
        return -1


@dataclass(frozen=True)
class EveryNth:
    """Keep the rows of each n-th position."""

    n: int = 2

    name: ClassVar[str] = "every-nth"
    summary: ClassVar[str] = "The rows of all but each n-th position are dropped after each step."
    keeps_rows: ClassVar[bool] = True

    def rows(self, place: RowsPlace) -> EveryNthRows:
        return EveryNthRows(self.n, place)


class EveryNthRows:
    def __init__(self, n: int, place: RowsPlace) -> None:
        card, self._n, self._place = place.card, n, place
        shape = (1, card.n_kv_heads, 0, card.d_head)
        self.layers = [GrowingLayer(shape, place.dtype) for _ in range(card.n_layers)]
        self._cache = Cache(layers=[*self.layers])
        self._fingerprint = RowFingerprint(card.n_kv_heads, card.d_head, place.device)
        self._kept: list[int] = []
        self._record = torch.empty(2, card.n_layers, card.n_kv_heads, 0, card.d_head)
        self._written = torch.empty(2, card.n_layers, 0, dtype=torch.int64)
        self._last_seen = self._written
        self._queries: list[Tensor] = []
        self._scales: list[float] = []

    def fed(self, n_tokens: int) -> range:
        return range(self._written.shape[-1], n_tokens)

    def arguments(self, fed: range) -> dict[str, Any]:
        # The cache is shorter than the text, so that its length tells no position.
        return {
            "past_key_values": self._cache,
            "use_cache": True,
            "position_ids": torch.tensor([list(fed)]),
        }

    def settle(self, observation, fed: range) -> StepRows:
        card = self._place.card
        reused = np.array(self._kept, dtype=np.int64)
        there = [*self._kept, *fed]
        check_layers(observation, card.n_layers, self._place.n_projections, fed, len(there))
        for number, (layer, attended) in enumerate(
            zip(self.layers, observation.attended, strict=True)
        ):
            if attended.key is not layer.keys or attended.value is not layer.values:
                raise disagreement(number, "Attention read other rows than the cache's.", fed)
        rows = self._rows()
        prints = torch.stack([self._fingerprint(one) for one in rows])
        new = slice(len(self._kept), None)
        self._record = torch.cat([self._record, rows[..., new, :]], dim=-2)
        self._written = torch.cat([self._written, prints[..., new]], dim=-1)
        self._last_seen = torch.cat([self._last_seen, prints[..., new]], dim=-1)
        self._last_seen[..., there] = prints  # of those that go now, for the last time
        self._queries.append(torch.cat([one.query for one in observation.attended]))
        self._scales = [one.scaling for one in observation.attended]
        gone = [position for position in there if position % self._n]
        self._kept = [position for position in there if not position % self._n]
        for layer in self.layers:
            layer.keep([there.index(position) for position in self._kept])
        heads = np.indices((card.n_layers, card.n_kv_heads, len(gone))).reshape(3, -1)
        evicted = np.stack([*heads[:2], np.array(gone, dtype=np.int64)[heads[2]]])
        return StepRows(
            computed=fed,
            reused=reused,
            n_keys=len(there),
            cache_bytes=sum(one.keys.nbytes + one.values.nbytes for one in self.layers),
            evicted=evicted,
        )

    def final(self) -> FinalRows:
        self._last_seen[..., self._kept] = torch.stack(
            [self._fingerprint(one) for one in self._rows()]
        )
        if not torch.equal(self._written, self._last_seen):
            raise ObservationError("A row changed.")
        keys, values = to_numpy(self._record)
        return FinalRows(
            queries=to_numpy(torch.cat(self._queries, dim=-2)),
            keys=keys,
            values=values,
            score_scale=np.array(self._scales, dtype=np.float32),
            written_fingerprints=self._written.numpy(),
            final_fingerprints=self._last_seen.numpy(),
        )

    def _rows(self) -> Tensor:
        keys = torch.cat([layer.keys for layer in self.layers])
        return torch.stack([keys, torch.cat([layer.values for layer in self.layers])])


@pytest.fixture(scope="module")
def trace(model):
    return trace_generation(model, PROMPT, max_new_tokens=N_NEW, cache=EveryNth(2))


def test_every_way_of_keeping_rows_is_listed_with_a_line():
    assert [*caches.ALL.items()][:2] == [("full", caches.Full), ("recomputed", caches.Recomputed)]
    assert [kind.name for kind in caches.ALL.values()] == [*caches.ALL]
    assert all(kind.summary.endswith(".") for kind in caches.ALL.values())


def test_its_steps_say_what_was_reused_computed_and_dropped(trace):
    card, n_prompt = trace.model, trace.n_prompt
    for number, step in enumerate(trace.steps):
        n_rows = n_prompt + number
        first = n_rows - 1 if number else 0
        assert step.computed.tolist() == step.fed.tolist() == list(range(first, n_rows))
        assert step.reused.tolist() == list(range(0, first, 2))
        new_odd = [position for position in range(first, n_rows) if position % 2]
        assert np.unique(step.evicted[2]).tolist() == new_odd
        assert step.evicted.shape[1] == card.n_layers * card.n_kv_heads * len(new_odd)
        live = np.arange(trace.n_rows)
        live = (live < n_rows) & ((live % 2 == 0) | (live >= first))
        assert np.array_equal(trace.live(number, 1), np.repeat(live[None], card.n_kv_heads, 0))
        kept = (n_rows + 1) // 2
        assert step.cache_bytes == kept * card.cache_bytes_per_token
    assert trace.reuse_is_proven
    assert repr(trace).endswith("every-nth cache>")
    assert trace.options.cache.settings == (("n", 2),)


def test_its_flops_are_those_of_the_rows_it_read(trace):
    last = trace.steps[-1]
    expected = kvviz.trace.forward_flops(trace.model, 1, last.reused.size + 1)
    assert last.flops == expected


def test_its_pattern_is_an_attention_over_the_kept_rows_alone(trace):
    for layer in range(trace.model.n_layers):
        keys = torch.tensor(trace.keys(layer))
        for head in range(trace.model.n_heads):
            pattern, scores = trace.pattern(layer, head), trace.scores(layer, head)
            for query in range(trace.n_rows):
                live = [k for k in range(query + 1) if query < trace.n_prompt or k % 2 == 0]
                live = sorted({*live, query})
                row = torch.tensor(trace.queries[layer, head, query]) @ keys[head, live].T
                weights = (row * float(trace.score_scale[layer])).softmax(-1).numpy()
                np.testing.assert_allclose(pattern[query, live], weights, atol=1e-6)
                hidden = np.setdiff1d(np.arange(trace.n_rows), live)
                assert np.isnan(pattern[query, hidden]).all()
                assert np.isnan(scores[query, hidden]).all()
            np.testing.assert_allclose(np.nansum(pattern, axis=1), 1, atol=1e-6)


def test_its_rows_differ_from_those_of_a_full_cache_only_once_some_are_gone(model, trace):
    full = trace_generation(model, PROMPT, max_new_tokens=N_NEW)
    n = trace.n_prompt
    assert np.array_equal(trace.keys(2)[:, :n], full.keys(2)[:, :n])
    assert np.array_equal(trace.steps[0].top_ids, full.steps[0].top_ids)
    assert not np.array_equal(trace.keys(2)[:, n], full.keys(2)[:, n])


def test_keeping_every_row_it_gives_what_the_full_cache_gives_to_the_last_bit(model):
    full = trace_generation(model, PROMPT, max_new_tokens=N_NEW, cache=caches.Full())
    every = trace_generation(model, PROMPT, max_new_tokens=N_NEW, cache=EveryNth(1))
    hold_same_run(full, every)
    assert np.array_equal(full.pattern(1, 1), every.pattern(1, 1), equal_nan=True)


def test_on_and_off_mean_the_two_that_there_were(model):
    for use_cache, cache in ((True, caches.Full()), (False, caches.Recomputed())):
        by_name = trace_generation(model, PROMPT, max_new_tokens=3, cache=cache)
        by_switch = trace_generation(model, PROMPT, max_new_tokens=3, use_cache=use_cache)
        assert by_name.options == by_switch.options
        assert by_name.options.cache is None
        assert by_name.options.cache_name == cache.name
        assert np.array_equal(by_name.all_keys, by_switch.all_keys)


def test_it_is_saved_and_opened_bit_for_bit(trace):
    again = opened_again(trace)
    assert again.options == trace.options
    assert np.array_equal(again.pattern(2, 1), trace.pattern(2, 1), equal_nan=True)


def test_observers_catch_one_that_drops_nothing_and_says_it_did(model, monkeypatch):
    monkeypatch.setattr(GrowingLayer, "keep", lambda *_: None)
    with pytest.raises(ObservationError, match="Attention saw 1 query, 13 keys and 13 values"):
        trace_generation(model, PROMPT, max_new_tokens=3, cache=EveryNth(2))


def test_a_full_trace_may_not_say_that_it_dropped_rows(trace):
    with pytest.raises(TraceError, match="keeps every row drops none"):
        replace(trace, options=replace(trace.options, cache=None))


def test_a_row_that_is_gone_does_not_come_back(trace):
    first = trace.steps[0]
    steps = [replace(first, evicted=first.evicted[:, 1:]), *trace.steps[1:]]
    with pytest.raises(TraceError, match="A step does not do what its kind of run does"):
        replace(trace, steps=[*steps[:1], replace(steps[1], reused=np.arange(3)), *steps[2:]])
    twice = replace(trace.steps[1], evicted=first.evicted)
    with pytest.raises(TraceError, match="gone for good"):
        replace(trace, steps=[first, twice, *trace.steps[2:]])


@pytest.mark.parametrize(
    ("cache", "use_cache", "words"),
    [
        ("full", True, "description of a way of keeping rows"),
        (caches.Full, True, "description of a way of keeping rows"),
        (caches.Full(), False, "a cache and none"),
        (None, 1, r"on \(True\) or off \(False\)"),
        (EveryNth([2]), True, "plain values"),
    ],
)
def test_what_is_no_cache_is_refused(model, cache, use_cache, words):
    with pytest.raises(OptionsError, match=words):
        trace_generation(model, PROMPT, max_new_tokens=2, cache=cache, use_cache=use_cache)


def test_a_t5_takes_all_or_nothing(t5, model):
    with pytest.raises(
        OptionsError, match="does not take this way of keeping the rows of its decoder"
    ):
        trace_generation(t5, TEXT, max_new_tokens=2, cache=EveryNth())
    assert trace_generation(t5, TEXT, max_new_tokens=2, cache=caches.Recomputed()).cross
    assert trace_both(model, PROMPT, max_new_tokens=2).same_tokens


def test_how_its_rows_came_about_is_told_in_the_first_layer_and_refused_in_words_above(
    model, trace
):
    assert max(head_origin(model, trace, 0, 1).within.values()) < 1e-5  # float32 sums
    with pytest.raises(ObservationError, match=r"what every-nth \(n = 2\) had kept.*at layer 0"):
        head_origin(model, trace, 2, 1)


def test_it_cannot_stand_for_the_full_cache_in_a_comparison(model, trace):
    both = trace_both(model, PROMPT, max_new_tokens=N_NEW)
    with pytest.raises(TraceError, match=r"with the full cache.*'every-nth' and 'recomputed'"):
        replace(both, cached=trace)
